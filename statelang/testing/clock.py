"""A clock that stands still until there is nothing to do, and then jumps ahead: a year's wait costs nothing.

Rule: time never goes back, and never ahead while a task is under way.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import Final, TypeVar

Message = TypeVar("Message")

START: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z in milliseconds since 1970."""

REAL_PAUSE: Final = 0.05
"""How long to wait for somebody else, in real seconds, when no timer is left."""


class VirtualClock:
    """Virtual time for an Engine. See `statelang.clock.Clock`."""

    def __init__(self, now: int = START) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def advance(self, milliseconds: int) -> None:
        """Let time pass."""
        self._now += milliseconds

    def wait(self, queue: SimpleQueue[Message], until: int | None, *, poll: int | None, busy: bool) -> Message | None:
        try:
            return queue.get(timeout=REAL_PAUSE if busy or until is None else 0.001)
        except Empty:
            if until is not None and not busy:
                self._now = max(self._now, until)
            return None
