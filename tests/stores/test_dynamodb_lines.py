"""Lines come back as they were, however they are spelled; what repeats with other numbers is short."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statelang.errors import UnreadableCheckpoint
from statelang.stores.dynamodb.lines import LONGEST, Line, line, read_lines, spelled

NUMBERS = ["0", "7", "10", "007", "1.5e10", "-3", "9" * 18, "9" * 19, "00"]
TEXTS = st.builds(
    lambda pieces: msgspec.json.encode({"format": 2, "told": "".join(pieces)}),
    st.lists(st.sampled_from([*NUMBERS, " ", "a", "\\", '"values":{', "\0", "é"]), max_size=6),
)
VALUES = st.dictionaries(st.integers(0, 2**40), st.sampled_from([b"1", b'{"n":[1,2]}', b'"a"']), max_size=3)


def lines(told: list[tuple[bytes, dict[int, bytes]]]) -> list[Line]:
    """These lines, one after another."""
    found: list[Line] = []
    for text, values in told:
        found.append(line(text, values.items(), found))
    return found


def read(data: bytes) -> list[Line]:
    return read_lines(msgspec.json.decode(data, type=list[msgspec.Raw]))


@given(st.lists(st.tuples(TEXTS, VALUES), max_size=12))
def test_lines_come_back_as_they_were(told: list[tuple[bytes, dict[int, bytes]]]) -> None:
    found = lines(told)
    assert read(spelled(found)) == found
    for one, (text, values) in zip(found, told):
        checkpoint = msgspec.json.decode(one.checkpoint)
        assert checkpoint.pop("values", {}) == {str(id): msgspec.json.decode(value) for id, value in values.items()}
        assert checkpoint == msgspec.json.decode(text)


def steady(number: int) -> tuple[bytes, dict[int, bytes]]:
    text = b'{"format":2,"head":{"counter":%d,"at":%d},"records":[["TaskStarted",%d]]}'
    return text % (7 * number, 1_795_578_798_733 + 3 * number, 5 * number), {7 * number - 1: b"{}"}


def test_the_same_with_other_numbers_is_told_by_their_differences() -> None:
    found = lines([steady(number) for number in range(1, 9)])
    assert found[0].spelled.startswith(b'[{"format":2,')
    assert {one.spelled for one in found[1:]} == {b"[[1,0,7,3,5,7],{}]"}


def test_one_of_two_that_take_turns_differs_from_the_one_before_the_last() -> None:
    other = b'{"format":2,"other":%d}'
    told = [step for number in range(1, 5) for step in (steady(number), (other % number, {}))]
    assert {one.spelled for one in lines(told)[2:]} == {b"[[2,0,7,3,5,7],{}]", b"[[2,0,1]]"}


def test_a_long_line_is_told_whole() -> None:
    text = b'{"format":2,"told":"' + b"1 " * LONGEST + b'"}'
    found = lines([(text, {}), (text, {})])
    assert found[1].spelled == b"[" + text + b",[]]"
    assert read(spelled(found)) == found


def test_what_the_first_format_wrote_is_read_and_told_again() -> None:
    """It wrote whole checkpoints, with their values inside."""
    (found,) = read(b'[{"format":2,"values":{"4":1}}]')
    assert found.checkpoint == b'{"format":2,"values":{"4":1}}'
    after = line(b'{"format":2,"values":{"5":1}}', (), [found])
    assert [one.checkpoint for one in read(spelled([found, after]))] == [found.checkpoint, after.checkpoint]


@pytest.mark.parametrize(
    "told",
    [
        b"[1]",
        b"[[[1,2]]]",
        b'[[{"a":1},[4]]]',
        b'[[{"a":1}]]',
        b'[[{"a":1},[]],[[1,2,3]]]',
        b'[[{"a":1},[]],[[9,2]]]',
        b'[[{"a":1},[]],[[1,2],{}]]',
    ],
)
def test_what_is_damaged_is_refused(told: bytes) -> None:
    with pytest.raises(UnreadableCheckpoint, match="damaged"):
        read(told)
