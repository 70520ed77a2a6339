"""Blobs: what is too large for an item, compressed and kept under the digest of its content.

A blob is as many items as it needs, or an object in S3 where the store's address names a bucket and it is large. It is
written before the item that refers to it: one that nobody refers to does no harm.

Rule: a blob never changes, so that writing it twice changes nothing.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from statelang.errors import StoreError
from statelang.stores.dynamodb.calls import Calls, Item
from statelang.stores.dynamodb.items import BLOB, compressed, unpack

PART: Final = 380_000
"""How much of a blob one item holds, in bytes: an item may have 409,600."""

TO_STORAGE: Final = 100_000
"""From this size on, compressed, a blob goes to S3 where there is a bucket."""

INLINE: Final = 300_000
"""How large what stands in an item itself may be, compressed."""

REMEMBERED: Final = 10_000

STORAGE: Final = "s3"


class Missing(StoreError):
    """A blob that an item refers to is not there."""


class Blobs:
    """The blobs of a table. A name is DIGEST:PARTS, or DIGEST:s3."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._written: set[tuple[str, str]] = set()

    def put(self, pk: str, data: bytes) -> str:
        """Keep bytes in a partition; returns the blob's name."""
        digest, packed = hashlib.sha256(data).hexdigest(), compressed(data)
        stored = self._calls.address.bucket is not None and len(packed) >= TO_STORAGE
        parts = [packed[start : start + PART] for start in range(0, len(packed), PART)]
        name = f"{digest}:{STORAGE if stored else len(parts)}"
        if (pk, name) not in self._written:
            if stored:
                self._put_object(pk, digest, packed)
            else:
                keys = self.keys(pk, name)
                self._calls.put_all(
                    [{"pk": {"S": pk}, "sk": {"S": sk}, "body": {"B": part}} for (_, sk), part in zip(keys, parts)]
                )
            if len(self._written) >= REMEMBERED:
                self._written.clear()
            self._written.add((pk, name))
        return name

    def get(self, pk: str, name: str) -> bytes:
        """The bytes of a blob. Raises Missing."""
        digest, _, parts = name.partition(":")
        if parts == STORAGE:
            return unpack(self._get_object(pk, digest))
        keys = self.keys(pk, name)
        found = self._calls.get_many(keys)
        if len(found) < len(keys):
            raise Missing(f"{self._calls.address}: a value of {pk} is missing ({digest})")
        return unpack(b"".join(bytes(found[key]["body"]["B"]) for key in keys))

    def keys(self, pk: str, name: str) -> list[tuple[str, str]]:
        """The items of a blob; none of one that is in S3."""
        digest, _, parts = name.partition(":")
        return [] if parts == STORAGE else [(pk, f"{BLOB}{digest}:{part}") for part in range(int(parts))]

    def holding(self, pk: str, data: bytes, known: bytes | None = None) -> dict[str, Any]:
        """The attributes that hold bytes in an item: themselves compressed, or the name of their blob.

        `known` is the input of the execution, if whoever reads the item has it.
        """
        packed = compressed(data, known)
        if len(packed) <= INLINE:
            return {"body": {"B": packed}}
        return {"blob": {"S": self.put(pk, data)}}

    def held(self, item: Item, known: bytes | None = None) -> bytes:
        """What `holding` made attributes of."""
        if "blob" in item:
            return self.get(item["pk"]["S"], item["blob"]["S"])
        return unpack(bytes(item["body"]["B"]), known)

    def forget(self, pk: str, names: list[str]) -> list[tuple[str, str]]:
        """The items of blobs that nobody refers to any more; their names are not remembered as written."""
        self._written.difference_update((pk, name) for name in names)
        return [key for name in names for key in self.keys(pk, name)]

    def _put_object(self, pk: str, digest: str, packed: bytes) -> None:
        arguments = {"Bucket": self._calls.address.bucket, "Key": self._object(pk, digest), "Body": packed}
        self._calls.patiently(lambda: self._calls.storage.put_object(**arguments))

    def _get_object(self, pk: str, digest: str) -> bytes:
        arguments = {"Bucket": self._calls.address.bucket, "Key": self._object(pk, digest)}
        return bytes(self._calls.patiently(lambda: self._calls.storage.get_object(**arguments)["Body"].read()))

    def _object(self, pk: str, digest: str) -> str:
        return f"{self.folder(pk)}{digest}"

    def folder(self, pk: str) -> str:
        """Where the objects of a partition lie in the bucket."""
        return f"{self._calls.address.table}/{pk}/"

    def remove_objects(self, pk: str) -> None:
        """Remove what lies in the bucket for a partition."""
        bucket, folder = self._calls.address.bucket, self.folder(pk)
        while True:
            found = self._calls.patiently(lambda: self._calls.storage.list_objects_v2(Bucket=bucket, Prefix=folder))
            if not found.get("Contents"):
                return
            for one in found["Contents"]:
                key = one["Key"]
                self._calls.patiently(lambda key=key: self._calls.storage.delete_object(Bucket=bucket, Key=key))  # type: ignore[misc]
