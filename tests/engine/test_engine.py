"""The engine with real threads and, where nothing waits for real, virtual time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import statelang
from statelang import LATER, Engine, Failed, JsonText, Limits, Pending, StateMachine, Submitted, Succeeded, TaskCall
from statelang.clock import RealClock
from statelang.errors import InvalidSettings
from statelang.testing.clock import VirtualClock
from statelang.values import Json

TASK = "arn:aws:lambda:us-east-1:123456789012:function:work"


def machine(*states: dict[str, Json], **top: Json) -> StateMachine:
    """A machine of states in a row: S0, S1, …"""
    named = {}
    for number, state in enumerate(states):
        last = number == len(states) - 1
        ends = state["Type"] in ("Succeed", "Fail", "Choice")
        named[f"S{number}"] = {**state, **({} if ends else {"End": True} if last else {"Next": f"S{number + 1}"})}
    return statelang.load({"StartAt": "S0", "States": named, **top})


def task(**fields: Json) -> dict[str, Json]:
    return {"Type": "Task", "Resource": TASK, **fields}


@pytest.fixture(params=["memory:", "sqlite"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory:" else f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def engine(address: str) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(work: Any = None, **options: Any) -> Engine:
        tasks = {} if work is None else {TASK: work}
        made.append(Engine(options.pop("store", address), tasks=tasks, **{"clock": VirtualClock(), **options}))
        return made[-1]

    yield make
    for one in made:
        one.close(grace_ms=0)


def kinds(engine: Engine, name: str) -> list[str]:
    return [event["type"] for event in engine.history(name)]


Make = Callable[..., Engine]


def test_a_run_gives_its_output(engine: Make) -> None:
    with engine(lambda data: {"sum": data["a"] + data["b"]}) as running:
        result = running.run(machine(task()), {"a": 1, "b": 2})
    assert result.succeeded
    assert result.output == {"sum": 3}


def test_the_same_name_and_input_is_the_same_execution(engine: Make) -> None:
    calls = []
    running = engine(lambda data: calls.append(data) or {"n": 1})
    one = machine(task())
    first = running.run(one, {"x": 1}, name="same")
    again = running.run(one, {"x": 1}, name="same")
    assert first == again
    assert len(calls) == 1
    with pytest.raises(statelang.ExecutionExists, match="same"):
        running.run(one, {"x": 2}, name="same")
    with pytest.raises(statelang.ExecutionExists):
        running.run(machine(task(), {"Type": "Pass"}), {"x": 1}, name="same")


def test_an_unbound_resource_is_refused_before_the_start(engine: Make) -> None:
    running = engine(lambda data: data)
    with pytest.raises(statelang.UnboundResource) as refused:
        running.start(machine({"Type": "Task", "Resource": TASK.replace("work", "wrok")}), name="never")
    assert "S0" in str(refused.value)
    assert f"did you mean {TASK}?" in str(refused.value)
    with pytest.raises(statelang.ExecutionNotFound):
        running.describe("never")


def test_a_resource_that_is_computed_fails_its_task(engine: Make) -> None:
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName.$": "$.f", "Payload": {}},
    }
    running = engine(lambda data: data)
    result = running.run(machine(invoke), {"f": "nobody"})
    assert result.status == "FAILED"
    assert "nobody" in str(result.cause)
    assert running.run(machine(invoke), {"f": "work"}).succeeded


def test_the_spelling_of_the_input_is_kept(engine: Make) -> None:
    running = engine()
    name = running.start(machine({"Type": "Pass"}), JsonText('{"a" : 1.0}'))
    assert running.wait(name).output == {"a": 1.0}
    first = next(iter(running.history(name)))
    assert first["executionStartedEventDetails"]["input"] == '{"a" : 1.0}'


WRONG = {
    "nan": float("nan"),
    "object": {"a": object()},
    "key": {1: 2},
    "surrogate": "\ud800",
    "digits": 10**4400,
    "size": {"x": "y" * 300_000},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_input_that_cannot_be_taken_is_refused_and_nothing_is_written(engine: Make, wrong: Any) -> None:
    running = engine()
    with pytest.raises(statelang.InvalidInput):
        running.run(machine({"Type": "Pass"}), wrong, name="wrong")
    with pytest.raises(statelang.ExecutionNotFound):
        running.describe("wrong")


def test_limits_can_be_lifted(engine: Make) -> None:
    big = {"x": "y" * 300_000}
    assert engine(limits=Limits.lifted()).run(machine({"Type": "Pass"}), big).output == big


def test_retries_and_catches_move_on_virtual_time(engine: Make) -> None:
    attempts: list[int] = []

    def work(data: Json, call: TaskCall) -> Json:
        attempts.append(call.attempt)
        raise ConnectionError("down")

    retry = {"ErrorEquals": ["ConnectionError"], "IntervalSeconds": 3600, "MaxAttempts": 2}
    catch = {"ErrorEquals": ["States.ALL"], "Next": "S1", "ResultPath": "$.why"}
    running = engine(work)
    began = time.monotonic()
    result = running.run(machine(task(Retry=[retry], Catch=[catch]), {"Type": "Pass"}), {})
    assert time.monotonic() - began < 5
    assert attempts == [0, 1, 2]
    assert result.output["why"]["Error"] == "ConnectionError"


def test_the_key_stays_and_the_token_changes_across_attempts(engine: Make) -> None:
    seen: list[tuple[str, str]] = []

    def work(data: Json, call: TaskCall) -> Json:
        seen.append((call.idempotency_key, call.token))
        if len(seen) < 3:
            raise ValueError("again")
        return None

    retry = {"ErrorEquals": ["ValueError"], "MaxAttempts": 5}
    assert engine(work).run(machine(task(Retry=[retry])), {}).succeeded
    assert len({key for key, _ in seen}) == 1
    assert len({token for _, token in seen}) == 3


def test_a_task_that_returns_what_json_cannot_hold_fails(engine: Make) -> None:
    for wrong in (object(), float("inf"), {1: 2}, {"a": {1, 2}}, "\udc00"):
        result = engine(lambda data, wrong=wrong: wrong).run(machine(task()), {})
        assert result.status == "FAILED"
        assert "JSON" in str(result.cause)


def test_a_task_that_hangs_times_out_and_wedges_nobody(engine: Make) -> None:
    hanging, told = threading.Event(), threading.Event()

    def work(data: Json, call: TaskCall) -> Json:
        if data.get("hang"):
            call.cancel.wait(30)
            told.set()
            hanging.wait(30)
        return {"done": True}

    running = engine(work, threads=1, clock=RealClock())
    result = running.run(machine(task(TimeoutSeconds=1)), {"hang": True}, timeout=10)
    assert (result.status, result.error) == ("FAILED", "States.Timeout")
    assert told.wait(5)
    assert running.run(machine(task(TimeoutSeconds=5)), {}, timeout=10).output == {"done": True}
    hanging.set()


def test_a_heartbeat_keeps_a_task_alive(engine: Make) -> None:
    def work(data: Json, call: TaskCall) -> Json:
        for _ in range(data["beats"]):
            call.cancel.wait(0.4)
            call.heartbeat()
        call.cancel.wait(data["then"])
        return {}

    running = engine(work, clock=RealClock())
    beating = machine(task(HeartbeatSeconds=1, TimeoutSeconds=60))
    assert running.run(beating, {"beats": 4, "then": 0}, timeout=20).succeeded
    silent = running.run(beating, {"beats": 0, "then": 20}, timeout=20)
    assert silent.error == "States.Timeout"


def test_an_answer_comes_later_by_token(address: str) -> None:
    tokens: list[str] = []
    wait = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}
    asking = machine({**wait, "Parameters": {"MessageBody": {"token.$": "$$.Task.Token"}, "QueueUrl": "q"}})
    tasks = {"arn:aws:states:::sqs:*": lambda message: tokens.append(message["MessageBody"]["token"])}
    with Engine(address, tasks=tasks) as running:
        name = running.start(asking, {})
        _until(lambda: tokens and running.positions(name)[0].doing == "waiting for its answer")
        with pytest.raises(statelang.UnknownToken):
            running.send_task_success(tokens[0][:-1] + ("0" if tokens[0][-1] != "0" else "1"), {})
        for forged in ("nonsense", "..", f"{name}..", f"{name}.-1.aa", f"{name}.٣.aa", f"{name}.{'9' * 5_000}.aa"):
            with pytest.raises(statelang.UnknownToken):
                running.send_task_success(forged, {})
        running.send_task_heartbeat(tokens[0])
        running.send_task_success(tokens[0], {"yes": True})
        assert running.wait(name, timeout=10).output == {"yes": True}
        with pytest.raises(statelang.TaskEnded):
            running.send_task_success(tokens[0], {"no": True})
        assert running.result(name).output == {"yes": True}


def test_a_function_may_answer_later(engine: Make) -> None:
    tokens: list[str] = []

    def work(data: Json, call: TaskCall) -> Any:
        tokens.append(call.token)
        return LATER

    running = engine(work, clock=RealClock())
    name = running.start(machine(task(Catch=[{"ErrorEquals": ["Late.No"], "Next": "S1"}]), {"Type": "Pass"}), {})
    _until(lambda: bool(tokens))
    running.send_task_failure(tokens[0], "Late.No", "not today")
    assert running.wait(name, timeout=10).output == {"Error": "Late.No", "Cause": "not today"}


def test_stop_ends_it_and_redrive_goes_on(engine: Make) -> None:
    go, calls = threading.Event(), []

    def work(data: Json, call: TaskCall) -> Json:
        calls.append(1)
        while not go.wait(0.01):
            if call.cancel.is_set():
                return None
        return {"done": True}

    running = engine(work, clock=RealClock())
    name = running.start(machine({"Type": "Pass"}, task()), {})
    _until(lambda: bool(calls))
    running.stop(name, error="Enough", cause="it is late")
    stopped = running.wait(name, timeout=10)
    assert (stopped.status, stopped.error, stopped.cause) == ("ABORTED", "Enough", "it is late")
    running.stop(name, error="Again")
    assert running.result(name) == stopped
    go.set()
    running.redrive(name)
    assert running.wait(name, timeout=10).output == {"done": True}
    assert kinds(running, name).count("ExecutionRedriven") == 1
    assert kinds(running, name).count("PassStateEntered") == 1
    with pytest.raises(statelang.ExecutionNotRedrivable):
        running.redrive(name)


def test_two_engines_share_a_store(tmp_path: Path) -> None:
    """One drives; another sees it, stops it, and takes over what is given back."""
    address = f"sqlite:///{tmp_path}/store.db"
    sleeper = machine({"Type": "Wait", "Seconds": 3600}, {"Type": "Pass"})
    with Engine(address) as driver, Engine(address) as other:
        driver.start(sleeper, {}, name="sleeper")
        assert other.describe("sleeper").driven
        assert not other.resume("sleeper")
        other.stop("sleeper", cause="from elsewhere")
        assert driver.wait("sleeper", timeout=5).cause == "from elsewhere"
    with Engine(address) as third:
        assert third.result("sleeper").status == "ABORTED"


def test_closing_gives_everything_back(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/store.db"
    calls: list[str] = []

    def work(data: Json, call: TaskCall) -> Json:
        calls.append(call.token)
        if len(calls) == 1:
            call.cancel.wait(30)
        return {"calls": len(calls)}

    with Engine(address, tasks={TASK: work}) as first:
        name = first.start(machine(task()), {})
        _until(lambda: bool(calls))
        first.close(grace_ms=50)
    with Engine(address) as unbound:
        with pytest.raises(statelang.UnboundResource):
            unbound.resume(name)
        assert unbound.result(name).status == "RUNNING"
    with Engine(address, tasks={TASK: work}) as second:
        assert second.resume(name)
        assert second.wait(name, timeout=10).output == {"calls": 2}
    assert calls[0] == calls[1], "the same attempt is asked again, under the same token"


def test_a_serving_engine_takes_up_what_others_start(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/store.db"
    with Engine(address, tasks={TASK: lambda data: {"done": data["n"]}}, serve=True) as serving:
        with Engine(address, tasks={TASK: lambda data: None}) as starter:
            names = [starter.start(machine(task()), {"n": n}, name=f"n{n}", drive=False) for n in range(5)]
        assert [serving.wait(name, timeout=10).output for name in names] == [{"done": n} for n in range(5)]


def test_a_serving_engine_leaves_what_it_cannot_perform(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/store.db"
    with Engine(address, tasks={TASK: lambda data: None}) as starter:
        starter.start(machine(task()), {}, name="theirs", drive=False)
        starter.start(machine({"Type": "Pass"}), {}, name="ours", drive=False)
    with Engine(address, serve=True) as serving:
        assert serving.wait("ours", timeout=10).succeeded
        time.sleep(0.2)
        assert not serving.describe("theirs").driven
    with Engine(address, tasks={TASK: lambda data: {"ok": 1}}, serve=True) as able:
        assert able.wait("theirs", timeout=10).output == {"ok": 1}


@pytest.mark.parametrize("policy", ["transition", "effect", "strict"])
def test_policies_come_to_the_same(policy: str, tmp_path: Path) -> None:
    states = [{"Type": "Pass", "Result": n, "ResultPath": f"$.s{n}"} for n in range(20)]
    machines = machine(*states, task(ResultPath="$.work"), *states)
    tasks = {TASK: lambda data: len(data)}
    with Engine(f"sqlite:///{tmp_path}/store.db", tasks=tasks, policy=policy, clock=VirtualClock()) as running:
        result = running.run(machines, {}, name="same")
        events = [(event["id"], event["type"], event["previousEventId"]) for event in running.history("same")]
    with Engine("memory:", tasks=tasks, clock=VirtualClock()) as plain:
        assert plain.run(machines, {}, name="same") == result
        assert [(e["id"], e["type"], e["previousEventId"]) for e in plain.history("same")] == events


def test_many_executions_together(engine: Make) -> None:
    running = engine(lambda data: {"n": data["n"] * 2})
    names = running.start_many(machine({"Type": "Pass"}, task()), {f"e{n}": {"n": n} for n in range(100)})
    assert [running.wait(name).output for name in names] == [{"n": 2 * n} for n in range(100)]
    assert len(running.executions(status="SUCCEEDED", limit=1_000)) == 100


def test_a_closed_engine_says_so(engine: Make) -> None:
    running = engine()
    running.run(machine({"Type": "Pass"}))
    running.close()
    running.close()
    with pytest.raises(statelang.StatelangError, match="closed"):
        running.start(machine({"Type": "Pass"}))


def test_wait_with_a_timeout_tells_that_it_runs(engine: Make) -> None:
    running = engine(lambda data, call: call.cancel.wait(30), clock=RealClock())
    assert running.run(machine(task()), {}, timeout=0.1).status == "RUNNING"
    with pytest.raises(statelang.ExecutionNotFound):
        running.wait("nobody")


def test_whoever_waits_for_what_is_driven_here_asks_the_store_nothing(
    engine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    running = engine(lambda data: may_end.wait(10))
    name = running.start(machine(task()), {})
    monkeypatch.setattr(running.store, "summary", None)
    monkeypatch.setattr(running.store, "read", None)
    assert running.wait(name, timeout=0.01).status == "RUNNING"
    threading.Timer(0.05, may_end.set).start()
    assert running.wait(name).output is True


def test_names_that_aws_would_refuse_are_refused(engine: Make) -> None:
    for wrong in ("", "a b", "x" * 81, "what?", "a/b"):
        with pytest.raises(statelang.InvalidSettings):
            engine().start(machine({"Type": "Pass"}), name=wrong)
        with pytest.raises(statelang.InvalidSettings):
            engine().run(machine({"Type": "Pass"}), name=wrong)


def test_async_functions_are_tasks(engine: Make) -> None:
    import asyncio

    async def work(data: Json) -> Json:
        await asyncio.sleep(0)
        return {"async": True}

    assert engine(work).run(machine(task()), {}).output == {"async": True}


def test_values_nested_beyond_reason_end_in_an_error_of_the_language(engine: Make) -> None:
    """A loop that wraps its data once more each time must not take the worker with it."""
    deeper = {
        "StartAt": "Wrap",
        "States": {
            "Wrap": {"Type": "Pass", "Parameters": {"in.$": "$.in", "n.$": "States.MathAdd($.n, 1)"}, "Next": "Nest"},
            "Nest": {"Type": "Pass", "Parameters": {"in": {"in.$": "$.in"}, "n.$": "$.n"}, "Next": "Enough?"},
            "Enough?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericGreaterThan": 3000, "Next": "Out"}],
                "Default": "Wrap",
            },
            "Out": {"Type": "Succeed"},
        },
    }
    running = engine(limits=Limits.lifted())
    result = running.run(statelang.load(deeper), {"in": {}, "n": 0}, timeout=60)
    assert result.status == "FAILED"
    assert running.run(machine({"Type": "Pass"}), {"fine": True}).succeeded


def _until(true: Callable[[], Any], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


class Exports:
    """An integration that begins jobs: `ends` says what a job answers, given how often it was asked."""

    def __init__(self, ends: Callable[[int], Any]) -> None:
        self.ends = ends
        self.begun: list[Json] = []
        self.polled: list[tuple[Json, int]] = []
        self.stopped: list[Json] = []
        self.stubborn: tuple[int, ...] = ()
        self.seen: list[TaskCall] = []

    def perform(self, call: TaskCall) -> Submitted:
        self.begun.append(call.input)
        self.seen.append(call)
        return Submitted({"started": True}, job={"number": len(self.begun)}, poll_after=2)

    def poll(self, call: TaskCall, job: Json, polls: int) -> Any:
        self.polled.append((job, polls))
        self.seen.append(call)
        return self.ends(polls)

    def stop(self, call: TaskCall, job: Json) -> Failed | None:
        self.stopped.append(job)
        return Failed("Job.Stubborn", "it does not heed") if job["number"] in self.stubborn else None


SYNC = "arn:aws:states:::glue:startJobRun.sync"


def test_a_job_is_asked_until_it_ends_and_a_worker_that_takes_over_asks_the_same_job(address: str) -> None:
    if address == "memory:":
        pytest.skip("nothing of it outlives the process")
    one = statelang.load({"StartAt": "J", "States": {"J": {"Type": "Task", "Resource": SYNC, "End": True}}})
    exports = Exports(lambda polls: Pending(3) if polls < 5 else Succeeded({"polls": polls}))
    clock = VirtualClock()

    class Wakes(VirtualClock):
        """Time that stands still: the first worker gets no further than its second poll."""

        def wait(self, queue: Any, until: int | None, *, poll: int | None, busy: bool) -> Any:
            if until is not None and len(exports.polled) >= 2:
                until = None
            return super().wait(queue, until, poll=poll, busy=busy)

    first = Engine(address, tasks={SYNC: exports}, clock=Wakes())
    first.start(one, {"x": 1}, name="job")
    _until(lambda: len(exports.polled) == 2)
    (position,) = first.positions("job")
    assert position.doing == "waiting for its job"
    first.close()
    with Engine(address, tasks={SYNC: exports}, clock=clock) as second:
        second.resume("job")
        assert second.wait("job", timeout=20).output == {"polls": 5}
        assert [event["type"] for event in second.history("job")].count("TaskSubmitted") == 1
    assert exports.begun == [{"x": 1}]
    assert [polls for _, polls in exports.polled] == [1, 2, 3, 4, 5]
    assert {job["number"] for job, _ in exports.polled} == {1}
    assert len({call.token for call in exports.seen}) == 1


def test_stopping_an_execution_that_nobody_drives_stops_its_job_before_the_engine_closes(address: str) -> None:
    if address == "memory:":
        pytest.skip("nothing of it outlives the process")
    one = statelang.load({"StartAt": "J", "States": {"J": {"Type": "Task", "Resource": SYNC, "End": True}}})
    exports = Exports(lambda polls: Pending(60))
    with Engine(address, tasks={SYNC: exports}, clock=RealClock()) as first:
        first.start(one, {}, name="job")
        _until(lambda: first.positions("job")[0].doing == "waiting for its job")
    with Engine(address, tasks={SYNC: exports}, clock=RealClock()) as second:
        second.stop("job", cause="not needed")
    assert exports.stopped == [{"number": 1}]


def test_a_job_that_cannot_be_stopped_is_told_of(address: str) -> None:
    """It may go on and cost money: nobody else would notice."""
    one = statelang.load({"StartAt": "J", "States": {"J": {"Type": "Task", "Resource": SYNC, "End": True}}})
    exports = Exports(lambda polls: Pending(60))
    exports.stubborn = (1,)
    told: list[tuple[str, str]] = []

    def trouble(name: str, problem: BaseException) -> None:
        told.append((name, str(problem)))

    with Engine(address, tasks={SYNC: exports}, clock=RealClock(), trouble=trouble) as running:
        running.start(one, {}, name="job")
        _until(lambda: running.positions("job")[0].doing == "waiting for its job")
        running.stop("job")
    ((name, text),) = told
    assert name == "job"
    assert text == f'the job {{"number":1}} of {SYNC} could not be stopped: it does not heed'


def test_a_job_whose_integration_knows_nothing_of_it_any_more_fails(engine: Make, address: str) -> None:
    if address == "memory:":
        pytest.skip("nothing of it outlives the process")
    one = statelang.load({"StartAt": "J", "States": {"J": {"Type": "Task", "Resource": SYNC, "End": True}}})
    with Engine(address, tasks={SYNC: Exports(lambda polls: Pending(60))}, clock=RealClock()) as first:
        first.start(one, {}, name="job")
        _until(lambda: first.positions("job")[0].doing == "waiting for its job")
    with Engine(address, tasks={SYNC: lambda data: data}, clock=VirtualClock()) as second:
        second.resume("job")
        result = second.wait("job", timeout=20)
    assert (result.status, result.error) == ("FAILED", "States.Runtime")
    assert result.cause is not None
    assert "knows nothing of the job" in result.cause


def test_a_poll_that_raises_fails_the_task(engine: Make) -> None:
    def ends(polls: int) -> Any:
        raise OSError("no network")

    one = statelang.load({"StartAt": "J", "States": {"J": {"Type": "Task", "Resource": SYNC, "End": True}}})
    with Engine("memory:", tasks={SYNC: Exports(ends)}, clock=VirtualClock()) as running:
        result = running.run(one, {}, timeout=20)
    assert (result.error, result.cause) == ("States.TaskFailed", "OSError: no network")


def test_an_engine_that_could_perform_nothing_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="with 0 threads no task would ever be performed"):
        Engine(threads=0)


def test_a_policy_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="'fast' is none of transition, effect, strict"):
        Engine(policy="fast")  # type: ignore[arg-type]
