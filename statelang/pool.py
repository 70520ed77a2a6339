"""The threads that perform tasks.

Rule: they are daemons. A task that hangs holds its thread and nothing else: neither the worker, nor the tasks that
wait behind it once nobody wants its answer, nor the end of the process wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Literal

State = Literal["queued", "running", "abandoned", "done"]


class Job:
    """A piece of work that was handed to a pool, and how far it is."""

    __slots__ = ("state", "work")

    def __init__(self, work: Callable[[], None]) -> None:
        self.work = work
        self.state: State = "queued"


class Pool:
    """Up to `size` threads, made when there is work for them; what exceeds them waits in order."""

    def __init__(self, size: int, name: str = "statelang-task") -> None:
        self.size = size
        self._name = name
        self._work: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._pending = 0

    @property
    def backlog(self) -> int:
        """How many jobs wait for a thread."""
        return self._work.qsize()

    def submit(self, work: Callable[[], None]) -> Job:
        """Have it done on a thread of the pool. `work` must not raise."""
        job = Job(work)
        with self._lock:
            self._pending += 1
            self._work.put(job)
            self._grow()
        return job

    def abandon(self, job: Job) -> None:
        """Nobody wants it any more: while it still runs, another thread does what waits behind it."""
        with self._lock:
            if job.state == "running":
                job.state = "abandoned"
                self.size += 1
                self._grow()

    def _grow(self) -> None:
        if self._pending > self._threads and self._threads < self.size:
            self._threads += 1
            threading.Thread(target=self._run, name=f"{self._name}-{self._threads}", daemon=True).start()

    def _run(self) -> None:
        try:
            while (job := self._work.get()) is not None:
                self._mark(job, "running")
                try:
                    job.work()
                finally:
                    self._mark(job, "done")
        finally:  # what raised all the same has ended its thread: another one does what waits
            with self._lock:
                self._threads -= 1
                self._grow()

    def _mark(self, job: Job, state: State) -> None:
        with self._lock:
            if state == "done":
                self._pending -= 1
                self.size -= job.state == "abandoned"
            job.state = state

    def close(self) -> None:
        """Let the idle threads end; those that work end with the process."""
        for _ in range(self._threads):
            self._work.put(None)
