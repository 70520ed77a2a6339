"""Calls to DynamoDB: what is sent again, what is an answer, and what trouble is called.

The SDK's own retries are off: every write here carries a commit id, and may be sent again because a failed condition
shows the item as it is. Where that item carries our commit id, the write had been done and only its answer was lost.

Rule: no botocore error leaves unnamed, and no write is sent that could be applied twice.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from statelang.errors import InvalidSettings, StoreError, StoreFull, StoreReadOnly
from statelang.stores.dynamodb.session import new_session
from statelang.stores.dynamodb.table import Address
from statelang.stores.dynamodb.wire import Wire

Item = Mapping[str, Any]
"""An item with typed attributes: {"pk": {"S": …}}."""

PATIENCE_SECONDS: Final = 20.0
"""How long one call is tried again."""

READ_SECONDS: Final = 5
"""How long an answer is waited for."""

AGAIN: Final = frozenset(
    {
        "InternalServerError", "LimitExceededException", "ProvisionedThroughputExceededException",
        "RequestLimitExceeded", "RequestTimeout", "RequestTimeoutException", "ServiceUnavailable", "SlowDown",
        "ThrottledException", "Throttling", "ThrottlingError", "ThrottlingException", "TransactionConflict",
        "TransactionConflictException", "TransactionInProgressException", "ProvisionedThroughputExceeded",
        "InternalFailure", "InternalError", "429", "500", "502", "503", "504",
    }
)  # fmt: skip
"""Error codes, of S3 too, statuses of whoever is between, and reasons of a cancelled transaction, that pass."""

EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException"})
DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "InvalidSignatureException"})
UNSIGNED: Final = EXPIRED | {"InvalidSignatureException"}
"""Errors that a new signature may well cure: a process that was suspended on its way, too, sends an old one."""

REFUSED: Final = frozenset({"ConditionalCheckFailedException", "ConditionalCheckFailed"})
BATCH: Final = 25
"""How many writes one BatchWriteItem takes."""
KEYS: Final = 100
"""How many keys one BatchGetItem takes."""


class Refused(Exception):
    """A condition did not hold. `old` are the items as they are, for each action that was refused (None: absent)."""

    def __init__(self, old: Mapping[int, Item | None]) -> None:
        super().__init__(old)
        self.old = old


@dataclass(slots=True)
class Consumed:
    """What was asked of DynamoDB so far: requests, write units and read units."""

    requests: int = 0
    writes: float = 0.0
    reads: float = 0.0


class Calls:
    """The table of an address. Safe from many threads. `until`: when nothing is tried again any more (monotonic)."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.consumed = Consumed()
        self.until: float | None = None
        self._wire: Wire | None = None
        self._storage: Any = None
        self._guard = threading.Lock()

    @property
    def wire(self) -> Wire:
        """What carries the calls, made when it is first wanted."""
        wire = self._wire
        if wire is None:
            with self._guard:
                wire = self._wire = self._wire or Wire(self._make("dynamodb", self.address.endpoint))
        return wire

    @property
    def client(self) -> Any:
        """The client, as boto3 makes it."""
        return self.wire.client

    @property
    def storage(self) -> Any:
        """The client of S3, for large values."""
        storage = self._storage
        if storage is None:
            with self._guard:
                storage = self._storage = self._storage or self._make("s3", os.environ.get("AWS_ENDPOINT_URL_S3"))
        return storage

    def _renew(self, wire: Wire | None, storage: Any) -> None:
        """Make both anew, with new credentials, unless another thread has done so. None: made after it was looked."""
        with self._guard:
            if wire is None or self._wire is wire:
                self._wire = None
            if storage is None or self._storage is storage:
                self._storage = None

    def _make(self, service: str, endpoint: str | None) -> Any:
        try:
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError:
            raise InvalidSettings("a DynamoDB store needs boto3: pip install 'statelang[aws]'") from None
        config = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=3,
            read_timeout=READ_SECONDS,
            max_pool_connections=50,
            parameter_validation=False,
        )
        try:
            return new_session().create_client(
                service, region_name=self.address.region, endpoint_url=endpoint, config=config
            )
        except (BotoCoreError, ValueError) as problem:
            raise InvalidSettings(f"{self.address}: {problem}") from None

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """One call, sent again while what stops it passes. Raises Refused and StoreError."""
        arguments["ReturnConsumedCapacity"] = "TOTAL"
        if "TransactItems" in arguments:
            arguments["TransactItems"] = [
                {kind: _aliased(told) for kind, told in action.items()} for action in arguments["TransactItems"]
            ]
        else:
            arguments = _aliased(arguments)
        answer: dict[str, Any] = self.patiently(lambda: self.wire.call(operation, arguments))
        self._count(operation, answer)
        return answer

    def _count(self, operation: str, answer: Mapping[str, Any]) -> None:
        used = answer.get("ConsumedCapacity") or ()
        units = sum(one.get("CapacityUnits", 0.0) for one in ([used] if isinstance(used, dict) else used))
        if operation in ("get_item", "query", "scan", "batch_get_item"):
            self.consumed.reads += units
        else:
            self.consumed.writes += units

    def patiently(self, send: Callable[[], Any]) -> Any:
        """Send until it is answered, for as long as there is patience; expired credentials are read anew once."""
        end, pause, renewed = self._patience(), 0.025, False
        while True:
            self.consumed.requests += 1
            used = self._wire, self._storage
            try:
                return send()
            except InvalidSettings:
                raise
            except Exception as problem:
                code = _code(problem)
                if code in UNSIGNED and not renewed:
                    renewed = True
                    self._renew(*used)
                    continue
                if not _passes(problem, code) or time.monotonic() + pause > end:
                    raise self._named(problem, code) from problem
            time.sleep(pause * (0.5 + random.random()))
            pause = min(pause * 2, 2.0)

    def _patience(self) -> float:
        """Until when a call that begins now is sent again."""
        end = time.monotonic() + PATIENCE_SECONDS
        return end if self.until is None else min(end, self.until)

    def _named(self, problem: Exception, code: str) -> Exception:
        if code in REFUSED:
            return Refused({0: problem.response.get("Item")})  # type: ignore[attr-defined]
        if code == "TransactionCanceledException":
            reasons = problem.response.get("CancellationReasons", [])  # type: ignore[attr-defined]
            refused = {n: r.get("Item") for n, r in enumerate(reasons) if r.get("Code") in REFUSED}
            if refused:
                return Refused(refused)
        where = str(self.address)
        if code == "ResourceNotFoundException":
            return StoreError(f"{where}: there is no such table; make it with `statelang store create`")
        if code in EXPIRED:
            return StoreReadOnly(f"{where}: the credentials have expired; nothing was written with them ({problem})")
        if code in DENIED:
            return StoreReadOnly(f"{where}: access is denied ({problem})")
        if code in ("ItemCollectionSizeLimitExceededException", "RequestEntityTooLarge"):
            return StoreFull(f"{where}: {problem}")
        return StoreError(f"{where}: {problem} ({code or type(problem).__name__})")

    def get(self, pk: str, sk: str) -> Item | None:
        """One item as it is now."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        return self.call("get_item", TableName=self.address.table, Key=key, ConsistentRead=True).get("Item")

    def get_many(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Item]:
        """Those of many items that are there."""
        found: dict[tuple[str, str], Item] = {}
        for start in range(0, len(keys), KEYS):
            left = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys[start : start + KEYS]]
            while left:
                wanted = {self.address.table: {"Keys": left, "ConsistentRead": True}}
                answer = self.call("batch_get_item", RequestItems=wanted)
                for item in answer["Responses"].get(self.address.table, ()):
                    found[item["pk"]["S"], item["sk"]["S"]] = item
                left = answer.get("UnprocessedKeys", {}).get(self.address.table, {}).get("Keys", [])
        return found

    def query(
        self,
        condition: str,
        values: Mapping[str, Any],
        *,
        index: str | None = None,
        newest: bool = False,
        limit: int | None = None,
    ) -> Iterator[Item]:
        """The items of a partition that a key condition names, in order; of the table itself as they are now."""
        arguments: dict[str, Any] = {
            "TableName": self.address.table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": not newest,
            **({"IndexName": index} if index else {"ConsistentRead": True}),
            **({"Limit": limit} if limit else {}),
        }
        seen = 0
        while True:
            answer = self.call("query", **arguments)
            for item in answer["Items"]:
                yield item
                seen += 1
                if seen == limit:
                    return
            if not answer.get("LastEvaluatedKey"):
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def scan(self) -> Iterator[Item]:
        """Every item there is."""
        arguments: dict[str, Any] = {"TableName": self.address.table, "ConsistentRead": True}
        while True:
            answer = self.call("scan", **arguments)
            yield from answer["Items"]
            if not answer.get("LastEvaluatedKey"):
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def write(self, action: Mapping[str, Any], commit: bytes) -> None:
        """One Put or Update, on its condition. Raises Refused, unless the item shows that it had been done."""
        ((kind, arguments),) = action.items()
        operation = {"Put": "put_item", "Update": "update_item"}[kind]
        try:
            self.call(operation, TableName=self.address.table, **OLD, **arguments)
        except Refused as refused:
            if not _ours(refused.old.get(0), commit):
                raise

    def transact(self, actions: Sequence[Mapping[str, Any]], commit: bytes) -> None:
        """All actions or none. Raises Refused, unless an item shows that they had been done."""
        if len(actions) == 1 and next(iter(actions[0])) in ("Put", "Update"):
            self.write(actions[0], commit)
            return
        told = [
            {kind: {"TableName": self.address.table, **OLD, **arguments}}
            for action in actions
            for kind, arguments in action.items()
        ]
        try:
            self.call("transact_write_items", TransactItems=told, ClientRequestToken=commit.hex())
        except Refused as refused:
            if not any(_ours(item, commit) for item in refused.old.values()):
                raise

    def put_all(self, items: Sequence[Item]) -> None:
        """Write items that nobody else writes otherwise; putting one twice changes nothing."""
        self._batches([{"PutRequest": {"Item": item}} for item in items])

    def delete_all(self, keys: Sequence[tuple[str, str]]) -> None:
        """Remove items that nobody needs."""
        self._batches([{"DeleteRequest": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}} for pk, sk in keys])

    def _batches(self, requests: list[dict[str, Any]]) -> None:
        end, pause, table = self._patience(), 0.025, self.address.table
        while requests:
            some, requests = requests[:BATCH], requests[BATCH:]
            answer = self.call("batch_write_item", RequestItems={table: some})
            left = answer.get("UnprocessedItems", {}).get(table, [])
            if left:
                if time.monotonic() > end:
                    raise StoreError(f"{self.address}: the table did not take all that was written to it")
                time.sleep(pause)
                pause = min(pause * 2, 2.0)
                requests = [*left, *requests]


OLD: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


EXPRESSIONS: Final = ("KeyConditionExpression", "ConditionExpression", "UpdateExpression")
_NAME: Final = re.compile(r"(?<![:#\w])(pk|sk|queue|due|machine|listed|epoch|format|commit|posted|taken|body|tail)\b")


def _aliased(arguments: dict[str, Any]) -> dict[str, Any]:
    """Expressions with every attribute by an alias: DynamoDB reserves hundreds of words, and may reserve more."""
    names: dict[str, str] = {}
    told = dict(arguments)
    for key in EXPRESSIONS:
        if key in told:
            told[key], known = _alias(told[key])
            names |= known
    if names:
        told["ExpressionAttributeNames"] = names
    return told


@lru_cache(maxsize=256)
def _alias(expression: str) -> tuple[str, Mapping[str, str]]:
    """An expression by aliases, and what they stand for. There are few expressions."""
    names = {f"#{name}": name for name in sorted(set(_NAME.findall(expression)))}
    return _NAME.sub(r"#\1", expression), names


def _ours(item: Item | None, commit: bytes) -> bool:
    return bool(item) and item.get("commit", {}).get("B") == commit  # type: ignore[union-attr]


def _code(problem: Exception) -> str:
    response = getattr(problem, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _passes(problem: Exception, code: str) -> bool:
    """Whether the same call may well succeed when it is sent again."""
    if code == "TransactionCanceledException":
        reasons = {reason.get("Code") for reason in problem.response.get("CancellationReasons", [])}  # type: ignore[attr-defined]
        return bool(reasons & AGAIN) and not reasons & REFUSED
    if code:
        return code in AGAIN
    from botocore.exceptions import ConnectionError as Unreachable
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    return isinstance(problem, (HTTPClientError, IncompleteReadError, Unreachable, ConnectionError, TimeoutError))
