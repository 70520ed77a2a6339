"""The DynamoDB store: executions in one table, shared by any number of workers on any number of machines.

A worker has an item of its own whose lease it renews; what it holds stands in the due index under its name. So one
renewal serves all it holds, and the work of a worker whose lease has ended is found there by others. Every write is
conditional on the execution's epoch, which each claim raises, and carries a commit id, by which a write whose answer
was lost is known again.

A commit of one execution is one update or one transaction. Several executions are checked for their leases first and
then written side by side; where one of them was lost in between, those that were written are passed over when the rest
is committed again.

Rule: no write depends on an index, which may lag: it is conditional on the item it changes.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from statelang.core.execution import Execution, Head, Record, Started, Status
from statelang.core.map_run import MapRun, Tally
from statelang.core.stimulus import Posted
from statelang.errors import ExecutionNotFound, LeaseLost
from statelang.ports import Commit, Lease, NewExecution, Post, Queued, Summary
from statelang.stores.dynamodb.beginning import ACTIONS, GROUP, Beginning, log_action
from statelang.stores.dynamodb.blobs import Blobs
from statelang.stores.dynamodb.calls import Calls, Item, Refused
from statelang.stores.dynamodb.held import Held, Plan
from statelang.stores.dynamodb.inbox import item_key, post, post_actions
from statelang.stores.dynamodb.items import (
    EXECUTION,
    FREE,
    POST,
    execution_key,
    held_by,
    id_of,
    number,
    numbered,
    size,
    started_at,
)
from statelang.stores.dynamodb.lanes import Lanes
from statelang.stores.dynamodb.map_runs import (
    MapRuns,
    counted_elsewhere,
    pointer,
    queued_items,
    queued_of,
    run_actions,
)
from statelang.stores.dynamodb.owner import Owner, wall_clock
from statelang.stores.dynamodb.reading import Reading
from statelang.stores.dynamodb.table import Address

_encode: Final = msgspec.json.Encoder().encode


class DynamoStore:
    """A store in one DynamoDB table. See `statelang.ports.Store`."""

    def __init__(self, address: Address, *, now: Callable[[], int] = wall_clock) -> None:
        self.poll_ms = address.poll
        self.lease_ms = address.lease
        self.place = str(address)
        self.calls = Calls(address)
        self.blobs = Blobs(self.calls)
        self.owner = Owner(self.calls, now, address.lease)
        self.reading = Reading(self.calls, self.blobs, self.owner.lives)
        self._lanes = Lanes()
        self._held: dict[str, Held] = {}
        self._beginning = Beginning(self.calls, self.blobs)
        self._runs = MapRuns(self.calls, self.reading, self._lanes.each)
        self._passed: dict[tuple[str, int], int] = {}
        self._garbage: deque[tuple[str, str]] = deque()

    def warm(self) -> None:
        """Have the client, before it is needed."""
        _ = self.calls.client

    def hurry(self, until: int | None) -> None:
        """No call is tried again after a time (ms since 1970; None: there is time): whoever uses it has to end."""
        self.calls.until = None if until is None else time.monotonic() + until / 1000 - time.time()

    def create(self, executions: Sequence[NewExecution]) -> Sequence[Lease | None]:
        self.owner.renew()
        known = self._beginning.existing(executions) if len(executions) > 1 else set()
        fresh = [new for new in executions if new.started.id not in known]
        self._beginning.know(fresh)
        made = self._make([fresh[start : start + GROUP] for start in range(0, len(fresh), GROUP)])
        return [made.get(new.started.id) for new in executions]

    def _make(self, groups: Sequence[Sequence[NewExecution]]) -> dict[str, Lease | None]:
        """Make executions, a group in a transaction, and hold them."""
        leases: dict[str, Lease | None] = {}
        for found in self._lanes.each(lambda group: self._beginning.make(group, self.owner.name), groups):
            for id, made in found.items():
                leases[id] = None if made is None else made[0]
                if made is not None and made[1].head.status == "RUNNING":
                    self._held[id] = made[1]
        return leases

    def claim(self, execution: str) -> Lease | None:
        return self._take(execution, ("RUNNING",))

    def reopen(self, execution: str) -> Lease | None:
        return self._take(execution, ("FAILED", "TIMED_OUT", "ABORTED"))

    def _take(self, execution: str, statuses: tuple[str, ...]) -> Lease | None:
        self.owner.renew()
        item = self.calls.get(execution_key(execution), EXECUTION)
        if item is None or item["listed"]["S"].partition("#")[0] not in statuses:
            return None
        queue = item.get("queue", {}).get("S")
        if queue not in (None, FREE) and (queue == held_by(self.owner.name) or self.owner.lives(queue[5:])):
            return None
        commit, epoch = os.urandom(16), number(item, "epoch")
        change = {
            "UpdateExpression": "SET queue = :queue, due = :due, epoch = :next, commit = :commit",
            "ConditionExpression": f"epoch = :epoch AND {'queue = :was' if queue else 'attribute_not_exists(queue)'}",
            "ExpressionAttributeValues": {
                ":queue": {"S": held_by(self.owner.name)},
                ":due": {"N": "0"},
                ":epoch": {"N": str(epoch)},
                ":next": {"N": str(epoch + 1)},
                ":commit": {"B": commit},
                **({":was": {"S": queue}} if queue else {}),
            },
        }
        try:
            self.calls.write({"Update": {"Key": item_key(item["pk"]["S"]), **change}}, commit)
        except Refused:
            return None
        status: Any = item["listed"]["S"].partition("#")[0]
        held = Held(item["pk"]["S"], epoch + 1, commit, Head(status=status), started_at(item), number(item, "taken"))
        held.run, held.index = item.get("run", {}).get("S", ""), number(item, "child")
        self._held[execution] = held
        return Lease(execution, 0, epoch + 1)

    def load(self, lease: Lease) -> tuple[Execution, Sequence[Post]]:
        loaded = self.reading.load(lease.execution)
        item, execution = loaded.item, loaded.execution
        held = self._held.get(lease.execution)
        if held is not None and held.epoch == lease.epoch == number(item, "epoch"):
            held.head, held.commit, held.taken = execution.head, item["commit"]["B"], number(item, "taken")
            held.packed = len(item["body"]["B"]) + len(item.get("tail", {"B": b""})["B"])
            held.overhead, held.format = size(item) - held.packed, number(item, "format")
            held.known = execution.started.input.encode()
            held.frames, held.body = dict(execution.frames), loaded.body
            held.lines, held.fresh, held.segments = loaded.lines, loaded.fresh, loaded.segments
            held.links = loaded.links
        return execution, loaded.posts

    def read(self, execution: str) -> Execution:
        return self.reading.load(execution).execution

    def commit(self, commits: Sequence[Commit], *, sync: bool) -> Sequence[Lease | None]:
        self.owner.renew()
        wanted = [one for one in commits if not self._was_written(one)]
        self._check(wanted)
        begun = [new for one in wanted for new in one.begun]
        self._beginning.know(begun)
        leases = self._make([[new] for new in begun])
        alone = [one for one in wanted if not (one.tallies or one.sends)]
        shared = [one for one in wanted if one.tallies or one.sends]
        lost = [id for id in (*self._lanes.each(self._write, alone), *map(self._write, shared)) if id is not None]
        if lost:
            self._passed.update(
                ((one.lease.execution, one.lease.epoch), _end_of(one))
                for one in wanted
                if one.lease.execution not in lost
            )
            raise self._lost(lost)
        self._passed.clear()
        return [leases.get(new.started.id) for one in commits for new in one.begun]

    def _was_written(self, commit: Commit) -> bool:
        """Whether it was, beside others of which one was lost."""
        return self._passed.get((commit.lease.execution, commit.lease.epoch)) == _end_of(commit)

    def _check(self, commits: Sequence[Commit]) -> None:
        """Raises LeaseLost where a lease is known to be gone; asks the table only if there are several."""
        lost = [one.lease.execution for one in commits if not self._holds(one.lease)]
        if (len(commits) > 1 or any(one.begun for one in commits)) and not lost:
            items = self.calls.get_many([(execution_key(one.lease.execution), EXECUTION) for one in commits])
            for one in commits:
                item = items.get((execution_key(one.lease.execution), EXECUTION))
                if item is None or number(item, "epoch") != one.lease.epoch:
                    lost.append(one.lease.execution)
        if lost:
            raise self._lost(lost)

    def _holds(self, lease: Lease) -> bool:
        held = self._held.get(lease.execution)
        return held is not None and held.epoch == lease.epoch

    def _lost(self, executions: Sequence[str]) -> LeaseLost:
        return LeaseLost(f"{self.place}: another worker has taken over {', '.join(executions)}", tuple(executions))

    def _write(self, commit: Commit) -> str | None:
        """Write one commit; returns the execution where its lease is lost."""
        id = commit.lease.execution
        held = self._held[id]
        plan, alone = held.plan(commit, lambda data: self.blobs.put(held.pk, data)), True
        while True:
            try:
                later = self._send(held, plan, plan.update(held, alone=alone))
                break
            except Refused as refused:
                now = refused.old.get(0)
                if 0 in refused.old:
                    if now is None or number(now, "epoch") != held.epoch or now["commit"]["B"] != held.commit:
                        return id
                    if not alone:
                        return id
                    alone = False  # only the inbox is not as it was thought to be: there is more in it
                plan = plan._replace(id=os.urandom(16))  # else somebody else posted to where this one sends
        self._settle(held, plan)
        later()
        return None

    def _settle(self, held: Held, plan: Plan) -> None:
        commit = plan.commit
        held.settle(plan)
        self._garbage.extend(self.blobs.forget(held.pk, plan.garbage))
        self._garbage.extend((held.pk, numbered(POST, post)) for post in commit.posts)
        self._beginning.known.update(("r", run) for step in commit.steps for run in step.runs)
        if commit.release or (commit.steps and held.head.status != "RUNNING"):
            self._held.pop(commit.lease.execution, None)

    def _send(self, held: Held, plan: Plan, update: Mapping[str, Any]) -> Callable[[], None]:
        """Write a plan and what goes with it in one transaction; returns what there was no room for."""
        commit, actions = plan.commit, [{"Update": update}]
        if plan.chunk is not None:
            actions.append(log_action(self.blobs, held, plan))
        if held.run and plan.head.status != held.head.status:
            actions.append(pointer(held.run, held.index, commit.lease.execution, plan.head.status))
        actions += run_actions(commit, counted_elsewhere(commit), self._beginning.known)
        queued = list(queued_items(commit.queued))
        while queued and len(actions) < ACTIONS:
            actions.append({"Put": {"Item": queued.pop(0)}})
        sends, sent = list(commit.sends), set[str]()
        while sends and len(actions) <= ACTIONS - 2 and sends[0][0] not in sent:
            target, stimulus = sends.pop(0)
            sent.add(target)
            with suppress(ExecutionNotFound):
                actions += post_actions(self.blobs, self.reading.item(target), plan.id, stimulus)
        self.calls.transact(actions, plan.id)
        return lambda: self._send_more(queued, sends)

    def _send_more(self, queued: Sequence[Item], sends: Sequence[tuple[str, Posted]]) -> None:
        self.calls.put_all(queued)
        for target, stimulus in sends:
            with suppress(ExecutionNotFound):
                self.post(target, stimulus)

    def post(self, execution: str, stimulus: Posted) -> None:
        post(self.calls, self.blobs, lambda: self.reading.item(execution), stimulus)

    def posts(self) -> Sequence[Post]:
        if not self._held:
            return ()
        self.owner.renew()
        values = {":mine": {"S": held_by(self.owner.name)}, ":none": {"N": "0"}}
        told = self.calls.query("queue = :mine AND due > :none", values, index="due")
        found: list[Post] = []
        for id in [id_of(item["pk"]["S"]) for item in told]:
            held = self._held.get(id)
            if held is not None:
                found += self.reading.posts(id, held.taken)
        return found

    def due(self, now: int, limit: int) -> Sequence[str]:
        values = {":free": {"S": FREE}, ":now": {"N": str(now)}}
        items = self.calls.query("queue = :free AND due <= :now", values, index="due", limit=limit)
        found = [id_of(item["pk"]["S"]) for item in items]
        for owner in self.owner.dead():
            if len(found) < limit:
                found += self.owner.left_by(owner, limit - len(found))
        return [id for id in dict.fromkeys(found) if id not in self._held]

    def next_due(self) -> int | None:
        values = {":free": {"S": FREE}}
        for item in self.calls.query("queue = :free", values, index="due", limit=1):
            return number(item, "due")
        return None

    def summary(self, execution: str) -> Summary:
        return self.reading.summary(self.reading.item(execution))

    def summaries(
        self,
        *,
        machine: str | None = None,
        status: str | None = None,
        limit: int = 100,
        before: int | None = None,
        map_run: str | None = None,
    ) -> Sequence[Summary]:
        if map_run is not None:
            wanted = (self.reading.summary(item) for item in self._runs.items(map_run))
            chosen = (one for one in wanted if machine in (None, one.machine) and status in (None, one.status))
            return [one for one, _ in zip((c for c in chosen if before is None or c.started_at < before), range(limit))]
        return self.reading.summaries(machine, status, limit, before)

    def map_run(self, id: str) -> tuple[MapRun, Tally]:
        return self._runs.map_run(id)

    def map_runs(self, execution: str) -> Sequence[tuple[MapRun, Tally]]:
        return self._runs.map_runs(execution)

    def members(
        self, map_run: str, statuses: Collection[Status], *, first: int = 0, limit: int = 1_000
    ) -> Sequence[tuple[int, str]]:
        return self._runs.members(map_run, statuses, first, limit)

    def children(self, map_run: str, *, first: int = 0, limit: int = 1_000) -> Sequence[tuple[Started, Head]]:
        return self._runs.children(map_run, first, limit)

    def take(self, activity: str, started: Callable[[str], Posted]) -> Queued | None:
        for item in self.calls.query("pk = :pk", {":pk": {"S": f"a:{activity}"}}):
            queued, key = queued_of(item), {"pk": item["pk"], "sk": item["sk"]}
            try:
                execution = self.reading.item(queued.execution)
            except ExecutionNotFound:
                execution = None
            if execution is None or not execution["listed"]["S"].startswith("RUNNING#"):
                self.calls.delete_all([(key["pk"]["S"], key["sk"]["S"])])
                continue
            commit = os.urandom(16)
            taken = {"Delete": {"Key": key, "ConditionExpression": "attribute_exists(pk)"}}
            try:
                told = post_actions(self.blobs, execution, commit, started(queued.token))
                self.calls.transact([*told, taken], commit)
            except Refused:  # somebody else took it, or posted meanwhile
                return self.take(activity, started)
            return queued
        return None

    def records(self, execution: str, after: int = 0) -> tuple[Sequence[Record], Callable[[int], str]]:
        return self.reading.records(execution, after)

    def definition(self, digest: str) -> str:
        return self.reading.definition(digest)

    def sweep(self, limit: int) -> int:
        some = [self._garbage.popleft() for _ in range(min(limit, len(self._garbage)))]
        self.calls.delete_all(some)
        return len(self._garbage)

    def close(self) -> None:
        try:
            self.sweep(len(self._garbage))
            leases = [Lease(id, 0, held.epoch) for id, held in self._held.items()]
            self._lanes.each(self._write, [Commit(lease, (), release=True, due=0) for lease in leases])
            self.owner.leave()
        finally:
            self._held.clear()
            self._lanes.close()


def _end_of(commit: Commit) -> int:
    """What tells a commit of an execution from the next one: its last step; -1 for one without steps."""
    return commit.steps[-1].number if commit.steps else -1
