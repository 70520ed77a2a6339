"""The items of a DynamoDB store: their keys, and how what is kept of an execution becomes attributes and comes back.

An execution is one partition, `e:ID`:

    live:execution    how it stands: head, lease, small frames, and the checkpoints since the last chunk of its log
    live:post:N       the inbox: the N-th thing that other processes wanted to happen to it
    live:start        what it is (`Started`), with its input, which is value 1
    log:N             a chunk of its history: the checkpoints of consecutive commits, the first of them step N
    blob:SHA:PART     a large value, or frames that are too many for the execution's item

Rule: an attribute that an index or a condition needs stands alone; everything else is one compressed `body`, beside
which an execution's item has its `tail`. What is read together with the input is compressed with the input as its
dictionary: most values repeat much of it.
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

WORDS: Final = (
    b'{"state":{"format":2,"head":{"counter":9,"events":9,"status":"FAILED","stopped_at":17,"error":"States.Timeout",'
    b'"cause":"","status":"SUCCEEDED","stopped_at":17,"output":7,"at":17},"frames":[{"id":0,"state":"S","input":1,'
    b'"phase":"waiting","previous":5,"before":6,"entered":7,"entered_at":17,"waiting":{"for":"task","command":10,'
    b'"token":".3.","input":11}}],"dropped":[],"records":[]},"inline":false,"refs":{},"segments":[],"since":"first":1}'
    b'"ExecutionStarted",0,1,""]]]},"MapStateEntered","ParallelStateEntered","WaitStateEntered","SucceedStateEntered",'
    b'"ActivityScheduled","TaskScheduled","TaskStarted","TaskSucceeded","ChoiceStateEntered","ChoiceStateExited",'
    b'"PassStateEntered","PassStateExited",[["LambdaFunctionStarted",8]]],[9,17,[["LambdaFunctionSucceeded",9,10],'
    b'["TaskStateExited",10,"S",11],["ExecutionSucceeded",51,7]]]]},["TaskStateEntered",12,"S",13],'
    b'["LambdaFunctionScheduled",14,"arn:aws:lambda:us-east-1:function:",11,null,null,null]]]]},'
    b'{"format":2,"head":{"counter":11,"events":8,"at":17},"dropped":[0],"values":{"4":{"n":1},"records":[[2,17,[["'
)
"""What bodies and tails have in common, as the end of a dictionary. It stands in what is stored: it never changes."""

DICTIONARY: Final = 32_000
"""How much a dictionary holds, in bytes: deflate looks no further back."""

_encode: Final = msgspec.json.Encoder().encode
_decode_started: Final = msgspec.json.Decoder(Started).decode
_decode_posted: Final = msgspec.json.Decoder(Posted).decode


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands compressed in an execution's item.

    `state` is a checkpoint of the head and, where they are `inline`, of all live frames. `tail` are the checkpoints
    that are in no chunk yet, from step `first` on: an attribute of its own, as it is compressed with the input. `refs`
    are the blobs of their large values. Where frames are not inline they are those of the `segments` (blob and number
    of frames, the oldest first), then those of the checkpoints from step `since` on.
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


_decode_tail: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
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


def pack(value: Started | Posted) -> bytes:
    """A value as compressed JSON."""
    return compressed(_encode(value))


def pack_body(body: Body) -> bytes:
    """A body without its tail, as compressed JSON."""
    return compressed(_encode(msgspec.structs.replace(body, tail=[])), b"")


def pack_tail(tail: list[msgspec.Raw], known: bytes) -> bytes:
    """A tail as compressed JSON; nothing where there is none. `known` is the input."""
    return compressed(_encode(tail), known) if tail else b""


def encode_chunk(chunk: Chunk) -> bytes:
    """A chunk as JSON."""
    return _encode(chunk)


def _dictionary(known: bytes) -> bytes:
    return known[: DICTIONARY - len(WORDS)] + WORDS


def compressed(data: bytes, known: bytes | None = None) -> bytes:
    """Bytes compressed as everything here is; `known` is the input where the reader has it (None: no dictionary)."""
    if known is None:
        return zlib.compress(data, 6)
    press = zlib.compressobj(6, zdict=_dictionary(known))
    return press.compress(data) + press.flush()


def unpack(data: bytes, known: bytes | None = None) -> bytes:
    """What was compressed. Raises UnreadableCheckpoint."""
    try:
        if known is None:
            return zlib.decompress(data)
        press = zlib.decompressobj(zdict=_dictionary(known))
        found = press.decompress(data)
    except zlib.error as problem:
        raise UnreadableCheckpoint(f"a damaged item: {problem}") from None
    if not press.eof:
        raise UnreadableCheckpoint("a damaged item: it ends too soon")
    return found


def read_body(item: Item) -> Body:
    """The body of an execution's item, without its tail. Raises StoreTooNew and UnreadableCheckpoint."""
    if number(item, "format") != FORMAT:
        found = number(item, "format")
        raise StoreTooNew(f"an execution of format {found}; this version of Statelang knows format {FORMAT}")
    return _read(_decode_body, unpack(bytes(item["body"]["B"]), b""))  # type: ignore[no-any-return]


def read_tail(item: Item, body: Body, known: bytes) -> Body:
    """The body with its tail. Raises UnreadableCheckpoint."""
    if "tail" not in item:
        return body
    return msgspec.structs.replace(body, tail=_read(_decode_tail, unpack(bytes(item["tail"]["B"]), known)))


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
