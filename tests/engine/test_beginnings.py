"""Under `effect` an execution goes ahead to its first effect before it is made: in one write, whole or not at all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

import statelang
from statelang import Engine, StateMachine
from statelang.config import open_care, open_store
from statelang.errors import ExecutionExists
from statelang.ports import Lease, NewExecution
from statelang.stores.dynamodb.beginning import ACTIONS
from statelang.stores.dynamodb.store import DynamoStore
from statelang.stores.dynamodb.table import read_address
from statelang.stores.memory import MemoryStore
from statelang.values import Json

WORK = "arn:aws:lambda:us-east-1:123456789012:function:work"
ASK = "arn:aws:states:us-east-1:123456789012:activity:ask"
EACH = {
    "Type": "Map",
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "End": True}},
    },
}


def row(*states: dict[str, Json]) -> StateMachine:
    named: dict[str, Json] = {}
    for number, state in enumerate(states):
        onward: dict[str, Json] = {"End": True} if number == len(states) - 1 else {"Next": f"S{number + 1}"}
        named[f"S{number}"] = state if state["Type"] in ("Fail", "Succeed") else {**state, **onward}
    return statelang.load({"StartAt": "S0", "States": named}, name="row")


PASS: dict[str, Json] = {"Type": "Pass"}
TASK: dict[str, Json] = {"Type": "Task", "Resource": WORK}


class Noting(MemoryStore):
    """Notes how many steps each execution was made with."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[int] = []

    def create(self, executions: Sequence[NewExecution]) -> Sequence[Lease | None]:
        self.made += [len(new.steps) for new in executions]
        return super().create(executions)


@pytest.mark.parametrize(
    ("policy", "states", "made"),
    [
        ("effect", [PASS] * 5, 6),
        ("effect", [PASS, TASK, PASS], 3),
        ("effect", [PASS, {"Type": "Wait", "Seconds": 0}, PASS], 4),
        ("effect", [PASS, {"Type": "Fail", "Error": "No"}], 3),
        ("effect", [PASS, {"Type": "Task", "Resource": ASK}], 2),
        ("effect", [PASS, EACH], 2),
        ("transition", [PASS] * 5, 1),
        ("strict", [PASS, TASK], 1),
    ],
)
def test_what_is_made_goes_to_its_first_effect(policy: Any, states: list[Any], made: int) -> None:
    store, machine = Noting(), row(*states)
    with Engine(store, tasks={WORK: lambda data: data}, policy=policy) as engine:
        name = engine.start(machine, [])
        if states[-1].get("Resource") == ASK:
            task = engine.get_activity_task(ASK, timeout=5)
            assert task is not None
            engine.send_task_success(task.token, [])
        result = engine.wait(name, timeout=5)
        assert result.status == ("FAILED" if states[-1]["Type"] == "Fail" else "SUCCEEDED")
        assert store.made[0] == made
        ids = [event["id"] for event in engine.history(name)]
        assert ids == list(range(1, len(ids) + 1))


def test_without_being_driven_it_stays_at_its_start() -> None:
    store = Noting()
    with Engine(store, policy="effect") as engine:
        engine.start(row(PASS, PASS), {}, name="left", drive=False)
        assert store.made == [1]
        assert engine.describe("left").status == "RUNNING"


def test_one_that_exists_is_not_begun_again() -> None:
    done: list[Json] = []
    with Engine("memory:", tasks={WORK: done.append}, policy="effect") as engine:
        for _ in range(2):
            assert engine.run(row(PASS, TASK), {"n": 1}, name="one").succeeded
        with pytest.raises(ExecutionExists):
            engine.run(row(PASS, TASK), {"n": 2}, name="one")
        assert done == [{"n": 1}]


def test_what_only_passes_is_one_write_to_dynamodb(table: str) -> None:
    with closing(DynamoStore(read_address(table.removeprefix("dynamodb:")))) as store:
        with Engine(store, policy="effect") as engine:
            engine.run(row(*[PASS] * 10), {}, name="first")
            before = store.calls.consumed.requests
            assert engine.run(row(*[PASS] * 10), {"n": 1}, name="second").output == {"n": 1}
            assert store.calls.consumed.requests == before + 1
            assert engine.result("second").output == {"n": 1}
        assert open_care(table).check() == []


def test_many_that_have_done_much_are_made_in_transactions_of_their_own(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them leaves a chunk of history: five do not fit into one transaction."""
    noise = {f"n{number}": random.Random(number).randbytes(4_000).hex() for number in range(4)}
    states = [{"Type": "Pass", "Result": noise[f"n{number}"], "ResultPath": f"$.n{number}"} for number in range(4)]
    store, seen = DynamoStore(read_address(table.removeprefix("dynamodb:"))), []
    transact = store.calls.transact
    monkeypatch.setattr(
        store.calls, "transact", lambda actions, commit: seen.append(len(actions)) or transact(actions, commit)
    )
    with Engine(store, tasks={WORK: lambda data: data}, policy="effect") as engine:
        names = engine.start_many(row(*states, TASK), {f"e{number}": {"n": number} for number in range(7)})
        assert [engine.wait(name).output for name in names] == [{"n": number, **noise} for number in range(7)]
    assert max(seen) <= ACTIONS
    assert 3 in seen
    assert open_care(table).check() == []
    with closing(open_store(table)) as other:
        assert len(other.summaries(status="SUCCEEDED")) == 7
