"""What items hold, compressed: with the input as a dictionary, and never read as something else."""

from __future__ import annotations

import random
import zlib

import msgspec
import pytest

from statelang.errors import StoreTooNew, UnreadableCheckpoint
from statelang.stores.dynamodb.items import (
    DICTIONARY,
    FIRST_WORDS,
    WORDS,
    Body,
    compressed,
    pack_body,
    pack_tail,
    read_body,
    read_tail,
    unpack,
)
from statelang.stores.dynamodb.lines import line

INPUT = random.Random(7).randbytes(500).hex().encode()


@pytest.mark.parametrize("known", [None, b"", b"short", INPUT, INPUT * 100], ids=["none", "words", "a", "kb", "long"])
def test_what_is_compressed_comes_back(known: bytes | None) -> None:
    for data in (b"", b"{}", INPUT, INPUT[:DICTIONARY] * 3):
        assert unpack(compressed(data, known), known) == data


def test_what_repeats_the_input_is_small() -> None:
    assert len(compressed(b'{"values":' + INPUT + b"}", INPUT)) < 60


@pytest.mark.parametrize("known", [None, INPUT])
def test_what_is_damaged_is_refused(known: bytes | None) -> None:
    packed = compressed(INPUT + b"x", known)
    for wrong in (packed[:-1], packed[:9], b"", packed[:-3] + b"\0\0\0"):
        with pytest.raises(UnreadableCheckpoint, match="damaged"):
            unpack(wrong, known)


def test_another_input_is_refused() -> None:
    with pytest.raises(UnreadableCheckpoint, match="damaged"):
        unpack(compressed(b"something", INPUT), INPUT[1:])


def test_a_tail_stands_beside_its_body() -> None:
    first = line(b'{"a":1}', [(4, b"{}")], [])
    body = Body(msgspec.Raw(b"{}"), tail=[first, line(b'{"a":2}', [(5, b"{}")], [first])], first=4)
    item = {"pk": {"S": "e:one"}, "format": {"N": "2"}, "body": {"B": pack_body(body, "one")}}
    bare = read_body(item)
    assert bare == Body(msgspec.Raw(b"{}"), first=4)
    tailed = {**item, "tail": {"B": pack_tail(body.tail, INPUT)}}
    assert read_tail(tailed, bare, INPUT).tail == body.tail
    assert pack_tail([], INPUT) == b""
    assert read_tail(item, bare, INPUT) is bare


def test_what_the_dictionaries_hold_never_changes() -> None:
    """They stand in what is stored: new words are a new dictionary, which is tried beside these."""
    assert {zlib.crc32(FIRST_WORDS), zlib.crc32(WORDS)} == {3094520405, 3213552656}


def test_what_another_format_compressed_is_read() -> None:
    press = zlib.compressobj(6, zdict=INPUT + FIRST_WORDS)
    assert unpack(press.compress(b"tail") + press.flush(), INPUT) == b"tail"
    press = zlib.compressobj(6, zdict=FIRST_WORDS)
    assert unpack(press.compress(b"body") + press.flush(), b"one") == b"body"


def test_a_newer_format_is_refused_by_name() -> None:
    with pytest.raises(StoreTooNew, match=r"format 4; .* formats 1, 2, 3"):
        read_body({"pk": {"S": "e:one"}, "format": {"N": "4"}, "body": {"B": b""}})
