"""Functions that take functions: each is called with as many arguments as it looks at.

Rule: what counts as missing is left out of a result.
"""

from __future__ import annotations

from typing import Any

from statelang.language.jsonata.calls import applied
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.registry import builtin
from statelang.language.jsonata.regexes import split_pairs
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.values import UNDEFINED, Function, Sequence, Value, boolean, is_array


def _listed(values: Value) -> Value:
    """What a loop over the items goes through where nobody checked them (partial application)."""
    if is_array(values):
        return values
    if values is None:
        raise JsonataError("JS:TypeError", template="Cannot read properties of null (reading 'length')")
    return list(split_pairs(values)) if isinstance(values, str) else ()


@builtin("map", "<af>", constant=True)
def map_(run: Run, values: Value, function: Value) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    values = _listed(values)
    perform = applied(run, function)
    run.step(len(values))
    run.allocate(8 * len(values))
    found = Sequence()
    for index, value in enumerate(values):
        result = perform(value, index, values)
        if result is not UNDEFINED:
            found.append(result)
    return found


@builtin("filter", "<af>")
def filter_(run: Run, values: Value, function: Value) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    values = _listed(values)
    perform = applied(run, function)
    run.step(len(values))
    found = Sequence()
    for index, value in enumerate(values):
        if boolean(perform(value, index, values), run.step):
            found.append(value)
    return found


@builtin("single", "<af?>", constant=True)
def single(run: Run, values: Value, function: Value = UNDEFINED) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    values = _listed(values)
    perform = None if function is UNDEFINED else applied(run, function)
    run.step(len(values))
    found: list[Any] = []
    for index, value in enumerate(values):
        if perform is None or boolean(perform(value, index, values), run.step):
            if found:
                raise JsonataError("D3138", index=index)
            found.append(value)
    if not found:
        raise JsonataError("D3139")
    return found[0]


@builtin("reduce", "<afj?:j>", constant=True)
def reduce(run: Run, values: Value, function: Value, first: Value = UNDEFINED) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    values = _listed(values)
    if isinstance(function, Function) and function.arity < 2:
        raise JsonataError("D3050", index=1)
    perform = applied(run, function, 4)
    run.step(len(values))
    index, result = 0, first
    if first is UNDEFINED and len(values) > 0:
        index, result = 1, values[0]
    for place in range(index, len(values)):
        result = perform(result, values[place], place, values)
    return result
