"""Numbers: casting, rounding, aggregation.

Rule: every result is a double.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import reduce
from operator import add

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.registry import ITEMS, builtin
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.values import EXACT, UNDEFINED, Value, is_number, number, number_text

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
_RADIX = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][0-1]+")


@builtin("sum", "<a<n>:n>", constant=True)
def sum_(run: Run, values: Value) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    return number(_total(run, values))


def _total(run: Run, values: Value) -> float:
    """The sum from left to right, as doubles add up; the built-in `sum` is exact for integers alone."""
    run.step(len(values) >> ITEMS)
    if set(map(type, values)) == {int}:
        total = sum(values)
        if abs(total) <= EXACT:
            return total
    return reduce(add, values, 0.0)


@builtin("count", "<a:n>", constant=True)
def count(run: Run, values: Value) -> Value:
    return 0 if values is UNDEFINED else len(values)


@builtin("max", "<a<n>:n>", constant=True)
def max_(run: Run, values: Value) -> Value:
    return _best(run, values, max)


@builtin("min", "<a<n>:n>", constant=True)
def min_(run: Run, values: Value) -> Value:
    return _best(run, values, min)


def _best(run: Run, values: Value, choose: Callable[[Value], Value]) -> Value:
    if values is UNDEFINED or len(values) == 0:
        return UNDEFINED
    run.step(len(values) >> ITEMS)
    return choose(values)


@builtin("average", "<a<n>:n>", constant=True)
def average(run: Run, values: Value) -> Value:
    if values is UNDEFINED or len(values) == 0:
        return UNDEFINED
    return number(_total(run, values) / len(values))


@builtin("number", "<(nsb)-:n>")
def number_(run: Run, value: Value) -> Value:
    if value is UNDEFINED or is_number(value):
        return value
    if value is True or value is False:
        return int(value)
    if _DECIMAL.fullmatch(value):
        found = float(value) if len(value) > 15 or not value.lstrip("-").isdigit() else int(value)
        if math.isfinite(found):
            return number(found)
    elif _RADIX.fullmatch(value):
        return number(int(value, 0))
    raise JsonataError("D3030", value=value, index=1)


@builtin("abs", "<n-:n>", constant=True)
def abs_(run: Run, value: Value) -> Value:
    return UNDEFINED if value is UNDEFINED else abs(value)


@builtin("floor", "<n-:n>", constant=True)
def floor(run: Run, value: Value) -> Value:
    return value if value is UNDEFINED or not math.isfinite(value) else number(math.floor(value))


@builtin("ceil", "<n-:n>", constant=True)
def ceil(run: Run, value: Value) -> Value:
    return value if value is UNDEFINED or not math.isfinite(value) else number(math.ceil(value))


@builtin("round", "<n-n?:n>", constant=True)
def round_(run: Run, value: Value, precision: Value = UNDEFINED) -> Value:
    if value is UNDEFINED or not math.isfinite(value):
        return value
    if precision is not UNDEFINED and precision != precision // 1:
        return math.nan
    places = 0 if precision is UNDEFINED else int(precision)
    shifted = _shifted(value, places)
    if not math.isfinite(shifted):
        return number(shifted)
    result: float = math.floor(shifted)
    rest = shifted - result
    if rest > 0.5 or (rest == 0.5 and result % 2):
        result += 1
    result = _shifted(result, -places)
    return number(result) if result else 0


def _shifted(value: float, places: int) -> float:
    """The decimal point moved, in the number's text, where doubles would lose digits."""
    if not places:
        return value
    mantissa, _, exponent = number_text(value).partition("e")
    return float(f"{mantissa}e{int(exponent or 0) + places}")


@builtin("sqrt", "<n-:n>", constant=True)
def sqrt(run: Run, value: Value) -> Value:
    if value is UNDEFINED:
        return UNDEFINED
    if value < 0:
        raise JsonataError("D3060", index=1, value=value)
    return number(math.sqrt(value))


@builtin("power", "<n-n:n>", constant=True)
def power(run: Run, base: Value, exponent: Value) -> Value:
    if base is UNDEFINED:
        return UNDEFINED
    from statelang.language.jsonata.functions.powers import power as raised

    result = math.nan if exponent is UNDEFINED else raised(base, exponent)
    if not math.isfinite(result):
        raise JsonataError("D3061", index=1, value=base, exp=exponent)
    return number(result)


@builtin("random", "<:n>", constant=True)
def random(run: Run) -> Value:
    return run.chance.fraction()
