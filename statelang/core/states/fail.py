"""Fail: ends its States object badly, with an Error and a Cause (asl.md 1.3).

Rule: nothing of a Fail state reaches its output: the error is all that leaves it.
"""

from __future__ import annotations

from statelang.core import flow
from statelang.core.failure import Failure, fail
from statelang.core.frame import Frame
from statelang.core.transition import Transition
from statelang.program import Fail


def enter(t: Transition, frame: Frame, node: Fail) -> None:
    """Fail here; neither field is there unless it was written."""
    frame = flow.enter(t, frame, node)
    scope = t.scope(frame, frame.input.json)
    error = None if node.error is None else node.error(scope)
    cause = None if node.cause is None else node.cause(scope)
    fail(t, frame, Failure(error, cause, frame.previous))
