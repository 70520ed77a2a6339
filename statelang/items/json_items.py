"""JSON documents and JSON Lines as items (asl.md 7.3).

A document is an array, whose elements are the items, or an object, whose members are; ItemsPointer finds it within the
document.

Rule: a document of up to WHOLE bytes is read at once; a larger one is streamed.
"""

from __future__ import annotations

import io
import itertools
import math
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO, Final, cast

from statelang.errors import InvalidInput
from statelang.items.item import Item, failed
from statelang.items.lines import BOM, Opener, lines
from statelang.values import Json, decode

WHOLE: Final = 4 * 1024 * 1024
NOT_ITERABLE: Final = "Attempting to map over non-iterable node."


def json_lines(open_at: Opener, config: Json, mark: Json) -> Iterator[Item]:
    """Each line is an item; empty ones are passed over. Raises Fault."""
    start = mark or 0
    with open_at(start) as file:
        for number, (line, place) in enumerate(lines(file, start), start=1):
            if line.strip():
                try:
                    value = decode(line.strip().decode("utf-8-sig"))
                except (InvalidInput, UnicodeDecodeError) as problem:
                    where = f"the line that ends at byte {place}, {number} lines after where reading began"
                    raise failed(f"The JSON Lines are malformed in {where}: {problem}.") from None
                yield Item(value, place)


def json_items(open_at: Opener, config: Json, mark: Json) -> Iterator[Item]:
    """The elements of an array, or the members of an object. Raises Fault."""
    pointer = config.get("ItemsPointer")
    tokens = [] if pointer is None else _tokens(pointer)
    with open_at(0) as file:
        head = file.read(WHOLE + 1)
    found = _whole(head, tokens) if len(head) <= WHOLE else _streamed(open_at, tokens)
    for count, (key, value) in enumerate(itertools.islice(found, mark or 0, None), start=(mark or 0) + 1):
        yield Item(value, count, key)


def _tokens(pointer: Json) -> list[str]:
    """The reference tokens of a JSON Pointer (RFC 6901)."""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise failed("ItemsPointer must be a JSON Pointer: empty, or beginning with '/'.")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _whole(text: bytes, tokens: list[str]) -> Iterator[tuple[str | None, Json]]:
    try:
        value = decode(text.decode("utf-8-sig"))
    except (InvalidInput, UnicodeDecodeError) as problem:
        raise failed(f"The object is not JSON: {problem}.") from None
    for token in tokens:
        value = _member(value, token)
    if isinstance(value, dict):
        return iter(value.items())
    if isinstance(value, list):
        return ((None, item) for item in value)
    raise failed(NOT_ITERABLE)


def _member(value: Json, token: str) -> Json:
    if isinstance(value, dict) and token in value:
        return value[token]
    if isinstance(value, list) and token.isascii() and token.isdigit() and int(token) < len(value):
        return value[int(token)]
    raise failed(f"ItemsPointer finds nothing: there is no {token!r}.")


def _streamed(open_at: Opener, tokens: list[str]) -> Iterator[tuple[str | None, Json]]:
    """The same of a document that is not held whole."""
    try:
        import ijson
    except ImportError:
        raise failed(
            f"a JSON object beyond {WHOLE:,} bytes needs the package ijson: install statelang[items]"
        ) from None
    with open_at(0) as file:
        _pass_mark(file)
        events = iter(ijson.basic_parse(file, buf_size=1 << 20))
        try:
            yield from _elements(ijson, events, _found(events, next(events), tokens))
            if not tokens:
                deque(events, maxlen=0)  # what follows the document is told, as it is where it is read whole
        except (ijson.JSONError, UnicodeDecodeError, StopIteration) as problem:
            raise failed(f"The object is not JSON: {problem}.") from None


def _pass_mark(file: BinaryIO) -> None:
    """Pass over a byte order mark, which is no part of the document."""
    if cast(io.BufferedReader, file).peek(len(BOM)).startswith(BOM):
        file.read(len(BOM))


def _found(events: Iterator[tuple[str, Json]], first: tuple[str, Json], tokens: list[str]) -> str:
    """Go forward to what the pointer names; returns the event that begins it."""
    kind = first[0]
    for token in tokens:
        if kind == "start_map":
            while (event := next(events)) != ("map_key", token):
                if event[0] == "end_map":
                    raise failed(f"ItemsPointer finds nothing: there is no {token!r}.")
                _pass_over(events, next(events)[0])
            kind = next(events)[0]
        elif kind == "start_array" and token.isascii() and token.isdigit():
            for _ in range(int(token)):
                _pass_over(events, next(events)[0])
            kind = next(events)[0]
        else:
            raise failed(f"ItemsPointer finds nothing: there is no {token!r}.")
    return kind


def _pass_over(events: Iterator[tuple[str, Json]], kind: str) -> None:
    depth = 1 if kind.startswith("start_") else 0
    while depth:
        kind = next(events)[0]
        depth += kind.startswith("start_") - kind.startswith("end_")


def _elements(ijson: Json, events: Iterator[tuple[str, Json]], kind: str) -> Iterator[tuple[str | None, Json]]:
    if kind not in ("start_array", "start_map"):
        raise failed(NOT_ITERABLE)
    while True:
        event, value = next(events)
        if event in ("end_array", "end_map"):
            return
        key = None
        if kind == "start_map":
            key = value
            event, value = next(events)
        yield key, _plain(_built(ijson, events, event, value))


def _built(ijson: Json, events: Iterator[tuple[str, Json]], event: str, value: Json) -> Json:
    builder = ijson.ObjectBuilder()
    builder.event(event, value)
    depth = 1 if event.startswith("start_") else 0
    while depth:
        event, value = next(events)
        builder.event(event, value)
        depth += event.startswith("start_") - event.startswith("end_")
    return builder.value


def _plain(value: Json) -> Json:
    """Numbers as this project has them: int, or float."""
    if isinstance(value, Decimal):
        if math.isinf(number := float(value)):
            raise failed(f"The object is not JSON: the number {value} is out of range.")
        return number
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
