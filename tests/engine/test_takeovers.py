"""Taking over, stopping and looking around where something is missing: a binding, a parent, a store that answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import statelang
from statelang import Engine, StateMachine, TaskCall
from statelang.clock import RealClock
from statelang.core.stimulus import Stopped
from statelang.errors import StoreError, UnboundResource
from statelang.map_runs import MapRuns
from statelang.stores.sqlite import SqliteStore
from statelang.stores.sqlite_care import SqliteCare
from statelang.tasks import Bindings
from statelang.values import Json, encode

WORK = "arn:aws:lambda:us-east-1:111122223333:function:work"
CHILD = "arn:aws:states:us-east-1:111122223333:stateMachine:child"
TASK: Json = {"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": WORK, "End": True}}}
CALL: Json = {
    "Type": "Task",
    "Resource": "arn:aws:states:::states:startExecution.sync",
    "Parameters": {"StateMachineArn": CHILD, "Name": "kid"},
    "End": True,
}
SINGLE = statelang.load(TASK)
PARENT = statelang.load({"StartAt": "Call", "States": {"Call": CALL}}, name="parent")


def fan_out() -> StateMachine:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **TASK}
    each = {"Type": "Map", "ItemProcessor": processor, "End": True}
    return statelang.load({"StartAt": "Each", "States": {"Each": each}}, name="fan")


def until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def hangs(data: Json, call: TaskCall) -> None:
    call.cancel.wait(60)


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


def left(place: str, machine: StateMachine, input: Json = None, **more: Any) -> list[str]:
    """Begin an execution, `name`, whose tasks hang, and close the engine; returns the names of its children."""
    with Engine(f"sqlite:///{place}", tasks={WORK: hangs}, **more) as engine:
        engine.start(machine, input, name="name")
        until(lambda: engine.describe("name").driven and engine.positions("name")[-1].doing != "about to run")
        wanted = len(input or ())
        runs = [run.id for run, _ in engine.map_runs("name")]
        until(lambda: sum(len(engine.executions(map_run=run)) for run in runs) == wanted)
        engine.close(grace_ms=0)
    store = SqliteStore(place)
    names = [summary.id for run in runs for summary in store.summaries(map_run=run)]
    store.close()
    return names


def nested(tmp_path: Path) -> Bindings:
    (tmp_path / "child.asl.json").write_text(encode(TASK))
    return Bindings(machines={CHILD: tmp_path / "child.asl.json"})


def left_with_a_child(place: str, tmp_path: Path) -> None:
    with Engine(f"sqlite:///{place}", tasks={WORK: hangs}, bindings=nested(tmp_path)) as engine:
        engine.start(PARENT, name="name")
        until(lambda: engine.executions() and {one.id for one in engine.executions()} == {"name", "kid"})
        until(lambda: engine.positions("kid")[0].doing == "running")
        engine.close(grace_ms=0)


def test_a_map_run_is_stopped_with_its_children_where_nothing_is_bound(place: str) -> None:
    """Whoever stops needs no bindings: nothing is performed."""
    children = left(place, fan_out(), [1, 2, 3])
    assert len(children) == 3
    with Engine(f"sqlite:///{place}") as engine:
        engine.stop("name")
        assert engine.wait("name", timeout=10).status == "ABORTED"
        for child in children:
            assert engine.wait(child, timeout=10).status == "ABORTED"
        ((_, tally),) = engine.map_runs("name")
        assert tally.aborted == 3


def test_what_could_not_be_taken_over_whole_is_not_driven(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left(place, fan_out(), [1, 2, 3])
    store = SqliteStore(place)

    def unreadable(id: str) -> Any:
        raise StoreError("the disk hiccups")

    with Engine(store, tasks={WORK: lambda data: data}) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(store, "map_run", unreadable)
            with pytest.raises(StoreError, match="hiccups"):
                engine.resume("name")
        assert "name" not in engine._worker.live
        assert not engine.describe("name").driven
        assert engine.resume("name")
        assert engine.wait("name", timeout=10).output == [1, 2, 3]


def test_a_child_that_cannot_be_driven_here_does_not_keep_its_parent(place: str, tmp_path: Path) -> None:
    left_with_a_child(place, tmp_path)
    told: list[tuple[str, BaseException]] = []
    with Engine(
        f"sqlite:///{place}", bindings=nested(tmp_path), trouble=lambda *problem: told.append(problem)
    ) as engine:
        assert engine.resume("name")
        assert [(name, type(problem)) for name, problem in told] == [("kid", UnboundResource)]
        assert engine.describe("name").driven
        assert not engine.describe("kid").driven


def test_a_child_whose_parent_is_gone_is_over(place: str, tmp_path: Path) -> None:
    """Nobody waits for it; that there is nobody must not keep it from being taken over for ever."""
    left_with_a_child(place, tmp_path)
    with Engine(f"sqlite:///{place}") as engine:
        engine.stop("name")
        assert engine.wait("name", timeout=10).status == "ABORTED"
        assert engine.describe("kid").status == "RUNNING"
    assert SqliteCare(place).prune(1 << 50) == 1
    with Engine(f"sqlite:///{place}", tasks={WORK: hangs}) as engine:
        engine.resume("kid")
        assert engine.wait("kid", timeout=10).status == "ABORTED"


def test_posts_are_taken_after_the_clock_was_set_back(place: str) -> None:
    class Clock(RealClock):
        behind = 0

        def now(self) -> int:
            return super().now() - self.behind

    clock = Clock()
    with Engine(f"sqlite:///{place}", tasks={WORK: hangs}, clock=clock) as engine:
        engine.start(SINGLE, name="name")
        until(lambda: engine.positions("name")[0].doing == "running")
        clock.behind = 3_600_000
        with Engine(f"sqlite:///{place}") as elsewhere:
            elsewhere.stop("name")
            assert elsewhere.wait("name", timeout=10).status == "ABORTED"


@pytest.mark.parametrize("asked", ["posts", "due", "next_due"])
def test_a_store_that_does_not_answer_for_a_moment_breaks_nobody(
    asked: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, failed = SqliteStore(place), threading.Semaphore(0)

    def locked(*_: object) -> Any:
        failed.release()
        raise StoreError("another process kept it locked")

    with Engine(store, tasks={WORK: hangs}, serve=asked != "posts") as engine:
        engine.start(SINGLE, name="name")
        until(lambda: engine.positions("name")[0].doing == "running")
        with monkeypatch.context() as patch:
            patch.setattr(store, asked, locked)
            assert failed.acquire(timeout=10)
            assert failed.acquire(timeout=10)
        with Engine(f"sqlite:///{place}") as elsewhere:
            elsewhere.stop("name")
            assert elsewhere.wait("name", timeout=10).status == "ABORTED"


def test_a_post_that_could_not_be_taken_is_taken_later(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store tells of it once: trouble that comes right then must not lose it."""
    store, troubled = SqliteStore(place), threading.Event()

    with Engine(store, tasks={WORK: hangs}) as engine:
        engine.start(SINGLE, name="name")
        until(lambda: engine.positions("name")[0].doing == "running")
        informed = engine._worker.runs.informed

        def hiccups(live: Any, stimulus: Any) -> Any:
            if isinstance(stimulus, Stopped) and not troubled.is_set():
                troubled.set()
                raise StoreError("the disk hiccups")
            return informed(live, stimulus)

        monkeypatch.setattr(engine._worker.runs, "informed", hiccups)
        with Engine(f"sqlite:///{place}") as elsewhere:
            elsewhere.stop("name")
            assert elsewhere.wait("name", timeout=10).status == "ABORTED"
    assert troubled.is_set()


def test_a_start_that_cannot_be_left_to_others_breaks_nobody(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(place)

    def full(commits: Any, *, sync: bool) -> Any:
        raise StoreError("no space is left")

    with Engine(store, tasks={WORK: lambda data: data}) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(store, "commit", full)
            with pytest.raises(StoreError, match="no space"):
                engine.start(SINGLE, 1, name="name", drive=False)
        assert engine.run(SINGLE, 2, name="other", timeout=10).output == 2
    with Engine(f"sqlite:///{place}", tasks={WORK: lambda data: data}) as later:
        assert later.run(SINGLE, 1, name="name", timeout=10).output == 1


def test_bindings_that_are_wrong_make_no_store(place: str) -> None:
    with pytest.raises(statelang.InvalidSettings):
        Engine(f"sqlite:///{place}", tasks={WORK: "nothing:at all"})
    assert not Path(place).exists()


def test_a_store_that_does_not_answer_for_long_is_told(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that goes on as if nothing was to be done would be a failure that nobody notices."""
    store = SqliteStore(place)

    def broken(*_: object) -> Any:
        raise StoreError("the disk is gone")

    monkeypatch.setattr("statelang.lookout.TROUBLE_MS", 200)
    with Engine(store, serve=True) as engine:
        monkeypatch.setattr(store, "due", broken)
        with pytest.raises(StoreError, match="the disk is gone"):
            until(lambda: engine.check())


def test_what_breaks_the_worker_cancels_its_tasks(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever drives their executions next begins them again."""
    store, cancelled, begun = SqliteStore(place), threading.Event(), threading.Event()

    def work(data: Json, call: TaskCall) -> None:
        begun.set()
        if call.cancel.wait(60):
            cancelled.set()

    def broken() -> Any:
        raise RuntimeError("a defect")

    with Engine(store, tasks={WORK: work}) as engine:
        engine.start(SINGLE, name="name")
        assert begun.wait(10)
        monkeypatch.setattr(store, "posts", broken)
        with pytest.raises(RuntimeError, match="a defect"):
            engine.wait("name", timeout=10)
        assert cancelled.wait(10)


def test_children_go_with_a_parent_that_was_given_up_before_they_were_written(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, gave_up = MapRuns._begin, threading.Event()

    def begin_and_fall(self: MapRuns, feed: Any) -> None:
        begin(self, feed)
        engine._worker.give_up(feed.live, RuntimeError("a defect"))
        gave_up.set()

    monkeypatch.setattr(MapRuns, "_begin", begin_and_fall)
    with Engine(tasks={WORK: lambda data: data}) as engine:
        engine.start(fan_out(), [1, 2, 3], name="name")
        assert gave_up.wait(10)
        until(lambda: not engine._worker.live)
