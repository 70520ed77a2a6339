"""The lease of a worker on a DynamoDB store, and what is known of other workers' leases.

A worker has one item, in the queue of workers, due when its lease ends. What it holds stands in a queue under its name.

Rule: a lease tells whether work is worth taking over; what makes taking it over safe is the epoch of the execution.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from statelang.stores.dynamodb.calls import Calls
from statelang.stores.dynamodb.items import ALONE, WORKERS, held_by, id_of, number

RENEWALS: Final = 3
"""How often a lease is renewed while it lasts."""


def wall_clock() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Owner:
    """This worker, from the first thing it holds on."""

    def __init__(self, calls: Calls, now: Callable[[], int], lease: int) -> None:
        self.name = ""
        self._calls = calls
        self._now = now
        self._lease = lease
        self._renewed = 0

    def renew(self) -> None:
        """Have a lease, and renew it at a third: one write for all that this worker holds."""
        now = self._now()
        if self.name and now - self._renewed < self._lease // RENEWALS:
            return
        self.name = self.name or os.urandom(8).hex()
        until = {"N": str(now + self._lease)}
        item = {"pk": {"S": f"w:{self.name}"}, "sk": {"S": ALONE}, "queue": {"S": WORKERS}, "due": until}
        self._calls.put_all([item])
        self._renewed = now

    def leave(self) -> None:
        """Give the lease back: it held nothing any more."""
        if self.name:
            self._calls.delete_all([(f"w:{self.name}", ALONE)])
        self.name = ""

    def lives(self, owner: str) -> bool:
        """Whether a worker's lease has not ended."""
        item = self._calls.get(f"w:{owner}", ALONE)
        return item is not None and number(item, "due") > self._now()

    def dead(self) -> list[str]:
        """The workers whose leases have ended."""
        values = {":workers": {"S": WORKERS}, ":now": {"N": str(self._now())}}
        items = self._calls.query("queue = :workers AND due < :now", values, index="due")
        owners = [item["pk"]["S"].removeprefix("w:") for item in items]
        return [owner for owner in owners if owner != self.name]

    def left_by(self, owner: str, limit: int) -> list[str]:
        """What a dead worker held; one that held nothing is forgotten."""
        values = {":his": {"S": held_by(owner)}}
        left = [id_of(i["pk"]["S"]) for i in self._calls.query("queue = :his", values, index="due", limit=limit)]
        if not left and not self.lives(owner):
            self._calls.delete_all([(f"w:{owner}", ALONE)])
        return left
