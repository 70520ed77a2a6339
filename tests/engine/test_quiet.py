"""Under `effect` that a task has begun is written with what follows it, or soon, and never lost on an orderly way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

import statelang
from statelang import Engine, TaskCall
from statelang.ports import Commit, Lease
from statelang.stores.memory import MemoryStore
from statelang.values import Json
from statelang.worker import Policy

WORK = "arn:aws:lambda:us-east-1:123456789012:function:work"
TASK: dict[str, Json] = {"Type": "Task", "Resource": WORK}
TWO = statelang.load({"StartAt": "A", "States": {"A": {**TASK, "Next": "B"}, "B": {**TASK, "End": True}}}, name="two")


class Noting(MemoryStore):
    """Notes how many commits hold steps."""

    commits = 0

    def commit(self, commits: Sequence[Commit], *, sync: bool) -> Sequence[Lease | None]:
        self.commits += any(one.steps for one in commits)
        return super().commit(commits, sync=sync)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    found = threading.Event()
    yield found
    found.set()


def begun(engine: Engine, name: str) -> bool:
    return any(event["type"] == "LambdaFunctionStarted" for event in engine.history(name))


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


@pytest.mark.parametrize(("policy", "commits"), [("effect", 2), ("transition", 5)])
def test_tasks_that_take_a_moment_cost_one_commit_each(policy: Policy, commits: int) -> None:
    store = Noting()
    with Engine(store, tasks={WORK: lambda data: time.sleep(0.1)}, policy=policy) as engine:
        assert engine.run(TWO, {}, name="two").succeeded
        assert sum(event["type"] == "LambdaFunctionStarted" for event in engine.history("two")) == 2
    assert store.commits == commits


def test_that_a_long_task_has_begun_is_written_soon(monkeypatch: pytest.MonkeyPatch, gate: threading.Event) -> None:
    monkeypatch.setattr("statelang.live.QUIET_MS", 200)
    with Engine(Noting(), tasks={WORK: lambda data: gate.wait(5)}, policy="effect") as engine:
        engine.start(TWO, {}, name="two")
        assert not begun(engine, "two")
        assert until(lambda: begun(engine, "two"))
        gate.set()
        assert engine.wait("two").succeeded


def test_heartbeats_that_come_often_are_written_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statelang.live.QUIET_MS", 200)
    store = Noting()

    def work(data: Json, call: TaskCall) -> None:
        for _ in range(20):
            call.heartbeat()
            time.sleep(0.02)

    with Engine(store, tasks={WORK: work}, policy="effect") as engine:
        assert engine.run(TWO, {}, name="two").succeeded
    assert 4 <= store.commits <= 8


def test_an_orderly_end_writes_it(gate: threading.Event) -> None:
    store, told = Noting(), threading.Event()

    def work(data: Json) -> None:
        told.set()
        gate.wait(5)

    engine = Engine(store, tasks={WORK: work}, policy="effect")
    engine.start(TWO, {}, name="two")
    assert told.wait(5)
    engine.close(grace_ms=0)
    assert any(kind == "LambdaFunctionStarted" for record in store.records("two")[0] for kind, *_ in record[2])
