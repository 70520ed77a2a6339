"""Reading a DynamoDB store: executions as they were last committed, their history, and lists of them.

Rule: nothing here writes. A reader holds no lease: what is merged away under its eyes is read again from the start.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from statelang.core.codec import Checkpoint, Reader, referred, restore, waited_for
from statelang.core.execution import Execution, Record, Started
from statelang.core.frame import Frame, rewrite
from statelang.core.map_run import MapRun
from statelang.errors import ExecutionNotFound, StoreError, UnreadableCheckpoint
from statelang.ports import Post, Summary
from statelang.stores.dynamodb.blobs import Blobs, Missing
from statelang.stores.dynamodb.calls import Calls, Item
from statelang.stores.dynamodb.held import LINKS, Segment
from statelang.stores.dynamodb.items import (
    ALONE,
    EXECUTION,
    FREE,
    LIVE,
    LOG,
    POST,
    START,
    Body,
    Chunk,
    digest_of,
    execution_key,
    id_of,
    listed,
    number,
    numbered,
    read_body,
    read_chunk,
    read_posted,
    read_started,
    read_tail,
    started_at,
    unpack,
)
from statelang.stores.dynamodb.shares import Kept, Lacking, Link

STATUSES: Final = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
MACHINES: Final = "machines"
"""The partition of the names of all machines."""

POINTS: Final = 8
"""How many chunks are looked up one by one for the values that are wanted; beyond that they are read in a row."""

ATTEMPTS: Final = 3

_decode_run: Final = msgspec.json.Decoder(MapRun).decode


class Loaded(NamedTuple):
    """An execution as it was read, and what a worker that holds it has to know of its item."""

    execution: Execution
    posts: Sequence[Post]
    item: Item
    body: Body
    lines: int
    fresh: dict[int, None]
    segments: list[Segment]
    links: dict[int, Link]


class Reading:
    """Reads the table of a store."""

    def __init__(self, calls: Calls, blobs: Blobs, lives: Callable[[str], bool]) -> None:
        self.calls = calls
        self.blobs = blobs
        self._lives = lives
        self._definitions: dict[str, str] = {}

    def load(self, id: str) -> Loaded:
        """An execution with its inbox. Raises ExecutionNotFound and UnreadableCheckpoint."""
        for attempt in range(ATTEMPTS):
            try:
                return self._load(id)
            except Missing:
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError

    def _load(self, id: str) -> Loaded:
        item, posts, start = self._live(id)
        started, reader = read_started(self.blobs.held(start)), Reader()
        known = started.input.encode()
        body = read_tail(item, read_body(item), known)
        state = reader.checkpoint(bytes(body.state))
        kept = Kept(reader, lambda name: self.blobs.get(item["pk"]["S"], name))
        tail = kept.add(body.tail, body.refs)
        frames: dict[int, Frame] = {frame.id: frame for frame in state.frames}
        segments: list[Segment] = []
        fresh: dict[int, None] = {}
        lines = 0
        if not body.inline:
            segments = self._read_segments(reader, item, body, frames)
            since = [*self._lines_since(kept, item, body, state.head.counter, known), *tail]
            for line in since:
                rewrite(frames, ((frame.id, frame) for frame in line.frames))
                rewrite(fresh, ((frame.id, None) for frame in line.frames))
            lines = len(since)
        reader.value(1).load(started.input)
        wanted = sorted(value.id for value in referred(state.head, frames.values()))
        self._read_values(kept, item["pk"]["S"], wanted, known)
        execution = restore(started, state.head, frames, map(self.map_run, waited_for(frames.values())))
        links = {id: kept.link(id) for id in wanted[-LINKS:]}
        return Loaded(execution, posts, item, body, lines, fresh, segments, links)

    def _live(self, id: str) -> tuple[Item, Sequence[Post], Item]:
        """The item of an execution, the posts it has not taken, and what it is."""
        item, start, posts = None, None, []
        values = {":pk": {"S": execution_key(id)}, ":live": {"S": LIVE}}
        for found in self.calls.query("pk = :pk AND begins_with(sk, :live)", values):
            sk = found["sk"]["S"]
            if sk == EXECUTION:
                item = found
            elif sk == START:
                start = found
            else:
                posts.append(found)
        if item is None:
            raise self.unknown(id)
        if start is None:
            raise UnreadableCheckpoint(f"{self.calls.address}: what was started as {id!r} is missing")
        taken = number(item, "taken")
        return item, [post for post in map(self._post, posts) if post.number > taken], start

    def _post(self, item: Item) -> Post:
        at = int(item["sk"]["S"].removeprefix(POST))
        return Post(at, id_of(item["pk"]["S"]), read_posted(self.blobs.held(item)))

    def posts(self, id: str, taken: int) -> list[Post]:
        """What was posted to an execution after the post of a number."""
        values = {
            ":pk": {"S": execution_key(id)},
            ":first": {"S": numbered(POST, taken + 1)},
            ":last": {"S": numbered(POST, 10**12 - 1)},
        }
        return [self._post(item) for item in self.calls.query("pk = :pk AND sk BETWEEN :first AND :last", values)]

    def _read_segments(self, reader: Reader, item: Item, body: Body, frames: dict[int, Frame]) -> list[Segment]:
        segments = []
        for blob, _ in body.segments:
            data = self.blobs.get(item["pk"]["S"], blob)
            found = [reader.frame(line) for line in data.split(b"\n")[1:]]
            rewrite(frames, ((frame.id, frame) for frame in found))
            segments.append(Segment(blob, tuple(frame.id for frame in found)))
        return segments

    def _lines_since(self, kept: Kept, item: Item, body: Body, counter: int, known: bytes) -> Iterator[Checkpoint]:
        """The checkpoints in chunks that follow the last segment; what was committed since the item was read is not."""
        for chunk in self._chunks(item["pk"]["S"], known, body.since):
            for checkpoint in kept.add(chunk.lines, chunk.refs):
                if checkpoint.head.counter <= counter:
                    yield checkpoint

    def _chunks(self, pk: str, known: bytes, first: int = 0, last: int = 10**12 - 1) -> Iterator[Chunk]:
        values = {":pk": {"S": pk}, ":first": {"S": numbered(LOG, first)}, ":last": {"S": numbered(LOG, last)}}
        for item in self.calls.query("pk = :pk AND sk BETWEEN :first AND :last", values):
            yield read_chunk(self.blobs.held(item, known))

    def _chunks_with(self, pk: str, known: bytes, first: int, last: int) -> Iterator[Chunk]:
        """The chunks in which the values stand that have these numbers."""
        values = {":pk": {"S": pk}, ":first": {"S": LOG}, ":last": {"S": numbered(LOG, first)}}
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        for item in self.calls.query(condition, values, newest=True, limit=1):
            yield read_chunk(self.blobs.held(item, known))
        if first < last:
            yield from self._chunks(pk, known, first + 1, last)

    def _read_values(self, kept: Kept, pk: str, wanted: Sequence[int], known: bytes) -> None:
        """Find the text of each value that is wanted and not known yet."""
        looked = 0
        missing = _missing(kept, wanted)
        while missing:
            spans = [missing[0]] if looked < POINTS else missing
            first, last = min(first for first, _ in spans), max(last for _, last in spans)
            for chunk in self._chunks_with(pk, known, first, last):
                kept.add(chunk.lines, chunk.refs)
            still = _missing(kept, wanted)
            if still and still[0] == missing[0]:
                raise UnreadableCheckpoint(f"{self.calls.address}: value {last} of {id_of(pk)} is missing")
            missing, looked = still, looked + 1

    def map_run(self, id: str) -> MapRun:
        """A Map Run that a frame waits for."""
        item = self.calls.get(f"m:{id}", ALONE)
        if item is None:
            raise UnreadableCheckpoint(f"{self.calls.address}: the Map Run {id} is missing")
        return _decode_run(unpack(bytes(item["body"]["B"])))

    def started(self, id: str) -> Started | None:
        """What an execution is, if there is one."""
        item = self.calls.get(execution_key(id), START)
        return None if item is None else read_started(self.blobs.held(item))

    def records(self, id: str, after: int) -> tuple[Sequence[Record], Callable[[int], str]]:
        """As `Store.records`."""
        item, _, start = self._live(id)
        pk, input = item["pk"]["S"], read_started(self.blobs.held(start)).input
        known = input.encode()
        body = read_tail(item, read_body(item), known)
        chunks = [*self._chunks(pk, known), Chunk(body.tail, body.refs)]
        records: dict[int, Record] = {}
        kept = Kept(Reader(), lambda name: self.blobs.get(pk, name))
        for chunk in chunks:
            for checkpoint in kept.add(chunk.lines, chunk.refs):
                records.update((record[0], record) for record in checkpoint.records)
        kept.reader.value(1).load(input)
        recent = [records[first] for first in sorted(records) if first + len(records[first][2]) > after + 1]
        return recent, lambda id: kept.value(id).text

    def definition(self, digest: str) -> str:
        """As `Store.definition`."""
        if digest not in self._definitions:
            item = self.calls.get(f"d:{digest}", ALONE)
            if item is None:
                raise StoreError(f"{self.calls.address}: the definition {digest} is missing")
            self._definitions[digest] = self.blobs.held(item).decode()
        return self._definitions[digest]

    def item(self, id: str) -> Item:
        """The item of an execution as it is now. Raises ExecutionNotFound."""
        item = self.calls.get(execution_key(id), EXECUTION)
        if item is None:
            raise self.unknown(id)
        return item

    def summary(self, item: Item) -> Summary:
        """What lists show of an execution."""
        head = Reader().checkpoint(bytes(read_body(item).state)).head
        queue = item.get("queue", {}).get("S")
        held = None if queue in (None, FREE) else str(queue).removeprefix("held:")
        due = None if queue is None else 0 if held else number(item, "due")
        return Summary(
            id_of(item["pk"]["S"]),
            item.get("machine", item.get("of", {}))["S"],
            head.status,
            started_at(item),
            head.stopped_at,
            due,
            held is not None and self._lives(held),
            head.redrives,
            head.error,
            head.cause,
            digest_of(item),
        )

    def summaries(self, machine: str | None, status: str | None, limit: int, before: int | None) -> list[Summary]:
        """As `Store.summaries`."""
        found: list[Summary] = []
        keys = self._listing(machine, status, before)
        while len(found) < limit:
            some = list(islice(keys, max(1, limit - len(found))))
            if not some:
                break
            items = self.calls.get_many([(pk, EXECUTION) for pk in some])
            for pk in some:
                item = items.get((pk, EXECUTION))
                if item is not None and status in (None, item["listed"]["S"].partition("#")[0]):
                    found.append(self.summary(item))
        return found

    def _listing(self, machine: str | None, status: str | None, before: int | None) -> Iterator[str]:
        """The partitions of executions, the newest first; one whose status has just changed once."""
        machines = self.machines() if machine is None else [machine]
        statuses = STATUSES if status is None else (status,)
        lists = [self.listed(one, state, before) for one in machines for state in statuses]
        seen = set()
        for _, pk in heapq.merge(*lists):
            if pk not in seen:
                seen.add(pk)
                yield pk

    def machines(self) -> list[str]:
        """The names of all machines that have executions, or had."""
        values = {":pk": {"S": MACHINES}}
        return [item["sk"]["S"] for item in self.calls.query("pk = :pk", values)]

    def listed(self, machine: str, status: str, before: int | None = None) -> Iterator[tuple[int, str]]:
        """Executions as the listing has them, the newest first: minus their start, and their partition."""
        end = 10**15 - 1 if before is None else before - 1
        values = {
            ":machine": {"S": machine},
            ":first": {"S": listed(status, 0)},
            ":last": {"S": listed(status, end)},
        }
        condition = "machine = :machine AND listed BETWEEN :first AND :last"
        for item in self.calls.query(condition, values, index="listing", newest=True):
            yield -started_at(item), item["pk"]["S"]

    def unknown(self, id: str) -> ExecutionNotFound:
        """There is no such execution."""
        return ExecutionNotFound(f"there is no execution named {id!r} in {self.calls.address}")


def _missing(kept: Kept, wanted: Iterable[int]) -> list[tuple[int, int]]:
    """Where to read on for the values that are wanted."""
    found = []
    for id in wanted:
        try:
            kept.value(id)
        except Lacking as lacking:
            found.append(lacking.span)
    return found
