"""Which parts of a machine count as exercised."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.compiler import compile_definition
from statelang.state_machine import StateMachine
from statelang.testing import Coverage, simulate
from statelang.testing.coverage import Piece, percent_of, pieces
from statelang.values import encode

RESOURCE = "arn:aws:lambda:eu-west-1:111122223333:function:f"


def machine(states: dict[str, Any], start: str | None = None) -> StateMachine:
    return StateMachine("m", compile_definition(encode({"StartAt": start or next(iter(states)), "States": states})))


def missing(of: StateMachine, *runs: tuple[Any, dict[str, Any]]) -> set[str]:
    coverage = Coverage(of.program)
    for data, mocks in runs:
        simulate(of, data, mocks=mocks, coverage=coverage)
    return {piece.pointer for piece in coverage.missing()}


SAME = machine(
    {
        "C": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.n", "NumericEquals": 1, "Next": "End"},
                {"Variable": "$.n", "NumericEquals": 2, "Next": "End"},
            ],
            "Default": "End",
        },
        "End": {"Type": "Succeed"},
    }
)


@pytest.mark.parametrize(("n", "left"), [(1, {"1", "D"}), (2, {"0", "D"}), (3, {"0", "1"})])
def test_rules_that_lead_to_the_same_state_are_told_apart(n: int, left: set[str]) -> None:
    names = {"0": {"/States/C/Choices/0", "/States/C/Choices/0/Next"}, "D": {"/States/C/Default"}}
    names["1"] = {name.replace("/0", "/1") for name in names["0"]}
    assert missing(SAME, ({"n": n}, {})) == set().union(*(names[key] for key in left))


HANDLED_STATES: dict[str, Any] = {
    "T": {
        "Type": "Task",
        "Resource": RESOURCE,
        "Retry": [{"ErrorEquals": ["Never"], "MaxAttempts": 0}, {"ErrorEquals": ["Busy"], "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["A"], "Next": "End"}, {"ErrorEquals": ["States.ALL"], "Next": "End"}],
        "Next": "End",
    },
    "End": {"Type": "Succeed"},
}
HANDLED = machine(HANDLED_STATES)
T = "/States/T"


def throws(*errors: str) -> tuple[Any, dict[str, Any]]:
    return {}, {"T": [*({"throw": error} for error in errors), {"return": 1}]}


def test_catchers_that_lead_where_success_does_are_told_apart() -> None:
    every = {f"{T}/Retry/0", f"{T}/Retry/1", f"{T}/Catch/0", f"{T}/Catch/0/Next", f"{T}/Catch/1", f"{T}/Catch/1/Next"}
    assert missing(HANDLED, throws()) == every
    assert missing(HANDLED, throws("A")) == every - {f"{T}/Catch/0", f"{T}/Catch/0/Next"} | {f"{T}/Next"}
    assert missing(HANDLED, throws("B")) == every - {f"{T}/Catch/1", f"{T}/Catch/1/Next"} | {f"{T}/Next"}


def test_a_retrier_counts_when_it_takes_the_error_also_with_no_attempt_to_give() -> None:
    assert f"{T}/Retry/0" not in missing(HANDLED, throws("Never"))
    assert f"{T}/Retry/1" not in missing(HANDLED, throws("Busy"))
    assert missing(HANDLED, throws("Busy", "A"), throws("Never"), throws()) == set()


def test_a_catcher_that_cannot_be_evaluated_was_not_taken() -> None:
    states = {
        "T": {
            "Type": "Task",
            "Resource": RESOURCE,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"x.$": "$.nowhere"}, "Next": "End"}],
            "End": True,
        },
        "End": {"Type": "Succeed"},
    }
    assert f"{T}/Catch/0/Next" in missing(machine(states), throws("A"))


NESTED = machine(
    {
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}},
                {
                    "StartAt": "Retry",
                    "States": {
                        "Retry": {
                            "Type": "Map",
                            "ItemsPath": "$.items",
                            "ItemProcessor": {
                                "StartAt": "T",
                                "States": {
                                    "T": {
                                        "Type": "Task",
                                        "Resource": RESOURCE,
                                        "Catch": [{"ErrorEquals": ["A"], "Next": "Broken"}],
                                        "End": True,
                                    },
                                    "Broken": {"Type": "Fail"},
                                },
                            },
                            "End": True,
                        }
                    },
                },
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}],
            "End": True,
        },
        "Sorry": {"Type": "Pass", "End": True},
    }
)


def test_parallels_and_maps_inside_each_other() -> None:
    inner = "/States/Both/Branches/1/States/Retry"
    failed = {"/States/Both/Catch/0", "/States/Both/Catch/0/Next", "/States/Sorry", "/States/Sorry/End"}
    caught = {f"{inner}/ItemProcessor/States/{part}" for part in ("T/Catch/0", "T/Catch/0/Next", "Broken")}
    assert missing(NESTED, ({"items": [1, 2]}, {"T": {"return": 1}})) == failed | caught
    ends = {f"{inner}/ItemProcessor/States/T/End", f"{inner}/End", "/States/Both/End"}
    assert missing(NESTED, ({"items": [1]}, {"T": {"throw": "A"}})) == ends
    start = f"{inner}/ItemProcessor/StartAt"
    assert start in missing(NESTED, ({"items": []}, {}))


def test_every_part_has_its_pointer_and_its_words() -> None:
    found = {piece.pointer: piece for piece in pieces(HANDLED.program)}
    assert found["/StartAt"] == Piece("transition", "/StartAt", "", "StartAt", "T")
    assert str(found["/StartAt"]) == "the start StartAt -> T"
    assert str(found[f"{T}/Catch/1/Next"]) == "T Catch 2 (States.ALL) -> End"
    assert str(found[f"{T}/Retry/0"]) == "T Retry 1 (Never)"


def test_several_machines_are_weighed_by_their_parts() -> None:
    one, other = Coverage(SAME.program), Coverage(HANDLED.program)
    simulate(SAME, {"n": 1}, coverage=one)
    assert percent_of([one, other]) == pytest.approx(
        100 * (8 - len(one.missing())) / (len(one.pieces) + len(other.pieces))
    )


def test_a_stop_a_redrive_and_a_retried_parallel_count_starts_once_each() -> None:
    states = {
        "P": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": RESOURCE, "End": True}}},
            ],
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1}],
            "End": True,
        }
    }
    of = machine(states)
    coverage = Coverage(of.program)
    mocks = {"T": [{"throw": "A"}, {"return": 1, "after": "1h"}, {"return": 1}]}
    meanwhile = [{"after": "10s", "stop": True}, {"after": "20s", "redrive": True}]
    assert simulate(of, {}, mocks=mocks, meanwhile=meanwhile, coverage=coverage).status == "SUCCEEDED"
    assert coverage.missing() == []
    assert coverage.counts["/StartAt"] == 1
    assert coverage.counts["/States/P/Branches/0/StartAt"] == 2


def test_children_of_a_distributed_map_count() -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "T",
        "States": HANDLED_STATES,
    }
    of = machine({"Each": {"Type": "Map", "ItemProcessor": processor, "End": True}})
    mocks = [{"when": 1, "throw": "A"}, {"when": 2, "attempt": 0, "throw": "Busy"}, {"when": 3, "throw": "Never"}]
    assert missing(of, ([1, 2, 3, 4], {"T": [*mocks, {"return": 1, "times": "always"}]})) == set()


JSONATA = StateMachine(
    "m",
    compile_definition(
        encode(
            {
                "QueryLanguage": "JSONata",
                "StartAt": "T",
                "States": {
                    "T": {
                        "Type": "Task",
                        "Resource": RESOURCE,
                        "Catch": [
                            {"ErrorEquals": ["A"], "Output": "{% $states.errorOutput.Error %}", "Next": "C"},
                            {"ErrorEquals": ["States.ALL"], "Next": "C"},
                        ],
                        "Next": "C",
                    },
                    "C": {
                        "Type": "Choice",
                        "Choices": [
                            {"Condition": "{% $states.input = 'A' %}", "Next": "End"},
                            {"Condition": "{% $states.input = 1 %}", "Next": "End"},
                        ],
                        "Default": "End",
                    },
                    "End": {"Type": "Succeed"},
                },
            }
        )
    ),
)


def test_rules_and_catchers_of_jsonata_machines() -> None:
    left = missing(JSONATA, throws("A"), ({}, {"T": {"return": 1}}))
    assert left == {"/States/T/Catch/1", "/States/T/Catch/1/Next", "/States/C/Default"}
    assert missing(JSONATA, throws("A"), throws("B"), ({}, {"T": {"return": 1}})) == set()
