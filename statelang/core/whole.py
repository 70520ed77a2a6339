"""What happens to an execution as a whole: it is stopped, or its time is over: its TimeoutSeconds, or the five
minutes of an Express child (asl.md 1.1, 6, 10.4).

Rule: such an end is told alone: AWS was recorded to tell nothing of the states that are still open then.
"""

from __future__ import annotations

from statelang.core.execution import Started
from statelang.core.flow import end_execution
from statelang.core.stimulus import Stopped, TimerFired
from statelang.core.transition import Transition
from statelang.program import Program


def deadline(program: Program, started: Started, at: int) -> int | None:
    """When an execution that begins at `at`, or is redriven then, has taken too long (milliseconds since 1970)."""
    seconds = None if started.entry else program.timeout_seconds
    if started.is_express:
        seconds = started.limits.express_seconds
    return None if seconds is None else at + seconds * 1000


def timed_out(t: Transition, stimulus: TimerFired) -> None:
    """The whole execution has taken too long; nothing catches that."""
    deadline = t.execution.head.deadline
    if deadline is not None and deadline <= stimulus.at:
        end_execution(t, "TIMED_OUT", 0, None, None)


def stopped(t: Transition, stimulus: Stopped) -> None:
    """Somebody stops it. AWS was recorded to hang the event on nothing (previousEventId 0)."""
    end_execution(t, "ABORTED", 0, stimulus.error, stimulus.cause)
