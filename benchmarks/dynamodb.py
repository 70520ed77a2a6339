"""Executions in DynamoDB (dynoxide on loopback): rates, requests and write units, beside a bare loop of the same calls.

Every call that the store makes of boto3 is noted and made again, in the same order, on an empty table of its own: that
loop is the baseline.

Rule: what is measured is the public engine; payloads are a kilobyte that does not compress.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

import statelang
from benchmarks.machines import TASKS, WORK
from statelang import Engine, StateMachine
from statelang.config import table_care
from statelang.stores.dynamodb.store import DynamoStore
from statelang.stores.dynamodb.table import read_address
from statelang.stores.dynamodb.wire import Wire
from statelang.values import Json
from statelang.worker import Policy
from tests.aws.dynoxide import CREDENTIALS, serving

EXECUTIONS = 40
STATES = 10
tables = itertools.count()


class Cost(NamedTuple):
    """What a transition costs: `rate` per second, `bare` that of the same calls without us."""

    rate: float
    bare: float
    requests: float
    writes: float
    reads: float


def payload() -> dict[str, Json]:
    """A kilobyte."""
    return {"n": 1, "noise": random.Random(7).randbytes(490).hex()}


def mixed() -> StateMachine:
    """Pass and Choice in turn; each Pass changes the payload."""
    states: dict[str, Json] = {}
    for number in range(0, STATES, 2):
        after = {"Next": f"S{number + 1}"}
        states[f"S{number}"] = {"Type": "Pass", "Result": number, "ResultPath": f"$.at{number}", **after}
        on = f"S{number + 2}" if number + 2 < STATES else "Last"
        rule = {"Variable": f"$.at{number}", "NumericEquals": number, "Next": on}
        states[f"S{number + 1}"] = {"Type": "Choice", "Choices": [rule]}
    return statelang.load({"StartAt": "S0", "States": {**states, "Last": {"Type": "Succeed"}}}, name="mixed")


def tasks() -> StateMachine:
    """Ten tasks, each of which adds its answer to the payload."""
    states: dict[str, Json] = {}
    for number in range(STATES):
        on: dict[str, Json] = {"End": True} if number == STATES - 1 else {"Next": f"S{number + 1}"}
        states[f"S{number}"] = {"Type": "Task", "Resource": WORK, "ResultPath": f"$.at{number}", **on}
    for state in states.values():
        state["Parameters"] = {"n.$": "$.n"}
    return statelang.load({"StartAt": "S0", "States": states}, name="tasks")


def adding() -> Callable[[Json], Json]:
    """A task that answers with another kilobyte each time."""
    numbers = itertools.count()
    return lambda data: random.Random(next(numbers)).randbytes(490).hex()


KINDS: Mapping[str, tuple[Callable[[], StateMachine], Callable[[Json], Json]]] = {
    "Pass and Choice": (mixed, TASKS["work"]),
    "tasks": (tasks, TASKS["work"]),
    "tasks that add a kilobyte": (tasks, adding()),
}


class Noting(Wire):
    """Notes what is asked."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, arguments))
        return super().call(operation, arguments)


@contextmanager
def endpoint() -> Iterator[str]:
    """A DynamoDB for these figures."""
    os.environ.update(CREDENTIALS)
    with serving() as found:
        yield found


def _table(endpoint: str) -> str:
    address = f"dynamodb://bench{next(tables)}?region=us-east-1&endpoint={endpoint}"
    table_care(address).create()
    return address


def measure(endpoint: str, kind: str, policy: Policy) -> Cost:
    """Executions one after another, then the same calls."""
    (make, work), address, given = KINDS[kind], _table(endpoint), payload()
    machine = make()
    store = DynamoStore(read_address(address.removeprefix("dynamodb:")))
    noting = store.calls._wire = Noting(store.calls.client)
    with Engine(store, tasks={"work": work}, policy=policy) as engine:
        engine.run(machine, given, name="first")
        noting.calls.clear()
        before = (store.calls.consumed.requests, store.calls.consumed.writes, store.calls.consumed.reads)
        began = time.perf_counter()
        for number in range(EXECUTIONS):
            result = engine.run(machine, given, name=f"e{number}")
            assert result.succeeded, result
        took = time.perf_counter() - began
        after = (store.calls.consumed.requests, store.calls.consumed.writes, store.calls.consumed.reads)
        calls = list(noting.calls)
    transitions = EXECUTIONS * STATES
    each = [(now - then) / transitions for then, now in zip(before, after)]
    return Cost(transitions / took, transitions / _again(endpoint, calls), *each)


def _again(endpoint: str, calls: list[tuple[str, Mapping[str, Any]]]) -> float:
    """How long the same calls take in a bare loop, in seconds."""
    address = read_address(_table(endpoint).removeprefix("dynamodb:"))
    client = DynamoStore(address).calls.client
    aimed = [(operation, _aimed(arguments, address.table)) for operation, arguments in calls]
    for _, arguments in aimed:
        if "ClientRequestToken" in arguments:  # another transaction than the one it repeats
            arguments["ClientRequestToken"] = arguments["ClientRequestToken"][::-1]
    began = time.perf_counter()
    for operation, arguments in aimed:
        getattr(client, operation)(**arguments)
    return time.perf_counter() - began


def _aimed(value: Any, table: str) -> Any:
    """Arguments for another table."""
    if isinstance(value, dict):
        return {
            (table if key.startswith("bench") else key): (table if key == "TableName" else _aimed(one, table))
            for key, one in value.items()
        }
    return [_aimed(one, table) for one in value] if isinstance(value, list) else value


def costs(endpoint: str, runs: int) -> Iterator[tuple[str, str, Cost]]:
    """Kind of machine, policy, and the median cost."""
    policies: tuple[Policy, ...] = ("effect", "transition")
    for kind in KINDS:
        for policy in policies:
            found = [measure(endpoint, kind, policy) for _ in range(runs)]
            yield kind, policy, Cost(*(median(column) for column in zip(*found)))
