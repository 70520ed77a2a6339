"""Functions that take functions: each is called with as many arguments as it looks at.

Rule: what counts as missing is left out of a result.
"""

from __future__ import annotations

from typing import Any

from statelang.language.jsonata.calls import Function, call
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.registry import builtin
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.values import UNDEFINED, Sequence, Value, boolean


def arity(function: Value) -> int:
    """How many arguments a function looks at."""
    return function.arity if isinstance(function, Function) else 1


def given(function: Value, *arguments: Any) -> list[Any]:
    """The arguments that a function gets of those there are; always the first."""
    return list(arguments[: max(1, arity(function))])


@builtin("map", "<af>")
def map_(run: Run, values: Value, function: Value) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    found = Sequence()
    for index, value in enumerate(values):
        run.step()
        result = call(run, function, given(function, value, index, values))
        if result is not UNDEFINED:
            found.append(result)
    run.allocate(8 * len(found))
    return found


@builtin("filter", "<af>")
def filter_(run: Run, values: Value, function: Value) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    found = Sequence()
    for index, value in enumerate(values):
        run.step()
        if boolean(call(run, function, given(function, value, index, values))):
            found.append(value)
    return found


@builtin("single", "<af?>")
def single(run: Run, values: Value, function: Value = UNDEFINED) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    found: list[Any] = []
    for index, value in enumerate(values):
        run.step()
        if function is UNDEFINED or boolean(call(run, function, given(function, value, index, values))):
            if found:
                raise JsonataError("D3138", index=index)
            found.append(value)
    if not found:
        raise JsonataError("D3139")
    return found[0]


@builtin("reduce", "<afj?:j>")
def reduce(run: Run, values: Value, function: Value, first: Value = UNDEFINED) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    count = arity(function)
    if count < 2:
        raise JsonataError("D3050", index=1)
    index, result = 0, first
    if first is UNDEFINED and len(values) > 0:
        index, result = 1, values[0]
    for place in range(index, len(values)):
        run.step()
        result = call(run, function, [result, values[place], place, values][:count])
    return result
