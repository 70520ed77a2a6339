"""What a commit to an SQLite store says of others: Map Runs, their tallies, posts to executions, activities' queues.

Rule: everything here runs within the transaction of a commit or a post.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from statelang.core.map_run import NOTHING, Tally
from statelang.core.stimulus import Posted
from statelang.ports import Commit
from statelang.stores.sqlite_file import SQL

_encode: Final = msgspec.json.Encoder().encode


def write_beyond(db: sqlite3.Connection, commits: Iterable[Commit]) -> bool:
    """Write what commits say of others than the executions they are of; returns whether something was posted."""
    tallies: dict[str, Tally] = {}
    posted = False
    for commit in commits:
        runs = {id: run for step in commit.steps if step.runs for id, run in step.runs.items()}
        rows = [(run.id, run.execution, run.at, _encode(run).decode()) for run in runs.values()]
        if rows:
            db.executemany(SQL["write_map_run"], rows)
        for id, tally in commit.tallies.items():
            tallies[id] = tallies.get(id, NOTHING) + tally
        for execution, stimulus in commit.sends:
            posted = write_post(db, execution, stimulus) or posted
        if commit.queued:
            queued = [(task.activity, task.execution, task.token, task.input) for task in commit.queued]
            db.executemany(SQL["insert_queued"], queued)
    if tallies:
        db.executemany(SQL["add_tally"], [(*tally.counts(), id) for id, tally in tallies.items()])
    return posted


def write_post(db: sqlite3.Connection, execution: str, stimulus: Posted) -> bool:
    """Leave a stimulus for an execution; False where there is none of that id."""
    row = db.execute(SQL["key_of"], (execution,)).fetchone()
    if row is None:
        return False
    db.execute(SQL["insert_post"], (row[0], stimulus.at, _encode(stimulus).decode()))
    db.execute(SQL["wake"], row)
    return True
