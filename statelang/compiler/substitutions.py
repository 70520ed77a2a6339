"""Substitutions: the values of `${Name}` in a definition, as CloudFormation's DefinitionSubstitutions put them in.

Rule: they are put into the text before it is read: a placeholder may stand for a text, a part of one, or a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from statelang.values import Json, encode

PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z_][\w.:]*)\}")


def substitute(text: str, values: Mapping[str, Json]) -> str:
    """The text with the placeholders replaced that have a value; inside JSON texts the value is escaped as one."""

    def put(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        return encode(value)[1:-1] if isinstance(value, str) else encode(value)

    return PLACEHOLDER.sub(put, text) if values else text


def unresolved(value: Json, pointer: str = "") -> Iterator[tuple[str, str]]:
    """(pointer, name) of every placeholder that is left in the texts of a value."""
    if isinstance(value, str):
        for match in PLACEHOLDER.finditer(value):
            yield pointer, match[1]
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from unresolved(item, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unresolved(item, f"{pointer}/{index}")
