"""The Lambda host where something is wrong: with an event, with AWS, with the function itself, or with its time."""

from __future__ import annotations

import base64
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from statelang.config import open_care
from tests.aws.function import Function, running
from tests.aws.wire import Gate

URL = {"domainName": "abc.lambda-url.eu-west-1.on.aws", "stage": "$default"}


def record(id: str, body: str, **more: Any) -> Any:
    return {"eventSource": "aws:sqs", "messageId": id, "body": body, **more}


def failed(told: Any) -> list[str]:
    return [one["itemIdentifier"] for one in told["batchItemFailures"]]


def over(function: Function, name: str, seconds: float = 20.0) -> Any:
    """Deliver what is visible until an execution has ended; nobody sweeps."""
    end = time.monotonic() + seconds
    while (told := function({"describe": name}))["status"] == "RUNNING" and time.monotonic() < end:
        function.deliver_some(5)
        time.sleep(0.05)
    return told


def test_a_start_without_a_name_that_is_delivered_twice_is_one_execution(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path) as function:
        one = record("5fea7756-0ea4-451a-a703-a558b933e274", '{"start": {"machine": "quick", "input": {"n": 2}}}')
        assert failed(function({"Records": [one]})) == failed(function({"Records": [one]})) == []
        (found,) = function({"list": {}})["executions"]
        assert (found["name"], found["status"]) == (one["messageId"], "SUCCEEDED")
        assert len(function.done()) == 1


@pytest.mark.parametrize(
    "records",
    [
        "no list",
        ["no object"],
        [{"eventSource": "aws:s3", "s3": {"object": {"key": "a"}}}],
        [{"EventSource": "aws:sns", "Sns": {"Message": '{"wake": "a"}'}}],
        [{"eventSource": "aws:sqs", "body": "{}"}],
        [record("a", '{"wake": "a"}'), {"eventSource": "aws:kinesis"}],
    ],
)
def test_records_that_are_no_messages_are_an_error(table: str, tmp_path: Path, records: Any) -> None:
    """Whoever sends them has to learn of it: nobody looks at what is returned to S3 or SNS."""
    with running(table, tmp_path) as function:
        outcome = function.environment.invoke({"Records": records})
        assert (outcome.kind, outcome.body["errorType"]) == ("error", "InvalidInput")


def test_messages_of_any_shape_fail_alone(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path) as function:
        bad = ['"text"', "[]", "null", "{}", '{"start": 5}', '{"wake": {}}', '{"success": {"token": "x"}}', "\ud800"]
        records = [record(f"bad{number}", body) for number, body in enumerate(bad)]
        records += [{"eventSource": "aws:sqs", "messageId": "none"}]
        records += [record("good", '{"start": {"machine": "quick", "name": "g", "input": {"n": 2}}}')]
        assert failed(function({"Records": records})) == sorted([f"bad{n}" for n in range(len(bad))] + ["none"])
        assert function({"describe": "g"})["output"] == 20


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (400, {"body": "no base64!", "isBase64Encoded": True}),
        (400, {"body": base64.b64encode(b"\xff\xfe").decode(), "isBase64Encoded": True}),
        (400, {"body": "no JSON"}),
        (400, {"body": "[]"}),
        (400, {"body": 5}),
        (400, {"body": '{"machine": "quick", "drive": true, "input": 1e999}'}),
        (404, {"rawPath": "/"}),
        (404, {"rawPath": None}),
    ],
)
def test_a_request_of_any_shape_is_answered(table: str, tmp_path: Path, status: int, event: Any) -> None:
    whole = {"rawPath": "/executions", "requestContext": {"http": {"method": "POST"}, "stage": "$default"}, **event}
    with running(table, tmp_path) as function:
        told = function(whole)
        assert told["statusCode"] == status
        assert json.loads(told["body"])["message"]


def test_an_open_function_url_answers_tasks_and_nothing_else(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path) as function:

        def ask(method: str, path: str, body: Any = None, **context: Any) -> int:
            event = {"rawPath": path, "body": body and json.dumps(body), "requestContext": {**URL, **context}}
            event["requestContext"]["http"] = {"method": method}
            return int(function(event)["statusCode"])

        start = {"machine": "callback", "name": "c"}
        assert ask("POST", "/executions", start) == ask("GET", "/executions") == 403
        assert ask("POST", "/executions/c/stop", {}) == ask("GET", "/$default/executions") == 403
        assert ask("POST", "/executions", start, authorizer={"iam": {"userId": "AIDA"}}) == 200
        ((_, _, token, *_),) = function.done()
        assert ask("POST", "/tasks/success", {"token": token, "output": 1}) == 200
        assert function({"describe": "c"})["output"] == 1


def test_a_function_of_fewer_seconds_than_the_reserve_gets_on(table: str, tmp_path: Path) -> None:
    """Lambda gives three seconds unless it is told otherwise, and three are the reserve."""
    with running(table, tmp_path, RESERVE_MS="3000") as function:
        event = {"start": {"machine": "quick", "name": "q", "input": {"n": 2}}}
        assert function(event, seconds=3.0)["status"] == "SUCCEEDED"


def test_a_task_that_heeds_nothing_does_not_keep_its_invocation(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path) as function:
        function.warm()
        event = {"start": {"machine": "hung", "name": "h", "input": {"seconds": 2.0}}}
        outcome = function.environment.invoke(event, seconds=1.5)
        assert (outcome.kind, outcome.body["status"]) == ("response", "RUNNING")
        assert over(function, "h")["status"] == "SUCCEEDED"
        assert function.environment.cold_starts == 1


@pytest.mark.parametrize("queue", [True, False])
def test_an_execution_whose_machine_is_gone_holds_up_no_other(table: str, tmp_path: Path, queue: bool) -> None:
    start = {"machine": "sleepy", "input": {"seconds": 1}, "drive": False}
    with running(table, tmp_path) as function:
        function({"start": {"machine": "slow", "name": "gone", "input": {"seconds": 0.01}, "drive": False}})
        function({"start": {**start, "name": "here"}})
    with running(table, tmp_path, ONLY="sleepy", **({} if queue else {"STATELANG_QUEUE": ""})) as function:
        if queue:
            names = ("gone", "here")
            assert failed(function({"Records": [record(n, json.dumps({"wake": n})) for n in names]})) == ["gone"]
            assert over(function, "here")["status"] == "SUCCEEDED"
        else:
            time.sleep(0.01)
            function({"sweep": True})
            time.sleep(1.1)
            function({"sweep": True})
        assert function({"describe": "here"})["status"] == "SUCCEEDED"
        assert function({"describe": "gone"})["status"] == "RUNNING"
        assert b"execution gone" in function.environment.output or b"message gone" in function.environment.output
    with running(table, tmp_path) as function:
        function({"wake": "gone"})
        assert function({"describe": "gone"})["status"] == "FAILED", "what knows its tasks drives it"


def test_a_wake_up_that_cannot_be_left_fails_its_message_not_the_start(table: str, tmp_path: Path) -> None:
    start = {"start": {"machine": "sleepy", "name": "w", "input": {"seconds": 2}}}
    with running(table, tmp_path) as function:
        function.queue.refuses = True
        assert function(start)["status"] == "RUNNING", "it has begun, and its caller must not begin another"
        assert b"a wake-up could not be left" in function.environment.output
        again = {"start": {"machine": "sleepy", "name": "v", "input": {"seconds": 2}}}
        quick = {"start": {"machine": "quick", "name": "q", "input": {"n": 2}}}
        told = function({"Records": [record("v", json.dumps(again)), record("q", json.dumps(quick))]})
        assert failed(told) == ["v"]
        function.queue.refuses = False
        time.sleep(2.1)
        assert function({"sweep": True})["due"] == 2
        assert over(function, "w")["status"] == over(function, "v")["status"] == "SUCCEEDED"


def test_a_caller_that_could_not_be_told_is_told_later(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path) as function:
        event = {"start": {"machine": "callback", "name": "t", "taskToken": "AQC"}}
        function(event)
        ((_, _, token, *_),) = function.done()
        function.queue.refuses = True
        assert function({"success": {"token": token, "output": 20}}) == {}
        assert not function.queue.answers
        function.queue.refuses = False
        function({"wake": "t"})
        assert function.queue.answers == [("SendTaskSuccess", {"taskToken": "AQC", "output": "20"})]


def test_a_throttled_table_only_slows_it_down(table: str, tmp_path: Path) -> None:
    gate = Gate()
    with running(table, tmp_path, gate) as function:
        function.warm()
        event = {"start": {"machine": "slow", "name": "s", "input": {"seconds": 0.3}}}
        threading.Timer(0.15, lambda: setattr(gate, "throttled", True)).start()
        threading.Timer(1.2, lambda: setattr(gate, "throttled", False)).start()
        assert function(event, seconds=10)["status"] == "FAILED", "its second task finds no seconds in its input"
        assert len(function.done()) == 3
        assert open_care(table).check() == []


def test_what_a_throttled_table_has_stopped_goes_on_with_the_next_invocation(table: str, tmp_path: Path) -> None:
    """This process lives on, and so does its lease: nobody else could take over what it gave up."""
    gate = Gate()
    with running(table, tmp_path, gate, lease=600_000) as function:
        function.warm()
        event = {"start": {"machine": "slow", "name": "s", "input": {"seconds": 0.3}}}
        threading.Timer(0.2, lambda: setattr(gate, "throttled", True)).start()
        outcome = function.environment.invoke(event, seconds=3)
        assert outcome.kind == "error", outcome
        assert outcome.body["errorType"] == "StoreError"
        assert function.environment.cold_starts == 1
        gate.throttled = False
        assert function({"sweep": True})["due"] == 1, function.environment.output.decode()
        assert over(function, "s")["status"] == "FAILED", "its second task finds no seconds in its input"
        assert function.environment.cold_starts == 1
        assert open_care(table).check() == []
