"""What items hold, compressed: with the input as a dictionary, and never read as something else."""

from __future__ import annotations

import random

import msgspec
import pytest

from statelang.errors import UnreadableCheckpoint
from statelang.stores.dynamodb.items import DICTIONARY, Body, compressed, pack_body, pack_tail, read_tail, unpack

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
    body = Body(msgspec.Raw(b"{}"), tail=[msgspec.Raw(b'{"a":1}'), msgspec.Raw(b"[2]")], first=4)
    bare = msgspec.json.decode(unpack(pack_body(body), b""), type=Body)
    assert bare == Body(msgspec.Raw(b"{}"), first=4)
    item = {"tail": {"B": pack_tail(body.tail, INPUT)}}
    assert [bytes(line) for line in read_tail(item, bare, INPUT).tail] == [b'{"a":1}', b"[2]"]
    assert pack_tail([], INPUT) == b""
    assert read_tail({}, bare, INPUT) is bare
