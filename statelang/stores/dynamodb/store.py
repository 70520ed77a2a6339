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
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from statelang.core.codec import merge
from statelang.core.execution import Execution, Head, Record
from statelang.core.stimulus import Posted
from statelang.errors import ExecutionExists, LeaseLost
from statelang.ports import Commit, Lease, NewExecution, Post, Summary
from statelang.stores.dynamodb.blobs import Blobs
from statelang.stores.dynamodb.calls import Calls, Item, Refused
from statelang.stores.dynamodb.held import Held, Plan, first_body, first_line
from statelang.stores.dynamodb.inbox import item_key, post
from statelang.stores.dynamodb.items import (
    ALONE,
    EXECUTION,
    FORMAT,
    FREE,
    LOG,
    POST,
    START,
    encode_chunk,
    execution_key,
    held_by,
    id_of,
    listed,
    number,
    numbered,
    pack,
    read_started,
    size,
    started_at,
)
from statelang.stores.dynamodb.lanes import Lanes
from statelang.stores.dynamodb.map_runs import NoMapRuns, refuse_beyond
from statelang.stores.dynamodb.owner import Owner, wall_clock
from statelang.stores.dynamodb.reading import MACHINES, Reading
from statelang.stores.dynamodb.table import Address

ACTIONS: Final = 10
"""How many actions one transaction has at most."""

_encode: Final = msgspec.json.Encoder().encode


class DynamoStore(NoMapRuns):
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
        self._known: set[tuple[str, str]] = set()
        self._passed: dict[tuple[str, int], int] = {}
        self._garbage: deque[tuple[str, str]] = deque()

    def warm(self) -> None:
        """Have the client, before it is needed."""
        _ = self.calls.client

    def create(self, executions: Sequence[NewExecution]) -> Sequence[Lease | None]:
        self.owner.renew()
        known = self._existing(executions) if len(executions) > 1 else set()
        fresh = [new for new in executions if new.started.id not in known]
        self._know(fresh)
        groups = [fresh[start : start + ACTIONS // 2] for start in range(0, len(fresh), ACTIONS // 2)]
        made: dict[str, Lease | None] = {
            id: lease for found in self._lanes.each(self._create, groups) for id, lease in found.items()
        }
        return [made.get(new.started.id) for new in executions]

    def _existing(self, executions: Sequence[NewExecution]) -> set[str]:
        """Those that exist already. Raises ExecutionExists."""
        items = self.calls.get_many([(execution_key(new.started.id), START) for new in executions])
        found = set()
        for new in executions:
            item = items.get((execution_key(new.started.id), START))
            if item is not None:
                self._same(new, item)
                found.add(new.started.id)
        return found

    def _same(self, new: NewExecution, start: Item | None) -> None:
        """Raises ExecutionExists where what exists is not what is to be made."""
        if start is None or read_started(self.blobs.held(start)).fingerprint != new.started.fingerprint:
            raise ExecutionExists(
                f"an execution named {new.started.id!r} exists already, with another machine, definition or input"
            )

    def _know(self, executions: Sequence[NewExecution]) -> None:
        """Write the definitions, and the names of the machines, that this worker has not written yet."""
        items: dict[tuple[str, str], Item] = {}
        for new in executions:
            digest, machine = new.started.digest, new.started.machine
            if ("d", digest) not in self._known:
                pk = f"d:{digest}"
                content = self.blobs.holding(pk, new.source.encode())
                items["d", digest] = {"pk": {"S": pk}, "sk": {"S": ALONE}, **content}
            if ("m", machine) not in self._known:
                items["m", machine] = {"pk": {"S": MACHINES}, "sk": {"S": machine}}
        self.calls.put_all(list(items.values()))
        self._known.update(items)

    def _create(self, group: Sequence[NewExecution]) -> dict[str, Lease | None]:
        """Make up to five executions in one transaction; those that came into being meanwhile one by one."""
        commit = os.urandom(16)
        held = [self._begin(new, commit) for new in group]
        actions = []
        for new, one in zip(group, held):
            actions += [{"Put": put} for put in self._new_items(new, one)]
        try:
            self.calls.transact(actions, commit)
        except Refused as refused:
            if len(group) > 1:
                return {id: lease for new in group for id, lease in self._create([new]).items()}
            self._same(group[0], refused.old.get(1))
            return {group[0].started.id: None}
        self._held.update(zip((new.started.id for new in group), held))
        return {new.started.id: Lease(new.started.id, 0, 1) for new in group}

    def _begin(self, new: NewExecution, commit: bytes) -> Held:
        merged = merge([new.step])
        held = Held(execution_key(new.started.id), 1, commit, merged.head, new.started.at)
        held.frames = dict(new.step.frames)
        held.body = first_body(merged.head, merged.frames, first_line(merged))
        return held

    def _new_items(self, new: NewExecution, held: Held) -> Iterator[dict[str, Any]]:
        started, body = new.started, pack(held.body)
        item = {
            "pk": {"S": held.pk},
            "sk": {"S": EXECUTION},
            "machine": {"S": started.machine},
            "listed": {"S": listed("RUNNING", started.at)},
            "queue": {"S": held_by(self.owner.name)},
            "due": {"N": "0"},
            "epoch": {"N": "1"},
            "format": {"N": str(FORMAT)},
            "digest": {"S": started.digest},
            "commit": {"B": held.commit},
            "posted": {"N": "0"},
            "taken": {"N": "0"},
        }
        held.overhead, held.packed = size(item) + len("body"), len(body)
        yield {"Item": {**item, "body": {"B": body}}, "ConditionExpression": "attribute_not_exists(pk)"}
        content = self.blobs.holding(held.pk, _encode(started))
        start = {"pk": {"S": held.pk}, "sk": {"S": START}, "commit": {"B": held.commit}, **content}
        yield {"Item": start, "ConditionExpression": "attribute_not_exists(pk)"}

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
        self._held[execution] = held
        return Lease(execution, 0, epoch + 1)

    def load(self, lease: Lease) -> tuple[Execution, Sequence[Post]]:
        loaded = self.reading.load(lease.execution)
        item, execution = loaded.item, loaded.execution
        held = self._held.get(lease.execution)
        if held is not None and held.epoch == lease.epoch == number(item, "epoch"):
            held.head, held.commit, held.taken = execution.head, item["commit"]["B"], number(item, "taken")
            held.packed = len(item["body"]["B"])
            held.overhead = size(item) - held.packed
            held.frames, held.body = dict(execution.frames), loaded.body
            held.lines, held.fresh, held.segments = loaded.lines, loaded.fresh, loaded.segments
        return execution, loaded.posts

    def read(self, execution: str) -> Execution:
        return self.reading.load(execution).execution

    def commit(self, commits: Sequence[Commit], *, sync: bool) -> Sequence[Lease | None]:
        refuse_beyond(commits, self.place)
        self.owner.renew()
        wanted = [one for one in commits if not self._was_written(one)]
        self._check(wanted)
        lost = [id for id in self._lanes.each(self._write, wanted) if id is not None]
        if lost:
            self._passed.update(
                ((one.lease.execution, one.lease.epoch), _end_of(one))
                for one in wanted
                if one.lease.execution not in lost
            )
            raise self._lost(lost)
        self._passed.clear()
        return ()

    def _was_written(self, commit: Commit) -> bool:
        """Whether it was, beside others of which one was lost."""
        return self._passed.get((commit.lease.execution, commit.lease.epoch)) == _end_of(commit)

    def _check(self, commits: Sequence[Commit]) -> None:
        """Raises LeaseLost where a lease is known to be gone; asks the table only if there are several."""
        lost = [one.lease.execution for one in commits if not self._holds(one.lease)]
        if len(commits) > 1 and not lost:
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
        plan = held.plan(commit, lambda data: self.blobs.put(held.pk, data))
        try:
            self._send(held, plan, plan.update(held, alone=True))
        except Refused as refused:
            now = refused.old.get(0)
            if now is None or number(now, "epoch") != held.epoch or now["commit"]["B"] != held.commit:
                return id
            try:  # only the inbox is not as it was thought to be: there is more in it
                plan = plan._replace(id=os.urandom(16))
                self._send(held, plan, plan.update(held, alone=False))
            except Refused:
                return id
        held.settle(plan)
        self._garbage.extend(self.blobs.forget(held.pk, plan.garbage))
        self._garbage.extend((held.pk, numbered(POST, post)) for post in commit.posts)
        if commit.release or (commit.steps and held.head.status != "RUNNING"):
            self._held.pop(id, None)
        return None

    def _send(self, held: Held, plan: Plan, update: Mapping[str, Any]) -> None:
        actions: list[Mapping[str, Any]] = [{"Update": update}]
        if plan.chunk is not None:
            first, chunk = plan.chunk
            content = self.blobs.holding(held.pk, encode_chunk(chunk))
            actions.append({"Put": {"Item": {"pk": {"S": held.pk}, "sk": {"S": numbered(LOG, first)}, **content}}})
        self.calls.transact(actions, plan.id)

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
            return ()
        return self.reading.summaries(machine, status, limit, before)

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
