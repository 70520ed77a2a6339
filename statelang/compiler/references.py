"""Which workflow variables each state reads: AWS's variableReferences (asl.md 1.6).

Rule: this reads the definition as written; it decides nothing about what runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from statelang.compiler.findings import Place
from statelang.compiler.rules import assigned, scopes
from statelang.language.intrinsics import references
from statelang.language.templates import is_query
from statelang.values import Json

_INNER: Final = ("States", "Branches", "ItemProcessor", "Iterator")
_LITERAL: Final = ("Comment", "Result", "Resource", "Next", "Default", "Type")
_QUERY_VARIABLE: Final = re.compile(r"(?<![\w$])\$([A-Za-z_]\w*)(?!\w*\s*\()")


def variable_references(value: Mapping[str, Json], known: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """State name -> the variables it reads, sorted; only states that read any. `known`: those that are assigned."""
    found: dict[str, tuple[str, ...]] = {}
    for scope in scopes(value, Place()):
        for name, state in scope.states.items():
            read = sorted({variable for variable in _reads(state) if variable in known})
            if read:
                found[name] = tuple(read)
    return found


def all_assigned(value: Mapping[str, Json]) -> frozenset[str]:
    """Every variable that is assigned anywhere."""
    return frozenset(name.removesuffix(".$") for scope in scopes(value, Place()) for name in assigned(scope))


def _reads(value: Json, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in _INNER and name not in _LITERAL:
                yield from _reads(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _reads(item, key)
    elif isinstance(value, str):
        if is_query(value):
            yield from _QUERY_VARIABLE.findall(value[2:-2])
        elif key.endswith((".$", "Path")) or key == "Variable":
            yield from references(value)
