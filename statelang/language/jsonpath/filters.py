"""Filters: what stands in `[?(…)]`, as a test of one item.

Rule: Jayway splits the text without regard to parentheses and quotes, and so do we (query-languages.md, JSONPath 5).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from statelang.language.jsonpath.errors import InvalidPath, PathNotFound
from statelang.language.jsonpath.java import java_text
from statelang.language.jsonpath.parser import parse
from statelang.language.jsonpath.tokens import Evaluation, Test, Token
from statelang.values import Json

REGEX_SECONDS: Final = 1.0
"""How long one regular expression may take on one text."""

OPERATORS: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
"""In the order in which they are looked for; `=~` comes last."""

_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class Incomparable(Exception):
    """Values of kinds that Jayway does not compare: the test is false."""


Operand = Callable[[Json, Json], Any]
"""(item, root document) -> the operand's value."""


def parse_filter(text: str) -> Test:
    """The test of a filter; `text` is all of it, from `[` to `]`. Raises InvalidPath."""
    inner = text[1:-1].strip().removeprefix("?").strip()
    if not (inner.startswith("(") and inner.endswith(")") and len(inner) > 1):
        raise InvalidPath(f"Filter must start with '[?(' and end with ')]'. {inner}")
    return _join(re.split(r"(&&|\|\|)", inner[1:-1].strip()))


def _join(parts: list[str]) -> Test:
    """Criteria joined by && and ||, the rightmost first."""
    test = _criterion(parts[-1])
    for index in range(len(parts) - 3, -1, -2):
        test = (
            _both(_criterion(parts[index]), test)
            if parts[index + 1] == "&&"
            else _either(_criterion(parts[index]), test)
        )
    return test


def _both(left: Test, right: Test) -> Test:
    return lambda item, root: left(item, root) and right(item, root)


def _either(left: Test, right: Test) -> Test:
    return lambda item, root: left(item, root) or right(item, root)


def _criterion(text: str) -> Test:
    found = next((symbol for symbol in (*OPERATORS, "=~") if symbol in text), "")
    left, _, right = (text.strip(), "", "") if not found else text.partition(found)
    left, right = left.strip(), right.strip()
    if not found and _is_path(left):
        return _exists(left)
    first, second = _operand(left), _operand(right, negated=False)
    if not found:
        raise NotImplementedError("CriteriaType  can not be parsed")
    return _guarded(_matching(first, second) if found == "=~" else _comparing(OPERATORS[found], first, second))


def _guarded(test: Test) -> Test:
    """A comparison whose operand is missing, or not of a comparable kind, is false."""

    def guarded(item: Json, root: Json) -> bool:
        try:
            return test(item, root)
        except (PathNotFound, Incomparable):
            return False

    return guarded


def _is_path(text: str) -> bool:
    return text.startswith(("$", "@", "!@"))


def _exists(text: str) -> Test:
    wanted = not text.startswith("!")
    read = _path(text.removeprefix("!"))

    def exists(item: Json, root: Json) -> bool:
        try:
            return (read(item, root) is not None) is wanted
        except PathNotFound:
            return not wanted

    return exists


def _path(text: str) -> Operand:
    first: Token = parse(text, parse_filter)[0]
    if not first.rest_definite:
        raise InvalidPath(f"the predicate path: {text} is not definite")
    of_root = text.startswith("$")

    def read(item: Json, root: Json) -> Json:
        run = Evaluation(root)
        first.evaluate("", root if of_root else item, run)
        if not run.found:
            raise PathNotFound(f"No results for path: {first}")
        return run.found[0]

    return read


def _operand(text: str, *, negated: bool = True) -> Operand:
    if _is_path(text):
        if text.startswith("!") and not negated:
            raise InvalidPath("Invalid negation! Can only be used for existence check e.g [?(!@.foo)]")
        return _path(text.removeprefix("!"))
    value: Any = text
    if len(text) > 1 and text[0] == text[-1] == "'":
        value = text[1:-1]
    elif re.fullmatch(r"/.*/i?", text, re.DOTALL):
        value = _pattern(text)
    return lambda item, root: value


def _pattern(text: str) -> Any:
    import regex

    body, _, flags = text[1:].rpartition("/")
    try:
        return regex.compile(body, regex.ASCII | (regex.IGNORECASE if flags else 0))  # as Java reads \d and \w
    except regex.error as problem:
        raise InvalidPath(f"java.util.regex.PatternSyntaxException: {problem}") from None


def _matching(left: Operand, right: Operand) -> Test:
    def matches(item: Json, root: Json) -> bool:
        target, pattern = left(item, root), right(item, root)
        if not hasattr(pattern, "fullmatch"):
            target, pattern = pattern, target
        if not hasattr(pattern, "fullmatch"):
            raise InvalidPath("java.lang.ClassCastException: =~ needs a pattern such as /a.*/")
        if target is None:
            return False
        try:
            return pattern.fullmatch(java_text(target), timeout=REGEX_SECONDS) is not None
        except TimeoutError:
            raise InvalidPath(f"the pattern /{pattern.pattern}/ takes too long") from None

    return matches


def _comparing(compare: Callable[[int, int], bool], left: Operand, right: Operand) -> Test:
    def holds(item: Json, root: Json) -> bool:
        model, expected = left(item, root), right(item, root)
        if compare in (operator.gt, operator.ge, operator.lt, operator.le) and (expected is None) != (model is None):
            return False
        return compare(0, _order(expected, model))

    return holds


def _order(expected: Any, model: Any) -> int:
    """Negative, zero or positive as `expected` is below, at or above `model`: Jayway's safeCompare."""
    nullish, other = expected in (None, "null"), model in (None, "null")
    if nullish or other:
        return other - nullish
    if isinstance(expected, str) and isinstance(model, str):
        first, second = expected.replace("\\'", "'").encode("utf-16-be"), model.encode("utf-16-be")
        return (first > second) - (first < second)
    if isinstance(model, bool):
        if isinstance(expected, bool):
            return expected - model
        if isinstance(expected, str):
            return (expected.lower() == "true") - model
    elif isinstance(model, (int, float)) and not isinstance(expected, bool):
        if isinstance(expected, str):
            number, exact = _decimal(expected), Decimal(repr(model))
            return (number > exact) - (number < exact)
        if isinstance(expected, (int, float)):
            return (expected > model) - (expected < model)
    raise Incomparable


def _decimal(text: str) -> Decimal:
    try:
        if _DECIMAL.fullmatch(text):
            return Decimal(text)
    except InvalidOperation:
        pass
    character = next((c for c in text if not (c.isdigit() or c in "+-.eE")), None)
    if character is None:
        raise InvalidPath(f"the filter's operand {text!r} is no number")
    raise InvalidPath(
        f'Character {character} is neither a decimal digit number, decimal point, nor "e" notation exponential mark.'
    )
