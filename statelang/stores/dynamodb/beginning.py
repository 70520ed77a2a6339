"""Making executions in a DynamoDB table: several in one transaction, or a child with all it has done so far.

Rule: an execution is there whole or not at all, and what exists already is left as it is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from statelang.core.map_run import tally_of
from statelang.errors import ExecutionExists
from statelang.ports import Commit, Lease, NewExecution
from statelang.stores.dynamodb.blobs import Blobs
from statelang.stores.dynamodb.calls import Calls, Item, Refused
from statelang.stores.dynamodb.held import Held, Plan
from statelang.stores.dynamodb.items import (
    ALONE,
    EXECUTION,
    FORMAT,
    LOG,
    START,
    encode_chunk,
    execution_key,
    held_by,
    listed,
    numbered,
    read_started,
    size,
)
from statelang.stores.dynamodb.map_runs import pointer, run_actions
from statelang.stores.dynamodb.reading import MACHINES

_encode: Final = msgspec.json.Encoder().encode

ACTIONS: Final = 10
"""How many actions one transaction has at most."""

GROUP: Final = 5
"""How many executions one transaction makes, where none of them has done so much that there is no room."""


class Beginning:
    """Makes executions, held by a worker. `known` are the definitions and machines it has written already."""

    def __init__(self, calls: Calls, blobs: Blobs) -> None:
        self.known: set[tuple[str, str]] = set()
        self._calls = calls
        self._blobs = blobs

    def existing(self, executions: Sequence[NewExecution]) -> set[str]:
        """Those that exist already. Raises ExecutionExists."""
        items = self._calls.get_many([(execution_key(new.started.id), START) for new in executions])
        found = set()
        for new in executions:
            item = items.get((execution_key(new.started.id), START))
            if item is not None:
                self._same(new, item)
                found.add(new.started.id)
        return found

    def _same(self, new: NewExecution, start: Item | None) -> None:
        """Raises ExecutionExists where what exists is not what is to be made."""
        if start is None or read_started(self._blobs.held(start)).fingerprint != new.started.fingerprint:
            raise ExecutionExists(
                f"an execution named {new.started.id!r} exists already, with another machine, definition or input"
            )

    def know(self, executions: Sequence[NewExecution]) -> None:
        """Write the definitions, and the names of the machines, that this worker has not written yet."""
        items: dict[tuple[str, str], Item] = {}
        for new in executions:
            digest, machine = new.started.digest, new.started.machine
            if new.source and ("d", digest) not in self.known:
                pk = f"d:{digest}"
                content = self._blobs.holding(pk, new.source.encode())
                items["d", digest] = {"pk": {"S": pk}, "sk": {"S": ALONE}, **content}
            if not new.started.map_run and ("m", machine) not in self.known:
                items["m", machine] = {"pk": {"S": MACHINES}, "sk": {"S": machine}}
        self._calls.put_all(list(items.values()))
        self.known.update(items)

    def make(self, group: Sequence[NewExecution], owner: str) -> dict[str, tuple[Lease, Held] | None]:
        """Make executions in one transaction; those that came into being meanwhile one by one. None: existed."""
        begun, actions = [], []
        commit = os.urandom(16)
        for new in group:
            held, found = self._begin(new, owner, commit)
            begun.append(held)
            actions += found
        if len(actions) > ACTIONS and len(group) > 1:
            return self._one_by_one(group, owner)
        try:
            self._calls.transact(actions, commit)
        except Refused as refused:
            if len(group) > 1:
                return self._one_by_one(group, owner)
            if not group[0].started.parent:
                self._same(group[0], refused.old.get(1))
            return {group[0].started.id: None}
        return {new.started.id: (Lease(new.started.id, 0, 1), held) for new, held in zip(group, begun)}

    def _one_by_one(self, group: Sequence[NewExecution], owner: str) -> dict[str, tuple[Lease, Held] | None]:
        return {id: made for new in group for id, made in self.make([new], owner).items()}

    def _begin(self, new: NewExecution, owner: str, commit: bytes) -> tuple[Held, list[dict[str, Any]]]:
        started, pk = new.started, execution_key(new.started.id)
        held = Held(pk, 1, commit, new.step.head, started.at, run=started.map_run, index=started.index)
        held.known = started.input.encode()
        plan = held.plan(Commit(Lease(started.id, 0, 1), new.steps), lambda data: self._blobs.put(pk, data))
        actions = self._actions(new, held, plan._replace(id=commit), owner)
        held.settle(plan._replace(id=commit))
        return held, actions

    def _actions(self, new: NewExecution, held: Held, plan: Plan, owner: str) -> list[dict[str, Any]]:
        started, status = new.started, plan.head.status
        driven = {"queue": {"S": held_by(owner)}, "due": {"N": "0"}} if status == "RUNNING" else {}
        child = {"run": {"S": started.map_run}, "child": {"N": str(started.index)}, "of": {"S": started.machine}}
        item = {
            "pk": {"S": held.pk},
            "sk": {"S": EXECUTION},
            **(child if started.map_run else {"machine": {"S": started.machine}}),
            "listed": {"S": listed(status, started.at)},
            **driven,
            "epoch": {"N": "1"},
            "format": {"N": str(FORMAT)},
            "digest": {"B": bytes.fromhex(started.digest)},
            "commit": {"B": plan.id},
            "posted": {"N": "0"},
            "taken": {"N": "0"},
        }
        held.overhead = size(item) + len("bodytail")
        content = {"body": {"B": plan.body}, **({"tail": {"B": plan.tail}} if plan.tail else {})}
        told = self._blobs.holding(held.pk, _encode(started))
        start = {"pk": {"S": held.pk}, "sk": {"S": START}, "commit": {"B": plan.id}, **told}
        fresh = "attribute_not_exists(pk)"
        actions: list[dict[str, Any]] = [
            {"Put": {"Item": {**item, **content}, "ConditionExpression": fresh}},
            {"Put": {"Item": start, "ConditionExpression": fresh}},
        ]
        if plan.chunk is not None:
            actions.append(log_action(self._blobs, held, plan))
        if started.map_run:
            actions.append(pointer(started.map_run, started.index, started.id, status))
            if status != "RUNNING":
                tallies = {started.map_run: tally_of(status, started.items)}
                actions += run_actions(Commit(Lease(started.id, 0, 1), ()), tallies, self.known)
        return actions


def log_action(blobs: Blobs, held: Held, plan: Plan) -> dict[str, Any]:
    """Write the chunk of a plan."""
    assert plan.chunk is not None
    first, chunk = plan.chunk
    content = blobs.holding(held.pk, encode_chunk(chunk), held.known)
    return {"Put": {"Item": {"pk": {"S": held.pk}, "sk": {"S": numbered(LOG, first)}, **content}}}
