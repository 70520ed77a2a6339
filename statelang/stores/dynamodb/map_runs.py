"""Map Runs, nested executions and activities: what a DynamoDB store does not keep yet, refused by name.

Rule: what cannot be kept is refused before anything of it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from statelang.core.execution import Head, Started, Status
from statelang.core.map_run import MapRun, Tally
from statelang.core.stimulus import Posted
from statelang.errors import MapRunNotFound, StoreError
from statelang.ports import Commit, Queued


def refuse_beyond(commits: Sequence[Commit], place: str) -> None:
    """Raises StoreError where a commit concerns more than its own execution."""
    for commit in commits:
        runs = any(step.runs for step in commit.steps)
        if runs or commit.begun or commit.tallies or commit.sends or commit.queued:
            what = "Distributed Maps" if runs or commit.tallies else "nested executions and unbound activities"
            raise StoreError(
                f"{place}: a DynamoDB store does not keep {what} yet; use SQLite for {commit.lease.execution}"
            )


class NoMapRuns:
    """What a store without Map Runs and activities answers."""

    def map_run(self, id: str) -> tuple[MapRun, Tally]:
        raise MapRunNotFound(f"there is no Map Run {id!r}: a DynamoDB store does not keep them yet")

    def map_runs(self, execution: str) -> Sequence[tuple[MapRun, Tally]]:
        return ()

    def members(
        self, map_run: str, statuses: Collection[Status], *, first: int = 0, limit: int = 1_000
    ) -> Sequence[tuple[int, str]]:
        return ()

    def children(self, map_run: str, *, first: int = 0, limit: int = 1_000) -> Sequence[tuple[Started, Head]]:
        return ()

    def take(self, activity: str, started: Callable[[str], Posted]) -> Queued | None:
        return None
