"""The Lambda functions of the recordings, by what the recording says they do."""

from __future__ import annotations

import json
import re

from statelang.testing.simulation import Reply
from statelang.values import Json, encode

REQUEST_ID = "00000000-0000-4000-8000-000000000000"


def perform(behaviour: str, payload: Json, resource: str) -> Reply:
    """What a function of this behaviour answers: raw for a Lambda ARN, in its envelope for lambda:invoke."""
    invoked = ":states:::lambda:invoke" in resource
    raised = re.fullmatch(r"raise:(\w+):(.*)", behaviour, re.DOTALL)
    if raised is not None:
        return Reply(failed=True, error=raised[1], cause=_error(raised[1], raised[2], compact=invoked))
    value = payload if behaviour.endswith("echo") else _static(behaviour)
    after = int(found[1]) * 1000 if (found := re.match(r"sleep:(\d+)", behaviour)) else 0
    return Reply(output=encode(_envelope(value) if invoked else value), after=after)


def _static(behaviour: str) -> Json:
    kind, _, text = behaviour.partition(":")
    if kind == "static":
        return json.loads(text)
    if kind == "static-generated":
        character, _, times = text.partition("*")
        return json.loads(character) * int(times)
    raise NotImplementedError(behaviour)


def _error(kind: str, message: str, *, compact: bool) -> str:
    trace = f'  File "/var/task/handler.py", line 2, in handler\n    raise {kind}("{message}")\n'
    told = {"errorMessage": message, "errorType": kind, "requestId": REQUEST_ID, "stackTrace": [trace]}
    return json.dumps(told, separators=(",", ":") if compact else None)


def _envelope(payload: Json) -> Json:
    headers = {
        "X-Amz-Executed-Version": "$LATEST",
        "Connection": "keep-alive",
        "Content-Length": str(len(json.dumps(payload))),
        "Content-Type": "application/json",
        "Date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "x-amzn-RequestId": REQUEST_ID,
        "X-Amzn-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        "x-amzn-Remapped-Content-Length": "0",
    }
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": REQUEST_ID},
        "StatusCode": 200,
    }
