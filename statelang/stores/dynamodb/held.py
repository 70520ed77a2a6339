"""What a worker knows of an execution it holds, and what one commit makes of its item.

While its frames are small they all stand in the execution's item, and a commit is one conditional update. Its history
gathers there too, compressed as one, until the item would grow into another write unit; then the commit is a
transaction that also writes the gathered checkpoints as a chunk of the log. Where the frames are many, checkpoints
carry those that changed, and now and then a segment of frames is written, merged with earlier ones of its size: a frame
is written again a logarithmic number of times, and loading costs what lives.

Rule: planning changes nothing here; `settle` does, once the plan is in the table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from statelang.core.codec import Merged, encode_frame, encode_merged, merge
from statelang.core.execution import Head
from statelang.core.frame import Frame, rewrite
from statelang.core.value import Value
from statelang.ports import Commit
from statelang.stores.dynamodb.blobs import INLINE
from statelang.stores.dynamodb.items import (
    EXECUTION,
    FORMAT,
    FREE,
    Body,
    Chunk,
    compressed,
    encode_chunk,
    id_of,
    listed,
    pack_body,
    pack_tail,
    units,
)
from statelang.stores.dynamodb.lines import line
from statelang.stores.dynamodb.shares import APART, Link, Sharing

FRAMES: Final = 64
"""How many frames may stand in the execution's item."""

FRAME_BYTES: Final = 4_096
"""How large they may be together, uncompressed."""

ROOM: Final = 400
"""How much history an execution's item has room for, at least, in bytes."""

LEAST_APART: Final = 4
"""How many write units a transaction of two items takes at least."""

SEGMENT_LINES: Final = 64
"""How many checkpoints with frames may follow a segment before the next one is written."""

SEGMENT_FRAMES: Final = 1_024
"""How many frames may have changed since a segment before the next one is written."""

LINKS: Final = 1_024
"""Of how many values it is known what it takes to read them."""

Put = Callable[[bytes], str]
"""Keeps bytes as a blob of the execution; returns its name."""


class Segment(NamedTuple):
    """Frames that were written together, in the order in which they were last written."""

    blob: str
    frames: tuple[int, ...]


class Plan(NamedTuple):
    """What a commit writes: the body of the execution's item and, if it flushes, a chunk (its number and content)."""

    commit: Commit
    id: bytes
    body: bytes | None
    tail: bytes
    chunk: tuple[int, Chunk] | None
    next: Body | None
    head: Head
    frames: dict[int, Frame]
    segments: list[Segment] | None
    garbage: list[str]
    links: dict[int, Link] = {}
    """What it takes to read the long values that are new."""

    def update(self, held: Held, *, alone: bool) -> dict[str, Any]:
        """The update of the execution's item. `alone`: nothing is in the inbox beyond what this commit consumes."""
        commit, taken = self.commit, max(held.taken, *self.commit.posts, 0)
        ended = bool(commit.steps) and self.head.status != "RUNNING"
        change: dict[str, Any] = {"commit": {"B": self.id}}
        if self.body is not None:
            change |= {"body": {"B": self.body}, "tail": {"B": self.tail} if self.tail else None}
            if held.format != FORMAT:
                change["format"] = {"N": str(FORMAT)}
        if self.head.status != held.head.status:
            change["listed"] = {"S": listed(self.head.status, held.started_at)}
        if commit.posts:
            change["taken"] = {"N": str(taken)}
            if alone:
                change["due"] = {"N": "0"}
        if ended:
            change |= {"queue": None, "due": None}
        elif commit.release:
            due = commit.due if alone else 0
            free = {"queue": {"S": FREE}, "due": {"N": str(due)}}
            change |= {"queue": None, "due": None} if due is None else free
        condition = "epoch = :epoch AND commit = :before"
        values: dict[str, Any] = {":epoch": {"N": str(held.epoch)}, ":before": {"B": held.commit}}
        if alone and not ended and (commit.release or commit.posts):
            condition += " AND posted = :posted"
            values[":posted"] = {"N": str(taken)}
        return _expression(held.pk, change, condition, values)


@dataclass(slots=True, eq=False)
class Held:
    """One execution that this worker holds."""

    pk: str
    epoch: int
    commit: bytes
    """The id of its last commit, on which the next one is conditional."""
    head: Head
    started_at: int
    taken: int = 0
    """The last post that was consumed."""
    run: str = ""
    """The Map Run whose child it is, and (`index`) which of its children."""
    index: int = 0
    format: int = FORMAT
    """That of its item, until this worker writes it."""
    known: bytes = b""
    """Its input, which what it writes repeats much of."""
    overhead: int = 400
    """The size of its item without body and tail, in bytes."""
    frames: dict[int, Frame] = field(default_factory=dict)
    body: Body = field(default_factory=lambda: Body(msgspec.Raw(b"{}")))
    limit: int = 0
    packed: int = 0
    lines: int = 0
    fresh: dict[int, None] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    links: dict[int, Link] = field(default_factory=dict)
    """What it takes to read the long values that it wrote last."""

    def plan(self, commit: Commit, put: Put) -> Plan:
        """What a commit writes."""
        id = os.urandom(16)
        if not commit.steps:
            return Plan(commit, id, None, b"", None, None, self.head, {}, None, [])
        merged = merge(commit.steps)
        changed = {frame.id: frame for frame in merged.frames}
        state, inline = self._state(merged.head, changed, commit.swept)
        sharing = Sharing(self.known, self._replaced(changed), self.links)
        values, refs = _told(merged.values, sharing, put)
        checkpoint = self._checkpoint(merged, inline, changed, commit.swept)
        body = msgspec.structs.replace(
            self.body,
            state=state,
            inline=inline,
            tail=[*self.body.tail, line(checkpoint, values, self.body.tail)],
            first=self.body.first if self.body.tail else commit.steps[0].number,
            refs={**self.body.refs, **refs},
            segments=[] if inline else self.body.segments,
            since=0 if inline else self.body.since or commit.steps[0].number,
        )
        segments, garbage = self._segments(inline, changed, commit.swept, put)
        return self._flush(id, commit, merged.head, changed, body, segments, garbage)._replace(links=sharing.fresh)

    def _replaced(self, changed: Iterable[int]) -> Iterable[Value]:
        """What the frames that change had for their input."""
        return (self.frames[id].input for id in changed if id in self.frames)

    def _state(self, head: Head, changed: dict[int, Frame], swept: Sequence[int]) -> tuple[msgspec.Raw, bool]:
        """The checkpoint that says where it stands, with all live frames if they are few and small."""
        if head.status == "SUCCEEDED":
            return msgspec.Raw(encode_merged(Merged(head, ()))), True
        if len(self.frames) - len(swept) + len(changed) <= FRAMES:
            state = encode_merged(Merged(head, list(self._live(changed, swept).values())))
            if len(state) <= FRAME_BYTES:
                return msgspec.Raw(state), True
        return msgspec.Raw(encode_merged(Merged(head, ()))), False

    def _live(self, changed: dict[int, Frame], swept: Sequence[int]) -> dict[int, Frame]:
        live = dict(self.frames)
        _renew(live, changed, swept)
        return live

    def _checkpoint(self, merged: Merged, inline: bool, changed: dict[int, Frame], swept: Sequence[int]) -> bytes:
        """The checkpoint for the log: with the frames that changed, where they are not inline (the first time: all)."""
        frames: Iterable[Frame] = ()
        if not inline:
            frames = self._live(changed, swept).values() if self.body.inline else merged.frames
        return encode_merged(merged._replace(frames=list(frames), values=()))

    def _segments(
        self, inline: bool, changed: dict[int, Frame], swept: Sequence[int], put: Put
    ) -> tuple[list[Segment] | None, list[str]]:
        """The segments after this commit, if they change, and those that nobody needs any more."""
        if inline:
            return ([], [segment.blob for segment in self.segments]) if self.segments else (None, [])
        if self.lines + 1 < SEGMENT_LINES and len(self.fresh) + len(changed) < SEGMENT_FRAMES:
            return None, []
        gone = set(swept)
        fresh = dict.fromkeys(id for id in self.fresh if id not in changed and id not in gone)
        fresh.update(dict.fromkeys(id for id in changed if id not in gone))
        kept, merged = list(self.segments), []
        while kept and len(kept[-1].frames) <= 2 * len(fresh):
            older = kept.pop()
            merged.append(older.blob)
            still = (id for id in older.frames if id in self.frames and id not in gone and id not in fresh)
            fresh = {**dict.fromkeys(still), **fresh}
        frames = (changed.get(id) or self.frames[id] for id in fresh)
        lines = [b"%d" % self.head.counter, *(encode_frame(frame) for frame in frames)]
        return [*kept, Segment(put(b"\n".join(lines)), tuple(fresh))], merged

    def _flush(
        self,
        id: bytes,
        commit: Commit,
        head: Head,
        changed: dict[int, Frame],
        body: Body,
        segments: list[Segment] | None,
        garbage: list[str],
    ) -> Plan:
        """Leave the tail in the item, or write it as a chunk."""
        if segments is not None and not body.inline:
            told = [(segment.blob, len(segment.frames)) for segment in segments]
            body = msgspec.structs.replace(body, segments=told, since=head.counter + 1)
            return self._flushed(id, commit, head, changed, body, segments, garbage)
        packed, tail = pack_body(body, id_of(self.pk)), pack_tail(body.tail, self.known)
        whole = self.overhead + len(packed) + len(tail)
        if head.status == "RUNNING" and whole <= (self.limit or self._limit(body)):
            return Plan(commit, id, packed, tail, None, body, head, changed, segments, garbage)
        if head.status != "RUNNING" and units(whole) <= LEAST_APART:
            return Plan(commit, id, packed, tail, None, body, head, changed, segments, garbage)
        flushed = self._flushed(id, commit, head, changed, body, segments, garbage)
        assert flushed.body is not None
        assert flushed.chunk is not None
        chunk = len(compressed(encode_chunk(flushed.chunk[1]), self.known))
        apart = 2 * (units(self.overhead + max(len(flushed.body), self.packed)) + units(chunk))
        if head.status != "RUNNING" and units(whole) <= apart and whole <= INLINE:
            return Plan(commit, id, packed, tail, None, body, head, changed, segments, garbage)
        return flushed

    def _flushed(
        self,
        id: bytes,
        commit: Commit,
        head: Head,
        changed: dict[int, Frame],
        body: Body,
        segments: list[Segment] | None,
        garbage: list[str],
    ) -> Plan:
        bare = msgspec.structs.replace(body, tail=(), refs={})
        chunk, packed = (body.first, Chunk(body.tail, body.refs)), pack_body(bare, id_of(self.pk))
        return Plan(commit, id, packed, b"", chunk, bare, head, changed, segments, garbage)

    def _limit(self, body: Body) -> int:
        """How large the item may grow before its tail is written as a chunk: to the end of a write unit."""
        bare = self.overhead + len(pack_body(msgspec.structs.replace(body, refs={}), id_of(self.pk)))
        self.limit = 1024 * units(bare + ROOM)
        return self.limit

    def settle(self, plan: Plan) -> None:
        """A plan is in the table."""
        commit = plan.commit
        self.commit = plan.id
        if commit.posts:
            self.taken = max(self.taken, *commit.posts)
        if plan.next is None or plan.body is None:
            return
        self.format = FORMAT
        self.links.update(plan.links)
        while len(self.links) > LINKS:
            del self.links[next(iter(self.links))]
        _renew(self.frames, plan.frames, commit.swept)
        if plan.next.inline or plan.segments is not None:
            self.fresh.clear()
            self.lines = 0
        else:
            renewed = self.frames if self.body.inline else plan.frames
            _renew(self.fresh, dict.fromkeys(renewed), commit.swept)
            self.lines += 1
        self.segments = self.segments if plan.segments is None else plan.segments
        self.head, self.body, self.packed = plan.head, plan.next, len(plan.body) + len(plan.tail)
        if plan.chunk is not None:
            self.limit = 0
        if plan.head.status == "SUCCEEDED":
            self.frames.clear()


def _told(values: Iterable[Value], sharing: Sharing, put: Put) -> tuple[list[tuple[int, bytes]], dict[int, str]]:
    """What a line tells of values, in pieces or as they are, and the blobs of those that are large."""
    told, refs = [], {}
    for value in values:
        if value.id == 1:  # the input, which stands with what was started
            continue
        pieces = sharing.told(value)
        if pieces is not None:
            told.append((-value.id, pieces))
        elif len(text := value.text.encode()) >= APART:
            refs[value.id] = put(text)
        else:
            told.append((value.id, text))
    return told, refs


def _renew(kept: dict[int, Any], newer: dict[int, Any], swept: Iterable[int]) -> None:
    """Make frames those of after a commit."""
    rewrite(kept, newer.items())
    for id in swept:
        kept.pop(id, None)


def _expression(pk: str, change: dict[str, Any], condition: str, values: dict[str, Any]) -> dict[str, Any]:
    """An update that sets some attributes and removes those that are None."""
    sets = {name: value for name, value in change.items() if value is not None}
    removed = [name for name, value in change.items() if value is None]
    parts = ["SET " + ", ".join(f"{name} = :{name}" for name in sets)]
    if removed:
        parts.append("REMOVE " + ", ".join(removed))
    return {
        "Key": {"pk": {"S": pk}, "sk": {"S": EXECUTION}},
        "UpdateExpression": " ".join(parts),
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {**{f":{name}": value for name, value in sets.items()}, **values},
    }
