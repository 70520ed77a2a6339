"""The DynamoDB store keeps the contract: all of it on dynoxide, what one writer does on moto, or on a real table.

`STATELANG_TEST_DYNAMODB` names the address of a table to run the contract on instead: its indexes may lag.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from moto import mock_aws
from moto.server import ThreadedMotoServer

import statelang
from statelang import Engine
from statelang.config import open_care, open_store, table_care
from statelang.core.execution import Execution, apply
from statelang.core.history import expand
from statelang.core.limits import Limits
from statelang.core.machine import advance, begin
from statelang.core.stimulus import Stopped, Tick, TimerFired
from statelang.errors import InvalidSettings, LeaseLost, StoreError
from statelang.ports import Commit, Lease, NewExecution, Post, Store
from statelang.stores.dynamodb.items import size
from statelang.stores.dynamodb.lanes import Lanes
from statelang.stores.dynamodb.store import DynamoStore
from statelang.stores.dynamodb.table import read_address
from statelang.values import encode
from tests.aws.dynoxide import CREDENTIALS
from tests.stores.contract import AT, StoreContract

REAL = os.environ.get("STATELANG_TEST_DYNAMODB")


class TestOnDynoxide(StoreContract):
    @pytest.fixture
    def store(self, table: str) -> Iterator[Store]:
        self.address = table
        self.opened = [open_store(table)]
        yield self.opened[0]
        for store in self.opened:
            store.close()

    def again(self, store: Store) -> Store:
        self.opened.append(open_store(self.address))
        return self.opened[-1]


class TestOnMoto(StoreContract):
    """One writer at a time: moto is no judge of concurrency."""

    @pytest.fixture
    def store(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(Lanes, "each", lambda self, do, given: [do(one) for one in given])
        with mock_aws():
            table_care("dynamodb://moto?region=us-east-1").create()
            self.opened = [open_store("dynamodb://moto?region=us-east-1")]
            yield self.opened[0]
            for store in self.opened:
                store.close()

    def again(self, store: Store) -> Store:
        self.opened.append(open_store("dynamodb://moto?region=us-east-1"))
        return self.opened[-1]


if REAL:

    class LaggingStore(DynamoStore):
        """A real table's indexes follow within moments: what is asked of them waits for them."""

        def due(self, now: int, limit: int) -> Sequence[str]:
            time.sleep(2)
            return super().due(now, limit)

        def next_due(self) -> int | None:
            time.sleep(2)
            return super().next_due()

        def posts(self) -> Sequence[Post]:
            time.sleep(2)
            return super().posts()

    class TestOnARealTable(StoreContract):
        """The table is emptied before each test: give it one of its own."""

        @pytest.fixture
        def store(self) -> Iterator[Store]:
            assert REAL is not None
            self.opened = [LaggingStore(read_address(REAL.removeprefix("dynamodb:")))]
            _empty(self.opened[0])
            yield self.opened[0]
            for store in self.opened:
                store.close()

        def again(self, store: Store) -> Store:
            assert REAL is not None
            self.opened.append(LaggingStore(read_address(REAL.removeprefix("dynamodb:"))))
            return self.opened[-1]

    def _empty(store: DynamoStore) -> None:
        store.calls.delete_all([(item["pk"]["S"], item["sk"]["S"]) for item in store.calls.scan()])
        time.sleep(2)


class OnTime(StoreContract):
    """The contract's executions, each timer fired when it is due: time does not go back in a history."""

    def answer(self, store: Store, lease: Lease, execution: Execution) -> None:
        for command, frame in list(execution.waiting.items()):
            due = execution.frames[frame].due
            if hasattr(execution.frames[frame].waiting, "token") or due is None:
                continue
            self.step(store, lease, execution, TimerFired(due, bytes(16), command))
        super().answer(store, lease, execution)


def test_a_large_map_is_read_back_by_a_worker_that_knows_nothing(table: str) -> None:
    """Frames beyond what the item holds are in segments and checkpoints; another worker goes on from them."""
    contract = OnTime()
    new, execution = contract.new("large", {"n": 1, "items": list(range(700))})
    with closing(open_store(table)) as store:
        (lease,) = store.create([new])
        assert lease is not None
        while execution.head.events < 3_300 and execution.ready:
            steps = []
            for number in range(100):
                step = advance(contract.program, execution, Tick(AT + number, bytes(range(16))))
                if step is None:
                    break
                apply(execution, step)
                steps.append(step)
            store.commit([Commit(lease, steps, swept=execution.swept)], sync=False)
            execution.swept = []
            if not execution.ready:
                contract.answer(store, lease, execution)
        contract.same(store.read("large"), execution)
        held = store._held["large"]  # type: ignore[attr-defined]
        assert 1 <= len(held.segments) <= 12
        store.commit([Commit(lease, (), release=True, due=0)], sync=True)
        store.sweep(1_000)
        with closing(open_store(table)) as other:
            taken = other.claim("large")
            assert taken is not None
            loaded, _ = other.load(taken)
            contract.same(loaded, execution)
            contract.to_the_end(other, taken, loaded)
            assert other.summary("large").status == "SUCCEEDED"
        assert open_care(table).check() == []


def payload(bytes: int) -> str:
    """JSON text that does not compress."""
    return encode({"n": 1, "items": [], "noise": random.Random(bytes).randbytes(bytes // 2).hex()})


@pytest.mark.parametrize("bucket", [None, "values"])
def test_values_too_large_for_an_item_are_kept_whole(
    table: str, bucket: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract, text = StoreContract(), payload(900_000)
    with mock_s3(bucket, monkeypatch):
        address = table + (f"&bucket={bucket}" if bucket else "")
        new, _ = contract.new("big")
        execution, step = begin(
            contract.program, msgspec.structs.replace(new.started, input=text, limits=Limits.lifted())
        )
        with closing(open_store(address)) as store:
            (lease,) = store.create([NewExecution(execution.started, new.source, step)])
            assert lease is not None
            contract.to_the_end(store, lease, execution)
            contract.same(store.read("big"), execution)
            records, known = store.records("big")
            (started, *_, ended) = list(expand(records, known))
            assert started["executionStartedEventDetails"]["input"] == text
            assert ended["executionSucceededEventDetails"]["output"] == "[]"
        care = open_care(address)
        assert care.check() == []
        assert care.prune(AT * 2) == 1
        left = {item["pk"]["S"] for item in store.calls.scan()}  # type: ignore[attr-defined]
        assert {pk[:2] for pk in left} == {"d:", "ma"}


def test_what_ends_in_one_commit_with_more_than_an_item_holds_is_kept_whole(table: str) -> None:
    """None of its values is large alone: what does not fit into the item is a chunk of the log, however large."""
    states: dict[str, Any] = {
        f"S{number}": {"Type": "Pass", "Result": random.Random(number).randbytes(7_500).hex(), "Next": f"S{number + 1}"}
        for number in range(60)
    }
    machine = statelang.load({"StartAt": "S0", "States": {**states, "S60": {"Type": "Succeed"}}}, name="long")
    with Engine(open_store(table), policy="effect") as engine:
        assert engine.run(machine, {}, name="long").output == states["S59"]["Result"]
        (*_, passed, _, _, _) = engine.history("long")
        assert passed["stateExitedEventDetails"]["output"] == encode(states["S59"]["Result"])
    assert open_care(table).check() == []


@contextmanager
def mock_s3(bucket: str | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 on loopback with one bucket; nothing where there is none."""
    if bucket is None:
        yield
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
        client.create_bucket(Bucket=bucket)
        yield
        left = client.list_objects_v2(Bucket=bucket)
        assert not left.get("Contents"), "prune removes what lies in the bucket too"
    finally:
        server.stop()


def test_the_work_of_a_worker_whose_lease_has_ended_is_taken_over(table: str) -> None:
    now = [1_000_000]
    contract, place = StoreContract(), read_address(table.removeprefix("dynamodb:"))
    first, second = (DynamoStore(place, now=lambda: now[0]) for _ in range(2))
    lease, execution = contract.begun(first)
    assert second.claim("one") is None
    assert second.due(AT, 10) == []
    now[0] += 20_000
    first.posts()  # which renews
    now[0] += 20_000
    assert second.claim("one") is None
    now[0] += 20_000
    assert not second.summary("one").driven
    assert list(second.due(AT, 10)) == ["one"]
    taken = second.claim("one")
    assert taken is not None
    assert taken.epoch == lease.epoch + 1
    with pytest.raises(LeaseLost):
        contract.step(first, lease, execution)
    loaded, _ = second.load(taken)
    contract.to_the_end(second, taken, loaded)
    assert second.due(AT * 2, 10) == []
    first.close()
    second.close()


def test_a_renewal_is_one_write_for_all_that_is_held(table: str) -> None:
    now = [1_000_000]
    store = DynamoStore(read_address(table.removeprefix("dynamodb:")), now=lambda: now[0])
    contract = StoreContract()
    for number in range(5):
        contract.begun(store, f"e{number}")
    before = store.calls.consumed.requests
    now[0] += 10_000
    store.posts()
    assert store.calls.consumed.requests - before == 2  # the renewal and the question
    store.close()


def test_no_item_has_a_time_to_live_and_none_outgrows_a_small_one(table: str) -> None:
    contract = StoreContract()
    with closing(open_store(table)) as store:
        lease, execution = contract.begun(store)
        contract.to_the_end(store, lease, execution)
        items = list(store.calls.scan())  # type: ignore[attr-defined]
    assert all("ttl" not in item and "expires" not in item for item in items)
    (item,) = [item for item in items if item["sk"]["S"] == "live:execution"]
    assert size(item) < 4_096


def test_what_is_pruned_goes_with_the_children_of_its_map_runs(table: str) -> None:
    contract = StoreContract()
    with closing(DynamoStore(read_address(table.removeprefix("dynamodb:")))) as store:
        lease, parent, _ = contract.fanned(store)
        children = contract.children(store, lease, parent)
        for held, child in children[:3]:
            contract.ended(store, held, child)
        contract.moved(store, lease, parent, Stopped(AT))
        care = open_care(table)
        assert care.prune(AT * 2) == 0, "one of its children is still on its way"
        held, child = children[3]
        assert held is not None
        contract.moved(store, held, child, Stopped(AT))
        assert care.prune(AT * 2) == 1
        left = {item["pk"]["S"].partition(":")[0] for item in store.calls.scan()}
        assert not left & {"e", "m"}, left


def test_the_table_is_looked_after(table: str, tmp_path: Path) -> None:
    contract = StoreContract()
    with closing(open_store(table)) as store:
        for name in ("ended", "running"):
            lease, execution = contract.begun(store, name)
            if name == "ended":
                contract.to_the_end(store, lease, execution)
        care = open_care(table)
        assert care.info()["executions"] == {"SUCCEEDED": 1, "RUNNING": 1}
        assert care.check() == []
        target = tmp_path / "copy.json.gz"
        care.backup(str(target))
        with gzip.open(target, "rt") as lines:
            copied = [json.loads(line)["Item"] for line in lines]
        assert {item["pk"]["S"] for item in copied} >= {"e:ended", "e:running"}
        with pytest.raises(StoreError, match=r"copy\.json\.gz"):
            care.backup(str(target))
        assert care.prune(AT) == 0
        assert care.prune(AT * 2) == 1
        assert [summary.id for summary in store.summaries()] == ["running"]
        store.calls.delete_all([("e:running", "live:start")])  # type: ignore[attr-defined]
        (problem,) = care.check()
        assert "running" in problem


@pytest.mark.parametrize("format", ["1", "2"])
def test_what_an_older_format_wrote_is_read_and_goes_on(table: str, format: str) -> None:
    """`dynamodb-format-N.json.gz` is a backup that a version made which knew no later format."""
    with gzip.open(Path(__file__).with_name(f"dynamodb-format-{format}.json.gz"), "rt") as lines:
        items = [_typed(json.loads(line)["Item"]) for line in lines]
    assert {item["format"]["N"] for item in items if "format" in item} == {format}
    store = DynamoStore(read_address(table.removeprefix("dynamodb:")))
    store.calls.put_all(items)
    assert open_care(table).check() == []
    asked = store.summary("asks").digest
    with Engine(store, tasks={"work": lambda data: data}, policy="effect") as engine:
        assert engine.result("done").output["at3"] == {"n": 1}  # type: ignore[index]
        task = engine.get_activity_task("arn:aws:states:us-east-1:000000000000:activity:ask")
        assert task is not None
        engine.send_task_success(task.token, {"all": "well"})
        assert engine.wait("asks", drive=True).output == {"all": "well"}
        events = list(engine.history("asks"))
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        assert sum(event["type"] == "LambdaFunctionSucceeded" for event in events) == 14
        assert store.summary("asks").digest == asked
        assert store.reading.item("asks")["format"] == {"N": "3"}
    assert open_care(table).check() == []


def _typed(item: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """An item from DynamoDB JSON: bytes from base64."""
    return {
        name: {kind: b64decode(value) if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }


def test_a_table_that_is_not_there_is_named() -> None:
    with mock_aws(), pytest.raises(StoreError, match="store create"):
        open_store("dynamodb://nowhere?region=us-east-1").summary("one")


@pytest.mark.parametrize(
    "address", ["dynamodb:", "dynamodb://", "dynamodb://t?colour=red", "dynamodb://t?poll=soon", "dynamodb://t/u"]
)
def test_addresses_that_mean_nothing_are_refused(address: str) -> None:
    with pytest.raises(InvalidSettings):
        open_store(address)


def test_the_table_as_code_is_what_create_makes(table: str) -> None:
    made = json.loads(table_care("dynamodb://runs").described("cloudformation"))["Resources"]["Table"]["Properties"]
    assert made.pop("PointInTimeRecoverySpecification") == {"PointInTimeRecoveryEnabled": True}
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(**made)
        told = client.describe_table(TableName="runs")["Table"]
    assert {index["IndexName"] for index in told["GlobalSecondaryIndexes"]} == {"due", "listing"}
    assert 'name            = "due"' in table_care("dynamodb://runs").described("terraform")
