"""Time-outs: what could wait for ever, and what ends before it can be done (asl.md 6, 8.1).

Rule: what is bounded by the service that performs it (a function, an API call) is left alone; what waits for somebody
to answer is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from statelang.compiler.rules.rule import Found, Rule, one
from statelang.compiler.scopes import StateAt
from statelang.compiler.substitutions import is_open
from statelang.values import encode

LIMITS: Final = ("TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath")
EXPRESS_SECONDS: Final = 300
"""How long an EXPRESS execution may take."""

TOKEN: Final = ".waitForTaskToken"
_TOKEN_GIVEN: Final = re.compile(r'Task\W+Token|"\$\$(\.Task)?"|\$states\.context(\.Task)?(?![\w.])')
"""The token by name, or the whole of what holds it."""


def _resource(at: StateAt) -> str:
    resource = at.value.get("Resource")
    return resource if at.kind == "Task" and isinstance(resource, str) else ""


def is_activity(resource: str) -> bool:
    """Whether a Resource is an activity that workers poll for."""
    return resource.startswith("arn:") and ":activity:" in resource


def _limited(at: StateAt) -> bool:
    return any(name in at.value for name in LIMITS) or "TimeoutSeconds" in at.scope.machine


def waits_for_ever(at: StateAt) -> Iterator[Found]:
    """A task that somebody must answer has a limit."""
    resource = _resource(at)
    if (resource.endswith(TOKEN) or is_activity(resource)) and not _limited(at):
        who = "a worker" if is_activity(resource) else "whoever holds the token"
        message = f"If {who} never answers, this waits for ever: neither the state nor the machine has a time-out"
        yield Found(message, at.place, "set TimeoutSeconds, or HeartbeatSeconds", on_key=True)


def job_for_ever(at: StateAt) -> Iterator[Found]:
    """A job that is waited for has a limit."""
    if _resource(at).endswith((".sync", ".sync:2")) and not _limited(at):
        message = "If the job hangs, this waits as long as the execution lives: there is no time-out"
        yield Found(message, at.place, "set TimeoutSeconds", on_key=True)


def no_token(at: StateAt) -> Iterator[Found]:
    """A callback's request carries its token."""
    if not _resource(at).endswith(TOKEN):
        return
    key = "Arguments" if at.language == "JSONata" else "Parameters"
    given = at.value.get(key)
    if given is None or not (isinstance(given, str) or is_open(given) or _TOKEN_GIVEN.search(encode(given))):
        where = "$states.context.Task.Token" if at.language == "JSONata" else "$$.Task.Token"
        yield Found(f"The request does not carry {where}: nobody could answer it", at.place / key, on_key=True)


def express_time(at: StateAt) -> Iterator[Found]:
    """An EXPRESS execution lives five minutes."""
    for field in ("TimeoutSeconds", "HeartbeatSeconds", "Seconds"):
        value = at.value.get(field)
        if type(value) is int and value > EXPRESS_SECONDS:
            message = f"An EXPRESS execution ends after {EXPRESS_SECONDS} seconds: this never gets to its end"
            yield Found(message, at.place / field)


_QUEUE: Final = {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/work"}
_ASK: Final = {"Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
               "Parameters": {**_QUEUE, "MessageBody": {"token.$": "$$.Task.Token"}}}  # fmt: skip
_JOB: Final = {"Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": {"JobName": "nightly"}}

ROWS: Final = (
    Rule(
        "SL020",
        "WARNING",
        "A callback or an activity is answered by somebody else. If that somebody is lost, the state waits for ever "
        "and nobody is told. Give the state TimeoutSeconds or HeartbeatSeconds, or the machine TimeoutSeconds.",
        one("Task", **_ASK),
        one("Task", **_ASK, TimeoutSeconds=86400),
        state=waits_for_ever,
    ),
    Rule(
        "SL021",
        "INFO",
        "A job that is waited for (.sync) may hang. Without TimeoutSeconds the state waits as long as the execution "
        "lives, up to a year.",
        one("Task", **_JOB),
        one("Task", **_JOB, TimeoutSeconds=7200),
        state=job_for_ever,
    ),
    Rule(
        "SL022",
        "WARNING",
        "Whoever is to answer a .waitForTaskToken task needs its token, $$.Task.Token ($states.context.Task.Token in "
        "JSONata), in the request.",
        one("Task", Resource=_ASK["Resource"], TimeoutSeconds=60, Parameters={**_QUEUE, "MessageBody.$": "$.id"}),
        one("Task", **_ASK, TimeoutSeconds=60),
        state=no_token,
    ),
    Rule(
        "SL023",
        "WARNING",
        "An EXPRESS execution lives five minutes: a longer wait or time-out in it is never reached.",
        one("Wait", Seconds=600),
        one("Wait", Seconds=200),
        state=express_time,
        type="EXPRESS",
    ),
)  # fmt: skip
"""The rows of this subject."""
