"""The lines of an object, plain or compressed, with the place after each.

Rule: places are byte offsets of the text itself: a compressed object is unpacked anew up to where it goes on.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, cast

from statelang.items.item import failed
from statelang.objects import Objects

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
PIECE: Final = 1 << 20

Opener = Callable[[int], BinaryIO]
"""Opens the text of an object at an offset."""


def open_text(objects: Objects, bucket: str, key: str, start: int = 0, version: str | None = None) -> BinaryIO:
    """An object's bytes, unpacked where it is GZIP or ZSTD, from an offset on. Raises ObjectError and Fault."""
    file = objects.open(bucket, key, version=version)
    head = file.read(4)
    if head.startswith(GZIP) or head == ZSTD:
        whole = _unpacked(cast(BinaryIO, io.BufferedReader(_After(head, file), PIECE)), head)
        _skip(whole, start)
        return whole
    if start == 0:
        return cast(BinaryIO, io.BufferedReader(_After(head, file), PIECE))
    file.close()
    return objects.open(bucket, key, start=start, version=version)


def _unpacked(file: BinaryIO, head: bytes) -> BinaryIO:
    if head.startswith(GZIP):
        return cast(BinaryIO, _Gzip(file))
    try:
        import zstandard
    except ImportError:
        raise failed("a ZSTD object needs the package zstandard: install statelang[items]") from None
    return cast(BinaryIO, io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file), PIECE))


def _skip(file: BinaryIO, count: int) -> None:
    while count > 0:
        read = len(file.read(min(count, PIECE)))
        if not read:
            return
        count -= read


def lines(file: BinaryIO, start: int = 0) -> Iterator[tuple[bytes, int]]:
    """Each line with its ending, and the offset after it; `start` is the offset of the first."""
    place = start
    for line in file:
        place += len(line)
        yield line, place


class _Gzip(gzip.GzipFile):
    """Unpacks a file, and closes it with itself."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(fileobj=file)
        self._packed = file

    def close(self) -> None:
        super().close()
        self._packed.close()


class _After(io.RawIOBase):
    """A file some of which has been read already."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head = head
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = self._head[: len(buffer)] or self._file.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
