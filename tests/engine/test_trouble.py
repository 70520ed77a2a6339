"""What must not wedge anybody: failures that meet tasks under way, a dead or full neighbour, threads that hang."""

from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import statelang
from statelang import Engine, StateMachine, Submitted, Succeeded, TaskCall
from statelang.errors import StoreFull
from statelang.pool import Pool
from statelang.stores.sqlite import SqliteStore
from statelang.stores.sqlite_care import SqliteCare
from statelang.values import Json

WORK = "arn:aws:lambda:us-east-1:123456789012:function:work"
OTHER = "arn:aws:lambda:us-east-1:123456789012:function:other"
END: Json = {"Type": "Pass", "End": True}


def machine(first: Json, **more: Json) -> StateMachine:
    return statelang.load({"StartAt": "First", "States": {"First": first, **more}}, name="trouble")


def single(resource: str, name: str, **fields: Json) -> Json:
    return {"StartAt": name, "States": {name: {"Type": "Task", "Resource": resource, "End": True, **fields}}}


CAUGHT: Json = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]


def until(true: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_a_task_whose_sibling_fails_in_the_same_round_is_never_begun() -> None:
    begun: list[Json] = []
    fails = {"StartAt": "Fails", "States": {"Fails": {"Type": "Fail", "Error": "E", "Cause": "C"}}}
    both = {"Type": "Parallel", "Branches": [single(WORK, "Works"), fails], "Next": "Caught", "Catch": CAUGHT}
    with Engine(tasks={WORK: begun.append}) as engine:
        result = engine.run(machine(both, Caught=END), timeout=10)
        assert result.output == {"Error": "E", "Cause": "C"}
        assert engine.run(machine(END), {"alive": True}, timeout=10).output == {"alive": True}
    assert begun == []


@pytest.mark.parametrize("attempts", [0, 1])
def test_an_item_selector_that_fails_stops_the_iterations_before_it(attempts: int) -> None:
    """The iterations under way must not answer to a Map that pauses before its retry."""
    cancelled: list[bool] = []
    begun = threading.Semaphore(0)

    def work(item: Json, call: TaskCall) -> Json:
        if item["v"] == "hangs":
            begun.release()
            cancelled.append(call.cancel.wait(10))
        else:
            begun.acquire(timeout=10)
        return item

    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 2,
        "ItemSelector": {"v.$": "States.ArrayGetItem($.values, $$.Map.Item.Index)"},
        "ItemProcessor": single(WORK, "Works"),
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": attempts, "IntervalSeconds": 1}],
        "Catch": CAUGHT,
        "Next": "Caught",
    }
    with Engine(tasks={WORK: work}) as engine:
        name = engine.start(machine(each, Caught=END), {"items": [1, 2, 3], "values": ["hangs", "ends"]})
        assert engine.wait(name, timeout=20).output["Error"] == "States.IntrinsicFailure"
        events = [event["type"] for event in engine.history(name)]
        assert events.count("MapIterationAborted") == 1 + attempts
        assert events.count("MapStateFailed") == 1
        until(lambda: len(cancelled) == 1 + attempts)
    assert all(cancelled)


def test_a_task_that_hangs_does_not_hold_up_what_waits_behind_it() -> None:
    hold = threading.Event()

    def hang(data: Json) -> Json:
        hold.wait(30)
        return data

    both = {
        "Type": "Parallel",
        "Branches": [single(WORK, "Hangs", TimeoutSeconds=1), single(OTHER, "Waits")],
        "Next": "Caught",
    }
    both["Branches"][0]["States"]["Hangs"] |= {"Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Out"}]}
    both["Branches"][0]["States"]["Out"] = END
    with Engine(tasks={WORK: hang, OTHER: lambda data: "done"}, threads=1) as engine:
        result = engine.run(machine(both, Caught=END), timeout=10)
        hold.set()
    assert result.output == [{"Error": "States.Timeout", "Cause": ""}, "done"]


def test_the_pool_keeps_its_size_however_work_is_abandoned() -> None:
    pool, hold = Pool(2), threading.Event()
    running = [pool.submit(lambda: hold.wait(10) and None) for _ in range(2)]
    until(lambda: all(job.state == "running" for job in running))
    done = threading.Event()
    queued = pool.submit(done.set)
    pool.abandon(queued)
    assert pool.size == 2, "what has not begun holds no thread"
    for _ in range(2):
        pool.abandon(running[0])
    assert pool.size == 3
    assert done.wait(10)
    hold.set()
    until(lambda: all(job.state == "done" for job in (*running, queued)))
    pool.abandon(running[1])
    assert pool.size == 2
    pool.close()


def test_work_that_raises_does_not_make_the_pool_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda problem: told.append(problem.exc_type))
    pool, done = Pool(1), threading.Event()

    def raises() -> None:
        raise ValueError

    pool.submit(raises)
    pool.submit(done.set)
    assert done.wait(10)
    assert told == [ValueError]
    pool.close()


@pytest.mark.parametrize("answer", [Succeeded(object()), Succeeded("\ud800"), "no answer", Submitted({}, object(), 1)])
def test_an_answer_that_cannot_be_written_fails_the_task(answer: Any) -> None:
    """It is neither waited for for ever, nor does it cost the pool a thread."""

    class Answers:
        def perform(self, call: TaskCall) -> Any:
            return answer

    task = single(WORK, "First")["States"]["First"]
    with Engine(tasks={WORK: Answers(), OTHER: lambda data: "fine"}, threads=1) as engine:
        result = engine.run(machine(task), timeout=10)
        assert (result.status, result.error) == ("FAILED", "States.TaskFailed")
        assert "gave no answer that can be written" in (result.cause or "")
        assert engine.run(machine({**task, "Resource": OTHER}), timeout=10).output == "fine"


def test_an_answer_for_one_task_does_not_lose_the_other(tmp_path: Path) -> None:
    """Whoever takes an execution over asks again for every task, also where a post has moved it first."""
    address, calls = f"sqlite:///{tmp_path}/store.db", []

    def work(data: Json, call: TaskCall) -> Json:
        calls.append(call.token)
        call.cancel.wait(0.01 if len(calls) > 2 else 30)
        return "worked"

    both = {"Type": "Parallel", "Branches": [single(WORK, "One"), single(WORK, "Two")], "End": True}
    with Engine(address, tasks={WORK: work}) as first:
        name = first.start(machine(both))
        until(lambda: len(calls) == 2)
        first.close(grace_ms=0)
    with Engine(address) as elsewhere:
        elsewhere.send_task_success(calls[0], "answered")
    with Engine(address, tasks={WORK: work}) as second:
        assert second.resume(name)
        output = second.wait(name, timeout=10).output
    assert sorted(output) == ["answered", "worked"]


def test_who_waits_takes_over_from_the_dead(tmp_path: Path) -> None:
    address, hold = f"sqlite:///{tmp_path}/store.db", tmp_path / "begun"

    def work(data: Json) -> Json:
        return "done"

    process = multiprocessing.get_context("spawn").Process(target=_hold_until_killed, args=(address, str(hold)))
    process.start()
    until(hold.exists, 30)
    with Engine(address, tasks={WORK: work}) as engine:
        threading.Timer(0.3, process.kill).start()
        task = single(WORK, "First")["States"]["First"]
        assert engine.run(machine(task), {}, name="one", timeout=20).output == "done"
    process.join()


def _hold_until_killed(address: str, mark: str) -> None:
    def hold(data: Json) -> Json:
        Path(mark).touch()
        time.sleep(60)

    Engine(address, tasks={WORK: hold}).run(machine(single(WORK, "First")["States"]["First"]), {}, name="one")


def test_a_full_store_is_gone_on_with_once_there_is_space(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "store.db"))
    full, go = threading.Event(), threading.Event()
    commit = store.commit

    def committing(commits: Any, *, sync: bool) -> Any:
        if full.is_set():
            raise StoreFull("no space is left")
        return commit(commits, sync=sync)

    store.commit = committing  # type: ignore[method-assign]

    def work(data: Json) -> Json:
        go.wait(10)
        return "done"

    task = single(WORK, "First")["States"]["First"]
    with Engine(store, tasks={WORK: work}) as engine:
        name = engine.start(machine(task))
        until(lambda: engine.positions(name)[0].doing != "")
        full.set()
        go.set()
        with pytest.raises(StoreFull):
            engine.wait(name, timeout=10)
        assert engine.result(name).status == "RUNNING"
        full.clear()
        assert engine.resume(name), "the same process goes on with it"
        assert engine.wait(name, timeout=10).output == "done"


def test_nobody_waits_for_a_closed_engine() -> None:
    engine = Engine()
    engine.run(machine(END), timeout=10)
    asked: list[BaseException] = []

    def ask() -> None:
        try:
            engine._ask(lambda answer: statelang.engine.Take("nothing", "resume", answer))
        except BaseException as problem:
            asked.append(problem)

    engine._worker.tell = lambda message: None  # type: ignore[method-assign]
    thread = threading.Thread(target=ask)
    thread.start()
    engine._closing.set()
    engine._worker._mail.put(statelang.engine.Wake())
    thread.join(10)
    assert not thread.is_alive()
    assert "closed" in str(asked[0])
    engine.store.close()


@pytest.mark.parametrize("address", ["memory:", "sqlite"])
def test_who_waits_at_a_closed_engine_is_told(address: str, tmp_path: Path) -> None:
    hold = threading.Event()
    engine = Engine(
        address if address == "memory:" else f"sqlite:///{tmp_path}/store.db", tasks={WORK: lambda data: hold.wait(30)}
    )
    name = engine.start(machine(single(WORK, "First")["States"]["First"]))
    threading.Timer(0.3, engine.close, kwargs={"grace_ms": 0}).start()
    with pytest.raises(statelang.StatelangError):
        engine.wait(name, timeout=10)
    hold.set()


def test_a_worker_keeps_nothing_of_what_has_ended(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "store.db"))
    with Engine(store) as engine:
        names = engine.start_many(machine(END), {f"n{n}": {} for n in range(50)})
        for name in names:
            engine.wait(name, timeout=10)
        assert store._since == {}


def test_prune_leaves_what_is_being_redriven(tmp_path: Path) -> None:
    place = str(tmp_path / "store.db")
    with Engine(f"sqlite:///{place}", tasks={WORK: lambda data: data}) as engine:
        name = engine.start(machine({"Type": "Fail"}))
        assert engine.wait(name, timeout=10).status == "FAILED"
        lease = engine.store.reopen(name)
        assert lease is not None
        assert SqliteCare(place).prune(1 << 50) == 0
        assert engine.describe(name).status == "FAILED"


def test_an_interrupted_prune_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from statelang.stores import sqlite_care

    place, remove = str(tmp_path / "store.db"), sqlite_care._remove_rows

    def interrupted(db: Any, key: int) -> None:
        raise KeyboardInterrupt

    with Engine(f"sqlite:///{place}") as engine:
        for name in ("one", "two"):
            engine.run(machine(END), name=name, timeout=10)
    care = SqliteCare(place)
    monkeypatch.setattr(sqlite_care, "_remove_rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        care.prune(1 << 50)
    monkeypatch.setattr(sqlite_care, "_remove_rows", remove)
    assert "belong to no execution" in care.check()[0]
    assert care.prune(1 << 50) == 1
    assert care.check() == []
    assert care.info()["checkpoints"] == 0


def test_timers_that_are_out_of_date_do_not_pile_up() -> None:
    """Each task of a loop has a time-out far away, behind that of the whole machine."""
    count = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Work"}
    work = {"Type": "Task", "Resource": WORK, "ResultPath": None, "TimeoutSeconds": 90_000, "Next": "Enough"}
    enough = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericLessThan": 400, "Next": "Count"}],
        "Default": "End",
    }
    states = {"Count": count, "Work": work, "Enough": enough, "End": {"Type": "Succeed"}}
    loop = statelang.load({"StartAt": "Count", "TimeoutSeconds": 3_600, "States": states})
    most: list[int] = []

    def watch(execution: Any, steps: Any) -> None:
        most.append(len(execution._timers))

    with Engine(tasks={WORK: lambda data: data}, watch=watch) as engine:
        assert engine.run(loop, {"n": 0}, timeout=60).succeeded
    assert max(most) <= 101


def test_a_history_at_its_limit_is_not_redriven() -> None:
    forever = {"Type": "Choice", "Choices": [{"Variable": "$", "IsPresent": True, "Next": "First"}]}
    with Engine(limits=statelang.Limits(history_events=50)) as engine:
        name = engine.start(machine(forever, End=END))
        assert engine.wait(name, timeout=10).status == "FAILED"
        with pytest.raises(statelang.ExecutionNotRedrivable, match="event limit"):
            engine.redrive(name)
        assert [event["id"] for event in engine.history(name)] == list(range(1, 51))


def test_compiled_definitions_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statelang.takeovers.PROGRAMS", 3)
    with Engine() as engine:
        for number in range(10):
            assert engine.run(machine({**END, "Result": number}), timeout=10).output == number
        assert len(engine._worker.takeovers._programs) == 3
