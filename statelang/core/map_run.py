"""Map Runs: what a Distributed Map keeps of the child executions it begins (asl.md 7.2 to 7.5).

A Map Run is a row of its own. Whoever drives the parent execution drives it, and writes it with the parent's commits;
only its Tally is written by others too, in the last commit of each child.

Rule: nothing here grows with the number of items: items are read as there is room for them, and children are rows.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from msgspec.structs import replace

from statelang.values import Json

if TYPE_CHECKING:
    from statelang.core.execution import Started, Status

RunStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
Need = Literal["read", "revive", "stop", "collect"]


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many child executions of a Map Run have ended, by how they did, and how many items they had. Only added to.

    A child that is redriven is counted off again.
    """

    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    aborted: int = 0
    items_succeeded: int = 0
    items_failed: int = 0
    items_timed_out: int = 0
    items_aborted: int = 0

    @property
    def ended(self) -> int:
        """Child executions that have ended, one way or the other."""
        return self.succeeded + self.failed + self.timed_out + self.aborted

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(one + another for one, another in zip(self.counts(), other.counts())))

    def counts(self) -> tuple[int, ...]:
        """All eight, in the order of the fields."""
        return msgspec.structs.astuple(self)


NOTHING: Final = Tally()


def tally_of(status: Status, items: int, times: int = 1) -> Tally:
    """What one child that ended this way counts; `times` -1 counts it off."""
    name = status.lower()
    return Tally(**{name: times, f"items_{name}": items * times})


class Written(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the results are written: the first child that is not, and the files there are, as (key, bytes)."""

    next: int = 0
    succeeded: list[tuple[str, int]] = []
    failed: list[tuple[str, int]] = []


class MapRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """One Map Run. Times in milliseconds since 1970.

    `execution` is the parent and `state` its Map state, whose frame waits with `token`. `read` items were given to
    `made` children; `cursor` is the source's own word for where it goes on, `exhausted`: there is nothing more.
    `total` is how many items there are, where that is known before all are read. `ending` is what has been decided
    while children still stop or results are written; `reviving` the first child a redrive has not looked at yet.
    `tolerated_count` and `tolerated_percentage` are of items, None: not given.
    """

    id: str
    arn: str
    execution: str
    token: str
    state: str
    label: str
    at: int
    express: bool = False
    max_concurrency: int = 0
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None
    status: RunStatus = "RUNNING"
    ending: RunStatus | None = None
    error: str | None = None
    cause: str | None = None
    stopped_at: int | None = None
    redrives: int = 0
    redriven_at: int | None = None
    read: int = 0
    made: int = 0
    exhausted: bool = False
    cursor: Json = None
    reviving: int | None = None
    written: Written = Written()
    total: int | None = None

    def running(self, tally: Tally) -> int:
        """How many children are on their way."""
        return self.made - tally.ended

    def room(self, tally: Tally, ceiling: int | None) -> int:
        """How many more children may be begun now; `ceiling` holds where MaxConcurrency says nothing less."""
        sizes = [size for size in (self.max_concurrency or None, ceiling) if size is not None]
        return max(0, min(sizes) - self.running(tally)) if sizes else 1 << 30


def exceeded(run: MapRun, tally: Tally) -> bool:
    """Whether more items have failed than are tolerated; the percentage is of all items there are.

    A child that somebody stopped counts as failed: its item was not done, and nobody else would say so.
    """
    failed, count, percentage = _failed(tally), run.tolerated_count, run.tolerated_percentage
    if count is None and percentage is None:
        count = 0
    if count is not None and failed > count:
        return True
    if not percentage:
        return percentage is not None and failed > 0
    total = run.read if run.exhausted else run.total
    return total is not None and failed * 100 > percentage * total


def suspect(run: MapRun, tally: Tally) -> bool:
    """Whether it has to be found out how many items there are: of those read so far, too many have failed."""
    going_on = run.status == "RUNNING" and run.ending is None and run.reviving is None
    if not going_on or run.exhausted or run.total is not None or run.tolerated_percentage is None:
        return False
    return _failed(tally) * 100 > run.tolerated_percentage * run.read


def _failed(tally: Tally) -> int:
    return tally.items_failed + tally.items_timed_out + tally.items_aborted


def needed(run: MapRun, tally: Tally, ceiling: int | None) -> Need | None:
    """What has to be done for a Map Run now, outside the machine."""
    if run.status != "RUNNING":
        return None
    if run.ending is not None:
        return "collect" if run.running(tally) <= 0 else "stop" if run.ending != "SUCCEEDED" else None
    if run.room(tally, ceiling) <= 0:
        return None
    return "revive" if run.reviving is not None else None if run.exhausted else "read"


def child_name(run: str, index: int) -> str:
    """The name of a child: a hash of the Map Run and the child's index. Names of one run sort by index."""
    digits = hashlib.sha256(f"map run {run}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[12:15]}-a{digits[15:18]}-{index:012x}"


def child_of(parent: Started, run: MapRun, index: int, input: str, items: int, at: int) -> Started:
    """What a child execution is from its start on: the same definition, entered at the Map state's ItemProcessor."""
    name = child_name(run.id, index)
    machine = f"{parent.machine.partition('/')[0]}/{run.label}"
    base = parent.machine_arn.rpartition(":stateMachine:")[0]
    return replace(
        parent,
        id=name,
        name="",
        fingerprint="",
        token="",
        answers="no",
        arn=f"{base}:{'express' if run.express else 'execution'}:{machine}:{name}",
        machine=machine,
        machine_arn=f"{base}:stateMachine:{machine}",
        input=input,
        at=at,
        entry=run.state,
        parent=run.execution,
        map_run=run.id,
        index=index,
        items=items,
    )
