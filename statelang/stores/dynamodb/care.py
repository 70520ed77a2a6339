"""Care for a DynamoDB store: making its table, what is in it, whether it is whole, a copy of it, and less of it.

Rule: everything here may be done while workers drive executions in the same table.
"""

from __future__ import annotations

import gzip
import json
import os
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from statelang.core.codec import Reader
from statelang.errors import ExecutionNotFound, StoreError
from statelang.stores.dynamodb.blobs import Blobs
from statelang.stores.dynamodb.calls import Calls, Item
from statelang.stores.dynamodb.items import (
    EXECUTION,
    FORMAT,
    execution_key,
    id_of,
    read_body,
)
from statelang.stores.dynamodb.map_runs import RUN, run_key
from statelang.stores.dynamodb.reading import STATUSES, Reading
from statelang.stores.dynamodb.table import Address, cloudformation, definition, terraform

ENDED: Final = STATUSES[1:]


class DynamoCare:
    """The table of a store, looked after. See `statelang.ports.Care`."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.calls = Calls(address)
        self.blobs = Blobs(self.calls)
        self.reading = Reading(self.calls, self.blobs, lambda owner: False)

    def create(self) -> None:
        """Make the table, with point-in-time recovery, and wait until it is there; one that is there is left alone."""
        client, table = self.calls.client, self.address.table
        try:
            self.calls.patiently(lambda: client.create_table(**definition(table)))
        except StoreError as problem:
            if "ResourceInUseException" not in str(problem):
                raise
        client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        recovery = {"PointInTimeRecoveryEnabled": True}
        try:
            self.calls.patiently(
                lambda: client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)
            )
        except StoreError as problem:
            if self.address.endpoint is None:
                raise StoreError(f"{self.address}: made, but without point-in-time recovery: {problem}") from None

    def described(self, kind: str) -> str:
        """The table as `cloudformation` (JSON) or `terraform`."""
        if kind == "terraform":
            return terraform(self.address.table)
        return json.dumps(cloudformation(self.address.table), indent=2) + "\n"

    def info(self) -> dict[str, object]:
        """Table, sizes as DynamoDB last counted them (every six hours), executions by status."""
        told = self.calls.patiently(lambda: self.calls.client.describe_table(TableName=self.address.table))["Table"]
        statuses: dict[str, int] = {}
        for machine in self.reading.machines():
            for status in STATUSES:
                count = sum(1 for _ in self._listed(machine, status))
                if count:
                    statuses[status] = statuses.get(status, 0) + count
        return {
            "table": self.address.table,
            "region": self.calls.client.meta.region_name,
            "format": FORMAT,
            "bytes": told.get("TableSizeBytes", 0),
            "items": told.get("ItemCount", 0),
            "executions": statuses,
            "machines": len(self.reading.machines()),
        }

    def _listed(self, machine: str, status: str) -> Iterator[str]:
        return (pk for _, pk in self.reading.listed(machine, status))

    def check(self) -> list[str]:
        """What is wrong with the store; nothing where all is well. Reads every checkpoint."""
        found = []
        for item in self.calls.scan():
            if item["sk"]["S"] == EXECUTION:
                problem = self._wrong(item)
                if problem:
                    found.append(f"execution {id_of(item['pk']['S'])}: {problem}")
        return found

    def _wrong(self, item: Item) -> str | None:
        """What is wrong with one execution."""
        id = id_of(item["pk"]["S"])
        try:
            self.reading.load(id)
            gap = self._gap(item)
        except ExecutionNotFound:  # pruned since
            return None
        except StoreError as problem:
            return str(problem)
        return gap

    def _gap(self, item: Item) -> str | None:
        """Where its history has a gap, if anywhere; an item that has moved on since it was read is read anew."""
        records, _ = self.reading.records(id_of(item["pk"]["S"]), 0)
        events = 0
        for first, _, told in records:
            if first != events + 1:
                return f"its history has a gap between events {events} and {first}"
            events = first + len(told) - 1
        head = Reader().checkpoint(bytes(read_body(item).state)).head
        return f"its history ends at event {events} of {head.events}" if events < head.events else None

    def backup(self, target: str) -> None:
        """Export the table to a new file of DynamoDB JSON, gzipped: ImportTable takes it from S3 as it is.

        Point-in-time recovery is the copy as it is at one moment; this one is read while others go on writing.
        """
        place = os.path.abspath(target)
        if Path(place).exists():
            raise StoreError(f"{place}: exists already; a backup is never written over anything")
        partial = f"{place}.partial"
        try:
            with gzip.open(partial, "wt", encoding="utf-8") as out:
                for item in self.calls.scan():
                    out.write(json.dumps({"Item": _plain(item)}) + "\n")
            os.replace(partial, place)
        finally:
            Path(partial).unlink(missing_ok=True)

    def prune(self, before: int) -> int:
        """Remove the executions that ended before a time (milliseconds since 1970), whole; returns how many.

        Definitions stay: others may be about to pin them.
        """
        pruned = 0
        for machine in self.reading.machines():
            for status in ENDED:
                for pk in list(self._listed(machine, status)):
                    pruned += self._prune(pk, before)
        return pruned

    def _prune_run(self, id: str, found: Sequence[Item]) -> None:
        """Remove a Map Run, whose items are given, with its children, all of which have ended."""
        for child in [execution_key(item["child"]["S"]) for item in found if "child" in item]:
            if self.address.bucket is not None:
                self.blobs.remove_objects(child)
            keys = [(child, item["sk"]["S"]) for item in self.calls.query("pk = :pk", {":pk": {"S": child}})]
            self.calls.delete_all(keys)
        self.calls.delete_all([(run_key(id), item["sk"]["S"]) for item in found])

    def _prune(self, pk: str, before: int) -> bool:
        item = self.calls.get(pk, EXECUTION)
        if item is None or "queue" in item:
            return False
        head = Reader().checkpoint(bytes(read_body(item).state)).head
        if head.status == "RUNNING" or head.stopped_at is None or head.stopped_at >= before:
            return False
        values = {":pk": {"S": pk}}
        items = list(self.calls.query("pk = :pk", values))
        ids = [item["run"]["S"] for item in items if item["sk"]["S"].startswith(RUN)]
        runs = {id: list(self.calls.query("pk = :pk", {":pk": {"S": run_key(id)}})) for id in ids}
        if any(one.get("stands") == {"S": "RUNNING"} for found in runs.values() for one in found):
            return False
        for id, found in runs.items():
            self._prune_run(id, found)
        keys = [(pk, item["sk"]["S"]) for item in items]
        if self.address.bucket is not None:
            self.blobs.remove_objects(pk)
        self.calls.delete_all([key for key in keys if key[1] != EXECUTION])
        self.calls.delete_all([(pk, EXECUTION)])  # last: an interrupted prune is done again by the next one
        return True


def _plain(item: Item) -> dict[str, Any]:
    """An item as DynamoDB JSON: bytes in base64."""
    return {
        name: {kind: b64encode(bytes(value)).decode() if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }
