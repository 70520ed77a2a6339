"""The raw limit: one row of 1,000 bytes per transaction, with nothing around it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Literal

ROW = "x" * 1_000
GROWN = 3_000
"""How many commits grow the WAL first: one that is reused commits faster than one that grows."""


def commits_per_second(folder: Path, synchronous: Literal["NORMAL", "FULL"], count: int) -> float:
    """`BEGIN IMMEDIATE`, INSERT, COMMIT through the sqlite3 module on a WAL that was grown before."""
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, body TEXT)")
        _commit(db, GROWN)
        db.execute(f"PRAGMA synchronous = {synchronous}")
        began = time.perf_counter()
        _commit(db, count)
        return count / (time.perf_counter() - began)


def _commit(db: sqlite3.Connection, count: int) -> None:
    for _ in range(count):
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO row (body) VALUES (?)", (ROW,))
        db.execute("COMMIT")
