"""Choice rules: the 39 comparisons, And, Or and Not (asl.md 4).

Rule: a comparison is one row of COMPARISONS: what it asks of the variable's value and of the other one. Values of a
wrong type compare as false; a variable that is missing is an error, except for IsPresent.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from statelang.errors import Fault
from statelang.language.jsonpath import PathError
from statelang.language.paths import NULL_INPUT, RUNTIME, compile_read, looks_into_null
from statelang.language.problems import Malformed
from statelang.language.scope import Scope
from statelang.language.timestamps import parse_timestamp
from statelang.values import Json

Predicate = Callable[[Scope], bool]
Compare = Callable[[Any, Any], bool]
Operand = Callable[[Json], Any]
"""A value as the comparison takes it; None where it is of the wrong type."""


class Comparison(NamedTuple):
    """What a comparison does: `operand` reads both sides, `compare` decides."""

    operand: Operand
    compare: Compare


def _text(value: Json) -> Any:
    return value.encode("utf-16-be") if isinstance(value, str) else None


def _number(value: Json) -> Any:
    return value if type(value) in (int, float) else None


def _boolean(value: Json) -> Any:
    return value if isinstance(value, bool) else None


_ORDERS: Final[Mapping[str, Compare]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}

COMPARISONS: Final[Mapping[str, Comparison]] = {
    **{f"String{name}": Comparison(_text, compare) for name, compare in _ORDERS.items()},
    **{f"Numeric{name}": Comparison(_number, compare) for name, compare in _ORDERS.items()},
    **{f"Timestamp{name}": Comparison(parse_timestamp, compare) for name, compare in _ORDERS.items()},
    "BooleanEquals": Comparison(_boolean, operator.eq),
}
"""The comparisons that exist with a literal and, with `Path` after the name, with another path."""

TESTS: Final[Mapping[str, Callable[[Json], bool]]] = {
    "IsNull": lambda value: value is None,
    "IsNumeric": lambda value: _number(value) is not None,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: parse_timestamp(value) is not None,
}
"""The tests of a value's type; IsPresent, which asks for the path, stands apart."""

OPERATORS: Final = (
    *COMPARISONS,
    *(f"{name}Path" for name in COMPARISONS),
    *TESTS,
    "IsPresent",
    "StringMatches",
)
"""The names of all 39."""

COMBINATORS: Final = ("And", "Or", "Not")


def compile_rule(rule: Mapping[str, Json]) -> Predicate:
    """The predicate of a rule. Raises Malformed with the pointer of what is wrong within it.

    Variable may be any path; only Reference Paths know escapes (`$.store\\.book`).
    """
    for name in COMBINATORS:
        if name in rule:
            return _combined(name, rule[name])
    name = next((key for key in rule if key in OPERATORS), "")
    if not name:
        raise Malformed("a Choice rule needs a comparison", 0)
    variable = rule.get("Variable")
    if not isinstance(variable, str):
        raise Malformed("Variable must be a path", 0, "/Variable")
    try:
        read = compile_read(variable, reference="\\" in variable)
    except Malformed as problem:
        raise Malformed(problem.message, problem.offset, "/Variable") from None
    return _comparison(name, rule[name], read, variable)


def _combined(name: str, value: Any) -> Predicate:
    if name == "Not":
        inner = _part(value, "/Not")
        return lambda scope: not inner(scope)
    parts = [_part(item, f"/{name}/{index}") for index, item in enumerate(value)]
    if name == "And":
        return lambda scope: all(part(scope) for part in parts)
    return lambda scope: any(part(scope) for part in parts)


def _part(rule: Any, pointer: str) -> Predicate:
    try:
        return compile_rule(rule)
    except Malformed as problem:
        raise Malformed(problem.message, problem.offset, pointer + problem.pointer) from None


def _comparison(name: str, value: Json, read: Callable[[Scope], Json], variable: str) -> Predicate:
    if name == "IsPresent":
        return _present(read, bool(value))
    needed = _needed(read, variable)
    if name in TESTS:
        return _tested(TESTS[name], needed, bool(value))
    if name == "StringMatches":
        return _matching(str(value), needed)
    if name in COMPARISONS:
        return _against(COMPARISONS[name], needed, value)
    try:
        other = compile_read(str(value), reference=True)
    except Malformed as problem:
        raise Malformed(problem.message, problem.offset, f"/{name}") from None
    return _against_path(COMPARISONS[name.removesuffix("Path")], needed, _needed(other, str(value)))


def _needed(read: Callable[[Scope], Json], path: str) -> Callable[[Scope], Json]:
    def needed(scope: Scope) -> Json:
        try:
            return read(scope)
        except PathError:
            if looks_into_null(path, scope):
                raise Fault(RUNTIME, NULL_INPUT) from None
            wrong = "The choice state's condition path references an invalid value."
            raise Fault(RUNTIME, f"Invalid path '{path}': {wrong}") from None

    return needed


def _present(read: Callable[[Scope], Json], wanted: bool) -> Predicate:
    def present(scope: Scope) -> bool:
        try:
            read(scope)
        except PathError:
            return not wanted
        return wanted

    return present


def _tested(test: Callable[[Json], bool], read: Callable[[Scope], Json], wanted: bool) -> Predicate:
    return lambda scope: test(read(scope)) is wanted


def _against(comparison: Comparison, read: Callable[[Scope], Json], value: Json) -> Predicate:
    operand, compare = comparison
    right = operand(value)

    def against(scope: Scope) -> bool:
        left = operand(read(scope))
        return left is not None and right is not None and compare(left, right)

    return against


def _against_path(comparison: Comparison, read: Callable[[Scope], Json], other: Callable[[Scope], Json]) -> Predicate:
    operand, compare = comparison

    def against(scope: Scope) -> bool:
        left, right = operand(read(scope)), operand(other(scope))
        return left is not None and right is not None and compare(left, right)

    return against


def _matching(pattern: str, read: Callable[[Scope], Json]) -> Predicate:
    compiled = _pattern(pattern)

    def matches(scope: Scope) -> bool:
        value = read(scope)
        if compiled is None:
            raise Fault(RUNTIME, f"The StringMatches pattern '{pattern}' has a backslash that escapes nothing.")
        return isinstance(value, str) and _wild(compiled, value)

    return matches


def _pattern(pattern: str) -> list[str] | None:
    """The literal parts between the asterisks; None where a backslash stands before neither * nor another backslash."""
    if re.fullmatch(r"(?:[^\\]|\\[*\\])*", pattern, re.DOTALL) is None:
        return None
    parts = [""]
    for piece in re.findall(r"\\.|[^\\]", pattern, re.DOTALL):
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece[-1]
    return parts


def _wild(parts: list[str], text: str) -> bool:
    """Whether a text is these parts with anything between them; takes time in proportion to the text."""
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True
