"""Stopping the children of Map Runs: of those that were stopped with their parents, and of those that are to fail.

Rule: no child is passed over because the store is in trouble: what is left is stopped as soon as it answers.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from statelang.core.execution import Status
from statelang.core.stimulus import Stopped
from statelang.errors import ExecutionNotFound, StoreError

if TYPE_CHECKING:
    from statelang.worker import Worker

RUNNING: Final[tuple[Status, ...]] = ("RUNNING",)


class Stopping:
    """The Map Runs of one worker whose children are to be stopped."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._left: dict[str, None] = {}

    def stop(self, map_run: str) -> None:
        """Stop the children of a Map Run that are on their way, whoever drives them."""
        self._left[map_run] = None
        self.go_on()

    def go_on(self) -> None:
        """Stop those that are left."""
        while self._left:
            map_run = next(iter(self._left))
            try:
                self._stop(map_run)
            except StoreError:
                return
            self._left.pop(map_run, None)

    def _stop(self, map_run: str) -> None:
        worker = self._worker
        for _, child in worker.store.members(map_run, RUNNING, limit=1 << 30):
            stopped = Stopped(worker.clock.now())
            if child in worker.live or worker.follow(child, "settle"):
                worker.step(worker.live[child], stopped)
            else:
                with suppress(ExecutionNotFound):  # removed since
                    worker.store.post(child, stopped)
