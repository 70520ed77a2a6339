"""Nested executions and activities in the engine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import statelang
from statelang import Engine, StateMachine, UnboundResource
from statelang.errors import TaskEnded
from statelang.tasks import Bindings
from statelang.values import Json, encode

CHILD = "arn:aws:states:us-east-1:111122223333:stateMachine:child"
WORK = "arn:aws:lambda:us-east-1:111122223333:function:work"
ACTIVITY = "arn:aws:states:us-east-1:111122223333:activity:weigh"
DOUBLE: Json = {"StartAt": "D", "States": {"D": {"Type": "Task", "Resource": WORK, "End": True}}}


@pytest.fixture(params=["memory:", "sqlite"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory:" else f"sqlite:///{tmp_path}/store.db"


def bound(tmp_path: Path, child: Json = DOUBLE) -> Bindings:
    (tmp_path / "child.asl.json").write_text(encode(child))
    return Bindings(machines={"arn:aws:states:*:stateMachine:child": tmp_path / "child.asl.json"})


def parent(pattern: str, service: str = "states", **more: Json) -> StateMachine:
    arguments = {"StateMachineArn": CHILD, "Input.$": "$", **more.pop("Parameters", {})}
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{service}:startExecution{pattern}", "Parameters": arguments}
    return statelang.load({"StartAt": "Call", "States": {"Call": {**task, "End": True, **more}}}, name="parent")


def until(holds: Callable[[], object]) -> None:
    for _ in range(400):
        if holds():
            return
        time.sleep(0.025)
    raise AssertionError("it never came to that")


def kinds(engine: Engine, name: str) -> list[str]:
    return [event["type"] for event in engine.history(name)]


def test_sync_waits_for_the_child_and_tells_it_as_text(address: str, tmp_path: Path) -> None:
    with Engine(address, bindings=bound(tmp_path), tasks={WORK: lambda data: data["n"] * 2}) as engine:
        began = time.monotonic()
        result = engine.run(parent(".sync"), {"n": 21}, name="p", timeout=20)
        assert time.monotonic() - began < 10, "the child's own word comes at once"
        assert result.status == "SUCCEEDED"
        assert result.output["Output"] == "42"
        assert result.output["Input"] == '{"n":21}'
        assert result.output["Status"] == "SUCCEEDED"
        assert result.output["StateMachineArn"] == "arn:aws:states:us-east-1:000000000000:stateMachine:child"
        child = result.output["Name"]
        assert result.output["ExecutionArn"].endswith(f":execution:child:{child}")
        assert engine.result(child).output == 42
        assert kinds(engine, "p")[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_sync_2_tells_it_as_json(address: str, tmp_path: Path) -> None:
    with Engine(address, bindings=bound(tmp_path), tasks={WORK: lambda data: {"twice": data["n"] * 2}}) as engine:
        result = engine.run(parent(".sync:2"), {"n": 21}, timeout=20)
    assert result.output["Output"] == {"twice": 42}
    assert result.output["Input"] == {"n": 21}


@pytest.mark.parametrize("service", ["states", "aws-sdk:sfn"])
def test_without_a_pattern_the_parent_goes_on(service: str, address: str, tmp_path: Path) -> None:
    with Engine(address, bindings=bound(tmp_path), tasks={WORK: lambda data: 1}) as engine:
        machine = parent("", service, Parameters={"Name": "kid"})
        result = engine.run(machine, {"n": 1}, name="p", timeout=20)
        assert set(result.output) == {"ExecutionArn", "StartDate"}
        assert engine.wait("kid", timeout=20).output == 1
        assert engine.store.read("kid").started.parent == "p"


def test_a_failed_child_fails_the_task_with_its_description(address: str, tmp_path: Path) -> None:
    child = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Lost", "Cause": "at sea"}}}
    with Engine(address, bindings=bound(tmp_path, child)) as engine:
        result = engine.run(parent(".sync"), {}, timeout=20)
    assert (result.status, result.error) == ("FAILED", "States.TaskFailed")
    told = json.loads(result.cause or "")
    assert (told["Error"], told["Cause"], told["Status"]) == ("Lost", "at sea", "FAILED")


def test_a_child_that_takes_too_long_says_so(address: str, tmp_path: Path) -> None:
    child = {"StartAt": "W", "TimeoutSeconds": 1, "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
    with Engine(address, bindings=bound(tmp_path, child)) as engine:
        result = engine.run(parent(".sync"), {}, timeout=20)
    told = json.loads(result.cause or "")
    assert (told["Error"], told["Status"]) == ("States.Timeout", "TIMED_OUT")


WAITS: Json = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}


def test_a_stop_of_the_parent_stops_the_child(address: str, tmp_path: Path) -> None:
    with Engine(address, bindings=bound(tmp_path, WAITS)) as engine:
        engine.start(parent(".sync", Parameters={"Name": "kid"}), {}, name="p")
        until(lambda: "TaskSubmitted" in kinds(engine, "p"))
        engine.stop("p")
        assert engine.wait("kid", timeout=20).status == "ABORTED"


def test_a_time_out_of_the_task_stops_the_child(address: str, tmp_path: Path) -> None:
    with Engine(address, bindings=bound(tmp_path, WAITS)) as engine:
        result = engine.run(parent(".sync", Parameters={"Name": "kid"}, TimeoutSeconds=1), {}, name="p", timeout=20)
        assert result.error == "States.Timeout"
        assert engine.wait("kid", timeout=20).status == "ABORTED"


def test_a_name_that_is_taken_is_told_as_aws_does(address: str, tmp_path: Path) -> None:
    with Engine(address, bindings=bound(tmp_path), tasks={WORK: lambda data: 1}) as engine:
        machine = parent(".sync", Parameters={"Name": "kid"})
        assert engine.run(machine, {"n": 1}, name="one", timeout=20).status == "SUCCEEDED"
        for input in ({"n": 1}, {"n": 2}):
            result = engine.run(machine, input, timeout=20)
            assert result.error == "StepFunctions.ExecutionAlreadyExistsException"
            assert "Execution Already Exists: 'arn:aws:states:us-east-1:111122223333:execution:child:kid'" in (
                result.cause or ""
            )


def test_an_unbound_machine_is_refused_before_the_start(tmp_path: Path) -> None:
    other = CHILD.replace("child", "other")
    task = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution", "End": True}
    machine = statelang.load({"StartAt": "A", "States": {"A": {**task, "Parameters": {"StateMachineArn": other}}}})
    with Engine(bindings=bound(tmp_path)) as engine, pytest.raises(UnboundResource):
        engine.run(machine, {})


def test_a_child_goes_on_after_its_worker_is_gone(tmp_path: Path) -> None:
    gate, address = threading.Event(), f"sqlite:///{tmp_path}/store.db"

    def work(data: Json) -> Json:
        gate.wait(20)
        return data

    first = Engine(address, bindings=bound(tmp_path), tasks={WORK: work})
    first.start(parent(".sync", Parameters={"Name": "kid"}), {"n": 5}, name="p")
    until(lambda: "TaskSubmitted" in kinds(first, "p"))
    first.close(grace_ms=0)
    gate.set()
    with Engine(address, bindings=bound(tmp_path), tasks={WORK: work}, serve=True) as second:
        assert second.wait("p", timeout=20).output["Output"] == '{"n":5}'
        assert kinds(second, "p").count("TaskSubmitted") == 1


def test_an_activity_is_polled_and_answered(address: str) -> None:
    task = {"Type": "Task", "Resource": ACTIVITY, "TimeoutSeconds": 60, "HeartbeatSeconds": 30, "End": True}
    machine = statelang.load({"StartAt": "A", "States": {"A": task}})
    with Engine(address) as engine:
        assert engine.get_activity_task(ACTIVITY, timeout=0) is None
        engine.start(machine, {"kg": 3}, name="p")
        taken = engine.get_activity_task(ACTIVITY, "scales", timeout=10)
        assert taken is not None
        assert taken.input == {"kg": 3}
        assert engine.get_activity_task(ACTIVITY, timeout=0) is None, "it is given out once"
        engine.send_task_heartbeat(taken.token)
        engine.send_task_success(taken.token, {"ok": True})
        assert engine.wait("p", timeout=20).output == {"ok": True}
        events = list(engine.history("p"))
        assert [event["type"] for event in events][2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
        assert events[3]["activityStartedEventDetails"] == {"workerName": "scales"}
        with pytest.raises(TaskEnded):
            engine.send_task_success(taken.token, 1)


def test_a_poll_waits_for_a_task_from_another_process(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/store.db"
    machine = statelang.load({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": ACTIVITY, "End": True}}})
    with Engine(address) as driver, Engine(address) as poller:
        taken: list[statelang.ActivityTask | None] = []
        thread = threading.Thread(target=lambda: taken.append(poller.get_activity_task(ACTIVITY, timeout=20)))
        thread.start()
        time.sleep(0.2)
        driver.start(machine, [1], name="p")
        thread.join(20)
        assert taken[0] is not None
        poller.send_task_failure(taken[0].token, "Broken", "the scales")
        assert driver.wait("p", timeout=20).error == "Broken"


def test_a_task_whose_execution_was_stopped_is_not_given_out(address: str) -> None:
    machine = statelang.load({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": ACTIVITY, "End": True}}})
    with Engine(address) as engine:
        engine.start(machine, 1, name="one")
        engine.start(machine, 2, name="two")
        until(lambda: "ActivityScheduled" in kinds(engine, "two"))
        until(lambda: "ActivityScheduled" in kinds(engine, "one"))
        engine.stop("one")
        taken = engine.get_activity_task(ACTIVITY, timeout=5)
        assert taken is not None
        assert taken.input == 2
