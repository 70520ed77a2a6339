"""The lookout of a worker: what other processes have written, posts and executions that nobody drives.

Rule: it looks as often as is worth it, whatever the clock does; and a store that cannot be read for a moment is no
reason to let go of what is driven here.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from statelang.errors import StoreError
from statelang.ports import Post

if TYPE_CHECKING:
    from statelang.worker import Worker

TROUBLE_MS: Final = 60_000
"""How long the store may be in trouble, in milliseconds, before that breaks the worker."""


class Lookout:
    """Looks around for one worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._posts: deque[Post] = deque()
        self._looked = 0
        self._troubled: int | None = None

    def hurry(self) -> None:
        """There may be something now."""
        self._looked = 0

    def look(self, now: int) -> None:
        """Take what others have posted, and take over what nobody drives, if it is time for that."""
        worker = self._worker
        if 0 <= now - self._looked < worker.store.poll_ms and worker.live:  # a clock set back holds nothing up
            return
        self._looked = now
        try:
            if worker.live:
                self.take_posts()
            if worker.adopts:
                worker.takeovers.adopt_due(now)
            self._troubled = None
        except StoreError:
            self._troubled = now if self._troubled is None else min(now, self._troubled)
            if now - self._troubled > TROUBLE_MS:
                raise

    def take_posts(self) -> None:
        """Let what was posted to executions that are driven here happen."""
        self._posts.extend(self._worker.store.posts())
        while self._posts:  # one that could not be taken stays: the store tells of it but once
            if (live := self._worker.live.get(self._posts[0].execution)) is not None:
                self._worker.take_post(live, self._posts[0])
            self._posts.popleft()
