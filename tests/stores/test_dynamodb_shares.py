"""Values told in pieces of others come back letter by letter, from as little of the log as they say."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statelang.compiler import compile_definition
from statelang.config import open_care
from statelang.core.codec import Reader
from statelang.core.execution import Execution, Head, Step, apply
from statelang.core.history import expand
from statelang.core.machine import advance, begin
from statelang.core.stimulus import TaskStarted, TaskSucceeded, Tick
from statelang.core.value import Value
from statelang.errors import UnreadableCheckpoint
from statelang.ports import Commit, Lease, NewExecution
from statelang.stores.dynamodb.held import LINKS, Held, Plan
from statelang.stores.dynamodb.items import Body
from statelang.stores.dynamodb.lines import Line, line, read_lines, spelled
from statelang.stores.dynamodb.shares import APART, DEEP, LEAST, PIECES, Kept, Lacking, Link, Share, Sharing
from statelang.stores.dynamodb.store import DynamoStore
from statelang.stores.dynamodb.table import read_address
from statelang.stores.dynamodb.wire import Wire
from statelang.stores.memory import MemoryStore
from statelang.testing.simulation import start
from statelang.values import Json, encode
from tests.stores.contract import AT, StoreContract, frames, texts, told

HEAD = b'{"format":2,"head":{"counter":1,"events":1,"at":1}}'


def noise(seed: object, length: int = 1_000) -> str:
    """Text that does not compress, of this many letters."""
    return random.Random(str(seed)).randbytes(length // 2).hex()


class Written:
    """Values that were committed one after another, each a JSON string, as lines."""

    def __init__(self, input: str) -> None:
        self.texts = {1: encode(input)}
        self.shares: dict[int, Share] = {}
        self.links = {1: Link(1)}
        self.lines: list[Line] = []

    def commit(self, new: list[str], replaced: list[int]) -> None:
        """Values in one line, which replace others."""
        before = [Value(id, text=self.texts[id]) for id in replaced]
        sharing, own = Sharing(self.texts[1].encode(), before, self.links), []
        for text in map(encode, new):
            id = 3 * len(self.texts)
            pieces = sharing.told(Value(id, text=text))
            own.append((id, text.encode()) if pieces is None else (-id, pieces))
            self.texts[id] = text
            if pieces is not None:
                self.shares[id] = msgspec.json.decode(pieces, type=Share)
        self.lines.append(line(HEAD, own, self.lines))
        self.links |= sharing.fresh

    def kept(self, first: int = 0, last: int = 10**9) -> Kept:
        """What the lines tell in which values of these numbers stand."""
        kept = Kept(Reader(), lambda name: b"")
        lines = read_lines(msgspec.json.decode(spelled(self.lines), type=list[msgspec.Raw]))
        kept.add([one for one in lines if any(first <= abs(id) <= last for id in one.values)], {})
        kept.reader.value(1).load(self.texts[1])
        return kept


ATOMS = st.one_of(
    st.integers(0, 9).map(noise),
    st.integers(0, 9).map(lambda seed: "".join(chr(random.Random(seed).randrange(0xA0, 0xD7FF)) for _ in range(600))),
    st.integers(0, 9).map(lambda seed: encode([{"id": seed * n, "näme": f'"{n}\\', "sku": None} for n in range(40)])),
    st.sampled_from(["", "{}", "\\", '"', "a" * 700, "ab" * 400, '{"n":1,"n":1}', "🎈" * 300, "1234567890" * 100]),
)
PLACES = st.integers(0, 3_000)
EDITS = st.tuples(st.sampled_from(["put", "cut", "same", "new", "join", "turn"]), ATOMS, PLACES, PLACES)
COMMITS = st.lists(st.tuples(st.lists(EDITS, min_size=1, max_size=3), st.integers(0, 3)), max_size=12)


def edited(edit: tuple[str, str, int, int], text: str, other: str) -> str:
    """What becomes of a text."""
    kind, atom, first, length = edit
    changed = {
        "put": text[:first] + atom + text[first:],
        "cut": text[:first] + text[first + length :],
        "same": text,
        "new": atom,
        "join": text + other + atom,
        "turn": text[first:] + atom + text[:first],
    }
    return changed[kind][:8_000]


@given(ATOMS, COMMITS)
def test_values_come_back_as_they_were(input: str, commits: list[Any]) -> None:
    written, text = Written(input), input
    for edits, back in commits:
        known, new = sorted(written.texts), []
        for edit in edits:
            text = edited(edit, text, msgspec.json.decode(written.texts[known[-1 - back % len(known)]]))
            new.append(text)
        written.commit(new, known[-1 - back :])
    whole = written.kept()
    assert {id: whole.value(id).text for id in written.texts} == written.texts
    assert {id: whole.link(id) for id in written.links} == written.links
    for id, share in written.shares.items():
        assert written.kept(share.reach, id).value(id).text == written.texts[id]
        assert 0 <= share.deep <= DEEP
        assert len(share.pieces) <= 2 * PIECES + 1
        assert share.own <= min(len(written.texts[id]) - LEAST, APART)


def grown(times: int) -> Written:
    """A state to which a task adds its answer, over and over."""
    written, state = Written(noise("input")), noise("input")
    for number in range(times):
        answer = noise(number)
        state += f',"at{number}":{answer}'
        written.commit([answer, state], [max(written.texts)])
    return written


def test_what_grows_is_told_by_what_is_added() -> None:
    written = grown(DEEP)
    assert all(len(text) < 120 for one in written.lines for id, text in one.shared)
    assert [share.deep for share in written.shares.values()] == [*range(1, DEEP)]
    assert whole(written)


def test_what_stands_too_deep_is_told_whole_again() -> None:
    written = grown(2 * DEEP + 8)
    deep = [written.links[id].deep for id in sorted(written.links)]
    assert max(deep) == DEEP
    assert deep.count(DEEP) == 2
    assert whole(written)


def whole(written: Written) -> bool:
    return all(written.kept().value(id).text == text for id, text in written.texts.items())


def test_what_repeats_the_input_is_left_to_compression() -> None:
    written = Written(noise("input"))
    written.commit([noise("input") + str(number) for number in range(5)], [1])
    assert written.shares == {}


def test_a_large_input_is_shared_where_compression_does_not_reach() -> None:
    written = Written(noise("input", 60_000))
    written.commit([noise("input", 60_000) + "more"], [1])
    assert written.shares == {3: Share(3, 0, [(1, 0, 60_001), 'more"'])}


def test_the_answer_of_a_task_is_shared_wherever_it_stands() -> None:
    written = Written("")
    written.commit([noise(1)], [])
    written.commit([f"before {noise(1)} between {noise(2)} after {noise(1)}"], [3])
    pieces = written.shares[6].pieces
    assert [piece for piece in pieces if not isinstance(piece, str)] == [(3, 1, 1_001), (3, 1, 1_002)]
    assert written.shares[6].own < 1_040


def test_what_is_not_at_hand_is_lacking_by_name() -> None:
    written = grown(9)
    last = max(written.texts)
    for kept, span in [(Kept(Reader(), lambda name: b""), (last, last)), (written.kept(last), (6, last))]:
        with pytest.raises(Lacking) as lacking:
            kept.value(last)
        assert lacking.value.span == span


@pytest.mark.parametrize(
    "pieces",
    [b"[]", b"1", b"[4,1,[[1,0,99]]]", b"[4,1,[[1,5,5]]]", b"[4,1,[[1,-2,1]]]", b"[4,1,[[4,0,1]]]", b"[4,1,[7]]"],
)
def test_what_is_damaged_is_refused(pieces: bytes) -> None:
    kept = Kept(Reader(), lambda name: b"")
    kept.reader.value(1).load('"input"')

    def read() -> None:
        kept.add([line(HEAD, [(-4, pieces)], [])], {})
        kept.value(4)

    with pytest.raises(UnreadableCheckpoint, match="damaged"):
        read()


def test_of_many_values_the_newest_are_known() -> None:
    held = Held("e:one", 1, b"", Head(), 0)
    for first in range(0, 1_800, 600):
        links = {id: Link(id) for id in range(first, first + 600)}
        commit, body = Commit(Lease("one", 0, 1), ()), Body(msgspec.Raw(b"{}"))
        held.settle(Plan(commit, b"", b"", b"", None, body, Head(), {}, None, [], links))
        assert list(held.links) == list(range(max(0, first + 600 - LINKS), first + 600))


def machine(draw: random.Random) -> Json:
    """Tasks that put their answers here and there, with Pass states between, alone, in a Map and in a Parallel."""

    def chain(name: str, length: int, more: list[Json]) -> Json:
        paths = ["$.at", "$.deep.er", f"$.{name}", *(f"$.at{number}" for number in range(6))]
        kinds: list[Json] = [{"Type": "Task", "Resource": "python:a:b"}, {"Type": "Pass", "Result": noise(name, 600)}]
        drawn = draw.choices(kinds, [3, 1], k=length)
        states: list[Json] = [{**state, "ResultPath": draw.choice(paths)} for state in drawn]
        states[length // 2 : length // 2] = more
        ends: list[Json] = [*({"Next": f"{name}{number + 1}"} for number in range(len(states) - 1)), {"End": True}]
        named = {f"{name}{number}": {**state, **end} for number, (state, end) in enumerate(zip(states, ends))}
        return {"StartAt": f"{name}0", "States": named}

    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": chain("M", 3, []), "ResultPath": "$.each"}
    both = {"Type": "Parallel", "Branches": [chain("L", 2, []), chain("R", 2, [])], "ResultPath": "$.both"}
    return chain("S", 14, draw.sample([each, both], draw.randrange(3)))


def answer(seed: str, given: Json) -> Json:
    """What a task says: the same again for the same attempt."""
    draw = random.Random(seed)
    kinds: list[Json] = [
        noise(seed),
        noise(seed, 20_000),
        {"all": given, "more": noise(seed)},
        list(given),
        [{"id": number, "näme": "é🎈" * 20, "n": 10**30 + number} for number in range(20)],
        None,
        noise(draw.randrange(2)),
    ]
    return draw.choice(kinds)


class Killed(BaseException):
    """The process is gone: nobody catches it to try again."""


class Deadly(Wire):
    """Kills at one of the writes that follow, before or after it."""

    def __init__(self, client: Any, draw: random.Random) -> None:
        super().__init__(client)
        self.left, self.after = draw.randrange(2, 12), draw.random() < 0.5

    def call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        writes = operation in ("update_item", "transact_write_items", "put_item", "batch_write_item")
        self.left -= writes
        if writes and self.left == 0 and not self.after:
            raise Killed
        answer = super().call(operation, arguments)
        if writes and self.left == 0:
            raise Killed
        return answer


class Lives:
    """One execution, driven by workers each of which is killed, and beside it in memory by one that is not."""

    def __init__(self, table: str, seed: int) -> None:
        self.table, self.draw, self.now = read_address(table.removeprefix("dynamodb:")), random.Random(seed), 10**6
        self.contract, self.lives, self.program = StoreContract(), 0, compile_definition(encode(machine(self.draw)))
        items: Json = [{"n": number, "noise": noise(number, 700)} for number in range(3)]
        self.input = encode({"items": items, "noise": noise("input", self.draw.choice([2, 1_000, 20_000]))})

    def begun(self) -> tuple[NewExecution, Execution]:
        started = msgspec.structs.replace(start(self.program, self.input, name="one", at=AT), fingerprint="one")
        execution, step = begin(self.program, started)
        return NewExecution(started, self.program.source, step), execution

    def steps(self, execution: Execution, count: int) -> Iterator[Step]:
        """What happens next, at most so much of it; an answer stays the same when it is asked for again."""
        for _ in range(count):
            if execution.ready:
                stimulus: Any = Tick(AT, bytes(range(16)))
            elif execution.head.status == "RUNNING":
                waiting: Any = execution.frames[min(execution.waiting.values())].waiting
                text = encode(answer(waiting.token[:9], waiting.input.json))
                stimulus = TaskSucceeded(AT, bytes(16), waiting.token, text)
                if not waiting.started:
                    stimulus = TaskStarted(AT, waiting.token)
            else:
                return
            step = advance(self.program, execution, stimulus)
            assert step is not None
            apply(execution, step)
            yield step

    def store(self) -> DynamoStore:
        """The store of a worker that is about to be killed."""
        self.lives, self.now = self.lives + 1, self.now + 100_000
        store = DynamoStore(self.table, now=lambda: self.now)
        store.calls._wire = Deadly(store.calls.client, self.draw)
        return store

    def reader(self) -> DynamoStore:
        return DynamoStore(self.table, now=lambda: self.now)

    def commit(self, store: Any, lease: Lease, execution: Execution) -> None:
        steps = list(self.steps(execution, self.draw.randrange(1, 6)))
        swept, execution.swept = execution.swept, []
        store.commit([Commit(lease, steps, swept=swept)], sync=False)


@pytest.mark.parametrize("seed", range(12))
def test_whoever_is_killed_wherever_what_was_committed_is_there(table: str, seed: int) -> None:
    life = Lives(table, seed)
    new, execution = life.begun()
    with closing(life.reader()) as first:
        (lease,) = first.create([new])
        assert lease is not None
        first.commit([Commit(lease, (), release=True, due=0)], sync=True)
    while execution.head.status == "RUNNING":
        before = state_of(execution)
        worker = life.store()
        try:
            taken = worker.claim("one")
            assert taken is not None
            execution, _ = worker.load(taken)
            while execution.head.status == "RUNNING":
                before = state_of(execution)
                life.commit(worker, taken, execution)
        except Killed:
            pass
        after = state_of(execution)
        with closing(life.reader()) as reader:
            execution = reader.read("one")
        assert state_of(execution) in (before, after)
    with closing(life.reader()) as reader, closing(MemoryStore()) as memory:
        new, straight = life.begun()
        (lease,) = memory.create([new])
        assert lease is not None
        while straight.head.status == "RUNNING":
            life.commit(memory, lease, straight)
        assert list(expand(*reader.records("one"))) == list(expand(*memory.records("one")))
    assert open_care(table).check() == []
    assert life.lives > 1


def state_of(execution: Execution) -> tuple[object, ...]:
    return told(execution.head), frames(execution), texts(execution)
