"""Nested executions of a trial: what `machines:` binds is run, in virtual time, under the mocks of the case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statelang.tasks import Bindings
from statelang.testing import simulate
from statelang.testing.reading import Faulty
from statelang.testing.suite import open_suite
from statelang.values import Json

SHIP = "arn:aws:states:us-east-1:111122223333:stateMachine:ship"
PACK = "arn:aws:lambda:us-east-1:111122223333:function:pack"
CHILD: Json = {
    "StartAt": "Rest",
    "States": {
        "Rest": {"Type": "Wait", "Seconds": 3600, "Next": "Pack"},
        "Pack": {"Type": "Task", "Resource": PACK, "End": True},
    },
}


def parent(pattern: str, resource: str = "states:startExecution", **fields: Json) -> Json:
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}{pattern}",
        "Parameters": {"StateMachineArn": SHIP, "Input.$": "$", **fields},
        "End": True,
    }
    return {"StartAt": "Ship", "States": {"Ship": state}}


@pytest.fixture
def bound(tmp_path: Path) -> Bindings:
    (tmp_path / "ship.asl.json").write_text(json.dumps(CHILD))
    return Bindings(machines={"arn:aws:states:*:stateMachine:ship": tmp_path / "ship.asl.json"})


def test_a_child_takes_its_time_and_answers_as_json(bound: Bindings) -> None:
    happened = simulate(parent(".sync:2"), {"n": 1}, mocks={"Pack": {"return": "packed"}}, bindings=bound)
    assert happened.status == "SUCCEEDED"
    assert [happened.output[key] for key in ("Status", "Input", "Output")] == ["SUCCEEDED", {"n": 1}, "packed"]
    assert happened.took == 3_600_000
    assert [(call.state, call.input) for call in happened.calls] == [
        ("Ship", {"StateMachineArn": SHIP, "Input": {"n": 1}}),
        ("Pack", {"n": 1}),
    ]
    assert [event["type"] for event in happened.events][2:6] == [
        "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded",
    ]  # fmt: skip


def test_a_child_that_fails_fails_its_task(bound: Bindings) -> None:
    happened = simulate(parent(".sync"), {}, mocks={"Pack": {"throw": {"error": "Torn"}}}, bindings=bound)
    assert (happened.status, happened.error) == ("FAILED", "States.TaskFailed")
    assert json.loads(happened.cause or "")["Error"] == "Torn"


@pytest.mark.parametrize("resource", ["states:startExecution", "aws-sdk:sfn:startExecution"])
def test_who_only_begins_it_does_not_wait(resource: str, bound: Bindings) -> None:
    happened = simulate(parent("", resource), {}, mocks={"Pack": {"return": 1}}, bindings=bound)
    assert (happened.status, happened.took) == ("SUCCEEDED", 0)
    assert happened.output["ExecutionArn"].partition(":execution:")[2].startswith("ship:")


def test_a_mock_of_the_task_itself_stands_for_the_child(bound: Bindings) -> None:
    happened = simulate(parent(".sync:2"), {}, mocks={"Ship": {"return": {"Output": 5}}}, bindings=bound)
    assert happened.output == {"Output": 5}
    assert len(happened.calls) == 1


def test_a_child_that_waits_for_ever_lets_its_parent_wait(bound: Bindings) -> None:
    happened = simulate(parent(".sync"), {}, mocks={"Pack": {"never": True}}, bindings=bound)
    assert happened.status == "RUNNING"


def test_the_same_name_twice_is_refused(bound: Bindings) -> None:
    once = parent("", Name="one")["States"]["Ship"]
    del once["End"]
    twice = parent("", Name="one", Input={"other": True})["States"]["Ship"]
    del twice["Parameters"]["Input.$"]
    machine = {"StartAt": "Ship", "States": {"Ship": {**once, "Next": "Again"}, "Again": twice}}
    happened = simulate(machine, {}, mocks={"Pack": {"return": 1}}, bindings=bound)
    assert happened.error == "StepFunctions.ExecutionAlreadyExistsException"


def test_one_that_begins_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "ship.asl.json").write_text(json.dumps(parent(".sync")))
    bound = Bindings(machines={"ship": tmp_path / "ship.asl.json"})
    with pytest.raises(Faulty, match="20 executions have begun one another"):
        simulate(parent(".sync"), {}, bindings=bound)


def test_a_mock_that_neither_of_them_knows_is_refused(bound: Bindings) -> None:
    with pytest.raises(Faulty, match="'Pakc' is neither a state nor a Resource"):
        simulate(parent(".sync"), {}, mocks={"Pakc": {"return": 1}}, bindings=bound)


def test_a_definition_that_is_not_there_fails_the_task(tmp_path: Path) -> None:
    bound = Bindings(machines={"ship": tmp_path / "none.asl.json"})
    happened = simulate(parent(".sync"), {}, bindings=bound)
    assert happened.error == "States.Runtime"


def test_cases_of_a_file_run_the_machines_that_its_bindings_name(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "order.asl.json": parent(".sync:2"),
        "ship.asl.json": CHILD,
        "order.bindings.yaml": {"machines": {"ship": "ship.asl.json"}, "resources": {PACK: "exec:cat"}},
        "order.cases.json": {
            "bindings": "order.bindings.yaml",
            "cases": {
                "packed": {"input": {"n": 2}, "includes": {"Output": {"n": 2}}, "took": "1h", "calls": {"Pack": 1}},
                "torn": {"mocks": {"Pack": {"throw": "Torn"}}, "error": "States.TaskFailed"},
            },
        },
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    suite = open_suite(tmp_path / "order.cases.json")
    verdicts = [suite.run(case) for case in suite.cases]
    assert [verdict.differences for verdict in verdicts] == [[], []]
