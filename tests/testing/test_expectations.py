"""The first difference between what a case says and what happened, and what is shown around it."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.state_machine import load
from statelang.testing.cases import Case, _expected
from statelang.testing.expectations import around, differences, equal, state_at
from statelang.testing.mocks import read_mocks
from statelang.testing.reading import part_of
from statelang.testing.report import failure_lines
from statelang.testing.suite import Suite
from statelang.values import encode

ARN = "arn:aws:lambda:eu-west-1:111122223333:function"
MACHINE = load(
    {
        "StartAt": "Reserve",
        "States": {
            "Reserve": {"Type": "Task", "Resource": f"{ARN}:reserve", "ResultPath": "$.reserved", "Next": "Charge"},
            "Charge": {
                "Type": "Task",
                "Resource": f"{ARN}:charge",
                "ResultPath": "$.charge",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Cancelled"}],
                "Next": "Ordered",
            },
            "Ordered": {"Type": "Succeed"},
            "Cancelled": {"Type": "Fail", "Error": "Cancelled", "Cause": "it was not to be"},
        },
    }
)
FINE = {"Reserve": {"return": 1}, "Charge": {"return": {"id": "C-1", "cents": 7}}}
BROKEN = {"Reserve": {"return": 1}, "Charge": {"throw": {"error": "Declined", "cause": "no funds"}}}


def told(expected: dict[str, Any], mocks: Any = FINE, data: Any = None) -> list[str]:
    case = Case(
        "c",
        encode({"order": 7} if data is None else data),
        read_mocks(part_of(mocks, "m")),
        expected=_expected(part_of(expected, "e")),
    )
    verdict = Suite("suite", MACHINE, [case]).run(case)
    return list(failure_lines(verdict)) if verdict.differences else []


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {
            "path": ["Reserve", "Charge", "Ordered"],
            "output": {"order": 7, "reserved": 1.0, "charge": {"cents": 7, "id": "C-1"}},
        },
        {
            "includes": {"charge": {"id": "C-1"}},
            "took": 0,
            "calls": {"Reserve": 1, "Charge": [{"order": 7, "reserved": 1}]},
        },
        {"calls": ["Reserve", {"state": "Charge", "attempt": 0, "resource": f"{ARN}:charge"}]},
    ],
)
def test_what_is_as_expected(expected: dict[str, Any]) -> None:
    assert told(expected) == []


def test_the_path_parts_where_another_state_is_entered() -> None:
    lines = told({"path": ["Reserve", "Charge", "Ordered"]}, BROKEN)
    assert lines[0] == "state 3 of the path: expected 'Ordered', but 'Cancelled' was entered"
    assert lines[1] == 'in the state \'Charge\', entered with {"order":7,"reserved":1}'
    (marked,) = [line for line in lines if line.startswith(">")]
    assert "FailStateEntered" in marked
    assert any("LambdaFunctionFailed" in line and "Declined (no funds)" in line for line in lines)
    assert lines[-1].startswith("also the status: expected SUCCEEDED, but it ended as FAILED with Cancelled")


@pytest.mark.parametrize(
    ("expected", "first"),
    [
        ({"path": ["Reserve"]}, "state 2 of the path: expected no further state, but 'Charge' was entered"),
        ({"output": {"order": 7, "reserved": 1, "charge": {"id": "C-2", "cents": 7}}},
         'the output at /charge/id: expected "C-2", but it was "C-1"'),
        ({"output": {"order": 7, "charge": {"id": "C-1", "cents": 7}}},
         "the output at /reserved: expected nothing there, but it was 1"),
        ({"includes": {"order": 8}}, "the output at /order: expected to include 8, but it was 7"),
        ({"includes": {"charge": {"id": "C-1", "more": 1}}},
         "the output at /charge/more: expected to include 1, but it was nothing there"),
        ({"error": "Cancelled"}, "the status: expected FAILED, but it ended as SUCCEEDED"),
        ({"took": "1h"}, "the time it took: expected 1h, but it took 0s"),
        ({"calls": {"Charge": 2}}, "the calls of 'Charge': expected 2, but there were 1"),
        ({"calls": {"Charge": []}}, "the calls of 'Charge': expected 0, but there were 1"),
        ({"calls": {"Charge": [{"order": 8}]}}, "input at /order of call 1 of 'Charge': expected 8, but it was 7"),
        ({"calls": ["Reserve"]}, "the calls: expected 1 calls, but 'Charge' asked for one more, with {"),
        ({"calls": ["Reserve", "Charge", "Charge"]}, "the calls: expected call 3 by 'Charge', but it was never made"),
        ({"calls": ["Charge"]}, 'state of call 1: expected "Charge", but it was "Reserve"'),
        ({"calls": [{"state": "Reserve", "input": {"order": 9}}]}, "input at /order of call 1: expected 9, but it was"),
    ],
)  # fmt: skip
def test_the_first_difference(expected: dict[str, Any], first: str) -> None:
    assert told(expected)[0].startswith(first)


def test_errors_and_causes() -> None:
    assert told({"error": "Cancelled", "cause": "it was not to be"}, BROKEN) == []
    assert told({"error": "Other"}, BROKEN)[0] == 'the error: expected "Other", but it was "Cancelled"'
    assert told({"error": "Cancelled", "cause": "x"}, BROKEN)[0].startswith('the cause: expected "x", but it was "it')


def test_a_mock_that_is_missing_comes_first_unless_something_was_wrong_before() -> None:
    lines = told({"path": ["Reserve", "Charge", "Ordered"]}, {"Reserve": {"return": 1}})
    assert lines[0].startswith("the case: expected to say what happens next, but it does not: Charge has no mock")
    lines = told({"path": ["Charge"]}, {"Reserve": {"return": 1}})
    assert lines[0] == "state 1 of the path: expected 'Charge', but 'Reserve' was entered"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(1, 1.0, True), (1, True, False), (0, False, False), ({"a": None}, {}, False), ([1], [1, 2], False),
     ("1", 1, False), ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2.0}]}, True)],
)  # fmt: skip
def test_equality_is_that_of_json(one: Any, other: Any, same: bool) -> None:
    assert equal(one, other) is same
    assert equal(other, one) is same


def test_the_state_of_an_event_is_found_along_the_events_it_hangs_on() -> None:
    events: list[dict[str, Any]] = [
        {"id": 1, "previousEventId": 0},
        {"id": 2, "previousEventId": 1, "stateEnteredEventDetails": {"name": "P"}},
        {"id": 3, "previousEventId": 2, "stateEnteredEventDetails": {"name": "A"}},
        {"id": 4, "previousEventId": 2, "stateEnteredEventDetails": {"name": "B"}},
        {"id": 5, "previousEventId": 3},
    ]
    found = state_at(events, 5)
    assert found is not None
    assert found["stateEnteredEventDetails"]["name"] == "A"
    assert state_at(events, 1) is None
    assert [event["id"] for event in around(events, 2)] == [1, 2, 3, 4]
    assert differences.__doc__
