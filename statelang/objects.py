"""The objects of buckets, as a port: S3, or whatever stands in its place.

Rule: nothing but types.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object of a bucket, as a listing tells it. `modified_at` in milliseconds since 1970."""

    key: str
    size: int
    modified_at: int
    etag: str
    storage_class: str = "STANDARD"


class Objects(Protocol):
    """Where the objects of buckets are: S3, or a folder in its place. Every method raises ObjectError."""

    def open(self, bucket: str, key: str, *, start: int = 0, version: str | None = None) -> BinaryIO:
        """Read an object from a byte on."""
        ...

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """The objects whose key begins so, in the order of their keys (as bytes), those behind `after`."""
        ...

    def owned_by(self, account: str) -> Objects:
        """The same, where every request is refused unless the bucket belongs to this account."""
        ...

    def put(self, bucket: str, key: str, pieces: Iterable[bytes]) -> int:
        """Write an object whole or not at all, over one that is there; returns its size in bytes."""
        ...
