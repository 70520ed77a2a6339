"""Objects: what a constructor `{key: value}` makes, and what a group-by makes of many items.

Rule: both are one thing, items gathered by key; a constructor has one item.
"""

from __future__ import annotations

from statelang.language.jsonata.calls import Evaluate
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.run import OBJECT, Frame
from statelang.language.jsonata.values import UNDEFINED, Tuples, Value, folded, is_array


def group(pairs: list[tuple[Evaluate, Evaluate]], input: Value, frame: Frame, position: int) -> Value:
    """An object: the items of the input by key, and for each key the value of its items."""
    groups: dict[str, tuple[list[Value], int]] = {}
    reduce = isinstance(input, Tuples)
    items = input if is_array(input) else [input]
    if reduce and not items:
        raise JsonataError("JS:TypeError", template="Cannot read properties of undefined (reading '@')")
    frame.run.step(len(items))
    for item in items or [UNDEFINED]:
        context, inner = (item["@"], frame.inner(item)) if reduce else (item, frame)
        for index, (key_of, _) in enumerate(pairs):
            key = key_of(context, inner)
            if key is UNDEFINED:
                continue
            if not isinstance(key, str):
                raise JsonataError("T1003", position, value=key)
            known = groups.get(key)
            if known is None:
                groups[key] = ([item], index)
            elif known[1] != index:
                raise JsonataError("D1009", position, value=key)
            else:
                known[0].append(item)
    frame.run.allocate(OBJECT + (OBJECT + 16) * len(groups) + 8 * len(items))
    result: dict[str, Value] = {}
    for key, (members, index) in groups.items():
        frame.run.allocate(8 * sum(len(member) for member in members if is_array(member)))
        data = folded(members)
        context, inner = reduced(data, frame) if reduce else (data, frame)
        value = pairs[index][1](context, inner)
        if value is not UNDEFINED:
            result[key] = value
    return result


def reduced(data: Value, frame: Frame) -> tuple[Value, Frame]:
    """A group of bindings as one: the context, and the frame of the rest."""
    if isinstance(data, dict):
        merged = dict(data)
    else:
        gathered: dict[str, list[Value]] = {}
        for bindings in data:
            frame.run.step()
            for name, value in bindings.items():
                gathered.setdefault(name, []).append(value)
                frame.run.allocate(8 * len(value) if is_array(value) else 8)
        merged = {name: folded(values) for name, values in gathered.items()}
    context = merged.pop("@", UNDEFINED)
    return context, frame.inner(merged)
