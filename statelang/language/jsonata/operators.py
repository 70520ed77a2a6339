"""Operators of two values: arithmetic, comparison, concatenation, membership, ranges.

Rule: an operator is one function of the two values and the run, and one row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.text import text_of
from statelang.language.jsonata.values import UNDEFINED, Value, equal, is_array, is_number, is_numeric, number, units

MOST: Final = 10_000_000
"""How many items a range may have."""

Operator = Callable[[Value, Value, Run], Value]


def _numeric(perform: Callable[[float, float], float]) -> Operator:
    def numeric(left: Value, right: Value, run: Run) -> Value:
        if left is not UNDEFINED:
            _finite(left, "T2001")
        if right is not UNDEFINED:
            _finite(right, "T2002")
        if left is UNDEFINED or right is UNDEFINED:
            return UNDEFINED
        return number(perform(number(left), number(right)))

    return numeric


def _finite(value: Value, code: str) -> None:
    if not is_numeric(value):
        raise JsonataError(code, value=value)


def _add(left: float, right: float) -> float:
    return left + right


def _subtract(left: float, right: float) -> float:
    return left - right


def _multiply(left: float, right: float) -> float:
    if not left or not right:  # the sign of a zero
        return float(left) * float(right)
    return left * right


def _divide(left: float, right: float) -> float:
    try:
        return left / right
    except ZeroDivisionError:
        if left == 0:
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1, right)


def _remainder(left: float, right: float) -> float:
    return math.fmod(left, right) if right else math.nan


def _comparison(holds: Callable[[Value, Value], bool]) -> Operator:
    def comparison(left: Value, right: Value, run: Run) -> Value:
        for value in (left, right):
            if not (value is UNDEFINED or isinstance(value, str) or is_number(value)):
                raise JsonataError("T2010", value=value)
        if left is UNDEFINED or right is UNDEFINED:
            return UNDEFINED
        if isinstance(left, str) != isinstance(right, str):
            raise JsonataError("T2009", value=left, value2=right)
        if isinstance(left, str) and not (left.isascii() and right.isascii()):
            return holds(units(left), units(right))
        return holds(left, right) if isinstance(left, str) else holds(number(left), number(right))

    return comparison


def _equals(left: Value, right: Value, run: Run) -> Value:
    return left is not UNDEFINED and right is not UNDEFINED and equal(left, right, run.step)


def _differs(left: Value, right: Value, run: Run) -> Value:
    return left is not UNDEFINED and right is not UNDEFINED and not equal(left, right, run.step)


def _concatenate(left: Value, right: Value, run: Run) -> Value:
    one = "" if left is UNDEFINED else text_of(left, run)
    other = "" if right is UNDEFINED else text_of(right, run)
    run.allocate(2 * (len(one) + len(other)))
    return one + other


def _includes(left: Value, right: Value, run: Run) -> Value:
    if left is UNDEFINED or right is UNDEFINED:
        return False
    items = right if is_array(right) else [right]
    if isinstance(left, str) or type(items) is range:
        run.step(len(items) >> 6)
        return left in items if isinstance(left, str) else is_number(left) and number(left) in items
    run.step(len(items) >> 3)
    if isinstance(left, (list, dict)):
        return any(left is item for item in items)
    return any(equal(left, item, run.step) for item in items)


def range_of(left: Value, right: Value, run: Run) -> Value:
    """`left..right`, lazily."""
    for value, code in ((left, "T2003"), (right, "T2004")):
        if value is not UNDEFINED and not (type(value) is int or (type(value) is float and value.is_integer())):
            raise JsonataError(code, value=value)
    if left is UNDEFINED or right is UNDEFINED or left > right:
        return UNDEFINED
    size = number(right - left + 1)
    if size > MOST:
        raise JsonataError("D2014", value=size)
    if not run.bounds.lazy:
        run.allocate(8 * int(size))
    return range(int(left), int(right) + 1)


OPERATORS: Final[dict[str, Operator]] = {
    "+": _numeric(_add),
    "-": _numeric(_subtract),
    "*": _numeric(_multiply),
    "/": _numeric(_divide),
    "%": _numeric(_remainder),
    "=": _equals,
    "!=": _differs,
    "<": _comparison(lambda left, right: bool(left < right)),
    "<=": _comparison(lambda left, right: bool(left <= right)),
    ">": _comparison(lambda left, right: bool(left > right)),
    ">=": _comparison(lambda left, right: bool(left >= right)),
    "&": _concatenate,
    "in": _includes,
}
