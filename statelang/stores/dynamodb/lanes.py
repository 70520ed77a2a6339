"""Lanes: what is done side by side where each call waits for the network.

Rule: all of it is done before anything that went wrong is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

LANES: Final = 8

Given = TypeVar("Given")
Found = TypeVar("Found")


class Lanes:
    """A few threads, made when there is more than one thing to do."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def each(self, do: Callable[[Given], Found], given: Sequence[Given]) -> list[Found]:
        """Do it for each; the results in order. Raises the first error, once all are done."""
        if len(given) <= 1:
            return [do(one) for one in given]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(LANES, thread_name_prefix="statelang-dynamodb")
        futures = [self._pool.submit(do, one) for one in given]
        problems = [problem for future in futures if (problem := future.exception()) is not None]
        if problems:
            raise problems[0]
        return [future.result() for future in futures]

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
