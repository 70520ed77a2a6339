"""Wait: lets its input through when the time has come (asl.md 1.3, 2.3).

Rule: the time is evaluated once, when the state is entered; a checkpoint holds the moment, not the span.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from statelang.core import flow
from statelang.core.dataflow import passed, path_input
from statelang.core.frame import Frame, TimerWait
from statelang.core.stimulus import TimerFired
from statelang.core.transition import Transition
from statelang.errors import Fault
from statelang.program import Wait

TOO_LONG: Final = "Wait state delay is too long."


def enter(t: Transition, frame: Frame, node: Wait) -> None:
    """Begin to wait; a time that has come already is not waited for."""
    frame = flow.enter(t, frame, node)
    due = _due(t, frame, node)
    limit = t.started.limits.wait_seconds
    if limit is not None and due - t.at > limit * 1000:
        raise Fault("States.Runtime", TOO_LONG)
    if due <= t.at:
        _leave(t, frame, node)
    else:
        t.put(replace(frame, phase="waiting", waiting=TimerWait(t.next_number(), due)))


def fired(t: Transition, frame: Frame, node: Wait, stimulus: TimerFired) -> None:
    """The time has come."""
    _leave(t, frame, node)


def _leave(t: Transition, frame: Frame, node: Wait) -> None:
    flow.leave(t, frame, node, passed(t, frame, node), node.next)


def _due(t: Transition, frame: Frame, node: Wait) -> int:
    scope = t.scope(frame, path_input(t, frame, node))
    if node.seconds is not None:
        return t.at + round(float(node.seconds(scope)) * 1000)
    assert node.timestamp is not None
    return int(node.timestamp(scope))
