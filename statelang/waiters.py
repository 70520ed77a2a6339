"""Waiters: who waits for an execution to end, on a thread of their own.

Rule: whoever waits from before a start on misses no end, however soon it comes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from statelang.result import Result


class Waiter:
    """Somebody waits for an execution to end; `done` is set when it has, or cannot be driven here."""

    __slots__ = ("_problem", "_result", "done")

    def __init__(self) -> None:
        self.done = threading.Event()
        self._result: Result | None = None
        self._problem: BaseException | None = None

    def tell(self, result: Result | None, problem: BaseException | None) -> None:
        """It has ended, or there is a problem."""
        self._result, self._problem = result, problem
        self.done.set()

    def outcome(self) -> Result:
        """How it ended. Raises what kept it from ending here."""
        if self._problem is not None:
            raise self._problem
        assert self._result is not None
        return self._result


class Waiters:
    """All that wait, by the name of what they wait for. Safe from many threads."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Waiter]] = {}
        self._guard = threading.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._waiting

    @contextmanager
    def waiting(self, name: str) -> Iterator[Waiter]:
        """Somebody who waits meanwhile."""
        waiter = Waiter()
        with self._guard:
            self._waiting.setdefault(name, []).append(waiter)
        try:
            yield waiter
        finally:
            with self._guard:
                waiting = self._waiting[name]
                waiting.remove(waiter)
                if not waiting:
                    del self._waiting[name]

    def tell(self, name: str, result: Result | None = None, problem: BaseException | None = None) -> None:
        """Tell all who wait for an execution."""
        with self._guard:
            for waiter in self._waiting.get(name, ()):
                waiter.tell(result, problem)
