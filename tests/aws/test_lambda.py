"""The Lambda host in the real Lambda runtime: every kind of event, deadlines, kills, wake-ups."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from statelang.config import open_care, open_store
from statelang.core.token import execution_of
from tests.aws.function import Function, running

RECORD = {"eventSource": "aws:sqs"}


@pytest.fixture
def function(table: str, tmp_path: Path) -> Iterator[Function]:
    with running(table, tmp_path) as found:
        yield found


def test_a_short_machine_answers_at_once(function: Function) -> None:
    told = function({"start": {"machine": "quick", "name": "q1", "input": {"n": 2}}})
    assert told == {
        "executionArn": "arn:aws:states:eu-west-1:111122223333:execution:quick:q1",
        "name": "q1",
        "status": "SUCCEEDED",
        "output": 20,
    }
    assert function({"start": {"machine": "quick", "name": "q1", "input": {"n": 2}}}) == told
    assert len(function.done()) == 1, "a start that comes again does nothing again"
    assert function.environment.cold_starts == 1
    assert not function.queue.messages


def test_a_start_without_driving_is_woken(function: Function) -> None:
    told = function({"start": {"machine": "quick", "name": "q2", "input": {"n": 4}, "drive": False}})
    assert (told["status"], function.done()) == ("RUNNING", [])
    assert function.deliver() == {"batchItemFailures": []}
    assert function({"describe": "q2"})["output"] == 40


def test_a_wait_leaves_a_wake_up_and_goes_on_when_it_is_due(function: Function) -> None:
    told = function({"start": {"machine": "sleepy", "name": "w", "input": {"seconds": 3}}})
    assert told["status"] == "RUNNING"
    assert function.queue.delays in ([3], [2])
    for _ in range(3):  # early, and doubled: each finds that it is not due yet, or that it is over
        function(function.queue.event(list(function.queue.messages.values())[:1]))
    assert function({"describe": "w"})["states"] == ["W"]
    while function({"describe": "w"})["status"] == "RUNNING":
        function.deliver()
    assert [event["id"] for event in function({"history": "w"})["events"]] == [1, 2, 3, 4]


def test_a_long_wait_is_left_to_the_scheduler(table: str, tmp_path: Path) -> None:
    role = "arn:aws:iam::111122223333:role/wake"
    with running(table, tmp_path, STATELANG_SCHEDULER_ROLE=role) as function:
        for _ in range(2):
            function({"start": {"machine": "sleepy", "name": "long", "input": {"seconds": 7200}}})
        (schedule,) = function.queue.schedules.values()
        target = schedule["Target"]
        assert target["Arn"] == "arn:aws:sqs:eu-west-1:111122223333:wakes"
        assert json.loads(target["Input"]) == {"wake": "long"}
        assert target["RoleArn"] == role
        assert schedule["ActionAfterCompletion"] == "DELETE"
        at = time.mktime(time.strptime(schedule["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)")) - time.timezone
        assert 7200 - 180 - 30 <= at - time.time() <= 7200 - 120
        assert at % 60 == 0
        function({"start": {"machine": "sleepy", "name": "mid", "input": {"seconds": 1000}}})
        assert max(function.queue.delays) == 900
        assert len(function.queue.schedules) == 1


def test_without_a_scheduler_a_long_wait_hops(function: Function) -> None:
    function({"start": {"machine": "sleepy", "name": "long", "input": {"seconds": 7200}}})
    assert function.queue.delays == [900]


def test_tasks_are_answered_by_token(function: Function) -> None:
    function({"start": {"machine": "callback", "name": "c1"}})
    ((_, _, token, *_),) = function.done()
    assert function({"heartbeat": {"token": token}}) == {}
    assert function({"success": {"token": token, "output": {"ok": True}}}) == {}
    assert function({"describe": "c1"})["output"] == {"ok": True}
    refused = function.environment.invoke({"success": {"token": token, "output": 1}})
    assert (refused.kind, refused.body["errorType"]) == ("error", "TaskEnded")


def test_http(function: Function) -> None:
    assert function.http("POST", "/executions", {"machine": "quick", "name": "h", "input": {"n": 2}}) == (
        200,
        {
            "executionArn": "arn:aws:states:eu-west-1:111122223333:execution:quick:h",
            "name": "h",
            "status": "SUCCEEDED",
            "output": 20,
        },
    )
    assert function.http("GET", "/executions/h")[1]["machine"] == "quick"
    assert len(function.http("GET", "/executions/h/history", after="3")[1]["events"]) > 1
    assert function.http("GET", "/executions", machine="quick", limit="5", version="1.0")[1]["executions"] == [
        {"name": "h", "machine": "quick", "status": "SUCCEEDED"}
    ]
    function.http("POST", "/executions", {"machine": "callback", "name": "hc"})
    token = function.done()[-1][2]
    assert function.http("POST", "/tasks/failure", {"token": token, "error": "No", "cause": "why"}) == (200, {})
    status, told = function.http("GET", "/executions/hc")
    assert (told["status"], told["error"], told["cause"]) == ("FAILED", "No", "why")
    for expected, method, path, body in (
        (404, "GET", "/executions/nobody", None),
        (404, "GET", "/nowhere", None),
        (410, "POST", "/tasks/success", {"token": token, "output": 1}),
        (400, "POST", "/tasks/success", {"token": "x"}),
        (400, "POST", "/tasks/success", {"token": f"hc.{'9' * 5_000}.x"}),
        (400, "POST", "/executions", {"machine": "none"}),
        (400, "POST", "/executions", {"machine": "quick", "colour": 1}),
        (409, "POST", "/executions", {"machine": "quick", "name": "h", "input": {"n": 3}}),
    ):
        status, told = function.http(method, path, body)
        assert status == expected, told
        assert told["message"]


def test_a_batch_fails_by_message(function: Function) -> None:
    records = [
        {**RECORD, "messageId": "good", "body": '{"start": {"machine": "quick", "name": "b1", "input": {"n": 2}}}'},
        {**RECORD, "messageId": "bad", "body": "no JSON"},
        {**RECORD, "messageId": "unknown", "body": '{"start": {"machine": "none"}}'},
        {**RECORD, "messageId": "gone", "body": '{"wake": "nobody"}'},
        {**RECORD, "messageId": "also", "body": '{"start": {"machine": "quick", "name": "b2", "input": {"n": 4}}}'},
    ]
    told = function({"Records": records})
    assert told == {"batchItemFailures": [{"itemIdentifier": "bad"}, {"itemIdentifier": "unknown"}]}
    assert [function({"describe": name})["output"] for name in ("b1", "b2")] == [20, 40]


def test_a_task_that_raises_fails_its_execution_not_the_function(function: Function) -> None:
    told = function({"start": {"machine": "broken", "name": "x"}})
    assert (told["status"], told["error"]) == ("FAILED", "ValueError")


def test_an_event_nobody_knows_is_an_error_with_what_would_have_been(function: Function) -> None:
    outcome = function.environment.invoke({"hello": 1})
    assert outcome.kind == "error"
    assert '{"start": …}' in outcome.body["errorMessage"]


def test_a_killed_invocation_is_resumed(function: Function) -> None:
    function.warm()
    event = {"start": {"machine": "slow", "name": "k", "input": {"seconds": 1.5}}}
    assert function.environment.invoke(event, kill_after=1.0).kind == "killed"
    assert len(function.done()) == 2
    time.sleep(0.7)  # its lease ends
    assert function({"sweep": True}) == {"due": 1, "oldestDueMs": 0}
    while function({"describe": "k"})["status"] == "RUNNING":
        function.deliver()
    events = function({"history": "k"})["events"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert function.environment.cold_starts == 2
    killed, again = [effect for effect in function.done() if effect[0] == "k"][:2]
    assert killed == again, "the same attempt of the same task, asked for again: its token and its key are the same"


def test_what_does_not_fit_is_given_back_before_the_time_is_up(table: str, tmp_path: Path) -> None:
    """The first task takes most of an invocation, and the second has no chance in what is left of it."""
    with running(table, tmp_path, EXPECTED_MS="1000") as function:
        function.warm()
        started = {"start": {"machine": "slow", "name": "s", "input": {"seconds": 0.8}}}
        outcome = function.environment.invoke(started, seconds=2.0)
        assert outcome.kind == "response"
        assert outcome.body["status"] == "RUNNING"
        assert [effect[0] for effect in function.done()] == ["warm", "s"], "the second was not begun"
        assert len(function.queue.messages) == 1
        assert function.deliver() == {"batchItemFailures": []}
        assert function({"describe": "s"})["status"] == "FAILED", "its input was the output of the first"
        assert function.environment.cold_starts == 1


def test_what_is_put_off_in_a_branch_is_not_forgotten_when_another_branch_ends(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path, EXPECTED_MS="1000") as function:
        function.warm()
        started = {"start": {"machine": "both", "name": "p", "input": {"seconds": 0.7, "beside": 1.1}}}
        outcome = function.environment.invoke(started, seconds=2.0)
        assert (outcome.kind, outcome.body["status"]) == ("response", "RUNNING")
        assert len([effect for effect in function.done() if effect[0] == "p"]) == 2, "the third was not begun"
        function.deliver()
        assert function({"describe": "p"})["status"] == "SUCCEEDED"


def test_a_task_that_outlasts_the_invocation_is_asked_again(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path) as function:
        function.warm()
        started = {"start": {"machine": "slow", "name": "o", "input": {"seconds": 1.2}}}
        outcome = function.environment.invoke(started, seconds=1.0)
        assert (outcome.kind, outcome.body["status"]) == ("response", "RUNNING")
        function.deliver()
        first, second = [effect for effect in function.done() if effect[0] == "o"][:2]
        assert first[3] == second[3], "it can be known by its idempotency key"


def test_without_a_queue_the_sweeper_drives(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path, STATELANG_QUEUE="") as function:
        function({"start": {"machine": "sleepy", "name": "w", "input": {"seconds": 1}}})
        time.sleep(1.2)
        assert function({"source": "aws.events", "detail-type": "Scheduled Event"})["due"] in (0, 1)
        assert function({"describe": "w"})["status"] == "SUCCEEDED"
        assert b'"OldestDue"' in function.environment.output


def test_stop_and_redrive(function: Function) -> None:
    function({"start": {"machine": "callback", "name": "c"}})
    assert function({"stop": {"name": "c", "error": "Enough"}})["status"] == "ABORTED"
    assert function({"redrive": "c"})["status"] == "RUNNING"
    token = function.done()[-1][2]
    function({"success": {"token": token, "output": 1}})
    assert function({"describe": "c"})["output"] == 1


def test_a_state_machine_that_waits_for_this_one_is_told(function: Function) -> None:
    """Step Functions invokes with a task token; the answer comes when the execution has ended, now or later."""
    start = {"machine": "quick", "name": "t1", "input": {"n": 2}}
    assert function({"start": start, "taskToken": "AQC1"})["status"] == "SUCCEEDED"
    assert function.queue.answers == [("SendTaskSuccess", {"taskToken": "AQC1", "output": "20"})]
    function({"start": {"machine": "callback", "name": "t2", "taskToken": "AQC2"}})
    token = function.done()[-1][2]
    function({"failure": {"token": token, "error": "No"}})
    assert function.queue.answers[1:] == [("SendTaskFailure", {"taskToken": "AQC2", "error": "No", "cause": ""})]
    function({"wake": "t1"})
    assert len(function.queue.answers) == 3, "a wake-up that comes after the end tells it again: it may have been lost"
    function({"start": {"machine": "quick", "name": "t3", "input": {"n": 2}, "taskToken": "gone"}})
    function({"start": {"machine": "callback", "name": "parent"}})
    ours = function.done()[-1][2]
    assert execution_of(ours) == "parent"
    function({"start": {"machine": "quick", "name": "t4", "input": {"n": 6}, "taskToken": ours}})
    while function({"describe": "parent"})["status"] == "RUNNING":
        function.deliver()
    assert function({"describe": "parent"})["output"] == 60
    with closing(open_store(function.table)) as store:
        assert store.summary("t4").status == "SUCCEEDED"
    assert open_care(function.table).check() == []
