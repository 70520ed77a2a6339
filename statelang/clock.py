"""Time for the worker: the real clock, behind the one interface that tests replace by a virtual one.

Rule: the worker asks nobody else for the time, and waits nowhere else.
"""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

Message = TypeVar("Message")


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        ...

    def wait(self, queue: SimpleQueue[Message], until: int | None, *, poll: int | None, busy: bool) -> Message | None:
        """The next message, or None when it is time to look around.

        That is at `until` (None: never), or after `poll` milliseconds, in which other processes may have written
        something (None: nobody else writes). `busy`: tasks are under way, whose answers will come as messages.
        """
        ...


class RealClock:
    """The clock of this machine."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def wait(self, queue: SimpleQueue[Message], until: int | None, *, poll: int | None, busy: bool) -> Message | None:
        pauses = [pause for pause in (None if until is None else until - self.now(), poll) if pause is not None]
        try:
            return queue.get(timeout=max(0, min(pauses)) / 1000 if pauses else None)
        except Empty:
            return None
