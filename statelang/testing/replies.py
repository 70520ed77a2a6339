"""What a task of a trial does, as a Reply of the simulation: from a mock, or from what an integration has answered.

Rule: where a case does not say what should happen, Unfit says why; nothing is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from statelang.core.execution import Execution
from statelang.core.frame import Frame, TaskWait
from statelang.core.resource import classify
from statelang.core.stimulus import RunTask
from statelang.language.scope import ABSENT, Absent
from statelang.ports import Answer, Failed, Succeeded
from statelang.tasks.lambda_function import INVOKE, envelope
from statelang.testing.mocks import Mock
from statelang.testing.simulation import Reply
from statelang.values import Json, encode

REQUEST_ID: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Call:
    """A task that was asked for. `attempt` counts from 0 within the visit.

    `event` is its …Scheduled event. A child execution of a Map Run has a history of its own: then it is the last event
    before the child began.
    """

    state: str
    resource: str
    input: Json
    attempt: int
    event: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a trial could not go on: the case does not say what should happen at this event."""

    message: str
    event: int


class Unfit(Exception):
    """The case does not say what should happen now."""

    def __init__(self, message: str, event: int) -> None:
        self.trouble = Trouble(message, event)


def answered(answer: Answer | None, request: RunTask, mock: Mock | None) -> Reply:
    """What an integration's answer means; a mock may add the answer by token."""
    after = 0 if mock is None else mock.after
    beats = () if mock is None else mock.heartbeats
    if isinstance(answer, Failed):
        return Reply(failed=True, error=answer.error, cause=answer.cause, after=after, beats=beats)
    assert answer is None or isinstance(answer, Succeeded), "an integration that begins jobs must be able to poll them"
    text = "null" if answer is None else encode(answer.output) if answer.text is None else answer.text
    if answer is not None and not request.later:
        return Reply(output=text, after=after, beats=beats, submitted=text if request.submits else None)
    submitted = text if request.submits and not _is_activity(request) else None
    if mock is not None and mock.error is not None:
        return Reply(failed=True, error=mock.error, cause=mock.cause, after=after, beats=beats, submitted=submitted)
    if mock is None or mock.output is ABSENT:
        return Reply(silent=True, submitted=submitted, beats=beats)
    return Reply(output=encode(mock.output), after=after, beats=beats, submitted=submitted)


def mocked(mock: Mock, request: RunTask, frame: Frame, call: Call, execution: Execution) -> Reply:
    """What a mock does for a call. Raises Unfit."""
    waiting = frame.waiting
    assert isinstance(waiting, TaskWait)
    if mock.does == "timeout" and waiting.timeout is None and waiting.heartbeat is None:
        words = (
            "has neither TimeoutSeconds nor HeartbeatSeconds and never times out; write `never: true` if it should wait"
        )
        raise Unfit(f"{call.state} {words}", call.event)
    submitted = None
    if request.submits and not _is_activity(request) and (mock.does != "throw" or mock.after):
        submitted = encode({} if mock.submitted is ABSENT else mock.submitted)
    if mock.does in ("timeout", "never"):
        return Reply(silent=True, submitted=submitted, beats=mock.heartbeats)
    if mock.does == "throw":
        return Reply(
            failed=True,
            error=mock.error,
            cause=mock.cause,
            after=mock.after,
            submitted=submitted,
            beats=mock.heartbeats,
        )
    output = mock.output
    if mock.does == "payload":
        output = _enveloped(output, request, call, execution)
    return Reply(output=encode(output), after=mock.after, submitted=submitted, beats=mock.heartbeats)


def _enveloped(payload: Json | Absent, request: RunTask, call: Call, execution: Execution) -> Json:
    if request.later or not INVOKE.fullmatch(call.resource):
        why = "is answered by token" if request.later else "is no lambda:invoke"
        raise Unfit(f"{call.state} {why}: its mock needs `return` instead of `payload`", call.event)
    return envelope(payload, REQUEST_ID, at=execution.started.at / 1000)


def _is_activity(request: RunTask) -> bool:
    return classify(request.resource).family == "Activity"


def short(value: Json) -> str:
    """A value as a message shows it."""
    text = encode(value)
    return text if len(text) <= 300 else f"{text[:300]}…"
