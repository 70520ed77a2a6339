"""The timers of a worker: when which execution is due next.

Rule: an execution tells when it is due; an entry here is only a reminder to ask it, and one that is out of date is
passed over.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Final

from statelang.live import Live

LEAST: Final = 1_000
"""From how many entries on those that are out of date are cleared away, once they are more than half."""


class Timers:
    """One heap for all executions a worker drives (`known`). Times in milliseconds since 1970."""

    def __init__(self, known: Mapping[str, Live]) -> None:
        self._known = known
        self._heap: list[tuple[int, str]] = []

    @property
    def next(self) -> int | None:
        """The time of the next one; it may turn out to be out of date."""
        return self._heap[0][0] if self._heap else None

    def set(self, live: Live) -> None:
        """Remember when an execution is due, if that is not known already."""
        timer = live.execution.due()
        if timer is not None and timer[0] != live.timer:
            live.timer = timer[0]
            heapq.heappush(self._heap, (timer[0], live.lease.execution))
            if len(self._heap) > max(LEAST, 2 * len(self._known)):
                self._heap = [(live.timer, id) for id, live in self._known.items() if live.timer is not None]
                heapq.heapify(self._heap)

    def due(self, now: int) -> Iterator[Live]:
        """Those whose time has come, each once."""
        while self._heap and self._heap[0][0] <= now:
            at, id = heapq.heappop(self._heap)
            live = self._known.get(id)
            if live is not None and live.timer == at:
                live.timer = None
                yield live
