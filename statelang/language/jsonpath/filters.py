"""Filters: what stands in `[?(…)]`, as a test of one item.

Rule: Jayway splits the text without regard to parentheses and quotes, and so do we (query-languages.md, JSONPath 5).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from statelang.language.jsonpath.errors import InvalidPath, PathNotFound
from statelang.language.jsonpath.java import java_text
from statelang.language.jsonpath.parser import BLANKS, char_at, parse
from statelang.language.jsonpath.regexes import compile_regex
from statelang.language.jsonpath.tokens import Evaluation, Test, Token
from statelang.language.patterns import TooSlow, attempt
from statelang.values import Json

STEP: Final = 5
"""How many values are looked at in the time of one step of a search."""

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


Operand = Callable[[Json, Evaluation], Any]
"""(item, the evaluation) -> the operand's value."""


def parse_filter(text: str) -> Test:
    """The test of a filter; `text` is all of it, from `[` to `]`. Raises InvalidPath."""
    inner = text[1:-1].strip(BLANKS)
    if not inner.startswith("?"):
        raise InvalidPath(f"Filter must start with '[?' and end with ']'. {inner}")
    inner = inner[1:].strip(BLANKS)
    if not (inner.startswith("(") and inner.endswith(")") and len(inner) > 1):
        raise InvalidPath(f"Filter must start with '[?(' and end with ')]'. {inner}")
    inner = inner[1:-1].strip(BLANKS)
    return _join([part.strip(BLANKS) for part in re.split(r"(&&|\|\|)", inner) if part] or [""], inner)


def _join(parts: list[str], text: str) -> Test:
    """Criteria joined by && and ||, the rightmost first."""
    joints = [part for part in parts if part in ("&&", "||")]
    criteria = [_criterion(_bare(part)) for part in parts if part not in ("&&", "||")]
    if len(criteria) <= len(joints) and "&&" in joints[: len(joints) - len(criteria) + 1]:
        raise InvalidPath("java.util.EmptyStackException")
    if len(criteria) != len(joints) + 1:
        raise InvalidPath(f"Invalid operators {text}")
    test = criteria.pop()
    for joint in reversed(joints):
        test = (_both if joint == "&&" else _either)(test, criteria.pop())
    return test


def _bare(text: str) -> str:
    """A criterion without the parentheses around it."""
    start, end = 0, len(text)
    while char_at(text, start) in "[?( ":
        start += 1
    while char_at(text, end - 1) in ") ":
        end -= 1
    return text[start:end]


def _both(left: Test, right: Test) -> Test:
    return lambda item, run: left(item, run) and right(item, run)


def _either(left: Test, right: Test) -> Test:
    return lambda item, run: left(item, run) or right(item, run)


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

    def guarded(item: Json, run: Evaluation) -> bool:
        try:
            return test(item, run)
        except (PathNotFound, Incomparable):
            return False

    return guarded


def _is_path(text: str) -> bool:
    return text.startswith(("$", "@", "!@"))


def _exists(text: str) -> Test:
    wanted = not text.startswith("!")
    read = _path(text.removeprefix("!"))

    def exists(item: Json, run: Evaluation) -> bool:
        try:
            return (read(item, run) is not None) is wanted
        except PathNotFound:
            return not wanted

    return exists


def _path(text: str) -> Operand:
    first: Token = parse(text, parse_filter)[0]
    if not first.rest_definite:
        raise InvalidPath(f"the predicate path: {text} is not definite")
    of_root = text.startswith("$")

    def read(item: Json, run: Evaluation) -> Json:
        run.step()
        inner = Evaluation(run.root, run.left)
        try:
            first.evaluate((), run.root if of_root else item, inner)
        finally:
            run.left = inner.left
        if not inner.found:
            raise PathNotFound(f"No results for path: {first}")
        return inner.found[0]

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
    return lambda item, run: value


def _pattern(text: str) -> Any:
    body, _, flags = text[1:].rpartition("/")
    try:
        return compile_regex(body, ignore_case=bool(flags))
    except ValueError as problem:
        raise InvalidPath(f"java.util.regex.PatternSyntaxException: {problem}") from None


def _matching(left: Operand, right: Operand) -> Test:
    def matches(item: Json, run: Evaluation) -> bool:
        target, pattern = left(item, run), right(item, run)
        if not hasattr(pattern, "fullmatch"):
            target, pattern = pattern, target
        if not hasattr(pattern, "fullmatch"):
            raise InvalidPath("java.lang.ClassCastException: =~ needs a pattern such as /a.*/")
        if target is None:
            return False
        text = java_text(target)
        run.step(len(text) >> 5)
        try:
            return attempt(pattern.fullmatch, text, spend=lambda steps: run.step(STEP * steps)) is not None
        except TooSlow:
            raise InvalidPath(f"the pattern /{pattern.pattern}/ takes too long") from None

    return matches


def _comparing(compare: Callable[[int, int], bool], left: Operand, right: Operand) -> Test:
    def holds(item: Json, run: Evaluation) -> bool:
        model, expected = left(item, run), right(item, run)
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
        return _text_order(expected.replace("\\'", "'"), model)
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


def _text_order(first: str, second: str) -> int:
    if first.isascii() and second.isascii():
        return (first > second) - (first < second)
    one, other = first.encode("utf-16-be"), second.encode("utf-16-be")  # Java compares UTF-16 units
    return (one > other) - (one < other)


@lru_cache(maxsize=64)
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
