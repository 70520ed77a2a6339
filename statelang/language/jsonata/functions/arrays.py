"""Arrays: appending, sorting, and everything that only moves items.

Rule: what is given is never changed.
"""

from __future__ import annotations

from typing import Any

from statelang.language.jsonata.calls import Lambda, applied, call
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.registry import builtin
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.values import (
    UNDEFINED,
    Sequence,
    Value,
    equal,
    is_array,
    is_falsy,
    is_number,
    is_numeric,
    merge_sorted,
    units,
)
from statelang.language.jsonata.values import append as joined


@builtin("append", "<xx:a>", constant=True)
def append(run: Run, one: Value, other: Value) -> Value:
    if one is not UNDEFINED and other is not UNDEFINED:
        for value in (one, other):
            run.copied(value if is_array(value) else (value,))
    return joined(one, other)


@builtin("reverse", "<a:a>")
def reverse(run: Run, values: Value) -> Value:
    if values is UNDEFINED or len(values) <= 1:
        return values
    run.copied(values)
    return list(values)[::-1]


@builtin("shuffle", "<a:a>")
def shuffle(run: Run, values: Value) -> Value:
    if values is UNDEFINED or len(values) <= 1:
        return values
    run.step(2 * len(values))
    run.copied(values)
    shuffled: list[Any] = []
    for index, value in enumerate(values):
        place = int(run.chance.fraction() * (index + 1))
        shuffled.append(value)
        shuffled[index], shuffled[place] = shuffled[place], shuffled[index]
    return shuffled


@builtin("distinct", "<x:x>")
def distinct(run: Run, values: Value) -> Value:
    if not is_array(values) or len(values) <= 1:
        return values
    found: list[Any] = []
    simple: set[tuple[type, Any]] = set()
    for value in values:
        run.step()
        if isinstance(value, (str, bool)) or value is None or is_number(value):
            key = (float if is_number(value) else type(value), value)
            if key in simple:
                continue
            simple.add(key)
            run.allocate(32)
        else:
            run.step(len(found))
            if any(equal(value, other, run.step) for other in found):
                continue
        found.append(value)
    return Sequence(found) if isinstance(values, Sequence) else found


@builtin("zip", "<a+>")
def zip_(run: Run, *arrays: Value) -> Value:
    if not all(map(is_array, arrays)):
        return []
    count = min(map(len, arrays), default=0)
    run.step(count)
    run.allocate(16 * count)
    for values in arrays:
        run.copied(values[:count])
    return [list(items) for items in zip(*arrays)]


@builtin("sort", "<af?:a>")
def sort(run: Run, values: Value, function: Value = UNDEFINED) -> Value:
    if values is UNDEFINED or len(values) <= 1:
        return values
    if function is UNDEFINED:
        if not (all(map(is_numeric, values)) or all(isinstance(value, str) for value in values)):
            raise JsonataError("D3070", index=1)
        run.step(len(values) + sum(len(value) >> 9 for value in values if isinstance(value, str)))
        run.copied(values)
        return sorted(values, key=units if isinstance(values[0], str) else None)

    run.step(len(values) * len(values).bit_length())
    run.allocate(16 * len(values))
    depth = run.depth
    perform = applied(run, function, 2) if isinstance(function, Lambda) else None

    def swaps(one: Value, other: Value) -> bool:
        found = call(run, function, [one, other], None, depth) if perform is None else perform(one, other)
        return not is_falsy(found)

    return merge_sorted(list(values), swaps)
