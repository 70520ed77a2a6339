"""How steps and frames become bytes and come back: the format of a checkpoint.

One checkpoint is what one commit changed of one execution: its head, the frames that were replaced, the values that
are new, and the records for the history. It is JSON text, so that SQL can read it; values stand in it as they are
spelled, everything else refers to them by number.

Rule: FORMAT changes with every change of meaning, and a checkpoint of an unknown format is refused, never misread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from statelang.core.execution import Execution, Head, Record, Started, Step
from statelang.core.frame import Frame, RunWait, rewrite
from statelang.core.map_run import MapRun
from statelang.core.value import Value
from statelang.errors import UnreadableCheckpoint

FORMAT: Final = 2
"""2: a frame that waits for a task may hold the job that the task began, or a Map Run it waits for."""

READS: Final = (1, FORMAT)
"""The formats whose meaning this version knows: nothing of an older one has changed."""


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one commit changed. `dropped` names frames whose children are gone; `values` is number -> JSON text."""

    format: int
    head: Head
    frames: Sequence[Frame] = []
    dropped: Sequence[int] = []
    values: dict[int, msgspec.Raw] = {}
    records: Sequence[Any] = []


class Format(msgspec.Struct):
    """What every checkpoint says first."""

    format: int


def _number(value: object) -> object:
    if isinstance(value, Value):
        return value.id
    raise NotImplementedError(type(value))


_encode: Final = msgspec.json.Encoder(enc_hook=_number).encode
_read_format: Final = msgspec.json.Decoder(Format).decode


class Merged(NamedTuple):
    """What consecutive steps of one execution changed: of a frame changed twice the last state is kept."""

    head: Head
    frames: Sequence[Frame]
    dropped: Sequence[int] = ()
    values: Sequence[Value] = ()
    records: Sequence[Record] = ()


def encode_steps(steps: Sequence[Step]) -> bytes:
    """One checkpoint of consecutive steps of one execution."""
    return encode_merged(merge(steps))


def encode_merged(merged: Merged) -> bytes:
    """One checkpoint of what was merged, or of a part of it."""
    head, frames, dropped, values, records = merged
    texts = {value.id: msgspec.Raw(value.text.encode()) for value in values} if values else {}
    return _encode(Checkpoint(FORMAT, head, frames, dropped, texts, records))


def merge(steps: Sequence[Step]) -> Merged:
    """The change that consecutive steps make together."""
    if len(steps) == 1:
        step = steps[0]
        records = () if step.record is None else (step.record,)
        return Merged(step.head, list(step.frames.values()), step.dropped, step.values, records)
    return _merge(steps)


def _merge(steps: Sequence[Step]) -> Merged:
    frames: dict[int, Frame] = {}
    dropped: list[int] = []
    values: list[Value] = []
    records: list[Record] = []
    for step in steps:
        rewrite(frames, step.frames.items())
        dropped.extend(step.dropped)
        values.extend(step.values)
        if step.record is not None:
            records.append(step.record)
    return Merged(steps[-1].head, list(frames.values()), dropped, values, records)


def encode_frame(frame: Frame) -> bytes:
    """One frame alone, its values as numbers."""
    return _encode(frame)


class Reader:
    """Reads what was written of one execution: the same number gives the same Value, whose text may be missing."""

    def __init__(self) -> None:
        self.values: dict[int, Value] = {}
        self._checkpoint = msgspec.json.Decoder(Checkpoint, dec_hook=self._value).decode
        self._frame = msgspec.json.Decoder(Frame, dec_hook=self._value).decode

    def checkpoint(self, body: bytes | str) -> Checkpoint:
        """A checkpoint; the texts of its values become known. Raises UnreadableCheckpoint."""
        try:
            found = _read_format(body).format
            if found not in READS:
                known = " and ".join(map(str, READS))
                raise UnreadableCheckpoint(f"a checkpoint of format {found}; this version reads formats {known}")
            checkpoint = self._checkpoint(body)
        except (msgspec.MsgspecError, UnicodeError) as problem:
            raise UnreadableCheckpoint(f"a damaged checkpoint: {problem}") from None
        for number, text in checkpoint.values.items():
            self.value(number).load(bytes(text).decode())
        return checkpoint

    def frame(self, body: bytes | str) -> Frame:
        """A frame. Raises UnreadableCheckpoint."""
        try:
            return self._frame(body)
        except (msgspec.MsgspecError, UnicodeError) as problem:
            raise UnreadableCheckpoint(f"a damaged frame: {problem}") from None

    def _value(self, kind: type[Any], number: Any) -> Value:
        return self.value(number)

    def value(self, number: int) -> Value:
        """The value of a number, loaded or not."""
        value = self.values.get(number)
        if value is None:
            value = self.values[number] = Value(number)
        return value


def referred(head: Head, frames: Iterable[Frame]) -> set[Value]:
    """The values that a head and frames refer to."""
    found: set[Value] = set() if head.output is None else {head.output}
    for frame in frames:
        found.add(frame.input)
        found.update(frame.variables.values())
        for name in ("input", "credentials", "job", "data", "items", "keys", "reader", "batcher", "writer"):
            value = getattr(frame.waiting, name, None)
            if isinstance(value, Value):
                found.add(value)
    return found


def restore(started: Started, head: Head, frames: Mapping[int, Frame], runs: Iterable[MapRun] = ()) -> Execution:
    """An execution from what a store kept of it, dropped frames and all; every value referred to has its text.

    `runs` are the Map Runs that `waited_for` names.
    """
    return Execution(started, head, frames.values(), Value(1, text=started.input), runs)


def waited_for(frames: Iterable[Frame]) -> list[str]:
    """The Map Runs that frames wait for, by id."""
    return [frame.waiting.run for frame in frames if isinstance(frame.waiting, RunWait)]
