"""What an event asks for: the shapes that Lambda hands over, read into requests.

    {"start": {"machine": …, "name": …, "input": …}}     one of the direct events, alone or in an SQS message
    {"Records": [{"eventSource": "aws:sqs", …}]}          an SQS batch of them
    {"source": "aws.events"} or {"sweep": true}           a schedule: look for what was lost

Rule: reading changes nothing and asks nobody; what cannot be understood is refused with what would have been.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from statelang.core.token import execution_of
from statelang.errors import InvalidInput
from statelang.names import name_from
from statelang.values import Json, admit, decode


class Start(msgspec.Struct, frozen=True):
    """Start an execution, or find the one of this name again. `machine`: None where the function has just one.

    `drive`: here and now, else by a wake-up. `callback` is the token of a task that waits for what becomes of it.
    """

    machine: str | None
    name: str | None
    input: Json
    drive: bool = True
    callback: str = ""


class WakeUp(msgspec.Struct, frozen=True):
    """Drive an execution on, if it is due."""

    name: str


class Sweep(msgspec.Struct, frozen=True):
    """Look for executions that are due and that nobody drives."""


class Describe(msgspec.Struct, frozen=True):
    """How an execution stands."""

    name: str


class History(msgspec.Struct, frozen=True):
    """The events of an execution after one of them."""

    name: str
    after: int = 0


class Executions(msgspec.Struct, frozen=True):
    """The newest executions."""

    machine: str | None = None
    status: str | None = None
    limit: int = 100


class TaskSuccess(msgspec.Struct, frozen=True):
    """A task's answer, by its token."""

    token: str
    output: Json


class TaskFailure(msgspec.Struct, frozen=True):
    """A task's failure, by its token."""

    token: str
    error: str | None = None
    cause: str | None = None


class TaskHeartbeat(msgspec.Struct, frozen=True):
    """A task lives."""

    token: str


class Stop(msgspec.Struct, frozen=True):
    """Stop an execution."""

    name: str
    error: str | None = None
    cause: str | None = None


class Redrive(msgspec.Struct, frozen=True):
    """Let an execution that ended without success go on."""

    name: str


Request = (
    Start
    | WakeUp
    | Sweep
    | Describe
    | History
    | Executions
    | TaskSuccess
    | TaskFailure
    | TaskHeartbeat
    | Stop
    | Redrive
)


def read_request(event: Json) -> Request:
    """A direct event. Raises InvalidInput."""
    if isinstance(event, dict):
        if event.get("source") == "aws.events" or event.get("sweep") is True:
            return Sweep()
        asked = [key for key in READ if key in event]
        if len(asked) > 1:
            raise InvalidInput(
                f"the event asks for several things at once ({', '.join(asked)}): send one event for each"
            )
        for key in asked:
            return READ[key](event[key], event)
    raise InvalidInput(f"the event is none this function knows: an SQS batch, an HTTP request, or one of {KNOWN}")


def records_of(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages of an SQS batch. Raises InvalidInput, also for the records of another service: none gets lost."""
    records = event["Records"]
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise InvalidInput("'Records' must be the messages of an SQS batch")
    for record in records:
        source = record.get("eventSource") or record.get("EventSource")
        if source != "aws:sqs":
            raise InvalidInput(f"records come from SQS here, not from {source!r}: send them to the queue as messages")
        if not isinstance(record.get("messageId"), str):
            raise InvalidInput("a record of SQS has no 'messageId', so that it could not be told that it failed")
    return records


def id_of(record: Mapping[str, Any]) -> str:
    """What a start without a name in a message is named after: an invocation that failed before keeps its own id.

    Lambda leaves that in an attribute when it sends an event to the dead-letter queue, from where it may come back.
    """
    attributes = record.get("messageAttributes")
    found = attributes.get("RequestID") if isinstance(attributes, dict) else None
    id = found.get("stringValue") if isinstance(found, dict) else None
    return id if isinstance(id, str) and id else str(record["messageId"])


def read_message(record: Mapping[str, Any]) -> Request:
    """A message of an SQS batch. Raises InvalidInput."""
    return read_request(decode(str(record.get("body"))))


def named(request: Request, id: str | None) -> Request:
    """A start without a name has that of its message or invocation: delivered again, it is the same execution."""
    if isinstance(request, Start) and request.name is None and id:
        return msgspec.structs.replace(request, name=name_from(id))
    return request


def execution_named(request: Request) -> str:
    """The execution that a request is about, if it is about one."""
    token = getattr(request, "token", None)
    return execution_of(token) if token is not None else getattr(request, "name", None) or ""


def _fields(given: Json, key: str, known: tuple[str, ...], needed: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidInput(f"{key!r} must be an object with {', '.join(known)}")
    unknown, missing = [k for k in given if k not in known], [k for k in needed if k not in given]
    if unknown or missing:
        wrong = f"has an unknown field {unknown[0]!r}" if unknown else f"needs {missing[0]!r}"
        raise InvalidInput(f"{key!r} {wrong}; known are {', '.join(known)}")
    for field in given:
        if field in needed or field not in ("input", "output", "drive", "limit"):
            _check_text(key, field, given[field], None if field in needed else "")
    return given


def _check_text(key: str, field: str, value: Json, default: str | None) -> None:
    """Raises InvalidInput. `default` None: there has to be one."""
    text = default if value is None else value
    if not isinstance(text, str):
        raise InvalidInput(f"{key!r}: {field!r} must be a text")
    admit({key: {field: text}})


def _start(given: Json, event: Mapping[str, Any]) -> Start:
    found = _fields(given, "start", ("machine", "name", "input", "drive", "taskToken"))
    token = found.get("taskToken") or event.get("taskToken") or ""
    if not isinstance(token, str):
        raise InvalidInput("'taskToken' must be a text")
    drive = found.get("drive", True)
    if not isinstance(drive, bool):
        raise InvalidInput("'drive' must be true or false")
    return Start(found.get("machine"), found.get("name"), found.get("input"), drive, token)


def _name(key: str, given: Json) -> str:
    if not isinstance(given, str):
        raise InvalidInput(f"{key!r} must be the name of an execution")
    admit({key: given})
    return given


def _history(given: Json, event: Mapping[str, Any]) -> History:
    after = event.get("after", 0)
    if type(after) is not int or after < 0:
        raise InvalidInput("'after' must be the number of an event")
    return History(_name("history", given), after)


def _executions(given: Json, event: Mapping[str, Any]) -> Executions:
    found = _fields(given, "list", ("machine", "status", "limit"))
    limit = found.get("limit", 100)
    if type(limit) is not int or not 1 <= limit <= 1000:
        raise InvalidInput("'limit' must be a number from 1 to 1000")
    return Executions(found.get("machine"), found.get("status"), limit)


def _success(given: Json, event: Mapping[str, Any]) -> TaskSuccess:
    found = _fields(given, "success", ("token", "output"), ("token",))
    return TaskSuccess(found["token"], found.get("output"))


def _stop(given: Json, event: Mapping[str, Any]) -> Stop:
    if isinstance(given, str):
        return Stop(given)
    return Stop(**_fields(given, "stop", ("name", "error", "cause"), ("name",)))


READ: Final[Mapping[str, Callable[[Json, Mapping[str, Any]], Request]]] = {
    "start": _start,
    "wake": lambda given, event: WakeUp(_name("wake", given)),
    "describe": lambda given, event: Describe(_name("describe", given)),
    "history": _history,
    "list": _executions,
    "success": _success,
    "failure": lambda given, event: TaskFailure(**_fields(given, "failure", ("token", "error", "cause"), ("token",))),
    "heartbeat": lambda given, event: TaskHeartbeat(**_fields(given, "heartbeat", ("token",), ("token",))),
    "stop": _stop,
    "redrive": lambda given, event: Redrive(_name("redrive", given)),
}
"""The key of a direct event -> what reads it."""

KNOWN: Final = ", ".join(f'{{"{key}": …}}' for key in (*READ, "sweep"))
