"""Objects, and functions of any value: fields, merging, types, errors.

Rule: the order of fields is that in which they were first written.
"""

from __future__ import annotations

from typing import Any

from statelang.language.jsonata.calls import applied
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.registry import builtin
from statelang.language.jsonata.regexes import Regex
from statelang.language.jsonata.run import OBJECT, Run
from statelang.language.jsonata.transform import copy
from statelang.language.jsonata.values import (
    UNDEFINED,
    Function,
    Sequence,
    Value,
    folded,
    is_array,
    is_numeric,
    members,
)
from statelang.language.jsonata.values import boolean as truth
from statelang.language.jsonata.values import lookup as field_of


def _truth(run: Run, value: Value) -> bool:
    """Whether an argument counts as true: functions do not, elsewhere they do."""
    return not isinstance(value, Function) and truth(value, run.step)


@builtin("boolean", "<x-:b>", constant=True)
def boolean(run: Run, value: Value) -> Value:
    return UNDEFINED if value is UNDEFINED else _truth(run, value)


@builtin("not", "<x-:b>", constant=True)
def not_(run: Run, value: Value) -> Value:
    return UNDEFINED if value is UNDEFINED else not _truth(run, value)


@builtin("exists", "<x:b>", constant=True)
def exists(run: Run, value: Value) -> Value:
    return value is not UNDEFINED


@builtin("type", "<x:s>", constant=True)
def type_(run: Run, value: Value) -> Value:
    if value is UNDEFINED:
        return UNDEFINED
    if value is None:
        return "null"
    if is_numeric(value):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if is_array(value):
        return "array"
    return "function" if isinstance(value, (Function, Regex)) else "object"


@builtin("keys", "<x-:a<s>>")
def keys(run: Run, value: Value) -> Value:
    found = Sequence()
    if is_array(value):
        run.step(len(value))
        merged: dict[str, None] = {}
        for item in value:
            names = keys(run, item)
            merged.update(dict.fromkeys(names if is_array(names) else [] if names is UNDEFINED else [names]))
        found.extend(key for key, _ in members(merged))
    elif isinstance(value, dict):
        run.step(len(value) >> 4)
        found.extend(key for key, _ in members(value))
    return found


@builtin("lookup", "<x-s:x>", constant=True)
def lookup(run: Run, value: Value, key: Value) -> Value:
    return field_of(value, key, run.step)


@builtin("spread", "<x-:a<o>>")
def spread(run: Run, value: Value) -> Value:
    if is_array(value):
        run.step(len(value))
        return folded([Sequence(), *(spread(run, item) for item in value)])
    if isinstance(value, dict):
        run.step(len(value))
        run.allocate(OBJECT * len(value))
        return Sequence({key: item} for key, item in members(value))
    return value


@builtin("merge", "<a<o>:o>", constant=True)
def merge(run: Run, values: Value) -> Value:
    if values is UNDEFINED:
        return UNDEFINED
    merged: dict[str, Any] = {}
    for value in values:
        run.step(1 + (len(value) >> 3))
        merged.update(value)
    run.allocate(OBJECT + 16 * len(merged))
    return merged


@builtin("clone", "<(oa)-:o>")
def clone(run: Run, value: Value) -> Value:
    return UNDEFINED if value is UNDEFINED else copy(value, run)


@builtin("error", "<s?:x>", constant=True)
def error(run: Run, message: Value = UNDEFINED) -> Value:
    raise JsonataError("D3137", message=message or "$error() function evaluated")


@builtin("assert", "<bs?:x>", constant=True)
def assert_(run: Run, condition: Value, message: Value = UNDEFINED) -> Value:
    if condition is UNDEFINED or not condition:
        raise JsonataError("D3141", message=message or "$assert() statement failed")
    return UNDEFINED


@builtin("each", "<o-f:a>")
def each(run: Run, value: Value, function: Value) -> Value:
    found = Sequence()
    if not isinstance(value, dict):
        return found
    perform = applied(run, function)
    run.step(len(value))
    for key, item in members(value):
        result = perform(item, key, value)
        if result is not UNDEFINED:
            found.append(result)
    return found


@builtin("sift", "<o-f?:o>")
def sift(run: Run, value: Value, function: Value = UNDEFINED) -> Value:
    if not isinstance(value, dict):
        return UNDEFINED
    perform = applied(run, function)
    run.step(len(value))
    return {key: item for key, item in members(value) if truth(perform(item, key, value), run.step)} or UNDEFINED
