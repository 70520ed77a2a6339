"""What is read from an SQLite store: executions, their histories, lists, Map Runs and their children.

Rule: reading takes no lease and writes nothing, and what is read together is read as it was at one moment.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from statelang.core.codec import Reader, referred, restore, waited_for
from statelang.core.execution import Execution, Head, Record, Started, Status
from statelang.core.frame import Frame, rewrite
from statelang.core.map_run import MapRun, Tally
from statelang.core.value import Value
from statelang.errors import ExecutionNotFound, MapRunNotFound, StoreError, UnreadableCheckpoint
from statelang.ports import Summary
from statelang.stores.sqlite_file import SPAN, SQL, NamedErrors, connect, owner_lives

_read_started: Final = msgspec.json.Decoder(Started).decode
_read_run: Final = msgspec.json.Decoder(MapRun).decode


class Since:
    """What has changed since the last snapshot of one execution that this worker holds."""

    __slots__ = ("ended", "frames", "rows")

    def __init__(self, rows: int, frames: dict[int, Frame], ended: bool = False) -> None:
        self.rows = rows
        self.frames = frames
        self.ended = ended


class SqliteReader:
    """The reading half of a store in one SQLite file; safe from any thread."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._named = NamedErrors(place)
        self._guest = connect(place)
        self._guests = threading.RLock()

    def read(self, execution: str) -> Execution:
        with self._guests, self._named, snapshot_of(self._guest) as db:
            return self.load_of(db, execution)[0]

    def load_of(self, db: sqlite3.Connection, id: str) -> tuple[Execution, Since]:
        row = db.execute(SQL["started"], (id,)).fetchone()
        if row is None:
            raise self._unknown(id)
        key, started, snapshot = row
        first, last = key * SPAN, key * SPAN + SPAN - 1
        reader = Reader()
        frames = {f.id: f for f in (reader.frame(body) for (body,) in db.execute(SQL["frames"], (first, last)))}
        rows = db.execute(SQL["log_since"], (max(snapshot, first), last)).fetchall()
        checkpoints = [reader.checkpoint(body) for _, body in rows]
        head = checkpoints[-1].head if checkpoints else self._last_head(db, reader, first, last)
        recent: dict[int, Frame] = {}
        for checkpoint in checkpoints:
            rewrite(recent, ((frame.id, frame) for frame in checkpoint.frames))
        rewrite(frames, recent.items())
        self._read_values(db, reader, key, {*referred(head, frames.values()), reader.value(1)})
        whole = msgspec.structs.replace(_read_started(started), input=reader.value(1).text)
        waited = waited_for(frames.values())
        runs = [_run(db.execute(SQL["map_run"], (run,)).fetchone())[0] for run in waited]
        return restore(whole, head, frames, runs), Since(len(rows), recent, head.status != "RUNNING")

    def _last_head(self, db: sqlite3.Connection, reader: Reader, first: int, last: int) -> Head:
        row = db.execute(SQL["last_log"], (first, last)).fetchone()
        if row is None:
            raise UnreadableCheckpoint(f"{self.place}: an execution without any checkpoint")
        return reader.checkpoint(row[0]).head

    def _read_values(self, db: sqlite3.Connection, reader: Reader, key: int, values: Iterable[Value]) -> None:
        for value in sorted(values, key=lambda value: value.id):
            if not value.loaded:
                row = db.execute(SQL["log_with"], (key * SPAN, key * SPAN + value.id)).fetchone()
                if row is not None:
                    reader.checkpoint(row[0])
                if not value.loaded:
                    raise UnreadableCheckpoint(f"{self.place}: value {value.id} of a checkpoint is missing")

    def summary(self, execution: str) -> Summary:
        with self._guests, self._named:
            row = self._guest.execute(SQL["summary"], (execution,)).fetchone()
        if row is None:
            raise self._unknown(execution)
        return self._summary(row)

    def summaries(
        self,
        *,
        machine: str | None = None,
        status: str | None = None,
        limit: int = 100,
        before: int | None = None,
        map_run: str | None = None,
    ) -> Sequence[Summary]:
        wanted: tuple[str | int | None, ...] = (machine, status, before, limit)
        statement = SQL["summaries"] if map_run is None else SQL["summaries_of_run"]
        with self._guests, self._named:
            rows = self._guest.execute(statement, wanted if map_run is None else (map_run, *wanted)).fetchall()
        return [self._summary(row) for row in rows]

    def _summary(self, row: Sequence[Any]) -> Summary:
        id, machine, status, started_at, stopped_at, due, owner, redrives, error, cause, digest = row
        driven = owner is not None and owner_lives(self.place, owner)
        return Summary(id, machine, status, started_at, stopped_at, due, driven, redrives, error, cause, digest)

    def records(self, execution: str, after: int = 0) -> tuple[Sequence[Record], Callable[[int], str]]:
        texts: dict[int, str] = {}
        records: list[Record] = []
        with self._guests, self._named, snapshot_of(self._guest) as db:
            row = db.execute(SQL["key_of"], (execution,)).fetchone()
            if row is None:
                raise self._unknown(execution)
            first, last = row[0] * SPAN, row[0] * SPAN + SPAN - 1
            for _, body in db.execute(SQL["log_since"], (_before_event(db, first, last, after), last)):
                checkpoint = Reader().checkpoint(body)
                texts.update((number, bytes(text).decode()) for number, text in checkpoint.values.items())
                records.extend(record for record in checkpoint.records if record[0] + len(record[2]) > after + 1)

        def text(number: int) -> str:
            if number not in texts:
                texts[number] = self._text(first, number)
            return texts[number]

        return records, text

    def _text(self, first: int, number: int) -> str:
        """The text of a value that stands in an earlier row than those that were read."""
        with self._guests, self._named:
            row = self._guest.execute(SQL["log_with"], (first, first + number)).fetchone()
        values = {} if row is None else Reader().checkpoint(row[0]).values
        if number not in values:
            raise UnreadableCheckpoint(f"{self.place}: value {number} of a checkpoint is missing")
        return bytes(values[number]).decode()

    def map_run(self, id: str) -> tuple[MapRun, Tally]:
        with self._guests, self._named:
            row = self._guest.execute(SQL["map_run"], (id,)).fetchone()
            if row is None:
                raise MapRunNotFound(f"there is no Map Run {id!r} in {self.place}")
            return _run(row)

    def map_runs(self, execution: str) -> Sequence[tuple[MapRun, Tally]]:
        with self._guests, self._named:
            return [_run(row) for row in self._guest.execute(SQL["map_runs"], (execution,)).fetchall()]

    def members(
        self, map_run: str, statuses: Collection[Status], *, first: int = 0, limit: int = 1_000
    ) -> Sequence[tuple[int, str]]:
        wanted = msgspec.json.encode(sorted(statuses)).decode()
        with self._guests, self._named:
            rows = self._guest.execute(SQL["members"], (map_run, first, wanted, limit)).fetchall()
        return [(index, id) for index, id in rows]

    def children(self, map_run: str, *, first: int = 0, limit: int = 1_000) -> Sequence[tuple[Started, Head]]:
        with self._guests, self._named, snapshot_of(self._guest) as db:
            rows = db.execute(SQL["children"], (map_run, first, limit)).fetchall()
            return [self._child(db, *row) for row in rows]

    def _child(self, db: sqlite3.Connection, key: int, started: str, begun: str, last: str) -> tuple[Started, Head]:
        reader = Reader()
        head = reader.checkpoint(begun).head
        if last != begun:
            head = reader.checkpoint(last).head
        self._read_values(db, reader, key, () if head.output is None else (head.output,))
        return msgspec.structs.replace(_read_started(started), input=reader.value(1).text), head

    def definition(self, digest: str) -> str:
        with self._guests, self._named:
            row = self._guest.execute(SQL["definition"], (digest,)).fetchone()
        if row is None:
            raise StoreError(f"{self.place}: the definition {digest} is missing")
        return str(row[0])

    def _unknown(self, execution: str) -> ExecutionNotFound:
        return ExecutionNotFound(f"there is no execution named {execution!r} in {self.place}")


def _run(row: Sequence[Any]) -> tuple[MapRun, Tally]:
    body, *counts = row
    return _read_run(body), Tally(*counts)


def _before_event(db: sqlite3.Connection, first: int, last: int, after: int) -> int:
    """The row behind which the events after this one are told: found by halves, however long the history is."""
    low, high = first, last if after else first
    while low < high:
        middle = (low + high) // 2
        row = db.execute(SQL["log_next"], (middle, last)).fetchone()
        if row is None or Reader().checkpoint(row[1]).head.events > after:
            high = middle
        else:
            low = row[0]
    return low


@contextmanager
def snapshot_of(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Read everything as it is at one moment, whatever others write meanwhile."""
    db.execute("BEGIN")
    try:
        yield db
    finally:
        db.execute("COMMIT")
