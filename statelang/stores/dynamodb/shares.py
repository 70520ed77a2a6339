"""Shares: a long value told in pieces of others, which the store has already.

A task that adds to a state makes it anew, and most of it is what it was: the state before, and the task's answer. Such
a value is told as

    [reach, deep, [piece, …]]      a piece is text, or [value, from, to]: that stretch of another value's text

`reach` is the lowest number of those values whose lines it takes to read this one (value 1, the input, is always at
hand), `deep` says how many values stand one upon the other at most.

Rule: a value shares with what was durable before it, or stands before it in the same line; and it comes back letter by
letter, whatever its text means.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from statelang.core.codec import Checkpoint, Reader
from statelang.core.value import Value
from statelang.errors import UnreadableCheckpoint
from statelang.stores.dynamodb.lines import Line

APART: Final = 16_384
"""From how many bytes on a value is a blob of its own; of one told in pieces no more letters are its own."""

LONG: Final = 2_048
"""From how many letters on a value is told in pieces; what is shorter is left to compression, which knows the input."""

LEAST: Final = 512
"""How many letters that must save, and how many a value has at least that others share with."""

ANCHOR: Final = 32
"""The shortest stretch that is shared, in letters."""

PIECES: Final = 16
"""How many stretches a value shares at most."""

DEEP: Final = 32
"""How deep values stand one upon the other at most: beyond that one is told whole again."""

NEAR: Final = 8
"""How many values before it one may share with, of those that the same commit wrote and of those that it replaces."""

Piece = str | tuple[int, int, int]


class Share(msgspec.Struct, frozen=True, array_like=True):
    """A value in pieces."""

    reach: int
    deep: int
    pieces: list[Piece]

    @property
    def own(self) -> int:
        """How many letters of it are not shared."""
        return sum(len(piece) for piece in self.pieces if isinstance(piece, str))


class Link(NamedTuple):
    """What it takes to read a value: the lines from that of value `reach` on, and `deep` values below it."""

    reach: int
    deep: int = 0


class Source(NamedTuple):
    """A value that others may share with."""

    id: int
    text: str
    link: Link


class Stretch(NamedTuple):
    """What a text shares with a source: from `start` to `end`, and from `at` on in the source."""

    start: int
    end: int
    at: int
    source: Source


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Share).decode


class Sharing:
    """How the long values of one commit are told: in pieces of the input, of what they replace, and of each other.

    `known` is the input, `before` the values that are replaced, `links` what it takes to read those. What it takes to
    read the new ones gathers in `fresh`.
    """

    def __init__(self, known: bytes, before: Iterable[Value], links: Mapping[int, Link]) -> None:
        self.fresh: dict[int, Link] = {}
        self._known, self._links = known, links
        self._before = deque((value for value in before if value.id in links and value.id != 1), NEAR)
        self._near = deque[Value](maxlen=NEAR)

    def told(self, value: Value) -> bytes | None:
        """A value in pieces, as JSON; None where that saves little, and it is to be told as it is."""
        size = len(value.text)
        if size < LEAST:
            return None
        share = self._share(value.id, value.text) if size >= LONG else None
        self.fresh[value.id] = Link(value.id) if share is None else Link(share.reach, share.deep)
        self._near.append(value)
        return None if share is None else _encode(share)

    def _share(self, id: int, text: str) -> Share | None:
        found = list(_stretches(text, list(self._sources(id))))
        reach = min((one.source.link.reach for one in found), default=id)
        deep = 1 + max((one.source.link.deep for one in found), default=-1)
        share = Share(min(id, reach), deep, _pieces(text, found))
        return share if share.own <= min(len(text) - LEAST, APART) else None

    def _sources(self, id: int) -> Iterator[Source]:
        """What a value may share with. The input is nowhere and below everything: it is always at hand."""
        yield Source(1, self._known.decode(), Link(id, -1))
        for value in (*self._before, *self._near):
            link = self.fresh.get(value.id) or self._links[value.id]
            if link.deep < DEEP and value.id < id:
                yield Source(value.id, value.text, link)


def _pieces(text: str, stretches: Iterable[Stretch]) -> list[Piece]:
    """A text in pieces: what is shared, and what stands between."""
    found: list[Piece] = []
    told = 0
    for start, end, at, source in stretches:
        if told < start:
            found.append(text[told:start])
        found.append((source.id, at, at + end - start))
        told = end
    return [*found, text[told:]] if told < len(text) else found


def _stretches(text: str, sources: Sequence[Source]) -> Iterator[Stretch]:
    """What a text shares with sources, from left to right.

    A few letters are looked for, ever further on until they are found; from there on it is compared both ways.
    """
    told, at, stride, count = 0, 0, ANCHOR, 0
    while at + ANCHOR <= len(text) and count < PIECES:
        anchor = text[at : at + ANCHOR]
        places = ((source.text.find(anchor), source) for source in sources)
        found = [_stretch(text, told, at, place, source) for place, source in places if place >= 0]
        if found:
            best = max(found, key=_worth)
            yield best
            told = at = best.end
            stride, count = ANCHOR, count + 1
        else:
            at, stride = at + stride, stride + stride // 2


def _stretch(text: str, told: int, at: int, place: int, source: Source) -> Stretch:
    """How far a text is that of a source, around where they meet; what was told before is left out."""
    end = at + _alike(text[at:], source.text[place : place + len(text) - at])
    back = min(at - told, place)
    start = at - _alike(text[at - back : at][::-1], source.text[place - back : place][::-1])
    return Stretch(start, end, place - (at - start), source)


def _worth(stretch: Stretch) -> int:
    """How many letters a stretch saves; the deeper its source, the less that is worth."""
    return stretch.end - stretch.start - ANCHOR * stretch.source.link.deep


def _alike(one: str, other: str) -> int:
    """How many letters two texts have in common from their beginning on."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class Lacking(Exception):
    """More of the log has to be read for a value: the lines of those from `first` to `last`."""

    def __init__(self, first: int, last: int) -> None:
        self.span = (first, last)


class Kept:
    """What was read of the values of an execution: as they are (in `reader`), in pieces, or as blobs."""

    def __init__(self, reader: Reader, blob: Callable[[str], bytes]) -> None:
        self.reader = reader
        self._blob = blob
        self._shares: dict[int, Share] = {}
        self._refs: dict[int, str] = {}

    def add(self, lines: Iterable[Line], refs: Mapping[int, str]) -> list[Checkpoint]:
        """Learn what lines and blobs tell; returns the checkpoints. Raises UnreadableCheckpoint."""
        self._refs.update(refs)
        found = []
        for line in lines:
            found.append(self.reader.checkpoint(line.checkpoint))
            try:
                self._shares.update((id, _decode(text)) for id, text in line.shared)
            except (msgspec.MsgspecError, UnicodeError) as problem:
                raise UnreadableCheckpoint(f"a damaged item: {problem}") from None
        return found

    def value(self, id: int) -> Value:
        """A value with its text. Raises Lacking."""
        value = self.reader.value(id)
        if not value.loaded:
            value.load(self._text(id))
        return value

    def _text(self, id: int) -> str:
        if id in self._refs:
            return self._blob(self._refs[id]).decode()
        share = self._shares.get(id)
        if share is None:
            raise Lacking(id, id)
        try:
            return "".join(piece if isinstance(piece, str) else self._piece(id, *piece) for piece in share.pieces)
        except Lacking:
            raise Lacking(share.reach, id) from None

    def _piece(self, whole: int, id: int, start: int, end: int) -> str:
        if id < whole and 0 <= start < end <= len(text := self.value(id).text):
            return text[start:end]
        raise UnreadableCheckpoint(f"a damaged item: value {whole} shares with value {id} what that does not have")

    def link(self, id: int) -> Link:
        """What it takes to read a value."""
        share = self._shares.get(id)
        return Link(id) if share is None else Link(share.reach, share.deep)
