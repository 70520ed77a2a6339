"""Transforms: `| pattern | update, delete |`, a function that changes a copy of what it is given.

Rule: only the copy is changed; what the pattern finds elsewhere (in a variable, say) stays as it is.
"""

from __future__ import annotations

import math

from statelang.language.jsonata.calls import Evaluate, Native, call
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.regexes import Regex
from statelang.language.jsonata.run import OBJECT, Frame, Run
from statelang.language.jsonata.signatures import parse_signature
from statelang.language.jsonata.text import text_of
from statelang.language.jsonata.values import UNDEFINED, Function, Value, is_array, number

SIGNATURE = parse_signature("<(oa):o>")


def copy(value: Value, run: Run, made: set[int] | None = None) -> Value:
    """A deep copy of JSON, by way of its text: numbers have at most 15 significant digits.

    `made` gets the ids of the objects and arrays of the copy.
    """
    if type(value) is float:
        if math.isinf(value):
            raise JsonataError("D1001", value=value)
        return None if math.isnan(value) else number(float(f"{value:.15g}")) or 0
    if type(value) is int:
        return value if -(10**15) < value < 10**15 else number(float(f"{value:.15g}"))
    if isinstance(value, dict):
        run.step(1 + 2 * len(value))
        run.allocate(OBJECT + 16 * len(value))
        return _noted({key: copy(item, run, made) for key, item in value.items() if item is not UNDEFINED}, made)
    if is_array(value):
        run.step(1 + len(value))
        run.allocate(16 + 8 * len(value))
        return _noted([None if item is UNDEFINED else copy(item, run, made) for item in value], made)
    return "" if isinstance(value, (Function, Regex)) else value


def _noted(value: Value, made: set[int] | None) -> Value:
    if made is not None:
        made.add(id(value))
    return value


def transformer(
    pattern: Evaluate, update: Evaluate, delete: Evaluate | None, frame: Frame, places: list[int | None]
) -> Native:
    """The function of a transform; `places` are where it stands, its update and what it deletes."""

    def transform(run: Run, given: Value) -> Value:
        if given is UNDEFINED:
            return UNDEFINED
        clone = frame.lookup("clone")
        if not isinstance(clone, Function):
            raise JsonataError("T2013", places[0])
        made: set[int] = set()
        result = copy(call(run, clone, [given]), run, made)
        matches = pattern(result, frame)
        for match in [] if matches is UNDEFINED else matches if is_array(matches) else [matches]:
            run.step()
            _update(match, update(match, frame), places[1], made)
            if delete is not None:
                _delete(match, delete(match, frame), places[2], made)
        return result

    return Native(None, SIGNATURE, transform, 1)


def _update(match: Value, changes: Value, position: int | None, made: set[int]) -> None:
    if changes is UNDEFINED:
        return
    if not isinstance(changes, dict):
        raise JsonataError("T2011", position, value=changes)
    if isinstance(match, dict):
        if id(match) in made:
            match.update(changes)
    elif changes and not is_array(match):
        kind = {str: "string", bool: "boolean"}.get(type(match), "number")
        shown = f"Cannot create property '{next(iter(changes))}' on {kind} '{text_of(match)}'"
        raise JsonataError("JS:TypeError", position, template=shown)


def _delete(match: Value, names: Value, position: int | None, made: set[int]) -> None:
    if names is UNDEFINED:
        return
    listed = names if is_array(names) else [names]
    if not all(isinstance(name, str) for name in listed):
        raise JsonataError("T2012", position, value=names)
    if isinstance(match, dict) and id(match) in made:
        for name in listed:
            match.pop(name, None)
