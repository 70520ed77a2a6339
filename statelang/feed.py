"""What one Map Run is fed with: items that were read and have not been given to children, and how its children stand.

Rule: no more is read ahead than AHEAD items, or AHEAD_BYTES of a text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Final

from statelang.core.frame import RunWait
from statelang.core.inputs import Inputs
from statelang.core.map_run import MapRun, Tally
from statelang.core.stimulus import ItemsRead
from statelang.errors import Fault
from statelang.items.item import Item
from statelang.items.source import name_of, unread
from statelang.live import Live
from statelang.ports import Integrations

AHEAD: Final = 1_000
"""How many items are read ahead."""

AHEAD_BYTES: Final = 4 * 1024 * 1024
"""How many bytes of a text are read ahead."""


class Feed:
    """One Map Run: what was read for it and not yet given to children, and how its children stand."""

    def __init__(self, live: Live, id: str, tally: Tally, waiting: RunWait, inputs: Inputs) -> None:
        self.live = live
        self.id = id
        self.tally = tally
        self.waiting = waiting
        self.inputs = inputs
        self.buffer: deque[Item] = deque()
        self.items: Iterator[Item] | None = None
        self.name = name_of(waiting)
        self.done = False
        self.problem: Fault | None = None
        self.reading = False
        self.hungry = False
        self.writing = False
        self.stopping = False
        self.counting = False
        self.tried = 0

    @property
    def run(self) -> MapRun | None:
        """The Map Run as it is now; None: it has ended."""
        return self.live.execution.runs.get(self.id)

    def read(self) -> None:
        """Read some more items, on whatever thread."""
        assert self.items is not None
        first = count = 0
        for count, item in enumerate(islice(self.items, AHEAD), start=1):
            self.buffer.append(item)
            if type(item.mark) is int:
                first = item.mark if count == 1 else first
                if item.mark - first > AHEAD_BYTES:
                    return
        if count < AHEAD:
            self.done = True

    def pending(self, run: MapRun, integrations: Integrations) -> Iterator[str]:
        """What the children would get that a Map Run has not begun. Iterating raises Fault."""
        items = unread(self.waiting, integrations.objects, run)
        given = ((item.value, item.key, item.source or self.name) for item in items)
        return (text for _, text in self.inputs.of(given, run.read, exhausted=True))

    def was_read(self) -> None:
        """Nothing is being read: said by the worker's thread, when it knows what was."""
        self.reading = False

    def was_written(self) -> None:
        """Nothing is being written."""
        self.writing = False

    def stimulus(self, at: int, entropy: bytes, most: int) -> ItemsRead:
        """The next items, as the machine is told of them."""
        run = self.run
        assert run is not None
        some = list(islice(self.buffer, most))
        exhausted = self.done and self.problem is None and len(some) == len(self.buffer)
        keys = [item.key for item in some if item.key is not None]
        return ItemsRead(
            at,
            entropy,
            run.token,
            run.read,
            [item.value for item in some],
            [item.mark for item in some],
            self.tally,
            [item.source or self.name for item in some],
            exhausted,
            keys if some and len(keys) == len(some) else None,
        )
