"""The results of Map Runs that were stopped with their parents: written when their children have ended too.

Nobody waits for them, and the parent's end is in the store already. So this is done as best it can: by the process that
stopped the Map Run, while it lives.

Rule: nothing here changes an execution.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from statelang.collecting import Collecting
from statelang.core.map_run import MapRun
from statelang.errors import MapRunNotFound, StoreError
from statelang.feed import Feed
from statelang.messages import Fed, Message
from statelang.pool import Pool
from statelang.ports import Store


class Parting:
    """The Map Runs of one worker whose results are still to be written though they were stopped."""

    def __init__(self, store: Store, pool: Pool, tell: Callable[[Message], None]) -> None:
        self._store = store
        self._pool = pool
        self._tell = tell
        self._feeds: dict[str, Feed] = {}
        self._due: set[str] = set()
        self._again: set[str] = set()
        self._under_way: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether something is being written."""
        return bool(self._under_way)

    @property
    def moves(self) -> bool:
        """Whether something is being written, or may be now."""
        return bool(self._due or self._under_way)

    @property
    def due(self) -> bool:
        """Whether something may be written now."""
        return bool(self._due)

    def keep(self, feed: Feed) -> None:
        """A Map Run was stopped."""
        if feed.waiting.writer is not None:
            self._feeds[feed.id] = feed
            self._due.add(feed.id)

    def look(self, id: str) -> None:
        """Something has come to an end that was under way for a Map Run."""
        self._under_way.discard(id)
        if id in self._feeds:
            self._due.add(id)

    def forget(self, id: str) -> None:
        """A Map Run goes on."""
        self._feeds.pop(id, None)
        self._due.discard(id)

    def write(self, collecting: Callable[[Feed, MapRun], Collecting]) -> None:
        """Write the results of those whose children have ended."""
        due, self._due, self._again = self._due | self._again, set(), set()
        for id in due:
            feed = self._feeds[id]
            try:
                run, tally = self._store.map_run(id)
            except StoreError:
                self._again.add(id)
                continue
            except MapRunNotFound:  # removed since
                del self._feeds[id]
                continue
            if run.status == "ABORTED" and not feed.writing and run.running(tally) <= 0:
                del self._feeds[id]
                self._under_way.add(id)
                self._pool.submit(partial(self._write, id, collecting(feed, run)))

    def _write(self, id: str, collecting: Collecting) -> None:
        """On a thread of its own."""
        collecting.stopped()
        self._tell(Fed(id))
