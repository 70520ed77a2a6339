"""Reference Paths: paths that name one place, for reading and (ResultPath) for writing (spec; asl.md 2.1).

Rule: writing never changes the document; it copies the containers on the way and shares everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from statelang.language.jsonpath.errors import InvalidPath, PathNotFound
from statelang.language.jsonpath.java import java_text
from statelang.language.jsonpath.path import Path, compile_path
from statelang.values import Json

FORBIDDEN: Final = "@,:?*()"
"""What an unescaped Reference Path may not hold; nor `..`."""


class ReferencePath:
    """A Reference Path. `keys` are the names and indexes from the root to its place."""

    __slots__ = ("_path", "keys", "text")

    def __init__(self, text: str, keys: Sequence[str | int], path: Path | None) -> None:
        self.text = text
        self.keys = tuple(keys)
        self._path = path

    def read(self, document: Json) -> Json:
        """The value there. Raises PathNotFound and InvalidPath."""
        if self._path is not None:
            return self._path.read(document)
        value = document
        for key in self.keys:
            value = _get(value, key, self.text)
        return value

    def write(self, document: Json, value: Json) -> Json:
        """The document with a value put there: missing objects on the way are made, what is there is replaced.

        Raises PathNotFound where an index is out of bounds, InvalidPath where something on the way is neither object
        nor array.
        """
        parents, current = [], document
        for key in self.keys:
            parents.append(current)
            current = _child(current, key, self.text)
        for key, parent in zip(reversed(self.keys), reversed(parents)):
            value = _replaced(parent, key, value)
        return value

    def __repr__(self) -> str:
        return f"ReferencePath({self.text!r})"


def _get(value: Json, key: str | int, text: str) -> Json:
    if isinstance(key, str) and isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(key, int) and isinstance(value, list) and 0 <= key < len(value):
        return value[key]
    raise PathNotFound(f"No results for path: {text}")


def _child(value: Json, key: str | int, text: str) -> Json:
    """What stands at a key, an empty object where nothing does yet."""
    if isinstance(key, int):
        if not isinstance(value, list):
            raise InvalidPath(f"{text}: [{key}] can only be applied to arrays. Current context is: {java_text(value)}")
        if not 0 <= key < len(value):
            raise PathNotFound(f"{text}: there is no element [{key}] to put the value in")
        return value[key]
    if not isinstance(value, dict):
        raise InvalidPath(f"{text}: ['{key}'] can only be applied to objects. Current context is: {java_text(value)}")
    return value.get(key, {})


def _replaced(value: Json, key: str | int, new: Json) -> Json:
    if isinstance(key, int):
        return [*value[:key], new, *value[key + 1 :]]
    return {**value, key: new}


def compile_reference_path(text: str) -> ReferencePath:
    """The Reference Path of a text that begins with `$`. Raises InvalidPath with the offset of what is wrong."""
    if not text.startswith("$"):
        raise InvalidPath("a Reference Path begins with $", 0)
    keys, at = [], 1
    while at < len(text):
        key, at = _bracket(text, at) if text[at] == "[" else _dotted(text, at)
        if key is not None:
            keys.append(key)
    return ReferencePath(text, keys, None if "\\" in text else compile_path(text))


def _dotted(text: str, at: int) -> tuple[str | None, int]:
    if text[at] != ".":
        raise InvalidPath(f"unexpected {text[at]!r}", at)
    at += 1
    if at == len(text) or text[at] == ".":
        raise InvalidPath("a name is missing", at)
    if text[at] == "[":
        return None, at
    name = ""
    while at < len(text) and text[at] not in ".[":
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
        elif text[at] in FORBIDDEN or text[at] == " ":
            raise InvalidPath(f"a Reference Path may not hold {text[at]!r}", at)
        name += text[at]
        at += 1
    return name, at


def _bracket(text: str, at: int) -> tuple[str | int, int]:
    end = text.find("']", at) + 1 if text[at + 1 : at + 2] == "'" else text.find("]", at)
    if end <= at:
        raise InvalidPath("a bracket is not closed", at)
    inner = text[at + 1 : end].strip()
    if len(inner) > 1 and inner[0] == inner[-1] == "'" and "','" not in inner:
        return inner[1:-1], end + 1
    if inner.isascii() and inner.isdigit():
        return int(inner), end + 1
    raise InvalidPath(f"a Reference Path may not hold [{inner}]", at)
