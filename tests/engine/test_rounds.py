"""What a round does, seen round by round: an engine without a thread, whose rounds the test makes, in virtual time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import statelang
from statelang import StateMachine
from statelang.aws.by_hand import ByHand, Time
from statelang.core.execution import Execution, Step
from statelang.core.map_run import MapRun, Tally
from statelang.core.stimulus import MapRunChanged, Stopped
from statelang.errors import StoreError
from statelang.messages import Told
from statelang.ports import Commit, Store
from statelang.stores.memory import MemoryStore
from statelang.stores.sqlite import SqliteStore
from statelang.tasks import Bindings
from statelang.testing.clock import VirtualClock
from statelang.values import Json, encode

END: Json = {"End": True}


class Impatient(VirtualClock):
    """Never waits for anybody: a round that has nothing to do is over at once."""

    def wait(self, queue: Any, until: int | None, *, poll: int | None, busy: bool) -> Any:
        return None if queue.empty() else queue.get_nowait()


class Rounds(ByHand):
    """An engine that serves its store, round by round, and notes what it tells its observer."""

    def __init__(self, store: Store, **options: Any) -> None:
        self.clock = Impatient()
        super().__init__(store, clock=self.clock, trouble=lambda name, _: self.troubled.append(name), **options)
        self.troubled = list[str]()
        self._worker.adopts = True

    def go_on(self, rounds: int = 8, *, after: int = 0) -> None:
        self.clock.advance(after)
        for _ in range(rounds):
            self._worker.lookout.hurry()
            self._worker.round()
            self.clock.advance(1)

    def until(self, holds: Callable[[], object]) -> None:
        for _ in range(1_000):
            if holds():
                return
            self.go_on(1)
            time.sleep(0.005)  # for the pool's threads, which are real
        raise AssertionError("it never came to that")

    def committed(self, execution: Execution, steps: Sequence[Step]) -> None:
        super().committed(execution, steps)
        stored = self.store.summary(execution.started.id).status
        assert execution.head.status == stored, f"told that it is {execution.head.status}; in the store it is {stored}"

    @property
    def feeds(self) -> list[str]:
        """The Map Runs of which something is kept."""
        return list(self._worker.runs._feeds)

    def map_run_of(self, name: str) -> tuple[MapRun, Tally]:
        ((run, tally),) = self.store.map_runs(name)
        return run, tally


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with closing(MemoryStore() if request.param == "memory" else SqliteStore(f"{tmp_path}/store.db")) as store:
        yield store


def wait(seconds: int, **then: Json) -> Json:
    return {"Type": "Wait", "Seconds": seconds, **(then or END)}


def fan(**states: Json) -> Json:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": next(iter(states)), "States": states}
    return {"Type": "Map", "Label": "each", "ItemProcessor": processor, **END}


def nested(name: str) -> Json:
    arguments = {"StateMachineArn": f"arn:aws:states:us-east-1:111122223333:stateMachine:{name}"}
    return {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": arguments, **END}


def machine(name: str, state: Json) -> StateMachine:
    return statelang.load({"StartAt": name, "States": {name: state}}, name="rounds")


def test_children_that_move_as_their_map_run_is_stopped_are_stopped_too(store: Store) -> None:
    """What a stop does to them is not yet in the store when what they did before is."""
    engine = Rounds(store)
    engine._worker.lets_go = False
    engine.start(machine("Each", fan(A=wait(10, Next="B"), B=wait(1_000))), [1, 2], name="fan")
    engine.go_on()
    run, _ = engine.map_run_of("fan")
    store.post("fan", Stopped(engine.clock.now()))
    engine.go_on(after=10_000)
    assert store.summary("fan").status == "ABORTED"
    assert [(child.status, child.driven) for child in store.summaries(map_run=run.id)] == [("ABORTED", False)] * 2
    assert engine.map_run_of("fan")[1].aborted == 2


def test_a_map_run_goes_on_whose_parent_was_given_back_while_its_children_slept(store: Store) -> None:
    """Nothing of it is kept: its children are counted by a post, not by what this worker once held."""
    branches = [
        {"StartAt": "Each", "States": {"Each": fan(Sleep=wait(3_600))}},
        {"StartAt": "Short", "States": {"Short": wait(10, Next="Long"), "Long": wait(7_200)}},
    ]
    engine = Rounds(store)
    engine.start(machine("Both", {"Type": "Parallel", "Branches": branches, **END}), [1, 2], name="both")
    engine.go_on()
    engine.go_on(after=10_000)
    assert not store.summary("both").driven
    assert engine.feeds == []
    engine.go_on(after=3_600_000)
    run, tally = engine.map_run_of("both")
    assert (run.status, tally.succeeded) == ("SUCCEEDED", 2)
    engine.go_on(after=3_600_000)
    assert store.summary("both").status == "SUCCEEDED"
    assert engine.troubled == []


def test_nothing_is_kept_of_a_map_run_that_has_ended(store: Store) -> None:
    engine = Rounds(store)
    engine.start(machine("Each", fan(P={"Type": "Pass", **END})), [1, 2], name="good")
    engine.start(machine("Each", fan(F={"Type": "Fail", "Error": "E"})), [1, 2], name="bad")
    engine.go_on()
    assert [store.summary(name).status for name in ("good", "bad")] == ["SUCCEEDED", "FAILED"]
    assert engine.feeds == []


def test_children_that_were_never_written_are_not_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go with the parent whose commit would have begun them, and come back with it."""
    real = store.commit

    def commit(commits: Sequence[Commit], *, sync: bool) -> Any:
        if any(one.begun for one in commits):
            raise StoreError("a hiccup")
        return real(commits, sync=sync)

    engine = Rounds(store)
    with monkeypatch.context() as patch:
        patch.setattr(store, "commit", commit)
        engine.start(machine("Each", fan(P={"Type": "Pass", **END})), [1, 2, 3], name="fan")
        engine.go_on()
    assert engine.troubled == ["fan"]
    engine.begin(Time(None, 0))  # gives back what was given up
    engine.go_on()
    assert engine.map_run_of("fan")[1].succeeded == 3
    assert engine.troubled == ["fan"]


def test_what_was_dropped_is_removed_by_a_commit_that_is_repeated(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another execution's lost lease in the same commit takes nothing from this one."""
    both = {"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": wait(1)}}], "Next": "Sleep"}
    states = {"Start": wait(5, Next="Both"), "Both": both, "Sleep": wait(100)}
    dropping = statelang.load({"StartAt": "Start", "States": states}, name="rounds")
    engine, real, swept = Rounds(store), store.commit, list[str]()
    engine._worker.lets_go = False

    def commit(commits: Sequence[Commit], *, sync: bool) -> Any:
        first = not swept
        swept.extend(one.lease.execution for one in commits if one.swept)
        if first and swept:
            raise statelang.LeaseLost(executions=("other",))
        return real(commits, sync=sync)

    engine.start(dropping, name="other")
    engine.start(dropping, name="this")
    monkeypatch.setattr(store, "commit", commit)
    engine.go_on(after=5_000)
    engine.go_on(after=1_000)
    assert swept == ["other", "this", "this"]


@pytest.mark.parametrize("hiccup", [False, True])
def test_nobody_goes_on_by_the_end_of_an_execution_whose_lease_is_lost(
    hiccup: bool, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor those above: whoever drives it now ends it, and may end it otherwise. A store that hiccups breaks nothing."""
    waits = {"StartAt": "W", "States": {"W": wait(10)}}
    for name, definition in (("child", waits), ("middle", {"StartAt": "Call", "States": {"Call": nested("child")}})):
        (tmp_path / f"{name}.asl.json").write_text(encode(definition))
    machines = {f"arn:aws:states:*:stateMachine:{name}": tmp_path / f"{name}.asl.json" for name in ("child", "middle")}
    engine = Rounds(store, bindings=Bindings(machines=machines))
    engine._worker.lets_go = False
    engine.start(machine("Call", nested("middle")), name="top")
    engine.until(lambda: len(engine._worker.live) == 3)
    real, lost, hiccups = store.commit, list[str](), Hiccups(store, "load", monkeypatch)
    child = next(name for name, live in engine._worker.live.items() if live.execution.started.machine == "child")

    def commit(commits: Sequence[Commit], *, sync: bool) -> Any:
        if not lost and any(one.lease.execution == child for one in commits):
            lost.append(child)
            hiccups.left = int(hiccup)
            raise statelang.LeaseLost(executions=(child,))
        return real(commits, sync=sync)

    monkeypatch.setattr(store, "commit", commit)
    engine.go_on(after=10_000)
    assert lost
    assert hiccups.left == 0
    assert {one.status for one in store.summaries()} == {"RUNNING"}


class Hiccups:
    """Lets one method of a store fail a few times, when it is told to."""

    def __init__(self, store: Store, method: str, patch: pytest.MonkeyPatch) -> None:
        self.left, real = 0, getattr(store, method)

        def call(*arguments: Any, **named: Any) -> Any:
            if self.left > 0:
                self.left -= 1
                raise StoreError("a hiccup")
            return real(*arguments, **named)

        patch.setattr(store, method, call)


def test_a_store_that_hiccups_as_a_map_run_is_stopped_saves_no_child(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, hiccups = Rounds(store), Hiccups(store, "members", monkeypatch)
    engine._worker.lets_go = False
    engine.start(machine("Each", fan(A=wait(1_000))), [1, 2], name="fan")
    engine.go_on()
    run, _ = engine.map_run_of("fan")
    hiccups.left = 2
    store.post("fan", Stopped(engine.clock.now()))
    engine.go_on()
    assert hiccups.left == 0
    assert [child.status for child in store.summaries(map_run=run.id)] == ["ABORTED"] * 2


@pytest.mark.parametrize("moment", ["as it begins", "as a child ends elsewhere"])
def test_a_store_that_hiccups_as_a_map_run_is_looked_at_breaks_nobody(
    moment: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its execution is given up, as over a commit that failed, and tried again before long."""
    engine, hiccups = Rounds(store), Hiccups(store, "map_run", monkeypatch)
    engine._worker.lets_go = False
    hiccups.left = 1 if moment == "as it begins" else 0
    engine.start(machine("Each", fan(A=wait(100))), [1, 2], name="fan")
    engine.go_on()
    if moment != "as it begins":
        run, _ = engine.map_run_of("fan")
        hiccups.left = 1
        engine._worker.tell(Told("fan", MapRunChanged(engine.clock.now(), b"0" * 16, run.token)))
        engine.go_on()
    assert hiccups.left == 0
    assert engine.troubled == ["fan"]
    engine.begin(Time(None, 0))  # gives back what was given up
    engine.go_on(after=100_000)
    engine.go_on(after=100_000)
    assert store.summary("fan").status == "SUCCEEDED"
