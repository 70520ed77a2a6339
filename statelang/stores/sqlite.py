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
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from statelang.core.codec import encode_frame, encode_steps
from statelang.core.execution import Execution, Started
from statelang.core.frame import Frame, rewrite
from statelang.core.stimulus import Posted
from statelang.errors import ExecutionExists, LeaseLost
from statelang.ports import Commit, Lease, NewExecution, Post, Queued
from statelang.stores.sqlite_beyond import write_beyond, write_post
from statelang.stores.sqlite_file import SPAN, SQL, OwnerLock, Transaction, connect, owner_lives
from statelang.stores.sqlite_reader import Since, SqliteReader, snapshot_of

SNAPSHOT_ROWS: Final = 64
"""How many log rows may follow a snapshot before the next one is taken."""

SNAPSHOT_FRAMES: Final = 1024
"""How many frames may have changed since a snapshot before the next one is taken."""

_encode: Final = msgspec.json.Encoder().encode
_read_posted: Final = msgspec.json.Decoder(Posted).decode


class SqliteStore(SqliteReader):
    """A store in one SQLite file. See `statelang.ports.Store`."""

    poll_ms = 50

    def __init__(self, path: str) -> None:
        super().__init__(os.path.realpath(path))  # the locks of owners lie beside the file itself, whoever links to it
        self._driver = connect(self.place)
        self._synced: bool | None = None
        self._version = -1
        self._owner: int | None = None
        self._lock: OwnerLock | None = None
        self._since: dict[int, Since] = {}
        self._garbage: deque[int] = deque()

    def create(self, executions: Sequence[NewExecution]) -> Sequence[Lease | None]:
        owner = self._own()
        with self._write(self._driver, sync=True) as db:
            for new in executions:
                self._check_start(db, new.started)
            return [self._create(db, new, owner) for new in executions]

    def _check_start(self, db: sqlite3.Connection, started: Started) -> None:
        row = db.execute(SQL["find_start"], (started.id,)).fetchone()
        if row is not None and row[0] != started.fingerprint:
            raise ExecutionExists(
                f"an execution named {started.id!r} exists already, with another machine, definition or input"
            )

    def _create(self, db: sqlite3.Connection, new: NewExecution, owner: int) -> Lease | None:
        started = new.started
        if new.source:
            db.execute(SQL["insert_definition"], (started.digest, new.source))
        kept = _encode(msgspec.structs.replace(started, input="")).decode()
        head, run = new.steps[-1].head, started.map_run
        ended = head.status != "RUNNING"
        child = (run, started.index) if run else (None, None)
        stands = (head.status, head.stopped_at, head.error, head.cause)
        holds = (None, None) if ended else (owner, 0)
        values = (started.id, started.machine, started.digest, started.fingerprint, started.at)
        row = db.execute(SQL["insert_execution"], (*values, *stands, *holds, kept, *child)).fetchone()
        if row is None:  # there is one of this id
            return None
        key = int(row[0])
        db.execute(SQL["insert_first_log"], (key * SPAN + new.step.number, encode_steps(new.steps).decode()))
        if not ended:
            frames: dict[int, Frame] = {}
            for step in new.steps:
                rewrite(frames, step.frames.items())
            self._since[key] = Since(1, frames)
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
        with self._named, snapshot_of(self._driver) as db:
            execution, since = self.load_of(db, lease.execution)
            posts = self._posts(db.execute(SQL["posts_to_execution"], (lease.key,)))
        self._since[lease.key] = since
        return execution, posts

    def commit(self, commits: Sequence[Commit], *, sync: bool) -> Sequence[Lease | None]:
        with self._named:
            self._choose(sync)
            leases: Sequence[Lease | None] = ()
            if len(commits) == 1 and self._is_row(commits[0]):
                self._write_log(self._driver, commits)
            else:
                leases = self._commit(commits)
        for commit in commits:
            if commit.swept:  # gone only now: what is rolled back takes none of them away
                self._garbage.extend(commit.lease.key * SPAN + frame for frame in commit.swept)
        return leases

    def _commit(self, commits: Sequence[Commit]) -> Sequence[Lease | None]:
        begun = [new for commit in commits if commit.begun for new in commit.begun]
        owner = self._own() if begun else 0
        with Transaction(self._driver) as db:
            self._write_log(db, commits)
            beyond = [commit for commit in commits if _is_beyond(commit)]
            if beyond and write_beyond(db, beyond):
                self._version = -1  # this connection does not see its own writes as news
            return [self._create(db, new, owner) for new in begun] if begun else ()

    def _is_row(self, commit: Commit) -> bool:
        """Whether a commit is its log row and nothing else: one statement is a transaction of its own."""
        if not commit.steps or commit.posts or commit.release or commit.begun or _is_beyond(commit):
            return False
        since = self._since.get(commit.lease.key)
        if since is None or since.ended or _is_full(since):
            return False
        return commit.steps[-1].head.status == "RUNNING"

    def _write_log(self, db: sqlite3.Connection, commits: Sequence[Commit]) -> None:
        """Write what concerns the executions themselves."""
        self._fence(db, commits)
        for commit in commits:
            self._settle(db, commit)

    def _fence(self, db: sqlite3.Connection, commits: Sequence[Commit]) -> None:
        """Write the log rows; every one is conditional on its lease."""
        rows = [_log_row(commit) for commit in commits if commit.steps]
        if len(rows) == 1:
            written = db.execute(SQL["insert_log"], rows[0]).rowcount
        else:
            written = db.executemany(SQL["insert_log"], rows).rowcount if rows else 0
        if written == len(commits):
            return
        idle = [commit.lease for commit in commits if not commit.steps]
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

    def _settle_steps(self, db: sqlite3.Connection, commit: Commit, since: Since) -> None:
        key, head, full = commit.lease.key, commit.steps[-1].head, _is_full(since)
        since.rows += 1
        for step in commit.steps:
            since.frames.update(step.frames)
        for frame in commit.swept:
            since.frames.pop(frame, None)
        if head.status != "RUNNING":
            db.execute(SQL["end_execution"], (head.status, head.stopped_at, head.error, head.cause, key))
            self._since.pop(key, None)
        elif since.ended:
            db.execute(SQL["run_again"], (head.redrives, key))
            since.ended = False
        elif full:
            self._take_snapshot(db, key, commit.steps[0].number, since)

    def _take_snapshot(self, db: sqlite3.Connection, key: int, number: int, since: Since) -> None:
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
            if not write_post(db, execution, stimulus):
                raise self._unknown(execution)

    def take(self, activity: str, started: Callable[[str], Posted]) -> Queued | None:
        with self._guests, self._named:
            if self._guest.execute(SQL["queued"], (activity,)).fetchone() is None:
                return None
            with self._write(self._guest, sync=True) as db:
                while (row := db.execute(SQL["take"], (activity,)).fetchone()) is not None:
                    *told, status = row
                    if status == "RUNNING":
                        queued = Queued(activity, *told)
                        write_post(db, queued.execution, started(queued.token))
                        return queued
                return None

    def posts(self) -> Sequence[Post]:
        with self._named:
            (version,) = self._driver.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return ()
            found = self._posts(self._driver.execute(SQL["posts_to_owner"], (self._owner,)))
            self._version = version
            return found

    def _posts(self, rows: Iterable[tuple[int, str, str]]) -> list[Post]:
        return [Post(number, execution, _read_posted(body)) for number, execution, body in rows]

    def due(self, now: int, limit: int) -> Sequence[str]:
        self._bury()
        with self._named:
            return [id for (id,) in self._driver.execute(SQL["due"], (now, limit))]

    def _bury(self) -> None:
        """Set free what dead owners held."""
        with self._named:
            others = [id for (id,) in self._driver.execute(SQL["owners"]) if id != self._owner]
        dead = [owner for owner in others if not owner_lives(self.place, owner)]
        if dead:
            with self._write(self._driver, sync=False) as db:
                for owner in dead:
                    db.execute(SQL["free_owner"], (owner,))
                    db.execute(SQL["delete_owner"], (owner,))

    def next_due(self) -> int | None:
        with self._named:
            row = self._driver.execute(SQL["next_due"]).fetchone()
        return None if row[0] is None else int(row[0])

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
            with self._guests:  # a connection that is closed while another thread reads brings the process down
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

    @contextmanager
    def _write(self, db: sqlite3.Connection, *, sync: bool) -> Iterator[sqlite3.Connection]:
        """One transaction: all or nothing."""
        with self._named:
            if db is self._driver:
                self._choose(sync)
            with Transaction(db):
                yield db

    def _choose(self, sync: bool) -> None:
        """Whether what is committed next through the driver's connection has to outlast a loss of power."""
        if sync is not self._synced:
            self._driver.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
            self._synced = sync


def _log_row(commit: Commit) -> tuple[int, str, int, int]:
    key = commit.lease.key
    return key * SPAN + commit.steps[0].number, encode_steps(commit.steps).decode(), key, commit.lease.epoch


def _is_full(since: Since) -> bool:
    """Whether the next commit takes a snapshot."""
    return since.rows >= SNAPSHOT_ROWS or len(since.frames) >= SNAPSHOT_FRAMES


def _is_beyond(commit: Commit) -> bool:
    """Whether a commit says something of others than its execution."""
    return bool(commit.tallies or commit.sends or commit.queued) or any(step.runs for step in commit.steps)
