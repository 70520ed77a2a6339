"""Map Runs, their children, and the queues of activities in a DynamoDB table.

A Map Run is a partition, `m:ID`: its own item (what it is, and its tally as numbers of their own), and an item for each
child with its status, so that they are read in the order of their index and as they are now. The task of an activity is
an item of the activity's partition, `a:ARN`.

Rule: what others add to is added to only in a transaction with a commit, whose condition makes it happen once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from statelang.core.execution import Head, Started, Status
from statelang.core.map_run import NOTHING, MapRun, Tally, tally_of
from statelang.errors import MapRunNotFound
from statelang.ports import Commit, Queued
from statelang.stores.dynamodb.calls import Calls, Item
from statelang.stores.dynamodb.items import ALONE, EXECUTION, compressed, execution_key, unpack
from statelang.stores.dynamodb.reading import Reading

CHILD: Final = "child:"
RUN: Final = "run:"
COUNTS: Final = tuple(f"n{number}" for number in range(len(NOTHING.counts())))
"""The attributes of a tally, in the order of its fields."""

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(MapRun).decode

Action = dict[str, Any]


def run_key(id: str) -> str:
    """The partition of a Map Run."""
    return f"m:{id}"


def pointer(run: str, index: int, id: str, status: str) -> Action:
    """Say how a child of a Map Run stands."""
    key = {"pk": {"S": run_key(run)}, "sk": {"S": f"{CHILD}{index:012d}"}}
    return {"Put": {"Item": {**key, "child": {"S": id}, "stands": {"S": status}}}}


def run_actions(commit: Commit, tallies: Mapping[str, Tally], known: set[tuple[str, str]]) -> Iterator[Action]:
    """Replace the Map Runs of a commit, and add to their tallies and others': one action each."""
    runs = {id: run for step in commit.steps for id, run in step.runs.items()}
    for id, run in runs.items():
        if ("r", id) not in known:
            key = {"pk": {"S": execution_key(run.execution)}, "sk": {"S": f"{RUN}{run.at:015d}:{id}"}}
            yield {"Put": {"Item": {**key, "run": {"S": id}}}}
    for id in dict.fromkeys([*runs, *tallies]):
        change: list[str] = []
        values: dict[str, Any] = {}
        if id in runs:
            change.append("body = :body")
            values[":body"] = {"B": compressed(_encode(runs[id]))}
        for name, count in zip(COUNTS, tallies.get(id, NOTHING).counts()):
            if count:
                change.append(f"{name} = if_not_exists({name}, :none) + :{name}")
                values |= {f":{name}": {"N": str(count)}, ":none": {"N": "0"}}
        if change:
            told = {"UpdateExpression": "SET " + ", ".join(change), "ExpressionAttributeValues": values}
            yield {"Update": {"Key": {"pk": {"S": run_key(id)}, "sk": {"S": ALONE}}, **told}}


def counted_elsewhere(commit: Commit) -> dict[str, Tally]:
    """What a commit counts, less what the children that it begins have counted when they were made."""
    found = dict(commit.tallies)
    for new in commit.begun:
        status, run = new.steps[-1].head.status, new.started.map_run
        if run in found and status != "RUNNING":
            found[run] += tally_of(status, new.started.items, -1)
    return found


def queued_items(tasks: Sequence[Queued]) -> Iterator[Item]:
    """The tasks of activities, in order."""
    now = time.time_ns()
    for number, task in enumerate(tasks):
        yield {
            "pk": {"S": f"a:{task.activity}"},
            "sk": {"S": f"{now:020d}:{number:06d}"},
            "execution": {"S": task.execution},
            "token": {"S": task.token},
            "body": {"B": compressed(task.input.encode())},
        }


def queued_of(item: Item) -> Queued:
    """The task of an activity, from its item."""
    activity, text = item["pk"]["S"].removeprefix("a:"), unpack(bytes(item["body"]["B"])).decode()
    return Queued(activity, item["execution"]["S"], item["token"]["S"], text)


class MapRuns:
    """Reads the Map Runs of a table."""

    def __init__(
        self, calls: Calls, reading: Reading, each: Callable[[Callable[[str], Any], Sequence[str]], Any]
    ) -> None:
        self._calls = calls
        self._reading = reading
        self._each = each

    def map_run(self, id: str) -> tuple[MapRun, Tally]:
        """As `Store.map_run`."""
        item = self._calls.get(run_key(id), ALONE)
        if item is None or "body" not in item:
            raise MapRunNotFound(f"there is no Map Run {id!r} in {self._calls.address}")
        tally = Tally(*(int(item[name]["N"]) if name in item else 0 for name in COUNTS))
        return _decode(unpack(bytes(item["body"]["B"]))), tally

    def map_runs(self, execution: str) -> list[tuple[MapRun, Tally]]:
        """As `Store.map_runs`."""
        values = {":pk": {"S": execution_key(execution)}, ":run": {"S": RUN}}
        found = self._calls.query("pk = :pk AND begins_with(sk, :run)", values)
        return [self.map_run(item["run"]["S"]) for item in list(found)]

    def pointers(self, map_run: str, first: int = 0) -> Iterator[tuple[int, str, str]]:
        """The children of a Map Run: index, id, status."""
        values = {
            ":pk": {"S": run_key(map_run)},
            ":first": {"S": f"{CHILD}{first:012d}"},
            ":last": {"S": f"{CHILD}{10**12 - 1}"},
        }
        for item in self._calls.query("pk = :pk AND sk BETWEEN :first AND :last", values):
            yield int(item["sk"]["S"].removeprefix(CHILD)), item["child"]["S"], item["stands"]["S"]

    def members(self, map_run: str, statuses: Collection[Status], first: int, limit: int) -> list[tuple[int, str]]:
        """As `Store.members`."""
        found = []
        for index, id, status in self.pointers(map_run, first):
            if status in statuses:
                found.append((index, id))
            if len(found) >= limit:
                break
        return found

    def children(self, map_run: str, first: int, limit: int) -> list[tuple[Started, Head]]:
        """As `Store.children`."""
        ids = [id for (_, id, _), _ in zip(self.pointers(map_run, first), range(limit))]
        executions = self._each(lambda id: self._reading.load(id).execution, ids)
        return [(execution.started, execution.head) for execution in executions]

    def items(self, map_run: str) -> Iterator[Item]:
        """The items of the children's executions, in the order of their index."""
        keys = [(execution_key(id), EXECUTION) for _, id, _ in self.pointers(map_run)]
        for start in range(0, len(keys), 100):
            found = self._calls.get_many(keys[start : start + 100])
            yield from (found[key] for key in keys[start : start + 100] if key in found)
