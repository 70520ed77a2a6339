"""The threads that perform tasks.

Rule: they are daemons. A task that hangs holds its thread and nothing else: neither the worker nor the end of the
process waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Pool:
    """Up to `size` threads, made when there is work for them; what exceeds them waits in order."""

    def __init__(self, size: int, name: str = "statelang-task") -> None:
        self.size = size
        self._name = name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._pending = 0

    def submit(self, work: Callable[[], None]) -> None:
        """Have it done on a thread of the pool. `work` must not raise."""
        with self._lock:
            self._pending += 1
            grow = self._pending > self._threads and self._threads < self.size
            self._threads += grow
            number = self._threads
        self._work.put(work)
        if grow:
            threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()

    def resize(self, by: int) -> None:
        """Allow more threads (or fewer): one that works at what nobody wants any more must not hold up the others."""
        with self._lock:
            self.size += by

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            finally:
                with self._lock:
                    self._pending -= 1

    def close(self) -> None:
        """Let the idle threads end; those that work end with the process."""
        for _ in range(self._threads):
            self._work.put(None)
