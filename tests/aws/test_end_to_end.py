"""End to end on MiniStack: the zip that `deploy lambda` builds, a table, a queue that is mapped to it, the Scheduler.

A machine with a Wait, a callback and a Map is started and left alone, and finishes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from statelang.config import open_care, table_care
from statelang.values import Json
from tests.aws import ministack
from tests.aws.dynoxide import CREDENTIALS, unavailable

LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:"
TASKS = """
def double(item):
    return item * 2


def ask(question):
    import statelang
    return statelang.LATER
"""
MACHINE: Json = {
    "StartAt": "Rest",
    "States": {
        "Rest": {"Type": "Wait", "Seconds": 2, "Next": "Ask"},
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
            "ResultPath": "$.answer",
            "TimeoutSeconds": 600,
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {
                "StartAt": "Double",
                "States": {"Double": {"Type": "Task", "Resource": LAMBDA + "double", "End": True}},
            },
            "ResultPath": "$.doubled",
            "Next": "Later?",
        },
        "Later?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.later", "BooleanEquals": True, "Next": "Much later"}],
            "Default": "Done",
        },
        "Much later": {"Type": "Wait", "Seconds": 7200, "Next": "Done"},
        "Done": {"Type": "Succeed"},
    },
}
BINDINGS = {"resources": {LAMBDA + "double": "python:e2e_tasks:double", LAMBDA + "ask": "python:e2e_tasks:ask"}}


def built(folder: Path) -> bytes:
    """The zip, as the command builds it."""
    (folder / "e2e.asl.json").write_text(json.dumps(MACHINE))
    (folder / "e2e.bindings.json").write_text(json.dumps(BINDINGS))
    (folder / "e2e_tasks.py").write_text(TASKS)
    command, version = str(Path(sys.executable).with_name("statelang")), f"{sys.version_info[0]}.{sys.version_info[1]}"
    architecture = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
    words = ["deploy", "lambda", "e2e.asl.json", "--out", "out", "--python", version, "--arch", architecture]
    ran = subprocess.run([command, *words], cwd=folder, capture_output=True, text=True, check=False)
    if "pip could not fetch" in ran.stderr:
        unavailable(ran.stderr)
    assert ran.returncode == 0, ran.stderr
    return (folder / "out" / f"function-{architecture}.zip").read_bytes()


class Account:
    """What CloudFormation would make of the template, made by hand in an empty account."""

    def __init__(self, endpoint: str, archive: bytes) -> None:
        where = {"endpoint_url": endpoint, "region_name": "us-east-1"}
        self.sqs, self.functions = boto3.client("sqs", **where), boto3.client("lambda", **where)
        self.scheduler = boto3.client("scheduler", **where)
        self.store = f"dynamodb://statelang?region=us-east-1&endpoint={endpoint}"
        table_care(self.store).create()
        queue = self.sqs.create_queue(QueueName="wakes", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        role = "arn:aws:iam::000000000000:role/statelang"
        variables = {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": endpoint,
            "STATELANG_STORE": self.store,
            "STATELANG_QUEUE": queue,
            "STATELANG_SCHEDULER_ROLE": role,
        }
        self.functions.create_function(
            FunctionName="machines",
            Runtime=f"python{sys.version_info[0]}.{sys.version_info[1]}",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": archive},
            Timeout=30,
            Environment={"Variables": {name: value for name, value in variables.items() if value}},
        )
        self.functions.create_event_source_mapping(
            EventSourceArn=arn,
            FunctionName="machines",
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )

    def __call__(self, event: Json) -> Any:
        told = self.functions.invoke(FunctionName="machines", Payload=json.dumps(event).encode())
        body = json.loads(told["Payload"].read())
        assert "FunctionError" not in told, body
        return body

    def until(self, state: str, name: str, seconds: float = 60.0) -> None:
        """Until an execution is in a state, or has this status."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            told = self({"describe": name})
            if told["status"] == state or state in told.get("states", ()):
                return
            assert told["status"] == "RUNNING", told
            time.sleep(0.3)
        raise AssertionError(f"{name} never was in {state}: {told}")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_machine_finishes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    archive = built(tmp_path)
    with ministack.serving(tmp_path) as endpoint:
        account = Account(endpoint, archive)
        for name, later in (("one", False), ("two", True)):
            given = {"items": [1, 2, 3], "later": later}
            assert account({"start": {"name": name, "input": given}})["status"] == "RUNNING"
        for name in ("one", "two"):
            account.until("Ask", name)
            events = account({"history": name})["events"]
            (asked,) = [event for event in events if event["type"] == "TaskScheduled"]
            token = json.loads(asked["taskScheduledEventDetails"]["parameters"])["Payload"]["token"]
            account({"success": {"token": token, "output": {"said": "yes"}}})
        account.until("SUCCEEDED", "one")
        assert account({"describe": "one"})["output"] == {
            "items": [1, 2, 3],
            "later": False,
            "answer": {"said": "yes"},
            "doubled": [2, 4, 6],
        }
        account.until("Much later", "two")
        (schedule,) = account.scheduler.list_schedules()["Schedules"]
        assert schedule["Target"]["Arn"].endswith(":wakes")
        assert open_care(account.store).check() == []
