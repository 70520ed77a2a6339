"""Paths of plain names: what most of JSONata is, and what must cost no more than looking the names up.

Rule: over objects a path is its look-ups; where an array stands on the way, the fields of its items are gathered as the
steps of any path are; everything else is left to `paths`.
"""

from __future__ import annotations

from typing import Final

from statelang.language.jsonata.calls import Evaluate
from statelang.language.jsonata.run import Frame, Run
from statelang.language.jsonata.values import UNDEFINED, Sequence, Spend, Tuples, Value, Wrapped, is_array, lookup, sole


def variable_path(name: str, keys: tuple[str, ...], otherwise: Evaluate) -> Evaluate:
    """A path from a variable that is given from outside."""

    def path(input: Value, frame: Frame) -> Value:
        start = value = frame.run.variables.get(name, UNDEFINED)
        for key in keys:
            if type(value) is not dict:
                return _beyond(start, keys, frame, input, otherwise)
            value = value.get(key, UNDEFINED)
        return value if type(value) is not Sequence else otherwise(input, frame)

    return path


def bound_path(name: str, keys: tuple[str, ...], otherwise: Evaluate) -> Evaluate:
    """A path from a variable that the expression binds."""

    if len(keys) == 1:
        return _bound_field(name, keys[0], otherwise)

    def path(input: Value, frame: Frame) -> Value:
        names = frame.names
        start = value = names[name] if name in names else frame.lookup(name)
        for key in keys:
            if type(value) is not dict:
                return _beyond(start, keys, frame, input, otherwise)
            value = value.get(key, UNDEFINED)
        return value if type(value) is not Sequence else otherwise(input, frame)

    return path


def _bound_field(name: str, key: str, otherwise: Evaluate) -> Evaluate:
    """`$i.price`, as functions have it."""
    keys = (key,)

    def field(input: Value, frame: Frame) -> Value:
        names = frame.names
        start = names[name] if name in names else frame.lookup(name)
        if type(start) is not dict:
            return _beyond(start, keys, frame, input, otherwise)
        value = start.get(key, UNDEFINED)
        return value if type(value) is not Sequence else otherwise(input, frame)

    return field


def name_path(keys: tuple[str, ...], otherwise: Evaluate) -> Evaluate:
    """A path from the context."""

    def path(input: Value, frame: Frame) -> Value:
        value = input
        for key in keys:
            if type(value) is not dict:
                return _beyond(input, keys, frame, input, otherwise)
            value = value.get(key, UNDEFINED)
        return value if type(value) is not Sequence else otherwise(input, frame)

    return path


def _beyond(start: Value, keys: tuple[str, ...], frame: Frame, input: Value, otherwise: Evaluate) -> Value:
    """What a path of names gives where something on the way is no object: an array gives the fields of its items."""
    value = start
    for index, key in enumerate(keys):
        if type(value) is dict:
            value = value.get(key, UNDEFINED)
        elif type(value) is list and index > 0:
            frame.run.step(len(value))
            return _gathered_fields(value, keys[index:], frame.run)
        elif value is UNDEFINED or value is None:
            return UNDEFINED
        else:
            return otherwise(input, frame)
    return otherwise(input, frame)


def _gathered_fields(items: Value, keys: tuple[str, ...], run: Run) -> Value:
    for number, key in enumerate(keys, start=1):
        results = fields_of(items, key, run.step)
        items = gathered(results, run, last=number == len(keys))
        if not items:
            return UNDEFINED if isinstance(items, Sequence) else items
    return items[0] if type(items) is Sequence and len(items) == 1 else items


def fields_of(items: Value, key: str, spend: Spend) -> list[Value]:
    """A field of each item, where it has one."""
    results: list[Value] = []
    for item in items:
        value = item.get(key, UNDEFINED) if type(item) is dict else sole(lookup(item, key, spend))
        if value is not UNDEFINED:
            results.append(value)
    return results


def gathered(results: list[Value], run: Run, *, last: bool) -> Value:
    """What a step gave for each item as one sequence; of the last step, one array as it is."""
    if len(results) == 1:
        (value,) = results
        if last and is_array(value) and not isinstance(value, Sequence):
            return value
        if type(value) not in ARRAYS:
            return Sequence(results)
        run.copied(value)
        return Sequence(value)
    if not ARRAYS.intersection(map(type, results)):
        return Sequence(results)
    flat = Sequence()
    for value in results:
        if type(value) in ARRAYS:
            run.copied(value)
            flat.extend(value)
        else:
            flat.append(value)
    return flat


ARRAYS: Final = frozenset((list, Sequence, range, Wrapped, Tuples))
"""What is flattened into a sequence; an array that was constructed is an item."""


def leading_items(name: str, keys: tuple[str, ...]) -> Evaluate:
    """The items that the first steps of a path give to the next one."""

    def leading(input: Value, frame: Frame) -> Value:
        value = frame.lookup(name)
        for index, key in enumerate(keys):
            if type(value) is not dict:
                items = _items(value, frame.run)
                for rest in keys[index:]:
                    items = gathered(fields_of(items, rest, frame.run.step), frame.run, last=False)
                return items
            value = value.get(key, UNDEFINED)
        if value is UNDEFINED:
            return ()
        return _items(value, frame.run)

    return leading


def _items(value: Value, run: Run) -> Sequence:
    if type(value) not in ARRAYS:
        return Sequence([value])
    run.copied(value)
    return Sequence(value)
