"""The Lambda functions of the recordings, by what the recording says they do."""

from __future__ import annotations

import json
import re

from statelang.ports import Failed
from statelang.tasks.lambda_function import envelope, error_text
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
    return Reply(output=encode(envelope(value, REQUEST_ID, at=0) if invoked else value), after=after)


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
    return error_text(Failed(kind, message, (trace,)), REQUEST_ID, compact=compact)
