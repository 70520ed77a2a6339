"""The items of a DynamoDB store: their keys, and how what is kept of an execution becomes attributes and comes back.

An execution is one partition, `e:ID`:

    live:execution    how it stands: head, lease, small frames, and the checkpoints since the last chunk of its log
    live:post:N       the inbox: the N-th thing that other processes wanted to happen to it
    live:start        what it is (`Started`), with its input, which is value 1
    log:N             a chunk of its history: the checkpoints of consecutive commits, the first of them step N
    blob:SHA:PART     a large value, or frames that are too many for the execution's item

Rule: an attribute that an index or a condition needs stands alone; everything else is one compressed `body`, beside
which an execution's item has its `tail`. What is read together with the input is compressed with the input as its
dictionary: most values repeat much of it. Long values are told in pieces of others (see `shares`).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from statelang.core.execution import Started
from statelang.core.stimulus import Posted
from statelang.errors import StoreTooNew, UnreadableCheckpoint
from statelang.stores.dynamodb.lines import Line, read_lines, spelled

FORMAT: Final = 3
"""What the item of every execution names; an unknown one is refused. 2: lines are spelled by what differs. 3: long
values are told in pieces of others."""

READS: Final = (1, 2, FORMAT)
"""The formats that this version reads; it writes FORMAT, whatever it has read."""

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
    b'{"format":2,"head":{"counter":9,"events":9,"status":"FAILED","stopped_at":17,"error":"States.Timeout","cause":"",'
    b'"redrives":1,"deadline":17,"status":"TIMED_OUT","ABORTED","States.TaskFailed","TaskScheduled","TaskStarted",'
    b'"TaskSubmitted","TaskSucceeded","TaskFailed","LambdaFunctionFailed","ActivityScheduled","MapStateStarted",'
    b'"MapIterationStarted","MapIterationSucceeded","MapStateSucceeded","ParallelStateStarted","ParallelStateSucceeded",'
    b'"variables":{"tries":{"0":1},"for":"timer","children","left":1,"deadline":17,"beat":17,"started":true,'
    b'"phase":"waiting","index":0,"name":null,"MapStateEntered","MapStateExited","ParallelStateEntered",'
    b'"ParallelStateExited","WaitStateEntered","WaitStateExited","FailStateEntered","ExecutionFailed",'
    b'"at":179},"frames":[],"dropped":[0],"records":[[70,179,[["SucceedStateEntered",68,"Done",67],'
    b'["SucceedStateExited",69,"Done",67],["ExecutionSucceeded",70,67]]]]},[67]]],'
    b'[[{"format":2,"head":{"counter":1,"events":1,"at":179},"frames":[],"dropped":[],"records":[[1,179,'
    b'[["ExecutionStarted",0,1,""]]],[2,179,[["PassStateEntered",0,"S0",1],["PassStateExited",2,"S0",4]]],[4,179,'
    b'[["ChoiceStateEntered",3,"S1",4],["ChoiceStateExited",4,"S1",4]]],[2,179,[["TaskStateEntered",0,"S0",1],'
    b'["LambdaFunctionScheduled",2,"arn:aws:lambda:us-east-1:111122223333:function:",4,null,null,null]]]]},[4]],'
    b'[{"format":2,"head":{"counter":11,"events":8,"at":179},"frames":[],"dropped":[],"records":['
    b'[4,179,[["LambdaFunctionStarted",3]]],[5,179,[["LambdaFunctionSucceeded",4,7],["TaskStateExited",5,"S0",8]]],'
    b'[7,179,[["TaskStateEntered",6,"S1",8],["LambdaFunctionScheduled",7,"arn:aws:lambda:us-east-1:111122223333:'
    b'function:",11,null,null,null]]]]},[7,8,11]],[[1,7,5,0,5,0,5,0,5,7,0,5,7,5,1,7,0,0,1,7,7,7,7],'
    b'{"state":{"format":2,"head":{"counter":18,"events":13,"status":"SUCCEEDED","stopped_at":179,"output":71,"at":179},'
    b'"frames":[]},"inline":false,"refs":{},"segments":[],"since":"frames":[{"id":0,"state":"S2","input":15,'
    b'"phase":"waiting","previous":13,"before":11,"entered":12,"entered_at":179,"waiting":{"for":"task","command":17,'
    b'"token":".17.","input":18}}],"dropped":[],"records":[]},"first":1}'
)
"""What bodies and tails have in common, as the end of a dictionary. It stands in what is stored: it never changes."""

FIRST_WORDS: Final = (
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
"""What WORDS was in format 1."""

DICTIONARY: Final = 32_000
"""How much a dictionary holds, in bytes: deflate looks no further back."""

LEVEL: Final = 6
LITTLE: Final = 5
"""The memory that little is compressed with: as small, and twice as fast as with more, which is cleared each time."""

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
    tail: Sequence[Line] = ()
    first: int = 0
    refs: dict[int, str] = {}
    segments: list[tuple[str, int]] = []
    since: int = 0


class Chunk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A chunk of the log: checkpoints of consecutive commits, and the blobs of their large values by number."""

    lines: Sequence[Line]
    refs: dict[int, str] = {}


class Told(msgspec.Struct):
    """A chunk as JSON."""

    lines: list[msgspec.Raw]
    refs: dict[int, str] = {}


_decode_tail: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_body: Final = msgspec.json.Decoder(Body).decode
_decode_chunk: Final = msgspec.json.Decoder(Told).decode


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


def digest_of(item: Item) -> str:
    """The digest of an execution's definition; format 1 spelled it out."""
    told = item["digest"]
    return told["S"] if "S" in told else bytes(told["B"]).hex()


def number(item: Item, name: str, default: int = 0) -> int:
    """A numeric attribute."""
    return int(item[name]["N"]) if name in item else default


def pack(value: Started | Posted) -> bytes:
    """A value as compressed JSON."""
    return compressed(_encode(value))


def pack_body(body: Body, id: str) -> bytes:
    """The body of an execution without its tail, as compressed JSON."""
    return compressed(_encode(msgspec.structs.replace(body, tail=())), id.encode())


def pack_tail(tail: Sequence[Line], known: bytes) -> bytes:
    """A tail as compressed JSON; nothing where there is none. `known` is the input."""
    return compressed(spelled(tail), known) if tail else b""


def encode_chunk(chunk: Chunk) -> bytes:
    """A chunk as JSON."""
    refs = b',"refs":' + _encode(chunk.refs) if chunk.refs else b""
    return b'{"lines":' + spelled(chunk.lines) + refs + b"}"


def _dictionary(known: bytes, words: bytes = WORDS) -> bytes:
    return known[: DICTIONARY - len(words)] + words


def compressed(data: bytes, known: bytes | None = None) -> bytes:
    """Bytes compressed as everything here is; `known` is what the reader has of it (None: no dictionary)."""
    memory = LITTLE if len(data) <= DICTIONARY else zlib.DEF_MEM_LEVEL
    if known is None:
        press = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, memory)
    else:
        press = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, memory, zdict=_dictionary(known))
    return press.compress(data) + press.flush()


def unpack(data: bytes, known: bytes | None = None) -> bytes:
    """What was compressed. Raises UnreadableCheckpoint."""
    try:
        if known is None:
            return zlib.decompress(data)
        press = zlib.decompressobj(zdict=_dictionary_of(data, known))
        found = press.decompress(data)
    except zlib.error as problem:
        raise UnreadableCheckpoint(f"a damaged item: {problem}") from None
    if not press.eof:
        raise UnreadableCheckpoint("a damaged item: it ends too soon")
    return found


def _dictionary_of(data: bytes, known: bytes) -> bytes:
    """The dictionary that bytes say they were compressed with; format 1 had its own, and none but that for bodies."""
    for dictionary in (_dictionary(known), _dictionary(known, FIRST_WORDS)):
        if int.from_bytes(data[2:6], "big") == zlib.adler32(dictionary):
            return dictionary
    return FIRST_WORDS


def read_body(item: Item) -> Body:
    """The body of an execution's item, without its tail. Raises StoreTooNew and UnreadableCheckpoint."""
    found = number(item, "format")
    if found not in READS:
        known = ", ".join(map(str, READS))
        raise StoreTooNew(f"an execution of format {found}; this version of Statelang knows formats {known}")
    return _read(_decode_body, unpack(bytes(item["body"]["B"]), id_of(item["pk"]["S"]).encode()))  # type: ignore[no-any-return]


def read_tail(item: Item, body: Body, known: bytes) -> Body:
    """The body with its tail. Raises UnreadableCheckpoint."""
    if "tail" not in item:
        return body
    told = _read(_decode_tail, unpack(bytes(item["tail"]["B"]), known))
    return msgspec.structs.replace(body, tail=read_lines(told))


def read_chunk(data: bytes) -> Chunk:
    """A chunk of the log. Raises UnreadableCheckpoint."""
    told = _read(_decode_chunk, data)
    return Chunk(read_lines(told.lines), told.refs)


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
