"""DynamoDB in trouble, injected where the SDK meets the network: throttling, conflicts, lost replies, lagging indexes.

Each trouble is either waited out or named; whatever happens, the history has no gap and nothing is done twice.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

import statelang
from statelang import Engine, StoreError
from statelang.config import open_care, open_store
from statelang.core.stimulus import Stopped
from statelang.errors import StoreReadOnly
from statelang.ports import Commit
from statelang.stores.dynamodb import calls as calling
from statelang.stores.dynamodb.beginning import ACTIONS
from statelang.stores.dynamodb.store import DynamoStore
from statelang.stores.dynamodb.table import read_address
from tests.stores.contract import AT, StoreContract

WRITES = ("UpdateItem", "TransactWriteItems", "BatchWriteItem")


class Network:
    """Stands between the SDK and the server. `trouble` decides, for each request, by its operation."""

    def __init__(self, store: DynamoStore, trouble: Callable[[str], str | None], client: Any = None) -> None:
        self.trouble = trouble
        self.met: list[str] = []
        session = (client or store.calls.client)._endpoint.http_session
        self._send = session.send
        session.send = self.send

    def send(self, request: Any) -> Any:
        operation = request.headers["X-Amz-Target"]
        operation = (operation.decode() if isinstance(operation, bytes) else operation).rpartition(".")[2]
        if operation == "TransactWriteItems":
            assert len(json.loads(request.body)["TransactItems"]) <= ACTIONS
        trouble = self.trouble(operation)
        if trouble is None:
            return self._send(request)
        self.met.append(trouble)
        if trouble == "lost reply":
            self._send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        if trouble == "lost request":
            raise ReadTimeoutError(endpoint_url=request.url)
        return refusal(request.url, trouble)


class Body:
    """What botocore reads an answer from."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def stream(self, *args: object, **kwargs: object) -> Iterator[bytes]:
        yield self.data


def refusal(url: str, code: str) -> AWSResponse:
    """The error that DynamoDB answers with; CODE:REASON,… for a cancelled transaction."""
    name, _, reasons = code.partition(":")
    told: dict[str, Any] = {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": "injected"}
    if reasons:
        told["CancellationReasons"] = [{"Code": reason, "Message": "injected"} for reason in reasons.split(",")]
    headers = {"x-amzn-RequestId": "0", "Content-Type": "application/x-amz-json-1.0"}
    return AWSResponse(url, 400, headers, Body(json.dumps(told).encode()))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long here."""
    monkeypatch.setattr(calling.time, "sleep", lambda seconds: None)


def storm(seed: int, chance: float) -> Callable[[str], str | None]:
    """Every trouble, at random; what cancels a transaction only where there is one."""
    draw = random.Random(seed)

    def trouble(operation: str) -> str | None:
        if draw.random() >= chance:
            return None
        kinds = ["lost reply", "lost request", "ThrottlingException", "InternalServerError"]
        if operation == "TransactWriteItems":
            kinds += ["TransactionCanceledException:None,TransactionConflict", "TransactionInProgressException"]
        else:
            kinds += ["ProvisionedThroughputExceededException"]
            if operation in ("PutItem", "UpdateItem"):
                kinds += ["TransactionConflictException"]
        return draw.choice(kinds)

    return trouble


@pytest.mark.parametrize("seed", range(6))
def test_a_storm_changes_nothing(table: str, seed: int) -> None:
    contract = StoreContract()
    with closing(DynamoStore(read_address(table.removeprefix("dynamodb:")))) as store:
        network = Network(store, storm(seed, 0.4))
        lease, execution = contract.begun(store)
        while execution.head.status == "RUNNING":
            contract.to_the_tasks(store, lease, execution)
            contract.same(store.read("one"), execution)
            store.commit([Commit(lease, (), release=True, due=AT)], sync=False)
            taken = store.claim("one")
            assert taken is not None
            lease = taken
            store.load(lease)
            contract.answer(store, lease, execution)
        contract.same(store.read("one"), execution)
        network.trouble = lambda operation: None
        assert open_care(table).check() == []
        assert {"lost reply", "lost request", "ThrottlingException"} <= set(network.met)


@pytest.mark.parametrize("operation", WRITES)
def test_a_write_whose_answer_is_lost_is_known_again(table: str, operation: str) -> None:
    """Every reply to this kind of write is lost once: nothing is done twice, nothing is taken for lost."""
    contract, plain = StoreContract(), StoreContract()
    lost = [0]

    def trouble(name: str) -> str | None:
        lost[0] += name == operation
        return "lost reply" if name == operation and lost[0] % 2 else None

    with closing(DynamoStore(read_address(table.removeprefix("dynamodb:")))) as store:
        Network(store, trouble)
        lease, execution = contract.begun(store)
        contract.to_the_tasks(store, lease, execution)
        store.post("one", Stopped(AT, "First"))
        posts = store.load(lease)[1]
        assert [post.stimulus for post in posts] == [Stopped(AT, "First")]
        contract.to_the_end(store, lease, execution)
        contract.same(store.read("one"), execution)
        lease, other = plain.begun(store, "two")
        plain.to_the_end(store, lease, other)
    assert lost[0] >= 1
    assert open_care(table).check() == []


def test_a_start_whose_answer_is_lost_is_ours(table: str) -> None:
    contract = StoreContract()
    with closing(DynamoStore(read_address(table.removeprefix("dynamodb:")))) as store:
        sent = [0]

        def trouble(operation: str) -> str | None:
            sent[0] += operation == "TransactWriteItems"
            return "lost reply" if operation == "TransactWriteItems" and sent[0] == 1 else None

        Network(store, trouble)
        lease, _ = contract.begun(store)
        assert lease.epoch == 1
        new, _ = contract.new()
        assert list(store.create([new])) == [None]


def test_a_late_duplicate_of_a_write_changes_nothing(table: str) -> None:
    """A request that the network held back arrives after later ones: its condition is the commit before it."""
    contract, held = StoreContract(), []
    with closing(DynamoStore(read_address(table.removeprefix("dynamodb:")))) as store:
        lease, execution = contract.begun(store)
        network = Network(store, lambda operation: None)
        send = network._send

        def keep(request: Any) -> Any:
            held.append(request)
            return send(request)

        network._send = keep
        contract.to_the_tasks(store, lease, execution)
        for request in held:
            send(request)
        contract.same(store.read("one"), execution)


def test_an_index_that_lags_loses_nothing(table: str) -> None:
    """What an index tells may be old: it is looked up, and what it does not tell yet is told later."""
    contract = StoreContract()
    first, second = (DynamoStore(read_address(table.removeprefix("dynamodb:"))) for _ in range(2))
    with closing(first), closing(second):
        lease, _ = contract.begun(first)
        first.commit([Commit(lease, (), release=True, due=0)], sync=False)
        stale = list(first.due(AT, 10))
        assert second.claim("one") is not None
        assert stale == ["one"]
        assert first.claim("one") is None  # as the index had it, nobody holds it
        first.post("one", Stopped(AT))
        telling = second.calls.query
        second.calls.query = lambda *args, index=None, **more: (  # type: ignore[method-assign]
            iter(()) if index else telling(*args, **more)
        )
        assert list(second.posts()) == []  # it has not heard yet
        taken = second._held["one"]
        second.commit([Commit(lease.__class__("one", 0, taken.epoch), (), release=True, due=None)], sync=False)
        assert list(first.due(AT, 10)) == ["one"], "a release sees in the item itself that something was posted"


def test_expired_credentials_are_read_anew_once_and_named_if_that_does_not_help(table: str) -> None:
    contract = StoreContract()
    with closing(DynamoStore(read_address(table.removeprefix("dynamodb:")))) as store:
        lease, execution = contract.begun(store)
        Network(store, lambda operation: "ExpiredTokenException")
        contract.step(store, lease, execution)  # a new client is not on that network
        old = store.calls._make

        def make(service: str, endpoint: str | None) -> Any:
            client = old(service, endpoint)
            Network(store, lambda operation: "ExpiredTokenException", client)
            return client

        store.calls._make = make  # type: ignore[method-assign]
        store.calls._wire = None
        with pytest.raises(StoreReadOnly, match="expired"):
            store.read("one")
        store.calls._make = old  # type: ignore[method-assign]
        store.calls._wire = None
        contract.to_the_end(store, lease, execution)
        contract.same(store.read("one"), execution)


def test_trouble_that_does_not_pass_is_named(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.2)
    contract = StoreContract()
    with closing(DynamoStore(read_address(table.removeprefix("dynamodb:")))) as store:
        lease, execution = contract.begun(store)
        before = store.read("one")
        network = Network(store, lambda operation: "ThrottlingException")
        with pytest.raises(StoreError, match="ThrottlingException"):
            contract.step(store, lease, execution)
        network.trouble = lambda operation: None
        contract.same(store.read("one"), before)


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
def test_an_engine_in_a_storm_does_all_its_work(table: str, mode: str) -> None:
    """Its effects may be asked for again; what was committed is what they answered, once each."""
    done: list[int] = []
    config = {"Mode": mode, **({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})}
    states = {
        "Each": {
            "Type": "Map",
            "ItemProcessor": {
                "ProcessorConfig": config,
                "StartAt": "Work",
                "States": {"Work": {"Type": "Task", "Resource": "arn:aws:lambda:x:1:function:work", "End": True}},
            },
            "End": True,
        }
    }
    machine = statelang.load({"StartAt": "Each", "States": states}, name="storm")

    def work(item: int) -> int:
        done.append(item)
        return item * 2

    store = open_store(table)
    assert isinstance(store, DynamoStore)
    Network(store, storm(7, 0.3))
    with Engine(store, tasks={"work": work}, serve=True) as engine:
        result = engine.run(machine, list(range(12)), name="stormy", timeout=60)
        assert result.output == [item * 2 for item in range(12)]
        assert sorted(done) == list(range(12))
        events = [event["id"] for event in engine.history("stormy")]
    assert events == list(range(1, len(events) + 1))
    with closing(open_store(table)) as other:
        assert other.summary("stormy").status == "SUCCEEDED"
        if mode == "DISTRIBUTED":
            ((run, tally),) = other.map_runs("stormy")
            assert (run.status, tally.succeeded, tally.ended) == ("SUCCEEDED", 12, 12)
            assert len(other.summaries(map_run=run.id)) == 12
    care = open_care(table)
    assert care.check() == []
    assert care.prune(1 << 42) == 1
    assert {item["pk"]["S"][:2] for item in care.calls.scan()} <= {"d:", "ma", "w:"}  # type: ignore[attr-defined]
