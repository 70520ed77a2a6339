"""The SQLite store: executions in one file, shared by any number of processes.

One row of `log` is history and checkpoint at once: a commit writes one row per execution, behind the fence of its
lease. The frames of an execution are those of the last snapshot and the rows since, which are never more than
SNAPSHOT_ROWS: loading costs the same however long the execution has run.

Rule: everything that is written together is written in one BEGIN IMMEDIATE transaction, and `synchronous` is chosen
before it begins.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from statelang.core.codec import Reader, encode_frame, encode_steps, referred, restore
from statelang.core.execution import Execution, Head, Record, Started
from statelang.core.frame import Frame, rewrite
from statelang.core.stimulus import Posted
from statelang.core.value import Value
from statelang.errors import ExecutionExists, ExecutionNotFound, LeaseLost, StoreError, UnreadableCheckpoint
from statelang.ports import Commit, Lease, NewExecution, Post, Summary
from statelang.stores.sqlite_file import SQL, OwnerLock, connect, named_errors, owner_lives

SNAPSHOT_ROWS: Final = 64
"""How many log rows may follow a snapshot before the next one is taken."""

SNAPSHOT_FRAMES: Final = 1024
"""How many frames may have changed since a snapshot before the next one is taken."""

SPAN: Final = 1 << 32

_encode: Final = msgspec.json.Encoder().encode
_read_started: Final = msgspec.json.Decoder(Started).decode
_read_posted: Final = msgspec.json.Decoder(Posted).decode


class _Since:
    """What has changed since the last snapshot of one execution that this worker holds."""

    __slots__ = ("ended", "frames", "rows")

    def __init__(self, rows: int, frames: dict[int, Frame], ended: bool = False) -> None:
        self.rows = rows
        self.frames = frames
        self.ended = ended


class SqliteStore:
    """A store in one SQLite file. See `statelang.ports.Store`."""

    def __init__(self, path: str) -> None:
        self.place = os.path.abspath(path)
        self._driver = connect(self.place)
        self._guest = connect(self.place)
        self._guests = threading.RLock()
        self._synced: bool | None = None
        self._version = -1
        self._owner: int | None = None
        self._lock: OwnerLock | None = None
        self._since: dict[int, _Since] = {}
        self._garbage: deque[int] = deque()

    def create(self, executions: Sequence[NewExecution]) -> Sequence[Lease | None]:
        owner = self._own()
        with self._write(self._driver, sync=True) as db:
            return [self._create(db, new, owner) for new in executions]

    def _create(self, db: sqlite3.Connection, new: NewExecution, owner: int) -> Lease | None:
        started = new.started
        row = db.execute(SQL["find_start"], (started.id,)).fetchone()
        if row is not None:
            if row[0] == started.fingerprint:
                return None
            raise ExecutionExists(
                f"an execution named {started.id!r} exists already, with another machine, definition or input"
            )
        db.execute(SQL["insert_definition"], (started.digest, new.source))
        kept = _encode(msgspec.structs.replace(started, input="")).decode()
        values = (started.id, started.machine, started.digest, started.fingerprint, started.at, owner, kept)
        key = db.execute(SQL["insert_execution"], values).lastrowid
        assert key is not None
        db.execute(SQL["insert_first_log"], (key * SPAN + new.step.number, encode_steps([new.step]).decode()))
        self._since[key] = _Since(1, dict(new.step.frames))
        return Lease(started.id, key, 1)

    def claim(self, execution: str) -> Lease | None:
        return self._take("claim", execution)

    def reopen(self, execution: str) -> Lease | None:
        return self._take("reopen", execution)

    def _take(self, statement: str, execution: str) -> Lease | None:
        owner = self._own()
        with self._write(self._driver, sync=False) as db:
            row = db.execute(SQL["holder"], (execution,)).fetchone()
            holder = None if row is None else row[0]
            dead = holder if holder is not None and not self._lives(holder) else None
            taken = db.execute(SQL[statement], (owner, execution, dead)).fetchone()
        if taken is None:
            return None
        key, epoch = taken
        return Lease(execution, key, epoch)

    def load(self, lease: Lease) -> tuple[Execution, Sequence[Post]]:
        with named_errors(self.place), _snapshot_of(self._driver) as db:
            execution, since = self._load(db, lease.execution)
            posts = self._posts(db.execute(SQL["posts_to_execution"], (lease.key,)))
        self._since[lease.key] = since
        return execution, posts

    def read(self, execution: str) -> Execution:
        with self._guests, named_errors(self.place), _snapshot_of(self._guest) as db:
            return self._load(db, execution)[0]

    def _load(self, db: sqlite3.Connection, id: str) -> tuple[Execution, _Since]:
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
        return restore(whole, head, frames), _Since(len(rows), recent, head.status != "RUNNING")

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

    def commit(self, commits: Sequence[Commit], *, sync: bool) -> None:
        with self._write(self._driver, sync=sync) as db:
            self._fence(db, commits)
            for commit in commits:
                self._settle(db, commit)

    def _fence(self, db: sqlite3.Connection, commits: Sequence[Commit]) -> None:
        """Write the log rows; every one is conditional on its lease."""
        rows = [
            (c.lease.key * SPAN + c.steps[0].number, encode_steps(c.steps).decode(), c.lease.key, c.lease.epoch)
            for c in commits
            if c.steps
        ]
        if len(rows) == 1:
            written = db.execute(SQL["insert_log"], rows[0]).rowcount
        else:
            written = db.executemany(SQL["insert_log"], rows).rowcount if rows else 0
        idle = [c.lease for c in commits if not c.steps]
        if written != len(rows) or not all(self._holds(db, lease) for lease in idle):
            lost = tuple(c.lease.execution for c in commits if not self._holds(db, c.lease))
            raise LeaseLost(f"{self.place}: another worker has taken over {', '.join(lost)}", lost)

    def _holds(self, db: sqlite3.Connection, lease: Lease) -> bool:
        return db.execute(SQL["check_lease"], (lease.key, lease.epoch)).fetchone() is not None

    def _settle(self, db: sqlite3.Connection, commit: Commit) -> None:
        """Write what goes with a log row: consumed posts, the end, the lease's release, a snapshot now and then."""
        key = commit.lease.key
        if commit.posts:
            db.executemany(SQL["delete_post"], [(number,) for number in commit.posts])
        if commit.steps:
            self._settle_steps(db, commit, self._since[key])
        if commit.release:
            db.execute(SQL["release"], (commit.due, key))
            self._since.pop(key, None)

    def _settle_steps(self, db: sqlite3.Connection, commit: Commit, since: _Since) -> None:
        key, head = commit.lease.key, commit.steps[-1].head
        since.rows += 1
        for step in commit.steps:
            since.frames.update(step.frames)
        for frame in commit.swept:
            since.frames.pop(frame, None)
            self._garbage.append(key * SPAN + frame)
        if head.status != "RUNNING":
            db.execute(SQL["end_execution"], (head.status, head.stopped_at, head.error, head.cause, key))
            self._since.pop(key, None)
        elif since.ended:
            db.execute(SQL["run_again"], (head.redrives, key))
            since.ended = False
        elif since.rows >= SNAPSHOT_ROWS or len(since.frames) >= SNAPSHOT_FRAMES:
            self._take_snapshot(db, key, commit.steps[0].number, since)

    def _take_snapshot(self, db: sqlite3.Connection, key: int, number: int, since: _Since) -> None:
        rows = [(key * SPAN + frame.id, encode_frame(frame).decode()) for frame in since.frames.values()]
        db.executemany(SQL["upsert_frame"], rows)
        db.execute(SQL["set_snapshot"], (key * SPAN + number, key))
        since.rows = 0
        since.frames.clear()

    def sweep(self, limit: int) -> int:
        """Remove up to `limit` frames that were dropped; returns how many are left. For when there is time."""
        if self._garbage:
            some = [(self._garbage.popleft(),) for _ in range(min(limit, len(self._garbage)))]
            with self._write(self._driver, sync=False) as db:
                db.executemany(SQL["delete_frame"], some)
        return len(self._garbage)

    def post(self, execution: str, stimulus: Posted) -> None:
        with self._guests, self._write(self._guest, sync=True) as db:
            row = db.execute(SQL["key_of"], (execution,)).fetchone()
            if row is None:
                raise self._unknown(execution)
            db.execute(SQL["insert_post"], (row[0], stimulus.at, _encode(stimulus).decode()))
            db.execute(SQL["wake"], row)

    def posts(self) -> Sequence[Post]:
        with named_errors(self.place):
            (version,) = self._driver.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return ()
            self._version = version
            return self._posts(self._driver.execute(SQL["posts_to_owner"], (self._owner,)))

    def _posts(self, rows: Iterable[tuple[int, str, str]]) -> list[Post]:
        return [Post(number, execution, _read_posted(body)) for number, execution, body in rows]

    def due(self, now: int, limit: int) -> Sequence[str]:
        self._bury()
        with named_errors(self.place):
            return [id for (id,) in self._driver.execute(SQL["due"], (now, limit))]

    def _bury(self) -> None:
        """Set free what dead owners held."""
        with named_errors(self.place):
            others = [id for (id,) in self._driver.execute(SQL["owners"]) if id != self._owner]
        dead = [owner for owner in others if not owner_lives(self.place, owner)]
        if dead:
            with self._write(self._driver, sync=False) as db:
                for owner in dead:
                    db.execute(SQL["free_owner"], (owner,))
                    db.execute(SQL["delete_owner"], (owner,))

    def next_due(self) -> int | None:
        with named_errors(self.place):
            row = self._driver.execute(SQL["next_due"]).fetchone()
        return None if row[0] is None else int(row[0])

    def summary(self, execution: str) -> Summary:
        with self._guests, named_errors(self.place):
            row = self._guest.execute(SQL["summary"], (execution,)).fetchone()
        if row is None:
            raise self._unknown(execution)
        return self._summary(row)

    def summaries(
        self, *, machine: str | None = None, status: str | None = None, limit: int = 100, before: int | None = None
    ) -> Sequence[Summary]:
        with self._guests, named_errors(self.place):
            rows = self._guest.execute(SQL["summaries"], (machine, status, before, limit)).fetchall()
        return [self._summary(row) for row in rows]

    def _summary(self, row: Sequence[Any]) -> Summary:
        id, machine, status, started_at, stopped_at, due, owner, redrives, error, cause, digest = row
        driven = owner is not None and self._lives(owner)
        return Summary(id, machine, status, started_at, stopped_at, due, driven, redrives, error, cause, digest)

    def records(self, execution: str, after: int = 0) -> tuple[Sequence[Record], Callable[[int], str]]:
        texts: dict[int, str] = {}
        records: list[Record] = []
        with self._guests, named_errors(self.place), _snapshot_of(self._guest) as db:
            row = db.execute(SQL["key_of"], (execution,)).fetchone()
            if row is None:
                raise self._unknown(execution)
            for _, body in db.execute(SQL["log_since"], (row[0] * SPAN, row[0] * SPAN + SPAN - 1)):
                checkpoint = Reader().checkpoint(body)
                texts.update((number, bytes(text).decode()) for number, text in checkpoint.values.items())
                records.extend(record for record in checkpoint.records if record[0] + len(record[2]) > after + 1)
        return records, texts.__getitem__

    def definition(self, digest: str) -> str:
        with self._guests, named_errors(self.place):
            row = self._guest.execute(SQL["definition"], (digest,)).fetchone()
        if row is None:
            raise StoreError(f"{self.place}: the definition {digest} is missing")
        return str(row[0])

    def close(self) -> None:
        try:
            if self._owner is not None:
                self.sweep(1 << 30)
                with self._write(self._driver, sync=False) as db:
                    db.execute(SQL["free_owner"], (self._owner,))
                    db.execute(SQL["delete_owner"], (self._owner,))
        finally:
            if self._lock is not None:
                self._lock.release()
            self._owner = self._lock = None
            self._driver.close()
            self._guest.close()

    def _own(self) -> int:
        """This worker's number; its lock is held before anybody can read the number."""
        if self._owner is None:
            try:
                self._owner = self._become_owner()
            except BaseException:
                if self._lock is not None:
                    self._lock.release()
                    self._lock = None
                raise
        return self._owner

    def _become_owner(self) -> int:
        with self._write(self._driver, sync=False) as db:
            process = f"{os.uname().nodename if hasattr(os, 'uname') else ''}:{os.getpid()}"
            number = db.execute(SQL["insert_owner"], (process,)).lastrowid
            assert number is not None
            self._lock = OwnerLock(self.place, number)
        return number

    def _lives(self, owner: int) -> bool:
        return owner == self._owner or owner_lives(self.place, owner)

    def _unknown(self, execution: str) -> ExecutionNotFound:
        return ExecutionNotFound(f"there is no execution named {execution!r} in {self.place}")

    @contextmanager
    def _write(self, db: sqlite3.Connection, *, sync: bool) -> Iterator[sqlite3.Connection]:
        """One transaction: all or nothing."""
        with named_errors(self.place):
            if db is self._driver and sync is not self._synced:
                db.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
                self._synced = sync
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise


@contextmanager
def _snapshot_of(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Read everything as it is at one moment, whatever others write meanwhile."""
    db.execute("BEGIN")
    try:
        yield db
    finally:
        db.execute("COMMIT")
