"""What happens to an execution as a whole: it is stopped, or its TimeoutSeconds are over (asl.md 1.1, 10.4).

Rule: such an end is told alone: AWS was recorded to tell nothing of the states that are still open then.
"""

from __future__ import annotations

from statelang.core.flow import end_execution
from statelang.core.stimulus import Stopped, TimerFired
from statelang.core.transition import Transition


def timed_out(t: Transition, stimulus: TimerFired) -> None:
    """The whole execution has taken too long; nothing catches that."""
    deadline = t.execution.head.deadline
    if deadline is not None and deadline <= stimulus.at:
        end_execution(t, "TIMED_OUT", 0, None, None)


def stopped(t: Transition, stimulus: Stopped) -> None:
    """Somebody stops it. AWS was recorded to hang the event on nothing (previousEventId 0)."""
    end_execution(t, "ABORTED", 0, stimulus.error, stimulus.cause)
