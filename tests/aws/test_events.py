"""Events that nobody wishes for: each gets a clear answer, and nothing that is asked for beside it is lost."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import statelang.aws
from statelang import LATER, StoreError
from statelang.aws.host import Host
from statelang.config import open_store
from statelang.errors import ExecutionExists
from statelang.ports import Store
from tests.aws.function import running
from tests.aws.machines import LAMBDA, machine, task

URL = {"domainName": "x.Lambda-URL.eu-west-1.on.aws"}
CHILD = "arn:aws:states:eu-west-1:111122223333:stateMachine:child"
STARTS: dict[str, Any] = {"StateMachineArn": CHILD, "Input": {}}

WAITS: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters": {"FunctionName": "later", "Payload": {}},
    "End": True,
}


class Context:
    """An invocation of so many milliseconds."""

    aws_request_id = "4e1f"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:111122223333:function:machines"

    def __init__(self, milliseconds: int) -> None:
        self.get_remaining_time_in_millis: Callable[[], int] = lambda: milliseconds


@pytest.fixture
def tokens() -> list[str]:
    return []


@pytest.fixture
def host(tmp_path: Path, tokens: list[str]) -> Iterator[Host]:
    """A host on a file, without a queue."""
    (tmp_path / "child.asl.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}')
    nested = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": STARTS}
    (tmp_path / "bindings.json").write_text(json.dumps({"machines": {CHILD: "child.asl.json"}}))

    def wait(data: Any, call: Any) -> Any:
        tokens.append(call.token)
        return LATER

    machines = [
        machine("waits", "A", {"A": WAITS}),
        machine("parent", "A", {"A": {**nested, "End": True}}),
        machine("adds", "A", {"A": task("add", End=True)}),
    ]
    tasks = {"later": wait, "add": lambda data: data["n"] + 1, LAMBDA + "add": lambda data: data["n"] + 1}
    with closing(open_store(f"sqlite:///{tmp_path}/runs.db")) as store:
        yield statelang.aws.handler(machines, store=store, tasks=tasks, bindings=str(tmp_path / "bindings.json"))


def http(host: Host, method: str, path: Any, body: Any = None, **event: Any) -> tuple[int, Any]:
    told: Any = host({"httpMethod": method, "path": path, "body": body, **event}, Context(10_000))
    return told["statusCode"], json.loads(told["body"])


@pytest.mark.parametrize(
    ("queue", "said"),
    [
        ("arn:aws:sqs:eu-west-1:111122223333:wakes", "must be a URL"),
        ("https://sqs.eu-west-1.amazonaws.com/111122223333/wakes.fifo", "FIFO"),
    ],
)
def test_a_queue_that_could_carry_no_wake_up_is_refused_at_once(queue: str, said: str) -> None:
    with pytest.raises(statelang.InvalidSettings, match=said):
        statelang.aws.handler(machine("adds", "A", {"A": task("add", End=True)}), store="memory:", queue=queue)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (None, "none this function knows"),
        ([], "none this function knows"),
        ({"start": {"machine": "adds"}, "stop": "x"}, "several things at once"),
        ({"start": {"machine": "adds", "name": ""}}, "0 characters"),
        ({"start": {"machine": "adds", "drive": "no"}}, "'drive' must be true or false"),
        ({"start": {"machine": "adds", "name": "\ud800"}}, "lone surrogate"),
        ({"describe": "\ud800"}, "lone surrogate"),
        ({"stop": {"name": "x", "cause": "\ud800"}}, "lone surrogate"),
        ({"stop": {"name": None}}, "'name' must be a text"),
        ({"success": {"token": None}}, "'token' must be a text"),
        ({"heartbeat": {"token": 5}}, "'token' must be a text"),
        ({"list": {"limit": True}}, "from 1 to 1000"),
        ({"history": "x", "after": True}, "number of an event"),
        ({"history": "x", "after": -1}, "number of an event"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "no 'messageId'"),
        ({"Records": [{"eventSource": "aws:s3"}]}, "not from 'aws:s3'"),
    ],
)
def test_what_is_wrong_with_an_event_is_said(host: Host, event: Any, said: str) -> None:
    with pytest.raises(statelang.StatelangError, match=said) as refused:
        host(event, Context(10_000))
    assert refused.traceback[-1].path.name == "host.py", "where it was found out is not part of the answer"
    assert host({"list": {}}) == {"executions": []}


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (404, {"requestContext": {"http": "GET"}}),
        (404, {"httpMethod": "GET", "path": 5}),
        (404, {"httpMethod": "GET", "path": "/executions/%ff"}),
        (200, {"httpMethod": "GET", "path": "/executions", "queryStringParameters": "a=b"}),
        (200, {"httpMethod": "GET", "path": "/executions", "queryStringParameters": {"limit": 5}}),
        (400, {"httpMethod": "GET", "path": "/executions", "queryStringParameters": {"limit": ["5"]}}),
        (400, {"httpMethod": "GET", "path": "/executions", "queryStringParameters": {"limit": "9" * 5000}}),
        (400, {"httpMethod": "GET", "path": "/executions/x/history", "queryStringParameters": {"after": "9" * 5000}}),
        (400, {"httpMethod": "POST", "path": "/executions", "body": {"machine": "adds"}}),
        (400, {"httpMethod": "POST", "path": "/executions", "body": "%%%", "isBase64Encoded": True}),
        (400, {"httpMethod": "POST", "path": "/executions", "body": b64encode(b'"\xe9"').decode()}),
        (400, {"httpMethod": "POST", "path": "/executions", "body": "[" * 200_000}),
        (400, {"httpMethod": "POST", "path": "/executions", "body": '{"machine": "adds", "input": NaN}'}),
        (400, {"httpMethod": "POST", "path": "/executions", "body": '{"machine": "adds", "name": "a/b"}'}),
        (400, {"httpMethod": "POST", "path": "/executions", "body": f'{{"input": "{"x" * 5_000_000}"}}'}),
        (403, {"requestContext": {"http": {"method": "GET"}, **URL, "authorizer": "x"}, "rawPath": "/executions"}),
        (404, {"requestContext": {"http": {"method": "POST"}, **URL}, "rawPath": "/tasks/../executions"}),
        (403, {"requestContext": {"http": {"method": "GET"}, "stage": "tasks", **URL}, "rawPath": "/tasks/executions"}),
    ],
)
def test_what_is_wrong_with_a_request_is_answered(host: Host, status: int, event: Any) -> None:
    told: Any = host(event, Context(10_000))
    assert told["statusCode"] == status, told
    assert status == 200 or json.loads(told["body"])["message"]


def test_a_request_that_the_store_cannot_serve_may_come_again(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*args: Any, **more: Any) -> Any:
        raise StoreError("arn:aws:sts::111122223333:assumed-role/secret is denied")

    monkeypatch.setattr(host._store, "summary", away)
    status, told = http(host, "GET", "/executions/x")
    assert (status, told["error"], "secret" in told["message"]) == (503, "ServiceUnavailable", False)
    assert "StoreError: arn:aws:sts::111122223333:assumed-role/secret is denied" in capsys.readouterr().out


def test_a_load_balancer_tells_its_query_with_several_values(host: Host) -> None:
    many = {"httpMethod": "GET", "path": "/executions", "multiValueQueryStringParameters": {"limit": ["1", "x"]}}
    assert host(many, Context(10_000))["statusCode"] == 400  # type: ignore[index]
    assert host({**many, "multiValueQueryStringParameters": None}, Context(10_000))["statusCode"] == 200  # type: ignore[index]


def test_garbage_in_a_batch_is_told_and_the_rest_done(host: Host, tokens: list[str]) -> None:
    host({"start": {"machine": "waits", "name": "w"}}, Context(10_000))
    (token,) = tokens
    bodies = {
        "good": '{"start": {"machine": "adds", "name": "a", "input": {"n": 1}}}',
        "none": None,
        "half": "\ud800",
        "text": '"x"',
        "two": '{"start": {"machine": "adds"}, "wake": "a"}',
        "deep": "[" * 200_000,
        "half name": '{"wake": "\\ud800"}',
        "object": {"start": {"machine": "adds"}},
        "no such token": '{"success": {"token": "nobody.1.0"}}',
        "answer": json.dumps({"success": {"token": token, "output": 1}}),
        "same name": '{"start": {"machine": "adds", "name": "a", "input": {"n": 2}}}',
    }
    records = [{"eventSource": "aws:sqs", "messageId": id, "body": body} for id, body in bodies.items()]
    told: Any = host({"Records": records}, Context(10_000))
    failed = {one["itemIdentifier"] for one in told["batchItemFailures"]}
    assert failed == set(bodies) - {"good", "answer"}
    assert [host({"describe": name})["output"] for name in ("a", "w")] == [2, 1]  # type: ignore[index]


def test_an_answer_that_comes_again_is_no_failure(host: Host, tokens: list[str]) -> None:
    """A function that was killed after it had taken the answer gets the message again."""
    host({"start": {"machine": "waits", "name": "w"}}, Context(10_000))
    body = json.dumps({"success": {"token": tokens[0], "output": 1}})
    for _ in range(2):
        batch = {"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": body}]}
        assert host(batch, Context(10_000)) == {"batchItemFailures": []}


def test_whoever_answers_a_task_is_not_told_what_became_of_the_execution(
    host: Host, tokens: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host({"start": {"machine": "waits", "name": "w"}}, Context(10_000))
    real = host._store.commit

    def away(*args: Any, **more: Any) -> Any:
        raise StoreError("the table is away")

    monkeypatch.setattr(host._store, "commit", away)
    body = json.dumps({"token": tokens[0], "output": 1})
    assert http(host, "POST", "/tasks/success", body) == (200, {})
    monkeypatch.setattr(host._store, "commit", real)
    host({"sweep": True}, Context(10_000))
    assert host({"describe": "w"})["output"] == 1  # type: ignore[index]


@pytest.mark.parametrize("milliseconds", [100, 1, 0, -50])
def test_an_invocation_without_time_loses_nothing(host: Host, milliseconds: int) -> None:
    told: Any = host({"start": {"machine": "adds", "name": "a", "input": {"n": 1}}}, Context(milliseconds))
    assert told["status"] in ("RUNNING", "SUCCEEDED")
    host({"sweep": True}, Context(10_000))
    assert host({"describe": "a"})["output"] == 2  # type: ignore[index]


def test_a_start_that_failed_before_keeps_its_name(host: Host) -> None:
    """From the dead-letter queue, where Lambda left it with its id."""
    attributes = {"RequestID": {"stringValue": "4e1f", "dataType": "String"}}
    record = {"eventSource": "aws:sqs", "messageId": "m", "body": '{"start": {"machine": "adds", "input": {"n": 1}}}'}
    host(json.loads(record["body"]), Context(10_000))
    for odd in (attributes, {}, {"RequestID": "x"}, None):
        batch = {"Records": [{**record, "messageAttributes": odd}]}
        assert host(batch, Context(10_000)) == {"batchItemFailures": []}
    told: Any = host({"list": {}})
    assert {one["name"] for one in told["executions"]} == {"4e1f", "m"}


def test_a_child_answers_its_parent_and_nobody_elses_caller(host: Host, tokens: list[str]) -> None:
    host({"start": {"machine": "waits", "name": "w"}}, Context(10_000))
    host({"start": {"machine": "adds", "name": "a", "input": {"n": 1}}}, Context(10_000))
    start = {"start": {"machine": "adds", "name": "a", "input": {"n": 2}, "taskToken": tokens[0]}}
    with pytest.raises(ExecutionExists):
        host(start, Context(10_000))
    bodies = [{"start": {"machine": "parent", "name": "p"}}, start]
    records = [
        {"eventSource": "aws:sqs", "messageId": str(n), "body": json.dumps(body)} for n, body in enumerate(bodies)
    ]
    assert host({"Records": records}, Context(10_000)) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert host({"describe": "p"})["status"] == "SUCCEEDED"  # type: ignore[index]
    assert host({"describe": "w"})["status"] == "RUNNING", "nobody has answered its task"  # type: ignore[index]
    start = {"start": {"machine": "parent", "name": "q", "taskToken": tokens[0]}}
    assert host(start, Context(10_000))["status"] == "SUCCEEDED"  # type: ignore[index]
    host({"sweep": True}, Context(10_000))
    assert host({"describe": "w"})["output"]["StateMachineArn"] == CHILD  # type: ignore[index]


def test_a_map_run_that_was_stopped_leaves_its_files_in_the_same_invocation(tmp_path: Path) -> None:
    each = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "L"}
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "p"}}
    state = {"Type": "Map", "ItemProcessor": {**each, "States": {"L": WAITS}}, "ResultWriter": writer, "End": True}
    (tmp_path / "bindings.json").write_text(json.dumps({"buckets": {"s3://out/": "out"}}))

    def made(store: Store) -> Host:
        return statelang.aws.handler(
            machine("fan", "E", {"E": state}),
            store=store,
            tasks={"later": lambda data: LATER},
            bindings=str(tmp_path / "bindings.json"),
        )

    address = f"sqlite:///{tmp_path}/runs.db"
    with closing(open_store(address)) as first, closing(open_store(address)) as second:
        host = made(first)
        assert host({"start": {"name": "here", "input": [1, 2, 3]}}, Context(10_000))["status"] == "RUNNING"  # type: ignore[index]
        assert host({"start": {"name": "there", "input": [1, 2]}}, Context(10_000))["status"] == "RUNNING"  # type: ignore[index]
        for one, name, count in ((host, "here", 3), (made(second), "there", 2)):
            assert one({"stop": name}, Context(10_000))["status"] == "ABORTED"  # type: ignore[index]
            (manifest,) = (tmp_path / "out").rglob("manifest.json")
            (file,) = json.loads(manifest.read_text())["ResultFiles"]["FAILED"]
            assert len(json.loads((tmp_path / "out" / file["Key"]).read_text())) == count
            manifest.unlink()


def test_a_history_beyond_what_lambda_hands_on_comes_in_parts(table: str, tmp_path: Path) -> None:
    states = {f"S{n}": {"Type": "Pass", **({"Next": f"S{n + 1}"} if n < 39 else {"End": True})} for n in range(40)}
    with running(table, tmp_path) as function:
        large = machine("large", "S0", states)
        store: Store = open_store(function.table)
        with statelang.Engine(store) as engine:
            engine.run(large, {"x": "\\é" * 40_000}, name="large")
            all_of_it = list(engine.history("large"))
        assert sum(len(json.dumps(event)) for event in all_of_it) > 6_300_000
        found: list[Any] = []
        after, asked = 0, 0
        while after is not None:
            outcome = function.environment.invoke({"history": "large", "after": after})
            assert outcome.kind == "response"
            assert len(json.dumps(outcome.body)) < 6_000_000
            status, told = function.http("GET", "/executions/large/history", after=str(after))
            assert (status, told) == (200, outcome.body)
            found += outcome.body["events"]
            after, asked = outcome.body.get("next"), asked + 1
        assert found == all_of_it
        assert asked > 1
