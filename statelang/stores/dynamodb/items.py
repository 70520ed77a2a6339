"""The items of a DynamoDB store: their keys, and how what is kept of an execution becomes attributes and comes back.

An execution is one partition, `e:ID`:

    live:execution    how it stands: head, lease, small frames, and the checkpoints since the last chunk of its log
    live:post:N       the inbox: the N-th thing that other processes wanted to happen to it
    live:start        what it is (`Started`), with its input, which is value 1
    log:N             a chunk of its history: the checkpoints of consecutive commits, the first of them step N
    blob:SHA:PART     a large value, or frames that are too many for the execution's item

Rule: an attribute that an index or a condition needs stands alone; everything else is one compressed `body`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from statelang.core.execution import Started
from statelang.core.stimulus import Posted
from statelang.errors import StoreTooNew, UnreadableCheckpoint

FORMAT: Final = 1
"""What the item of every execution names; another one is refused."""

EXECUTION: Final = "live:execution"
START: Final = "live:start"
POST: Final = "live:post:"
LIVE: Final = "live:"
LOG: Final = "log:"
BLOB: Final = "blob:"
ALONE: Final = "-"
"""The sort key of an item that is its whole partition."""
WORKERS: Final = "workers"
"""The queue in which every worker's own item stands, due when its lease ends."""
FREE: Final = "free"
"""The queue of what nobody drives."""

Item = Mapping[str, Any]

_encode: Final = msgspec.json.Encoder().encode
_decode_started: Final = msgspec.json.Decoder(Started).decode
_decode_posted: Final = msgspec.json.Decoder(Posted).decode


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands compressed in an execution's item.

    `state` is a checkpoint of the head and, where they are `inline`, of all live frames. `tail` are the checkpoints
    that are in no chunk yet, from step `first` on, `refs` the blobs of their large values. Where frames are not inline
    they are those of the `segments` (blob and number of frames, the oldest first), then those of the checkpoints from
    step `since` on.
    """

    state: msgspec.Raw
    inline: bool = True
    tail: list[msgspec.Raw] = []
    first: int = 0
    refs: dict[int, str] = {}
    segments: list[tuple[str, int]] = []
    since: int = 0


class Chunk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A chunk of the log: checkpoints of consecutive commits, and the blobs of their large values by number."""

    lines: list[msgspec.Raw]
    refs: dict[int, str] = {}


_decode_body: Final = msgspec.json.Decoder(Body).decode
_decode_chunk: Final = msgspec.json.Decoder(Chunk).decode


def execution_key(id: str) -> str:
    """The partition of an execution."""
    return f"e:{id}"


def id_of(pk: str) -> str:
    """The execution of a partition."""
    return pk.removeprefix("e:")


def held_by(owner: str) -> str:
    """The queue of what a worker holds."""
    return f"held:{owner}"


def numbered(prefix: str, number: int) -> str:
    """A sort key that sorts as its number does."""
    return f"{prefix}{number:012d}"


def listed(status: str, at: int) -> str:
    """The sort key of the listing."""
    return f"{status}#{at:015d}"


def started_at(item: Item) -> int:
    """When an execution started, from its place in the listing."""
    return int(item["listed"]["S"].rpartition("#")[2])


def number(item: Item, name: str, default: int = 0) -> int:
    """A numeric attribute."""
    return int(item[name]["N"]) if name in item else default


def pack(value: Body | Chunk | Started | Posted) -> bytes:
    """A value as compressed JSON."""
    return zlib.compress(_encode(value), 6)


def encode_chunk(chunk: Chunk) -> bytes:
    """A chunk as JSON."""
    return _encode(chunk)


def compressed(data: bytes) -> bytes:
    """Bytes compressed as everything here is."""
    return zlib.compress(data, 6)


def unpack(data: bytes) -> bytes:
    """What was compressed. Raises UnreadableCheckpoint."""
    try:
        return zlib.decompress(data)
    except zlib.error as problem:
        raise UnreadableCheckpoint(f"a damaged item: {problem}") from None


def read_body(item: Item) -> Body:
    """The body of an execution's item. Raises StoreTooNew and UnreadableCheckpoint."""
    if number(item, "format") != FORMAT:
        found = number(item, "format")
        raise StoreTooNew(f"an execution of format {found}; this version of Statelang knows format {FORMAT}")
    return _read(_decode_body, unpack(bytes(item["body"]["B"])))  # type: ignore[no-any-return]


def read_chunk(data: bytes) -> Chunk:
    """A chunk of the log. Raises UnreadableCheckpoint."""
    return _read(_decode_chunk, data)  # type: ignore[no-any-return]


def read_started(data: bytes) -> Started:
    """What an execution is. Raises UnreadableCheckpoint."""
    return _read(_decode_started, data)  # type: ignore[no-any-return]


def read_posted(data: bytes) -> Posted:
    """What was posted. Raises UnreadableCheckpoint."""
    return _read(_decode_posted, data)  # type: ignore[no-any-return]


def _read(decode: Any, data: bytes) -> Any:
    try:
        return decode(data)
    except (msgspec.MsgspecError, UnicodeError) as problem:
        raise UnreadableCheckpoint(f"a damaged item: {problem}") from None


def size(attributes: Item) -> int:
    """The size of an item as DynamoDB counts it, a little rounded up: names and values, numbers as 21 bytes at most."""
    total = 0
    for name, typed in attributes.items():
        ((kind, value),) = typed.items()
        total += len(name) + (len(value) // 2 + 2 if kind == "N" else len(value.encode() if kind == "S" else value))
    return total


def units(size: int) -> int:
    """The write units that an item of this size costs outside a transaction."""
    return max(1, -(-size // 1024))
