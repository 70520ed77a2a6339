"""The S3 objects that a recorded case embeds, as buckets in memory."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from statelang.errors import ObjectError
from statelang.objects import ObjectInfo
from statelang.values import Json


class Buckets:
    """See `statelang.ports.Objects`. `given` has bucket, key and body of each."""

    def __init__(self, given: Json) -> None:
        self.known: dict[tuple[str, str], bytes] = {(o["bucket"], o["key"]): o["body"].encode() for o in given}

    def open(self, bucket: str, key: str, *, start: int = 0, version: str | None = None) -> BinaryIO:
        body = self.known.get((bucket, key))
        if body is None:
            raise ObjectError(f"s3://{bucket}/{key}: The specified key does not exist.")
        return io.BytesIO(body[start:])

    def owned_by(self, account: str) -> Buckets:
        return self

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        for (of, key), body in sorted(self.known.items()):
            if of == bucket and key.startswith(prefix) and key > after:
                yield ObjectInfo(key, len(body), 1_795_403_940_000, f'"{hashlib.md5(body).hexdigest()}"')

    def put(self, bucket: str, key: str, pieces: Iterable[bytes]) -> int:
        body = self.known[bucket, key] = b"".join(pieces)
        return len(body)
