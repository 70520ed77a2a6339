"""Lambda functions as they are: a plain ARN, and `lambda:invoke`.

A plain ARN gives the function the state's input and takes the raw text of its answer; `lambda:invoke` gives it the
Payload (an object is serialised, a text is JSON already, null is `{}`) and answers with Lambda's envelope. What the
function itself raises is told under its own name.

Rule: what the function says is passed on as it says it; only a refusal of Lambda's own is told as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from statelang.errors import InvalidInput
from statelang.ports import Answer, Failed, Succeeded, TaskCall
from statelang.tasks.aws import errors, names, shapes
from statelang.tasks.aws.clients import Clients
from statelang.tasks.aws.request import Request, guarded
from statelang.tasks.aws.transport import transport
from statelang.values import Json, decode, encode

SPEECH: Final = errors.Speech("Lambda", "AWSLambda", "AWSLambdaException")

SECONDS: Final = 905
"""A function may take 15 minutes."""

UNKNOWN: Final = "The cause could not be determined because Lambda did not return an error type. Returned payload: {}"


@dataclass(frozen=True, slots=True)
class Direct:
    """Performs a function whose ARN the Resource is."""

    clients: Clients

    def perform(self, call: TaskCall) -> Answer:
        """Invoke it and answer with what it says, in its own words."""
        given = {"FunctionName": call.resource, "Payload": encode(call.input).encode()}

        def work() -> Answer:
            response = _send(self.clients, call, given, call.resource.split(":")[3])
            text = response["Payload"].read().decode()
            if response.get("FunctionError"):
                return _raised(text, compact=False)
            return Succeeded(decode(text), text)

        return _guarded(call, work)


@dataclass(frozen=True, slots=True)
class Invoke:
    """Performs `lambda:invoke`."""

    clients: Clients

    def perform(self, call: TaskCall) -> Answer:
        """Invoke the function and answer with Lambda's envelope."""

        def work() -> Answer:
            given = shapes.parameters(names.operation("lambda", "invoke").input_shape, call.input, names.raised)
            given.setdefault("Payload", b"{}")
            response = _send(self.clients, call, given, None)
            text = response["Payload"].read().decode()
            if response.get("FunctionError"):
                return _raised(text, compact=True)
            return Succeeded(_envelope(response, text))

        return _guarded(call, work)


def _guarded(call: TaskCall, work: Any) -> Answer:
    answer: Answer = guarded(call, "Lambda", lambda told: errors.optimized_failure(SPEECH, told), "lambda", work)
    return answer


def _send(clients: Clients, call: TaskCall, given: dict[str, Any], region: str | None) -> dict[str, Any]:
    request = Request(clients, call, "lambda", names.operation("lambda", "invoke"), region, SECONDS)
    return request.send(given)


def _raised(text: str, *, compact: bool) -> Failed:
    """The function has failed: its own errorType is the error, its payload the cause."""
    try:
        payload: Json = decode(text)
    except InvalidInput:
        payload = None
    error = payload.get("errorType") if isinstance(payload, dict) else None
    if not isinstance(error, str) or not error:
        return Failed("Lambda.Unknown", UNKNOWN.format(text))
    return Failed(error, encode(payload) if compact else text)


def _envelope(response: dict[str, Any], text: str) -> Json:
    told: dict[str, Json] = {
        "ExecutedVersion": response.get("ExecutedVersion"),
        "LogResult": response.get("LogResult"),
        "Payload": _payload(text),
        **transport(response),
        "StatusCode": response.get("StatusCode"),
    }
    return {name: value for name, value in told.items() if value is not None or name == "Payload"}


def _payload(text: str) -> Json:
    if not text:
        return None
    try:
        return decode(text)
    except InvalidInput:
        return text
