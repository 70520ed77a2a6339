"""The Map Runs of a simulation: children are simulations of their own, each run to its end when it begins.

What a child does takes as long as it does in its own virtual time; its end is told to the parent then.

Rule: what a Map Run needs is the machine's own word (`needed`), as it is for a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from statelang.core.execution import Head, Started
from statelang.core.frame import RunWait
from statelang.core.inputs import inputs_of
from statelang.core.map_run import NOTHING, MapRun, Tally, needed, suspect, tally_of
from statelang.core.stimulus import (
    ChildrenRevived,
    ItemsCounted,
    ItemsRead,
    MapRunChanged,
    MapRunFailed,
    Redriven,
    ResultsCollected,
    ResultsWritten,
    RunStimulus,
    Stopped,
)
from statelang.core.token import command_of
from statelang.errors import Fault
from statelang.items.item import Item
from statelang.items.results import Writer, gathered
from statelang.items.several import Find
from statelang.items.source import name_of, unread
from statelang.values import Json

if TYPE_CHECKING:
    from statelang.testing.simulation import Simulation

AT_ONCE: Final = 1_000


class SimulatedRuns:
    """The children of one simulated execution, by Map Run and index."""

    def __init__(self, parent: Simulation, find: Find) -> None:
        self._parent = parent
        self._find = find
        self.children: dict[str, dict[int, Simulation]] = {}
        self.tallies: dict[str, Tally] = {}
        self._stopped: dict[str, set[int]] = {}

    def begin(self, started: Started) -> None:
        """A child begins: all of it happens, and is told when its time has come."""
        child = self._parent.child(started)
        self.children.setdefault(started.map_run, {})[started.index] = child
        self._finish(started, child)

    def _finish(self, started: Started, child: Simulation) -> None:
        child.run()
        if child.execution.head.status != "RUNNING":
            self._parent.plan(child.now, lambda: self._ended(started, child))

    def _ended(self, started: Started, child: Simulation) -> RunStimulus | None:
        if started.index in self._stopped.get(started.map_run, ()):
            return None
        return self._counted(started.map_run, tally_of(child.execution.head.status, started.items))

    def _counted(self, id: str, tally: Tally) -> RunStimulus | None:
        total = self.tallies[id] = self.tallies.get(id, NOTHING) + tally
        run = self._parent.execution.runs.get(id)
        self.drive(id)
        return None if run is None else MapRunChanged(self._parent.now, self._parent.chance(), run.token, total)

    def drive(self, id: str) -> None:
        """Do what a Map Run needs, as soon as what is on its way has come."""
        self._parent.plan(self._parent.now, lambda: self._next(id))

    def _next(self, id: str) -> RunStimulus | None:
        run = self._parent.execution.runs.get(id)
        if run is None:
            return None
        tally = self.tallies.get(id, NOTHING)
        if suspect(run, tally) and (counted := self._counted_items(run, tally)) is not None:
            return counted
        need = needed(run, tally, self._parent.started.limits.map_run_concurrency)
        told: RunStimulus | None = None if need is None else getattr(self, f"_{need}")(run, tally)
        return told

    def _read(self, run: MapRun, tally: Tally) -> RunStimulus:
        now, entropy = self._parent.now, self._parent.chance()
        try:
            items = self._unread(run)
            some = list(islice(items, AT_ONCE))
            exhausted = next(items, None) is None
        except Fault as problem:
            return MapRunFailed(now, entropy, run.token, problem.error, problem.cause, tally=tally)
        keys = [item.key for item in some if item.key is not None]
        return ItemsRead(
            now,
            entropy,
            run.token,
            run.read,
            [item.value for item in some],
            [item.mark for item in some],
            tally,
            [item.source or name_of(self._waiting(run)) for item in some],
            exhausted,
            keys if some and len(keys) == len(some) else None,
        )

    def _counted_items(self, run: MapRun, tally: Tally) -> RunStimulus | None:
        try:
            total = run.read + sum(1 for _ in self._unread(run))
        except Fault:
            return None
        return ItemsCounted(self._parent.now, self._parent.chance(), run.token, total, tally)

    def _unread(self, run: MapRun) -> Iterator[Item]:
        return unread(self._waiting(run), self._find, run)

    def _pending(self, run: MapRun) -> Iterator[str]:
        waiting, parent = self._waiting(run), self._parent
        inputs = inputs_of(parent.program, parent.execution, run, parent.chance())
        given = ((item.value, item.key, item.source or name_of(waiting)) for item in self._unread(run))
        return (text for _, text in inputs.of(given, run.read, exhausted=True))

    def _revive(self, run: MapRun, tally: Tally) -> RunStimulus:
        for index, child in self.children.get(run.id, {}).items():
            head = child.execution.head
            if head.status not in ("RUNNING", "SUCCEEDED"):
                self.tallies[run.id] += tally_of(head.status, child.started.items, -1)
                self._stopped.setdefault(run.id, set()).discard(index)
                child.now = max(child.now, self._parent.now)
                child.deliver(Redriven(child.now, head.redrives + 1))
                self._finish(child.started, child)
        return ChildrenRevived(
            self._parent.now, self._parent.chance(), run.token, None, self.tallies.get(run.id, NOTHING)
        )

    def _stop(self, run: MapRun, tally: Tally) -> RunStimulus | None:
        stopped = self._stopped.setdefault(run.id, set())
        aborted = NOTHING
        for index, child in list(self.children[run.id].items()):
            if index not in stopped and (child.now > self._parent.now or child.execution.head.status == "RUNNING"):
                stopped.add(index)
                aborted += tally_of("ABORTED", child.started.items)
                again = self.children[run.id][index] = self._parent.child(child.started)
                again.run(until=self._parent.now)
                again.deliver(Stopped(self._parent.now))
        return self._counted(run.id, aborted)

    def _collect(self, run: MapRun, tally: Tally) -> RunStimulus:
        now, entropy, waiting = self._parent.now, self._parent.chance(), self._waiting(run)
        writer: Json = None if waiting.writer is None else waiting.writer.json
        try:
            if writer is None or "Resource" not in writer:
                output = gathered(run, self._reader(run.id), writer, self._parent.started.limits.payload)
            else:
                output = self._exported(run, Writer(run, writer, self._find, self._reader(run.id)))
        except Fault as problem:
            return MapRunFailed(now, entropy, run.token, problem.error, problem.cause, True, tally)
        return ResultsCollected(now, entropy, run.token, output)

    def _exported(self, run: MapRun, writer: Writer) -> str:
        written = run.written
        while (further := writer.stretch(written, last=True)) is not None:
            written = further
            told = ResultsWritten(self._parent.now, run.token, written)
            self._parent.plan(self._parent.now, lambda told=told: told)  # type: ignore[misc]
        return writer.manifest(written, () if run.exhausted else writer.pending(self._pending(run)))

    def _reader(self, id: str) -> Callable[[int, int], list[tuple[Started, Head]]]:
        known = [(child.started, child.execution.head) for _, child in sorted(self.children.get(id, {}).items())]
        return lambda first, most: [child for child in known if child[0].index >= first][:most]

    def _waiting(self, run: MapRun) -> RunWait:
        execution = self._parent.execution
        waiting = execution.frames[execution.waiting[command_of(run.token)]].waiting
        assert isinstance(waiting, RunWait)
        return waiting
