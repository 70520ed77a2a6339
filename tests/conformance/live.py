"""Recorded cases with their tasks performed for real, against moto's server over HTTP.

What moto cannot answer stays as recorded: functions that do more than echo, nested executions (moto's never end), API
Gateway, and what comes back by a task token.
"""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any, Final

import boto3

from statelang import Failed, Succeeded, TaskCall
from statelang.core.execution import Execution
from statelang.core.stimulus import RunTask
from statelang.tasks.aws import AwsTask
from statelang.testing.simulation import Replies, Reply
from statelang.values import encode
from tests.conformance.cases import Case, Check, recorded_replies

LIVE: Final = re.compile(
    r"arn:[^:]*:states:[^:]*:[^:]*:(dynamodb|sqs|sns|events|lambda|aws-sdk:(dynamodb|s3|secretsmanager|sfn)):.*"
    r"|arn:[^:]*:lambda:.*"
)
"""Resources that moto answers."""


def is_live(case: Case) -> bool:
    """Whether a case has a task that can be performed for real: functions only where all of them echo."""
    text = json.dumps(case["machines"])
    found = [part for part in re.findall(r"arn:aws:[\w:.-]+", text) if LIVE.fullmatch(part)]
    functions = [r["behaviour"] for r in case["resources"] if r["kind"] == "lambda"]
    echoes = all(behaviour == "echo" for behaviour in functions)
    return bool(found) and (echoes or not any(":lambda:" in part for part in found))


@cache
def client_of(server: str, service: str) -> Any:
    """The client of a service, by which the resources of cases are made."""
    return boto3.client(service, region_name="us-east-1", endpoint_url=server)


def prepare(case: Case, server: str) -> None:
    """Make the resources of a case, as they were when its execution was started."""
    client = partial(client_of, server)
    for resource in case["resources"]:
        maker = MAKERS.get(resource["kind"])
        if maker is not None:
            maker(client, resource)
    for machine in case["machines"]:
        role = "arn:aws:iam::111111111111:role/r"
        client("stepfunctions").create_state_machine(
            name=machine["name"], definition=machine["definition"], roleArn=role
        )
    for given in case.get("s3_objects") or ():
        client("s3").put_object(Bucket=given["bucket"], Key=given["key"], Body=given["body"].encode())
    for step in case["steps"]:
        if step.get("method") == "start_execution":
            return
        if step.get("service") in ("sns", "sqs") and str(step.get("method")).startswith("delete_"):
            getattr(client(step["service"]), step["method"])(**step["params"])


def _queue(client: Callable[[str], Any], resource: Any) -> None:
    client("sqs").create_queue(QueueName=resource["name"])


def _topic(client: Callable[[str], Any], resource: Any) -> None:
    attributes = (resource.get("attrs") or {}).get("Attributes") or {}
    client("sns").create_topic(Name=resource["name"], Attributes=attributes)


def _table(client: Callable[[str], Any], resource: Any) -> None:
    key = resource["attrs"]["partition_key"]
    client("dynamodb").create_table(
        TableName=resource["name"],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _bucket(client: Callable[[str], Any], resource: Any) -> None:
    client("s3").create_bucket(Bucket=resource["name"])


def _function(client: Callable[[str], Any], resource: Any) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", "def handler(event, context): return event")
    role = client("iam").create_role(RoleName=resource["name"], AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client("lambda").create_function(
        FunctionName=resource["name"],
        Runtime="python3.12",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": archive.getvalue()},
    )


MAKERS: Final = {
    "dynamodb": _table,
    "events_rule_to_sqs": _queue,
    "lambda": _function,
    "s3": _bucket,
    "sns": _topic,
    "sqs": _queue,
}


def live_replies(case: Case, check: Check, aws: AwsTask) -> Replies:
    """Tasks that are performed by moto where it can, and answer as recorded where it cannot."""
    recorded = recorded_replies(case, check)

    def reply(request: RunTask, execution: Execution) -> Reply:
        known = recorded(request, execution)
        if not LIVE.fullmatch(request.resource):
            return known
        answer = aws.perform(_call(request, execution))
        if isinstance(answer, Failed):
            return Reply(failed=True, error=answer.error, cause=answer.cause)
        assert isinstance(answer, Succeeded)
        text = encode(answer.output) if answer.text is None else answer.text
        return replace(known, submitted=text) if request.later else Reply(output=text)

    return reply


def _call(request: RunTask, execution: Execution) -> TaskCall:
    started = execution.started
    return TaskCall(
        resource=request.resource,
        input=request.input.json,
        token=request.token,
        idempotency_key=request.key,
        attempt=request.attempt,
        deadline=None,
        context={"Execution": {"Id": started.arn}, "StateMachine": {"Id": started.machine_arn}},
        cancel=threading.Event(),
        credentials=None if request.credentials is None else request.credentials.json,
    )
