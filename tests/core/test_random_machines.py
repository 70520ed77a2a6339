"""Random machines come to the same in memory, encoded between any two stimuli, and out of a store reopened midway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from statelang.compiler import compile_definition
from statelang.core.execution import Execution, Step, apply
from statelang.core.history import expand
from statelang.core.machine import advance
from statelang.core.stimulus import Redriven, Stimulus, Stopped
from statelang.ports import Commit, NewExecution
from statelang.stores.sqlite import SqliteStore
from statelang.testing.simulation import WAYS, Simulation, start
from statelang.values import Json, encode
from tests.core.random_machines import INPUTS, Maker, answers

pytestmark = pytest.mark.slow

ENDINGS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"}


class Stored(Simulation):
    """A simulation whose execution lives in a file: now and then all that was not committed is, and is read again."""

    def keep_in(self, path: Path, chance: Random) -> Stored:
        self.path, self.chances, self.uncommitted = path, chance, []
        self.store = SqliteStore(path)
        (lease,) = self.store.create([NewExecution(self.started, self.program.source, self.steps[0])])
        assert lease is not None
        self.lease = lease
        return self

    def deliver(self, stimulus: Stimulus) -> None:
        running = self.execution.head.status == "RUNNING"
        if isinstance(stimulus, Redriven) or (running and self.chances.random() < 0.3):
            self.reopen()
        elif self.chances.random() < 0.7:
            self.commit()
        step = advance(self.program, self.execution, stimulus)
        if step is not None:
            apply(self.execution, step)
            self.uncommitted.append(step)
            self._keep(step)

    def commit(self) -> None:
        swept, self.execution.swept = self.execution.swept, []
        if self.uncommitted or swept:
            self.store.commit([Commit(self.lease, self.uncommitted, swept=swept)], sync=False)
        self.uncommitted: list[Step] = []

    def reopen(self) -> None:
        self.commit()
        self.store.close()
        self.store = SqliteStore(self.path)
        running = self.execution.head.status == "RUNNING"
        lease = (self.store.claim if running else self.store.reopen)(self.started.id)
        assert lease is not None
        self.lease = lease
        self.execution, _ = self.store.load(lease)

    def child(self, started: Any) -> Simulation:
        return Simulation(self.program, started, self.replies, most=self.most)

    def stored(self) -> list[Json]:
        """The history as it stands in the file."""
        self.commit()
        records, text = self.store.records(self.started.id)
        self.store.close()
        return list(expand(records, text))


def outcome(simulation: Simulation, *, redriven: bool) -> Mapping[str, Json]:
    """How it ends, after a redrive where it can be redriven; its history."""
    simulation.run()
    if redriven and simulation.execution.head.status not in ("RUNNING", "SUCCEEDED"):
        simulation.now += 3_000
        simulation.deliver(Redriven(simulation.now, 1))
        simulation.run()
    head = simulation.execution.head
    output = None if head.output is None else head.output.text
    return {"end": (head.status, head.error, head.cause, output), "events": list(simulation.events())}


def check(events: list[Json], status: str, redrives: int) -> None:
    """What holds of any history."""
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert all(event["previousEventId"] < event["id"] for event in events)
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    kinds = [event["type"] for event in events]
    endings = sum(kind in ENDINGS for kind in kinds)
    if status == "RUNNING":
        assert endings == redrives
        return
    assert kinds[-1] in ENDINGS
    assert endings == redrives + 1
    open_iterations = 0
    for kind in kinds if not redrives else ():
        open_iterations += (kind == "MapIterationStarted") - kind.startswith(
            ("MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted")
        )
        assert open_iterations >= 0


@pytest.mark.parametrize("number", range(240))
def test_random_machines_come_to_the_same(number: int, tmp_path: Path) -> None:
    chance = Random(number)
    program = compile_definition(encode(Maker(chance).machine()))
    started = start(program, json.dumps(chance.choice(INPUTS), indent=1))  # a spelling of its own
    stop, redriven = chance.choice([None, None, None, 500, 2500]), chance.random() < 0.5

    def stopped(at: int, execution: Execution) -> Stopped:
        return Stopped(at, "S", None)

    more: Any = {"posts": [] if stop is None else [(stop, stopped)], "most": 4_000}
    found = [outcome(Simulation(program, started, answers(number), way, **more), redriven=redriven) for way in WAYS]
    kept = Stored(program, started, answers(number), **more).keep_in(tmp_path / "one.db", chance)
    found.append(outcome(kept, redriven=redriven))
    assert kept.stored() == found[0]["events"]
    for other in found[1:]:
        assert other == found[0]
    redrives = sum(event["type"] == "ExecutionRedriven" for event in found[0]["events"])
    check(found[0]["events"], found[0]["end"][0], redrives)
