"""The executions that a worker has set aside: what it gave up and still holds, and what it could not take over.

Rule: nothing here touches the store; it only remembers when which one is tried again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from statelang.errors import StoreError
from statelang.ports import Lease

RETRY_MS: Final = 60_000
"""When one that could not be taken over is looked at again."""

TROUBLE_MS: Final = 5_000
"""When what a trouble of the store has stopped is tried again."""


class Aside:
    """Leases that were kept of executions given up, and executions refused until a time (ms since 1970)."""

    def __init__(self) -> None:
        self._leases: dict[str, tuple[Lease, int | None]] = {}
        self._refused: dict[str, int] = {}

    def keep(self, lease: Lease, problem: BaseException, now: int) -> None:
        """Keep a lease, so that nobody else tries the same again and again.

        Where the store was in trouble, it is tried again here before long; else whenever somebody asks for it.
        """
        self._leases[lease.execution] = (lease, now + TROUBLE_MS if isinstance(problem, StoreError) else None)

    def lease(self, id: str) -> Lease | None:
        """The lease that was kept of an execution, which is kept no longer."""
        kept = self._leases.pop(id, None)
        return None if kept is None else kept[0]

    def refuse(self, id: str, now: int) -> bool:
        """Leave an execution to others for a while; returns whether this is new."""
        new = id not in self._refused
        self._refused[id] = now + RETRY_MS
        return new

    def accept(self, id: str) -> None:
        """It could be taken over after all."""
        self._refused.pop(id, None)

    @property
    def refused(self) -> int:
        """How many executions are refused now."""
        return len(self._refused)

    def to_try(self, due: Collection[str], now: int) -> Iterator[str]:
        """What is worth a try now: of what is `due` in the store what is not refused, and what a trouble stopped."""
        known = set(due)
        self._refused = {id: at for id, at in self._refused.items() if id in known}
        yield from [id for id, (_, at) in self._leases.items() if at is not None and _is_past(at, now)]
        for id in due:
            if _is_past(self._refused.get(id, 0), now):
                yield id


def _is_past(at: int, now: int) -> bool:
    """Whether a time is over; one that is further away than any is put has seen the clock set back."""
    return not now < at <= now + RETRY_MS
