"""Spelling: where in a file each character of a text stands, however the text is written there.

A text may be spelled with escapes (JSON), in any of YAML's five styles, or be woven from pieces: a template's
`Fn::Join`, or a placeholder's value put into its place.

Rule: positions go from a text outwards to the file, and only for what is told; reading never pays for them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Final, NamedTuple

Origin = Callable[[int], int]
"""Offset of a character in a text -> offset in the file."""

_ESCAPES: Final = {"u": 6, "U": 10, "x": 4}
_SURROGATES: Final = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_FOLD: Final = re.compile(r"[ \t]*\r?\n\s*")


class Place(NamedTuple):
    """Line and column, from 1."""

    line: int
    column: int


def place_of(text: str, offset: int) -> Place:
    """Line and column of an offset."""
    start = text.rfind("\n", 0, offset) + 1
    return Place(text.count("\n", 0, offset) + 1, offset - start + 1)


def spelled(file: str, start: int, value: str, index: int) -> int:
    """The offset in `file` of character `index` of a text that begins at `start` there and reads `value`."""
    if file[start : start + 1] == '"':
        return _quoted(file, start + 1, index)
    return _aligned(file, start, value, index)


def _quoted(file: str, at: int, index: int) -> int:
    """Between double quotes, as JSON and YAML write them."""
    for _ in range(index):
        if file[at : at + 1] == "\\":
            pair = _SURROGATES.match(file, at)
            fold = _FOLD.match(file, at + 1)
            at = pair.end() if pair else fold.end() if fold else at + _ESCAPES.get(file[at + 1 : at + 2], 2)
            continue
        fold = _FOLD.match(file, at)
        at = fold.end() if fold else at + 1
    return at


def _aligned(file: str, start: int, value: str, index: int) -> int:
    """In YAML's other styles nothing but white space and doubled quotes is added to a text."""
    at, found = start, start
    if file[start : start + 1] in ("|", ">"):
        at = found = file.find("\n", start) + 1
    single = file[start : start + 1] == "'"
    if single:
        at = found = start + 1
    for character in value[: index + 1]:
        if character.isspace():
            found = at
            continue
        found = file.find(character, at)
        if found < 0:
            return start
        at = found + 1 + (single and character == "'")
    return found


class Woven:
    """A text made of pieces that stand in several places of a file, and where each of its characters comes from."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._starts: list[int] = []
        self._origins: list[Origin] = []
        self._length = 0

    def add(self, piece: str, origin: Origin) -> None:
        """Append a piece; `origin` is told the offset within it."""
        if piece:
            self._pieces.append(piece)
            self._starts.append(self._length)
            self._origins.append(origin)
            self._length += len(piece)

    @property
    def text(self) -> str:
        """The whole."""
        return "".join(self._pieces)

    def origin(self, offset: int) -> int:
        """Where in the file a character of the whole comes from; the one just after the end is allowed."""
        if not self._starts:
            return 0
        row = max(bisect_right(self._starts, offset) - 1, 0)
        return self._origins[row](offset - self._starts[row])


def fixed(offset: int) -> Origin:
    """The origin of a piece that stands nowhere itself, but in the place of what is at `offset`."""
    return lambda within: offset


def shifted(offset: int) -> Origin:
    """The origin of a piece that stands in the file as it is, from `offset` on."""
    return lambda within: offset + within
