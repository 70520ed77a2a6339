"""Care for an SQLite store: what is in it, whether it is whole, a copy of it, and less of it.

Rule: everything here may be done while workers drive executions of the same file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from statelang.core.codec import Reader
from statelang.errors import StoreError, StoreNotFound, UnreadableCheckpoint
from statelang.stores.sqlite_file import FORMAT, SPAN, SQL, NamedErrors, connect

CHUNK: Final = 1_000
"""How many rows one transaction removes: others are let in between."""


class SqliteCare:
    """A store's file, looked after. See `statelang.ports.Care`."""

    def __init__(self, path: str) -> None:
        self.place = os.path.realpath(path)
        if not Path(self.place).exists():
            raise StoreNotFound(f"there is no store {self.place}")

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = connect(self.place)
        try:
            with NamedErrors(self.place):
                yield connection
        finally:
            connection.close()

    def info(self) -> dict[str, object]:
        """File, format, sizes in bytes, executions by status, and what waits to be taken up."""
        with self._open() as db:
            rows, size = db.execute(SQL["count_log"]).fetchone()
            return {
                "file": self.place,
                "format": FORMAT,
                "bytes": sum(file.stat().st_size for file in self._files()),
                "executions": dict(db.execute(SQL["count_statuses"])),
                "checkpoints": rows,
                "checkpointBytes": size,
                "posts": db.execute(SQL["count_posts"]).fetchone()[0],
                "workers": len(db.execute(SQL["owners"]).fetchall()),
            }

    def _files(self) -> list[Path]:
        return [file for suffix in ("", "-wal") if (file := Path(self.place + suffix)).exists()]

    def check(self) -> list[str]:
        """What is wrong with the store; nothing where all is well. Reads every checkpoint."""
        with self._open() as db:
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
            stray = db.execute(SQL["stray_log"]).fetchone()[0]
            if stray:
                found.append(f"{stray} checkpoints belong to no execution")
            for id, key in db.execute(SQL["keys"]).fetchall():
                problem = _unreadable(db, key)
                if problem:
                    found.append(f"execution {id}: {problem}")
        return found

    def backup(self, target: str) -> None:
        """Copy the store to a new file, as it is at one moment, while others go on writing."""
        place = os.path.abspath(target)
        if Path(place).exists():
            raise StoreError(f"{place}: exists already; a backup is never written over anything")
        if not Path(place).parent.is_dir():
            raise StoreError(f"{place}: cannot be made: there is no folder {Path(place).parent}")
        partial = f"{place}.partial"
        Path(partial).unlink(missing_ok=True)
        try:
            named = NamedErrors(f"copying {self.place} to {place}")
            with self._open() as db, named, contextlib.closing(sqlite3.connect(partial)) as copy:
                db.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            os.replace(partial, place)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise

    def prune(self, before: int) -> int:
        """Remove the executions that ended before a time (milliseconds since 1970), whole; returns how many."""
        pruned = 0
        with self._open() as db:
            for (key,) in db.execute(SQL["stray_keys"]).fetchall():
                _remove_rows(db, key)
            for (run,) in db.execute(SQL["stray_runs"]).fetchall():
                _remove_run(db, run)
            while rows := db.execute(SQL["prunable"], (before, 100)).fetchall():
                removed = sum(_remove(db, key) for (key,) in rows)
                pruned += removed
                if not removed:
                    break
            if pruned:
                db.execute(SQL["delete_definitions"])
        return pruned


def _remove(db: sqlite3.Connection, key: int) -> bool:
    """Remove one execution with the children of its Map Runs, unless one of them moves, or it is being redriven by now.

    Its own row goes first: what an interrupted prune leaves belongs to nothing, and the next one removes it.
    """
    runs = [run for (run,) in db.execute(SQL["runs_of"], (key,))]
    db.execute("BEGIN IMMEDIATE")
    try:
        going = db.execute(SQL["still_prunable"], (key,)).fetchone() is not None
        going = going and not any(db.execute(SQL["running_child"], (run,)).fetchone() for run in runs)
        if going:
            db.execute(SQL["delete_posts"], (key,))
            db.execute(SQL["empty_queue"], (key,))
            db.execute(SQL["delete_execution"], (key,))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    if going:
        _remove_rows(db, key)
        for run in runs:
            _remove_run(db, run)
    return going


def _remove_run(db: sqlite3.Connection, run: str) -> None:
    """Remove a Map Run whose execution is gone, its children first."""
    while rows := db.execute(SQL["some_children"], (run, CHUNK)).fetchall():
        if not sum(_remove(db, key) for (key,) in rows):
            return  # what still moves ends soon, and the next prune removes it
    db.execute(SQL["delete_map_run"], (run,))


def _remove_rows(db: sqlite3.Connection, key: int) -> None:
    first, last = key * SPAN, key * SPAN + SPAN - 1
    for statement in ("delete_frames", "delete_log"):
        while db.execute(SQL[statement], (first, last, CHUNK)).rowcount > 0:
            pass


def _unreadable(db: sqlite3.Connection, key: int) -> str | None:
    """What is wrong with the checkpoints of one execution."""
    rows = db.execute(SQL["log_since"], (key * SPAN, key * SPAN + SPAN - 1)).fetchall()
    if not rows:
        return "has no checkpoint"
    events = 0
    try:
        for _, body in rows:
            for first, _, told in Reader().checkpoint(body).records:
                if first != events + 1:
                    return f"its history has a gap between events {events} and {first}"
                events = first + len(told) - 1
    except UnreadableCheckpoint as problem:
        return str(problem)
    return None
