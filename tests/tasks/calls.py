"""Calls as integrations get them, for tests that perform tasks by hand."""

from __future__ import annotations

import threading

from statelang import TaskCall
from statelang.values import Json


def call(
    input: Json = None, resource: str = "python:a:b", cancel: threading.Event | None = None, **parts: Json
) -> TaskCall:
    """A first attempt of a task."""
    return TaskCall(
        resource=resource,
        input=input,
        token="e.1.00",
        idempotency_key="e.0.2",
        cancel=cancel or threading.Event(),
        **{"attempt": 0, "deadline": None, "context": {"Execution": {"Name": "e"}, "State": {"Name": "S"}}, **parts},
    )
