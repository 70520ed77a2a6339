"""The lines of an object, plain or compressed, with the place after each.

Rule: places are byte offsets of the text itself: a compressed object is unpacked anew up to where it goes on. What
breaks off is never taken for an end.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, cast

from statelang.items.item import failed
from statelang.objects import Objects

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
SLICE: Final = 1024
"""How much of a ZSTD object is unpacked at once: that much may become 32 MB, no more."""

BOM: Final = b"\xef\xbb\xbf"
PIECE: Final = 1 << 20
LONGEST: Final = 16 * 1024 * 1024
"""How long a line may be: AWS takes items of up to 8 MB."""

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
    rest = objects.open(bucket, key, start=start, version=version)
    return cast(BinaryIO, io.BufferedReader(_After(b"", rest), PIECE))


def _unpacked(file: BinaryIO, head: bytes) -> BinaryIO:
    if head.startswith(GZIP):
        return cast(BinaryIO, _Gzip(file))
    try:
        import zstandard
    except ImportError:
        raise failed("a ZSTD object needs the package zstandard: install statelang[items]") from None
    unpack = zstandard.ZstdDecompressor().decompressobj
    return cast(BinaryIO, io.BufferedReader(_Zstd(file, unpack, zstandard.ZstdError), PIECE))


def _skip(file: BinaryIO, count: int) -> None:
    while count > 0:
        read = len(file.read(min(count, PIECE)))
        if not read:
            return
        count -= read


def lines(file: BinaryIO, start: int = 0) -> Iterator[tuple[bytes, int]]:
    """Each line with its ending, and the offset after it; `start` is the offset of the first. Raises Fault."""
    place = start
    while line := file.readline(LONGEST + 1):
        place += len(line)
        if len(line) > LONGEST:
            raise failed(f"The line that begins at byte {place - len(line)} is longer than {LONGEST:,} bytes.")
        yield line, place


class _Zstd(io.RawIOBase):
    """Unpacks a file, frame after frame; `unpack` makes what unpacks one."""

    def __init__(self, file: BinaryIO, unpack: Callable[[], Any], error: type[Exception]) -> None:
        self._packed = file
        self._unpack = unpack
        self._error = error
        self._frame: Any = None
        self._text = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._text:
            packed = self._packed.read(SLICE)
            if not packed:
                if self._frame is not None:
                    raise EOFError("Compressed file ended before the end of a frame was reached")
                return 0
            self._text = memoryview(self._unpacked(packed))
        count = min(len(buffer), len(self._text))
        buffer[:count], self._text = self._text[:count], self._text[count:]
        return count

    def _unpacked(self, packed: bytes) -> bytes:
        texts = []
        while packed:
            self._frame = self._frame or self._unpack()
            try:
                texts.append(self._frame.decompress(packed))
            except self._error as problem:
                raise failed(f"The object is no ZSTD: {problem}.") from None
            packed, self._frame = (self._frame.unused_data, None) if self._frame.eof else (b"", self._frame)
        return b"".join(texts)

    def close(self) -> None:
        self._packed.close()
        super().close()


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
