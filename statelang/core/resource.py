"""What a Resource means to the machine: which events tell of it, when its answer comes, whether it has a token.

Rule: this looks at the text of the URI alone. What performs the task is chosen by bindings and never known here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

REFUSED: Final = "The Parameters '{}' could not be used to start the Task: [{}]"
"""AWS's text for parameters that it would not start a task with: these as JSON, and what is wrong with them."""

Family = Literal["LambdaFunction", "Activity", "Task"]

_SERVICE: Final = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:(?P<type>(?:aws-sdk:)?[^:]+):(?P<action>[^:]+)")
_LATER: Final = ".waitForTaskToken"
_SUBMITS: Final = (".sync", ".sync:2", _LATER)


class Resource(NamedTuple):
    """`family` begins the names of its events; `type` and `action` are their resourceType and resource.

    `submits`: TaskSubmitted tells that the request was performed (`.sync`, `.waitForTaskToken`). `later`: the task's
    own answer comes by token, not from who performs the request. `has_token`: `$$.Task.Token` exists in its fields.
    `shown` is the name AWS's texts use for it.
    """

    family: Family
    type: str
    action: str
    submits: bool
    later: bool
    has_token: bool
    shown: str


@lru_cache(maxsize=4096)
def classify(uri: str) -> Resource:
    """The meaning of a Resource as written."""
    parts = uri.split(":")
    if parts[0] == "arn" and len(parts) > 5:
        if parts[2] == "lambda":
            return Resource("LambdaFunction", "lambda", uri, False, False, False, uri)
        if parts[2] == "states" and parts[5] == "activity":
            return Resource("Activity", "activity", uri, True, True, True, uri)
        return _service(uri)
    scheme, _, rest = uri.partition(":")
    return Resource("Task", scheme, rest, False, False, True, uri)


def _service(uri: str) -> Resource:
    whole = uri[:-2] if uri.endswith(":2") else uri
    match = _SERVICE.fullmatch(whole)
    if match is None:
        return Resource("Task", "", uri, False, False, True, uri)
    action = match["action"] + uri[len(whole) :]
    submits, later = action.endswith(_SUBMITS), action.endswith(_LATER)
    return Resource("Task", match["type"], action, submits, later, submits, match["type"])
