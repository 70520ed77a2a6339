"""The course of an execution against its history, and the account of it in words."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.core.execution import Execution
from statelang.core.stimulus import Redriven, RunTask, Stopped
from statelang.engine import Engine
from statelang.positions import positions
from statelang.state_machine import load
from statelang.testing.clock import START
from statelang.testing.simulation import Reply, Simulation, start
from statelang.testing.suite import open_suite
from statelang.testing.trial import try_case
from statelang.values import encode
from statelang.views.account import account
from statelang.views.chart import chart
from statelang.views.course import Course, course
from statelang.views.page import notes
from tests.machines import DEFINITIONS, machines
from tests.views.parcel import course_of, halfway
from tests.views.test_picture import machine

NOW = START + 3_600_000


def ran(
    definition: dict[str, Any], replies: Any, *, posts: Any = (), most: int = 1_000_000
) -> tuple[Course, Simulation]:
    program = load(definition).program
    made = Simulation(program, start(program, "{}"), replies, posts=posts, most=most)
    made.run()
    return course(made.events(), list(positions(made.execution))), made


@pytest.mark.parametrize("name", machines())
def test_every_visit_and_every_way_is_told(name: str) -> None:
    suite = open_suite(DEFINITIONS / name / f"{name}.cases.yaml")
    for case in suite.cases:
        happened = try_case(suite.machine.program, case, suite.integrations, folder=suite.folder)
        told = course(happened.events)
        assert told.status == happened.status
        assert tuple(visit.state for visit in told.visits) == happened.path
        assert sum(told.ways.values()) == len(told.visits)
        box = chart(machine(name))
        assert set(told.ways) <= {(edge.source, edge.target, edge.kind == "catch") for edge in _edges(box)}
        left = sum(event["type"].endswith("StateExited") for event in happened.events)
        assert sum(visit.left_at is not None for visit in told.visits) == left
        text = account(machine(name), told, "case", NOW).markdown()
        assert ("finished well" in text) == (happened.status == "SUCCEEDED")
        assert set(notes(box, told)) == set(happened.path)


def _edges(box: Any) -> list[Any]:
    return [*box.edges, *(edge for node in box.nodes for inner in node.boxes for edge in _edges(inner))]


def test_items_of_a_map_are_counted() -> None:
    told = course_of(halfway())
    assert (told.items["Pack each item"].length, told.items["Pack each item"].succeeded) == (2, 1)
    assert told.note("Pack each item", NOW) == "under way for 59 min 58 s, 1 of 2 items done"
    assert [visit.outcome for visit in told.of("Pack")] == ["succeeded", "running"]
    assert [visit.item for visit in told.of("Pack")] == [0, 1]
    assert told.outcome("Wait for the van") == "never"


TASK = {"Type": "Task", "Resource": "python:a:b", "End": True}


def test_a_retry_is_no_failure_in_the_end() -> None:
    answers = iter([Reply(failed=True, error="Busy"), Reply(failed=True, error="Busy"), Reply(output="1", after=500)])
    state = {**TASK, "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1}]}
    told, _ = ran({"StartAt": "A", "States": {"A": state}}, lambda request, execution: next(answers))
    assert told.outcome("A") == "succeeded"
    assert told.note("A") == "done in 3.5 s, tried again 2 times"
    text = account({"StartAt": "A", "States": {"A": state}}, told, "x", NOW).markdown()
    assert "**A**: done in 3.5 s at the 3rd try." in text


def test_a_map_run_is_one_try_of_its_state() -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "One",
        "States": {"One": {"Type": "Pass", "End": True}},
    }
    state = {"Type": "Map", "ItemsPath": "$", "ItemProcessor": processor, "End": True}
    with Engine() as engine:
        engine.run(load({"StartAt": "Each", "States": {"Each": state}}), [1, 2], name="x")
        told = course(list(engine.history("x")), [])
    assert [visit.tries for visit in told.of("Each")] == [1]


def test_what_made_a_parallel_fail_is_named() -> None:
    branch = {"StartAt": "In", "States": {"In": TASK}}
    waiting = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 99, "End": True}}}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "F"}]
    value = {
        "StartAt": "P",
        "States": {
            "P": {"Type": "Parallel", "Branches": [branch, waiting], "Catch": catch, "End": True},
            "F": {"Type": "Fail", "Error": "Gone", "Cause": "no more"},
        },
    }
    told, _ = ran(value, lambda request, execution: Reply(failed=True, error="Broken", cause="it hurts"))
    assert [told.outcome(name) for name in ("P", "In", "W", "F")] == ["caught", "failed", "stopped", "failed"]
    assert told.of("P")[0].error == "Broken"
    text = account(value, told, "x", NOW).markdown()
    assert "**In** failed: “Broken”: it hurts. So it came to its end at **F**." in text


@pytest.mark.parametrize(("error", "said"), [("Later", "“Later”: not today"), (None, "not today")])
def test_a_stopped_run_says_where_it_stood(error: str | None, said: str) -> None:
    value = {"StartAt": "A", "States": {"A": TASK}}
    stop = [(2_000, lambda at, _: Stopped(at, error, "not today"))]
    told, _ = ran(value, lambda request, execution: Reply(silent=True), posts=stop)
    text = account(value, told, "x", NOW).markdown()
    assert "**x** **was stopped**, 2 s after its start. It started on 1 January 2026, 00:00:00 UTC." in text
    assert f"It stalled at **A**. The reason it gives: {said}." in text


def test_a_redriven_run_tells_both_lives() -> None:
    answers = iter([Reply(failed=True, error="Broken"), Reply(output="1")])
    value = {"StartAt": "A", "States": {"A": TASK}}
    again = [(60_000, lambda at, _: Redriven(at, 1))]
    told, _ = ran(value, lambda request, execution: next(answers), posts=again)
    assert (told.status, told.redrives, told.outcome("A")) == ("SUCCEEDED", 1, "succeeded")
    assert "After a failure it was taken up again 1 time." in account(value, told, "x", NOW).markdown()


def test_a_long_run_is_told_in_short() -> None:
    again = [{"Variable": "$.n", "NumericLessThan": 50, "Next": "Count"}]
    value = {
        "StartAt": "Count",
        "States": {
            "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough?"},
            "Enough?": {"Type": "Choice", "Choices": again, "Default": "Done"},
            "Done": {"Type": "Succeed"},
        },
    }
    program = load(value).program
    made = Simulation(program, start(program, encode({"n": 0})), _nobody)
    made.run()
    text = account(value, course(made.events()), "x", NOW).markdown()
    assert "… and 41 more steps like these …" in text
    assert text.count("**Count**") < 60
    assert "**Done**: done at once." in text


def _nobody(request: RunTask, execution: Execution) -> Reply:
    raise AssertionError("no task here")


def test_the_items_of_a_map_run_are_not_said_to_be_undone_because_other_histories_tell_of_them() -> None:
    body = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    each = {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **body}, "End": True}
    with Engine("memory:") as engine:
        result = engine.run(load({"StartAt": "Each", "States": {"Each": each}}), [1, 2, 3], name="m")
        told = course(list(engine.history("m")))
    assert result.status == "SUCCEEDED"
    assert told.note("Each").endswith("3 items in executions of their own")
