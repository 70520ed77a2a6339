"""The memory store: the same contract, kept by one process and gone with it. For tests, and for runs nobody resumes.

What it keeps is what SQLite would: encoded checkpoints and frames, so that loading from it proves as much.

Rule: it behaves as the SQLite store in everything but durability; one contract tests both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import msgspec

from statelang.core.codec import Reader, encode_frame, encode_steps, referred, restore, waited_for
from statelang.core.execution import Execution, Head, Record, Started, Status, Step
from statelang.core.frame import rewrite
from statelang.core.map_run import NOTHING, MapRun, Tally
from statelang.core.stimulus import Posted
from statelang.errors import ExecutionExists, ExecutionNotFound, LeaseLost, MapRunNotFound, StoreError
from statelang.ports import Commit, Lease, NewExecution, Post, Queued, Summary


@dataclass(slots=True, eq=False)
class _Kept:
    """What is kept of one execution."""

    key: int
    started: Started
    head: Head
    log: list[bytes] = field(default_factory=list)
    frames: dict[int, bytes] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    held: bool = True
    epoch: int = 1
    due: int | None = 0


class MemoryStore:
    """A store in this process. See `statelang.ports.Store`."""

    poll_ms = 50

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._definitions: dict[str, str] = {}
        self._runs: dict[str, MapRun] = {}
        self._tallies: dict[str, Tally] = {}
        self._children: dict[str, list[_Kept]] = {}
        self._queue: list[Queued] = []
        self._numbers = count(1)
        self._guard = threading.RLock()

    def create(self, executions: Sequence[NewExecution]) -> Sequence[Lease | None]:
        with self._guard:
            for new in executions:
                known = self._kept.get(new.started.id)
                if known is not None and known.started.fingerprint != new.started.fingerprint:
                    name = new.started.id
                    raise ExecutionExists(
                        f"an execution named {name!r} exists already, with another machine, definition or input"
                    )
            return [self._create(new) for new in executions]

    def _create(self, new: NewExecution) -> Lease | None:
        if new.started.id in self._kept:
            return None
        kept = _Kept(next(self._numbers), new.started, new.steps[-1].head)
        self._kept[new.started.id] = kept
        if new.source:
            self._definitions[new.started.digest] = new.source
        _write(kept, new.steps)
        if new.started.map_run:
            self._children.setdefault(new.started.map_run, []).append(kept)
        self._end(kept)
        return Lease(new.started.id, kept.key, kept.epoch)

    def claim(self, execution: str) -> Lease | None:
        return self._take(execution, ("RUNNING",))

    def reopen(self, execution: str) -> Lease | None:
        return self._take(execution, ("FAILED", "TIMED_OUT", "ABORTED"))

    def _take(self, execution: str, statuses: tuple[str, ...]) -> Lease | None:
        with self._guard:
            kept = self._kept.get(execution)
            if kept is None or kept.held or kept.head.status not in statuses:
                return None
            kept.held, kept.due, kept.epoch = True, 0, kept.epoch + 1
            return Lease(execution, kept.key, kept.epoch)

    def load(self, lease: Lease) -> tuple[Execution, Sequence[Post]]:
        with self._guard:
            return self.read(lease.execution), list(self._of(lease.execution).posts)

    def read(self, execution: str) -> Execution:
        with self._guard:
            kept, reader = self._of(execution), Reader()
            frames = {frame.id: frame for frame in map(reader.frame, kept.frames.values())}
            head = reader.checkpoint(kept.log[-1]).head
            for value in referred(head, frames.values()):
                value.load(kept.texts[value.id])
            return restore(kept.started, head, frames, [self._runs[id] for id in waited_for(frames.values())])

    def commit(self, commits: Sequence[Commit], *, sync: bool) -> Sequence[Lease | None]:
        with self._guard:
            lost = tuple(c.lease.execution for c in commits if self._of(c.lease.execution).epoch != c.lease.epoch)
            if lost:
                raise LeaseLost(f"another worker has taken over {', '.join(lost)}", lost)
            for commit in commits:
                self._commit(self._of(commit.lease.execution), commit)
            for commit in commits:
                self._beyond(commit)
            return [self._create(new) for commit in commits for new in commit.begun]

    def _beyond(self, commit: Commit) -> None:
        """Write what a commit says of others."""
        for step in commit.steps:
            self._runs.update((id, _again(run)) for id, run in step.runs.items())
        for id, tally in commit.tallies.items():
            self._tallies[id] = self._tallies.get(id, NOTHING) + tally
        for id, stimulus in commit.sends:
            if id in self._kept:
                self.post(id, stimulus)
        self._queue.extend(commit.queued)

    def _commit(self, kept: _Kept, commit: Commit) -> None:
        kept.posts = [post for post in kept.posts if post.number not in commit.posts]
        if commit.steps:
            kept.head = commit.steps[-1].head
            _write(kept, commit.steps)
        for frame in commit.swept:
            kept.frames.pop(frame, None)
        self._end(kept)
        if kept.head.status == "RUNNING" and commit.release:
            kept.held, kept.due, kept.epoch = False, 0 if kept.posts else commit.due, kept.epoch + 1

    def _end(self, kept: _Kept) -> None:
        if kept.head.status != "RUNNING":
            kept.held, kept.due = False, None
            self._queue = [queued for queued in self._queue if queued.execution != kept.started.id]

    def post(self, execution: str, stimulus: Posted) -> None:
        with self._guard:
            kept = self._of(execution)
            kept.posts.append(Post(next(self._numbers), execution, stimulus))
            if not kept.held and kept.head.status == "RUNNING":
                kept.due = 0

    def posts(self) -> Sequence[Post]:
        with self._guard:
            return [post for kept in self._kept.values() if kept.held for post in kept.posts]

    def due(self, now: int, limit: int) -> Sequence[str]:
        with self._guard:
            waiting = sorted((due, id) for id, due in self._free() if due <= now)
            return [id for _, id in waiting[:limit]]

    def next_due(self) -> int | None:
        with self._guard:
            return min((due for _, due in self._free()), default=None)

    def _free(self) -> Iterator[tuple[str, int]]:
        return ((id, kept.due) for id, kept in self._kept.items() if not kept.held and kept.due is not None)

    def summary(self, execution: str) -> Summary:
        with self._guard:
            return _summary(self._of(execution))

    def summaries(
        self,
        *,
        machine: str | None = None,
        status: str | None = None,
        limit: int = 100,
        before: int | None = None,
        map_run: str | None = None,
    ) -> Sequence[Summary]:
        with self._guard:
            top = [kept for kept in self._kept.values() if not kept.started.map_run]
            newest = sorted(top, key=lambda kept: (-kept.started.at, -kept.key))
            if map_run is not None:
                newest = self._of_run(map_run)
            chosen = (
                _summary(kept)
                for kept in newest
                if machine in (None, kept.started.machine)
                and status in (None, kept.head.status)
                and (before is None or kept.started.at < before)
            )
            return [summary for summary, _ in zip(chosen, range(limit))]

    def records(self, execution: str, after: int = 0) -> tuple[Sequence[Record], Callable[[int], str]]:
        with self._guard:
            kept, reader = self._of(execution), Reader()
            records = [record for body in kept.log for record in reader.checkpoint(body).records]
            recent = [record for record in records if record[0] + len(record[2]) > after + 1]
            return recent, dict(kept.texts).__getitem__

    def map_run(self, id: str) -> tuple[MapRun, Tally]:
        with self._guard:
            run = self._runs.get(id)
            if run is None:
                raise MapRunNotFound(f"there is no Map Run {id!r} in memory")
            return run, self._tallies.get(id, NOTHING)

    def map_runs(self, execution: str) -> Sequence[tuple[MapRun, Tally]]:
        with self._guard:
            return [self.map_run(run.id) for run in self._runs.values() if run.execution == execution]

    def members(
        self, map_run: str, statuses: Collection[Status], *, first: int = 0, limit: int = 1_000
    ) -> Sequence[tuple[int, str]]:
        with self._guard:
            found = ((kept.started.index, kept.started.id, kept.head.status) for kept in self._of_run(map_run))
            return [(index, id) for index, id, status in found if index >= first and status in statuses][:limit]

    def children(self, map_run: str, *, first: int = 0, limit: int = 1_000) -> Sequence[tuple[Started, Head]]:
        with self._guard:
            chosen = [kept for kept in self._of_run(map_run) if kept.started.index >= first][:limit]
            return [(kept.started, self.read(kept.started.id).head) for kept in chosen]

    def _of_run(self, map_run: str) -> list[_Kept]:
        return sorted(self._children.get(map_run, ()), key=lambda kept: kept.started.index)

    def take(self, activity: str, started: Callable[[str], Posted]) -> Queued | None:
        with self._guard:
            for number, queued in enumerate(self._queue):
                if queued.activity == activity:
                    del self._queue[number]
                    self.post(queued.execution, started(queued.token))
                    return queued
            return None

    def definition(self, digest: str) -> str:
        with self._guard:
            try:
                return self._definitions[digest]
            except KeyError:
                raise StoreError(f"the definition {digest} is missing") from None

    def sweep(self, limit: int) -> int:
        return 0

    def close(self) -> None:
        with self._guard:
            for kept in self._kept.values():
                kept.held = False

    def _of(self, execution: str) -> _Kept:
        kept = self._kept.get(execution)
        if kept is None:
            raise ExecutionNotFound(f"there is no execution named {execution!r} in memory")
        return kept


def _again(run: MapRun) -> MapRun:
    """A Map Run as it comes back from what is written of it."""
    return msgspec.json.decode(msgspec.json.encode(run), type=MapRun)


def _write(kept: _Kept, steps: Sequence[Step]) -> None:
    kept.log.append(encode_steps(steps))
    for step in steps:
        kept.texts.update((value.id, value.text) for value in step.values)
        rewrite(kept.frames, ((frame.id, encode_frame(frame)) for frame in step.frames.values()))


def _summary(kept: _Kept) -> Summary:
    head, started = kept.head, kept.started
    return Summary(
        started.id,
        started.machine,
        head.status,
        started.at,
        head.stopped_at,
        kept.due,
        kept.held,
        head.redrives,
        head.error,
        head.cause,
        started.digest,
    )
