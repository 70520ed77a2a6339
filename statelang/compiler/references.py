"""References: which workflow variables each state reads, and where: AWS's variableReferences (asl.md 1.6).

Rule: this reads the definition as written; it decides nothing about what runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from statelang.compiler import queries
from statelang.compiler.findings import Place
from statelang.compiler.scopes import assigned, scopes
from statelang.compiler.substitutions import opened
from statelang.language.intrinsics import references
from statelang.language.templates import is_query
from statelang.values import Json

_INNER: Final = ("States", "Branches", "ItemProcessor", "Iterator")
_LITERAL: Final = ("Comment", "Result", "Resource", "Next", "Default", "Type")


class Read(NamedTuple):
    """One read of a variable: where, from which character, and whether it is called as a function."""

    variable: str
    place: Place
    character: int | None
    called: bool = False


def texts(state: Mapping[str, Json], place: Place) -> Iterator[tuple[str, str, Place]]:
    """(key, text, place) of every text of a state that may be evaluated, states inside it left out."""
    for name, item in state.items():
        if name not in _INNER and name not in _LITERAL:
            yield from _texts(item, place / name, name)


def _texts(value: Json, place: Place, key: str) -> Iterator[tuple[str, str, Place]]:
    if isinstance(value, str):
        yield key, value, place
    elif isinstance(value, dict):
        for name, item in value.items():
            if name != "Variable" or "IsPresent" not in value:
                yield from _texts(item, place / name, name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, place / index, key)


def reads(state: Mapping[str, Json], place: Place) -> Iterator[Read]:
    """Every read of a variable in the fields of a state."""
    for key, text, at in texts(state, place):
        for variable, character, called in _variables(key, opened(text)):
            if f"${variable}" in text:  # else it is a placeholder
                yield Read(variable, at, character, called)


def asked(state: Mapping[str, Json]) -> Iterator[str]:
    """The variables of which a state asks whether they are there: IsPresent, $exists."""
    pending: list[Json] = [item for key, item in state.items() if key not in _INNER]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            path = value.get("Variable")
            if "IsPresent" in value and isinstance(path, str):
                yield from references(opened(path))
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif is_query(value):
            yield from queries.asked(value[2:-2])


def _variables(key: str, text: str) -> Iterator[tuple[str, int | None, bool]]:
    if is_query(text):
        for name in queries.free_names(text[2:-2]):
            yield name.name, name.offset + 2, name.called
    elif key.endswith((".$", "Path")) or key == "Variable":
        for variable in references(text):
            found = re.search(rf"\${variable}\b", text)
            yield variable, None if found is None else found.start(), False


def variable_references(value: Mapping[str, Json], known: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """State name -> the variables it reads, sorted; only states that read any. `known`: those that are assigned."""
    found: dict[str, tuple[str, ...]] = {}
    for scope in scopes(value, Place()):
        for name, state in scope.states.items():
            read = sorted({one.variable for one in reads(state, Place()) if one.variable in known})
            if read:
                found[name] = tuple(read)
    return found


def all_assigned(value: Mapping[str, Json]) -> frozenset[str]:
    """Every variable that is assigned anywhere."""
    return frozenset(name for scope in scopes(value, Place()) for name in assigned(scope))
