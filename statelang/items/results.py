"""The results of a Map Run: an array in the state's output, or files where its ResultWriter says (asl.md 7.5).

Files are written as children end, in the order of their index: SUCCEEDED_n and FAILED_n together cover a stretch of
children, and what stretch that is follows from the children alone. A stretch that was not committed is written again,
over the same files. PENDING_n is what children would have got that a failed or stopped Map Run did not begin; AWS
tells of the file, and not what is in it: the Input, as everywhere, and Status PENDING (assumed).

Rule: one stretch is held at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from statelang.core.context import iso
from statelang.core.execution import Head, Started
from statelang.core.map_run import MapRun, Written
from statelang.errors import Fault, ObjectError
from statelang.items.item import check_parameters
from statelang.items.several import Find
from statelang.values import Json, encode

CHILDREN: Final = 10_000
"""How many children one stretch has at most."""

BYTES: Final = 16 * 1024 * 1024
"""How many bytes of records a stretch has when it ends early."""

PAGE: Final = 500

Child = tuple[Started, Head]
Read = Callable[[int, int], Sequence[Child]]
"""Reads children of the Map Run: (first index, at most) -> in the order of their index."""

TOO_LARGE: Final = 1 << 26
"""An array that is longer than any limit is not gathered to its end."""


@dataclass(frozen=True, slots=True)
class Format:
    """How results are told: Transformation and OutputType of the WriterConfig."""

    transformation: str = "NONE"
    lines: bool = False

    def record(self, child: Child) -> Iterator[str]:
        """What is told of a child, as JSON texts. A child that has failed is told whole."""
        started, head = child
        if self.transformation == "NONE" or head.output is None:
            yield encode(record_of(started, head))
        elif self.transformation == "FLATTEN" and isinstance(head.output.json, list):
            yield from map(encode, head.output.json)
        else:
            yield head.output.text


def format_of(writer: Json) -> Format:
    """The format that a ResultWriter asks for. Raises Fault."""
    config = (writer or {}).get("WriterConfig") or {}
    exported = bool(writer) and "Resource" in writer
    transformation = config.get("Transformation", "NONE" if exported else "COMPACT")
    kind = config.get("OutputType", "JSON")
    if transformation not in ("NONE", "COMPACT", "FLATTEN") or kind not in ("JSON", "JSONL"):
        raise Fault("States.ResultWriterFailed", f"The WriterConfig {encode(config)} is not known.")
    return Format(transformation, kind == "JSONL")


def record_of(started: Started, head: Head) -> Json:
    """The metadata of a child execution, as AWS writes it."""
    told: dict[str, Json] = {
        "ExecutionArn": started.arn,
        "Input": started.input,
        "InputDetails": {"Included": True},
        "Name": started.name or started.id,
    }
    if head.output is not None:
        told |= {"Output": head.output.text, "OutputDetails": {"Included": True}}
    for key, value in (("Error", head.error), ("Cause", head.cause)):
        if value is not None:
            told[key] = value
    ended = head.status == "SUCCEEDED"
    reason = "Execution is SUCCEEDED and cannot be redriven" if ended else "Execution is redrivable by its Map Run"
    return told | {
        "RedriveCount": head.redrives,
        "RedriveStatus": "NOT_REDRIVABLE" if ended else "REDRIVABLE_BY_MAP_RUN",
        "RedriveStatusReason": reason,
        "StartDate": iso(started.at),
        "StateMachineArn": started.machine_arn,
        "Status": head.status,
        "StopDate": None if head.stopped_at is None else iso(head.stopped_at),
    }


def pending_of(input: str) -> Json:
    """What is told of a child that was never begun."""
    return {"Input": input, "InputDetails": {"Included": True}, "Status": "PENDING"}


def children(read: Read, first: int, end: int) -> Iterator[Child]:
    """The children from one index up to another, page by page."""
    while first < end:
        page = read(first, min(PAGE, end - first))
        yield from page
        if not page:
            return
        first = page[-1][0].index + 1


def gathered(run: MapRun, read: Read, writer: Json, limit: int | None) -> str:
    """The results as one JSON array. Gathering stops where it has become longer than `limit` bytes."""
    format, texts, size = format_of(writer), [], 0
    most = TOO_LARGE if limit is None else limit
    for child in children(read, 0, run.made):
        for text in format.record(child):
            texts.append(text)
            size += len(text) + 1
        if limit is not None and size > most + 1:
            break
    return f"[{','.join(texts)}]"


class Writer:
    """Writes the results of one Map Run. Raises Fault with States.ResultWriterFailed."""

    def __init__(self, run: MapRun, writer: Json, find: Find, read: Read) -> None:
        given = writer.get("Arguments") or {}
        check_parameters(given, ("Bucket", "Prefix"), "States.ResultWriterFailed")
        bucket, prefix = given.get("Bucket"), given.get("Prefix") or ""
        if not isinstance(bucket, str) or not bucket:
            raise Fault("States.ResultWriterFailed", "The ResultWriter names no Bucket.")
        self.run = run
        self.bucket = bucket
        self.folder = f"{prefix}/{run.id}" if prefix else run.id
        self._format = format_of(writer)
        self._find = find
        self._read = read

    def stretch(self, written: Written, *, last: bool) -> Written | None:
        """Write the next stretch of children; None where it has not ended yet, or nothing is left. `last`: all have."""
        succeeded: list[str] = []
        failed: list[str] = []
        count = size = 0
        for child in children(self._read, written.next, min(self.run.made, written.next + CHILDREN)):
            if child[1].status == "RUNNING":
                return None
            texts = list(self._format.record(child))
            (succeeded if child[1].status == "SUCCEEDED" else failed).extend(texts)
            count, size = count + 1, size + sum(map(len, texts))
            if size >= BYTES:
                break
        if not count or (count < CHILDREN and size < BYTES and not last):
            return None
        return Written(
            written.next + count,
            self._file("SUCCEEDED", written.succeeded, succeeded),
            self._file("FAILED", written.failed, failed),
        )

    def _file(self, name: str, files: list[tuple[str, int]], texts: Sequence[str]) -> list[tuple[str, int]]:
        if not texts:
            return files
        suffix = "jsonl" if self._format.lines else "json"
        key = f"{self.folder}/{name}_{len(files)}.{suffix}"
        return [*files, (key, self._put(key, _pieces(texts, lines=self._format.lines)))]

    def pending(self, inputs: Iterator[str]) -> list[tuple[str, int]]:
        """Write what children would have got that were never begun, as far as it can be read."""
        files: list[tuple[str, int]] = []
        texts, size = [], 0
        for input in _readable(inputs):
            texts.append(encode(pending_of(input)))
            size += len(texts[-1])
            if len(texts) >= CHILDREN or size >= BYTES:
                files, texts, size = self._file("PENDING", files, texts), [], 0
        return self._file("PENDING", files, texts)

    def manifest(self, written: Written, pending: Sequence[tuple[str, int]] = ()) -> str:
        """Write the manifest; returns the state's result as JSON text."""
        found = {"FAILED": written.failed, "PENDING": pending, "SUCCEEDED": written.succeeded}
        files = {name: [{"Key": key, "Size": size} for key, size in listed] for name, listed in found.items()}
        key = f"{self.folder}/manifest.json"
        told = {"DestinationBucket": self.bucket, "MapRunArn": self.run.arn, "ResultFiles": files}
        self._put(key, iter([encode(told).encode()]))
        return encode(
            {"MapRunArn": self.run.arn, "ResultWriterDetails": {"Bucket": self.bucket, "Key": key}},
        )

    def _put(self, key: str, pieces: Iterator[bytes]) -> int:
        try:
            return self._find(self.bucket).put(self.bucket, key, pieces)
        except ObjectError as problem:
            raise Fault("States.ResultWriterFailed", str(problem)) from None


def _readable(inputs: Iterator[str]) -> Iterator[str]:
    """What comes before something that cannot be read: a source that is malformed may be why the Map Run failed."""
    with contextlib.suppress(Fault):
        yield from inputs


def _pieces(texts: Sequence[str], *, lines: bool) -> Iterator[bytes]:
    if lines:
        yield from (f"{text}\n".encode() for text in texts)
        return
    for number, text in enumerate(texts):
        yield f"{',' if number else '['}{text}".encode()
    yield b"]"
