"""Lines: the checkpoints of consecutive commits, each spelled by how it differs from one shortly before.

What follows the same path again differs in its numbers alone, and by nearly the same amounts each time. So a line is

    [checkpoint, [number, …], text, …]      a checkpoint without its values, their numbers, and their texts
    [[back, difference, …], text, …]        the same text as the line `back` lines before, each number in it (those of
                                            the values last) that much more
    checkpoint                              as format 1 wrote it, its values inside

Where a number is negative, that value's text tells it in pieces of others (see `shares`).

Rule: spelling is about bytes, never about what they mean: a line comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec

from statelang.errors import UnreadableCheckpoint

BACK: Final = 8
"""How many lines back the one may be from which a line differs."""

LONGEST: Final = 4_096
"""The longest text, in bytes, whose numbers are looked at."""

_NUMBERS: Final = re.compile(rb"(?<!\d)(0|[1-9]\d{0,17})(?!\d)")
"""Numbers that are spelled in one way only. Others belong to the text around."""

_GAP: Final = b"\0"
"""Stands for a number in what is around numbers; JSON has none of it."""

_encode: Final = msgspec.json.Encoder().encode
_decode_parts: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_numbers: Final = msgspec.json.Decoder(list[int]).decode


@dataclass
class Line:
    """A checkpoint without its values, these by number and as texts, and how all of it is spelled after others."""

    text: bytes
    values: tuple[int, ...]
    texts: tuple[bytes, ...]
    spelled: bytes = b""

    @cached_property
    def parts(self) -> tuple[bytes, tuple[int, ...]]:
        """What stands around the numbers of the text, if it is short, and these; those of the values come last."""
        if len(self.text) > LONGEST:
            return b"", ()
        parts = _NUMBERS.split(self.text)
        return _GAP.join(parts[::2]), (*map(int, parts[1::2]), *self.values)

    @property
    def checkpoint(self) -> bytes:
        """The checkpoint with those of its values that are told as they are."""
        told = b",".join(b'"%d":%b' % one for one in zip(self.values, self.texts) if one[0] >= 0)
        return b'%b,"values":{%b}}' % (self.text[:-1], told) if told else self.text

    @property
    def shared(self) -> list[tuple[int, bytes]]:
        """Those of its values that are told in pieces, by number."""
        return [(-id, text) for id, text in zip(self.values, self.texts) if id < 0]


def line(text: bytes, values: Iterable[tuple[int, bytes]], before: Sequence[Line]) -> Line:
    """A line after others: a checkpoint without its values, and these (number, text)."""
    told = tuple(values)
    made = Line(text, tuple(id for id, _ in told), tuple(one for _, one in told))
    made.spelled = _spelled(_difference(made, before) or text + b"," + _encode(made.values), made.texts)
    return made


def _difference(made: Line, before: Sequence[Line]) -> bytes:
    """How a line differs from one before in its numbers alone; nothing where there is none."""
    for back, other in enumerate(reversed(before[-BACK:]), 1):
        (around, numbers), (as_well, then) = made.parts, other.parts
        if around and as_well == around and len(then) == len(numbers):
            return _encode([back, *(number - was for number, was in zip(numbers, then))])
    return b""


def _spelled(first: bytes, texts: tuple[bytes, ...]) -> bytes:
    return b"[" + b",".join((first, *texts)) + b"]"


def spelled(lines: Iterable[Line]) -> bytes:
    """Lines that were made one after another, as JSON."""
    return b"[" + b",".join(line.spelled for line in lines) + b"]"


def read_lines(told: Sequence[msgspec.Raw]) -> list[Line]:
    """Lines, from how they are spelled one after another. Raises UnreadableCheckpoint."""
    found: list[Line] = []
    try:
        for one in told:
            found.append(_read(bytes(one), found))
    except (msgspec.MsgspecError, UnicodeError, ValueError, IndexError) as problem:
        raise UnreadableCheckpoint(f"a damaged item: {problem}") from None
    return found


def _read(told: bytes, before: list[Line]) -> Line:
    if told.startswith(b"{"):
        return line(told, (), before)
    first, *others = map(bytes, _decode_parts(told))
    if first.startswith(b"{"):
        ids, *texts = others
        return line(first, zip(_decode_numbers(ids), texts, strict=True), before)
    back, *differences = _decode_numbers(first)
    return _differing(before[-back], differences, others, before)


def _differing(other: Line, differences: list[int], texts: list[bytes], before: list[Line]) -> Line:
    numbers = [was + more for was, more in zip(other.parts[1], differences, strict=True)]
    own = len(numbers) - len(texts)
    gaps = [*(b"%d" % number for number in numbers[:own]), b""]
    text = b"".join(map(b"".join, zip(other.parts[0].split(_GAP), gaps, strict=True)))
    return line(text, zip(numbers[own:], texts, strict=True), before)
