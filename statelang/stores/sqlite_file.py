"""The file of an SQLite store: opening and migrating it, its statements, its errors, and the locks of its owners.

Rule: no statement of the store stands anywhere but in `sql/`, and no sqlite3 error leaves unnamed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from statelang.errors import StoreError, StoreFull, StoreNotOurs, StoreReadOnly, StoreTooNew, UnreadableCheckpoint

APPLICATION_ID: Final = 0x53744C67
"""What an SQLite file of ours carries in its header: the bytes "StLg"."""

FORMAT: Final = 2
"""The last migration, as PRAGMA user_version."""

SPAN: Final = 1 << 32
"""How many rows of one table an execution may have: an id is its key times this, and a number (see `sql/`)."""

BUSY_SECONDS: Final = 30.0

WAL_PAGES: Final = 2_000
"""How long the WAL grows before it is used again from its start. A synced commit to one that grows costs twice as much
as to one that is used again; a checkpoint costs two syncs."""

_NAMED: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def _read(name: str) -> str:
    return files("statelang.stores").joinpath("sql", name).read_text(encoding="utf-8")


def _queries() -> Mapping[str, str]:
    parts = _NAMED.split(_read("queries.sql"))
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2])}


SQL: Final = _queries()


class NamedErrors:
    """Turns what sqlite3 raises, and what cannot be decoded, into the store's errors, which name the file."""

    __slots__ = ("_place",)

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(problem, sqlite3.Error):
            raise _named(problem, self._place) from problem
        if isinstance(problem, msgspec.MsgspecError):
            raise UnreadableCheckpoint(f"{self._place}: something in it cannot be read ({problem})") from problem


class Transaction:
    """BEGIN IMMEDIATE and COMMIT: all of what is written in it, or nothing."""

    __slots__ = ("_db",)

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if problem is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def _named(problem: sqlite3.Error, place: str) -> StoreError:
    code = getattr(problem, "sqlite_errorname", "") or ""
    if code.startswith("SQLITE_FULL"):
        return StoreFull(f"{place}: no space is left; nothing was written, and it can go on once there is some")
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreReadOnly(f"{place}: cannot be opened for writing ({problem})")
    if code.startswith("SQLITE_NOTADB"):
        return StoreNotOurs(f"{place}: is not a Statelang store (it is no SQLite file)")
    if code.startswith("SQLITE_BUSY"):
        return StoreError(f"{place}: another process kept it locked for {BUSY_SECONDS:.0f} seconds")
    return StoreError(f"{place}: {problem} ({code or type(problem).__name__})")


def connect(place: str) -> sqlite3.Connection:
    """Open a store, making or migrating it where needed. Raises StoreNotOurs, StoreTooNew, StoreReadOnly, …"""
    folder = os.path.dirname(place)
    if folder and not os.path.isdir(folder):
        raise StoreReadOnly(f"{place}: cannot be made: there is no folder {folder}")
    if os.path.isdir(place):
        raise StoreNotOurs(f"{place}: is a folder")
    with NamedErrors(place):
        connection = sqlite3.connect(place, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, place)
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection, place: str) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (tables or version):
        raise StoreNotOurs(f"{place}: is not a Statelang store (another program's SQLite file)")
    if version > FORMAT:
        raise StoreTooNew(f"{place}: has format {version}; this version of Statelang knows up to {FORMAT}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    if version < FORMAT:
        _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply the numbered migrations that are missing; two processes that start at once do it once."""
    with Transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for number, name in enumerate(_migrations(), start=1):
            if number > version:
                for statement in _statements(_read(name)):
                    connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def _migrations() -> list[str]:
    folder = files("statelang.stores").joinpath("sql")
    return sorted(entry.name for entry in folder.iterdir() if entry.name[:3].isdigit())


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


class OwnerLock:
    """A lock that proves its process alive: the operating system lets it go when the process ends, however it ends.

    It is a file beside the store, one per owner; where the store is in memory there is nothing to lock.
    """

    def __init__(self, place: str, owner: int) -> None:
        self.path = Path(f"{place}-owner-{owner}")
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as problem:
            kind = StoreFull if problem.errno in (errno.ENOSPC, errno.EDQUOT) else StoreReadOnly
            raise kind(f"{self.path}: cannot be made ({problem.strerror})") from None
        _lock(self._file)
        _held.add(self._file)

    def release(self) -> None:
        """Let go, and leave no file behind."""
        _held.discard(self._file)
        os.close(self._file)
        _remove(self.path)


_held: Final[set[int]] = set()


def _leave() -> None:
    """In a process that was forked off: the locks are its parent's, and must not outlive that."""
    for file in _held:
        os.close(file)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)


def owner_lives(place: str, owner: int) -> bool:
    """Whether the process of an owner still runs. The file of a dead one is removed.

    It may be another user's, whose file can be read, or not even that: what cannot be told is taken to live.
    """
    path = Path(f"{place}-owner-{owner}")
    try:
        file = _open(path)
    except FileNotFoundError:
        return False
    except PermissionError:
        return True
    try:
        _lock(file)
    except OSError:
        return True
    finally:
        os.close(file)
    _remove(path)
    return False


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR)
    except PermissionError:
        return os.open(path, os.O_RDONLY)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # another one has done it, or who may will do it
        path.unlink()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
