"""Lambda functions: what AWS wraps around what a function takes, gives and raises (asl.md 8).

Rule: whatever stands in for the function (a callable, a program, a URL), the state sees what it would see on AWS.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

from msgspec.structs import asdict

from statelang.errors import InvalidInput
from statelang.ports import Answer, Failed, Integration, Succeeded, TaskCall
from statelang.values import Json, decode

INVOKE: Final = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:lambda:invoke(?P<pattern>\.waitForTaskToken)?")
DIRECT: Final = re.compile(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:.+")


NOT_JSON: Final = (
    "Could not parse request body into json: {} (Service: AWSLambda; Status Code: 400; "
    "Error Code: InvalidRequestContentException; Request ID: null; Proxy: null)"
)


class LambdaCall(TaskCall, frozen=True):
    """The call as a Lambda function's context object: what handlers written for AWS ask of it is there too."""

    @property
    def aws_request_id(self) -> str:
        """The id of this invocation: the same across Retry and crashes, so that it can make the work idempotent."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.idempotency_key))

    @property
    def function_name(self) -> str:
        """The last part of the function's ARN."""
        return function_of(self.invoked_function_arn)

    @property
    def invoked_function_arn(self) -> str:
        """The Resource, or FunctionName as the state gave it."""
        return self.resource

    def get_remaining_time_in_millis(self) -> int:
        """Until the task's deadline; 15 minutes where it has none, as on AWS at most."""
        return 900_000 if self.deadline is None else max(0, self.deadline - time.time_ns() // 1_000_000)


def function_of(name: str) -> str:
    """The bare name in a FunctionName, which may be a name, a partial or a full ARN, with a qualifier."""
    return name.rpartition("function:")[2].partition(":")[0]


@dataclass(frozen=True, slots=True)
class LambdaTask:
    """What stands in for a function, as the function: given the input, or the Payload of a lambda:invoke.

    `at` is the time its answers bear, in seconds since 1970 (None: now).
    """

    integration: Integration
    at: float | None = None

    def perform(self, call: TaskCall) -> Answer | None:
        """Have it performed, and wrap the answer as Lambda does."""
        if not INVOKE.fullmatch(call.resource):
            handed = _handed(call, call.input, call.resource)
            answer = self.integration.perform(handed)
            return _told(answer, handed, compact=False) if isinstance(answer, Failed) else answer
        return self._invoke(call)

    def _invoke(self, call: TaskCall) -> Answer | None:
        given = call.input if isinstance(call.input, dict) else {}
        try:
            payload = payload_of(given.get("Payload"))
        except InvalidInput as problem:
            return Failed("Lambda.InvalidRequestContentException", NOT_JSON.format(problem))
        handed = _handed(call, payload, str(given.get("FunctionName")))
        answer = self.integration.perform(handed)
        if isinstance(answer, Failed):
            return _told(answer, handed, compact=True)
        if answer is None:
            return None
        if given.get("InvocationType") == "Event":
            return Succeeded(envelope(None, handed.aws_request_id, status=202, at=self.at))
        return Succeeded(envelope(answer.output, handed.aws_request_id, at=self.at))


def payload_of(given: Json) -> Json:
    """What a function gets of the Payload of a lambda:invoke: a text is JSON already, null is `{}` (both recorded).

    Raises InvalidInput for a text that is no JSON.
    """
    if given is None:
        return {}
    return decode(given) if isinstance(given, str) else given


def _told(failed: Failed, call: LambdaCall, *, compact: bool) -> Failed:
    return Failed(failed.error, error_text(failed, call.aws_request_id, compact=compact))


def _handed(call: TaskCall, payload: Json, name: str) -> LambdaCall:
    parts = asdict(call)
    return LambdaCall(**{**parts, "input": payload, "resource": name})


def error_text(failed: Failed, request_id: str, *, compact: bool) -> str:
    """The JSON text of a function's error: with blanks as the Python runtime writes it, compact from lambda:invoke."""
    told = {
        "errorMessage": failed.cause or "",
        "errorType": failed.error,
        "requestId": request_id,
        "stackTrace": list(failed.trace),
    }
    return json.dumps(told, ensure_ascii=not compact, separators=(",", ":") if compact else None)


def envelope(payload: Json, request_id: str, *, status: int = 200, at: float | None = None) -> Json:
    """What lambda:invoke answers. `at` in seconds since 1970 (None: now)."""
    length = str(len(json.dumps(payload)))  # as the Python runtime writes it: blanks, all ASCII
    headers: Mapping[str, str] = {
        "X-Amz-Executed-Version": "$LATEST",
        "Connection": "keep-alive",
        "Content-Length": length,
        "Content-Type": "application/json",
        "Date": formatdate(at, usegmt=True),
        "x-amzn-RequestId": request_id,
        "X-Amzn-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        "x-amzn-Remapped-Content-Length": "0",
    }
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": dict(headers),
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
        "StatusCode": status,
    }
