"""What every store must do: one class of tests that each store's own test inherits.

The executions here are real ones: the machine's own functions make the steps, and the store only keeps them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec
import pytest

from statelang.compiler import compile_definition
from statelang.core.codec import encode_frame, encode_steps, referred
from statelang.core.execution import Execution, Head, Started, Step, apply
from statelang.core.history import expand
from statelang.core.machine import advance, begin
from statelang.core.stimulus import Stimulus, Stopped, TaskStarted, TaskSucceeded, Tick, TimerFired
from statelang.errors import ExecutionExists, ExecutionNotFound, LeaseLost
from statelang.ports import Commit, Lease, NewExecution, Store
from statelang.program import Program
from statelang.testing.simulation import start
from statelang.values import Json, encode
from tests.stores.map_run_contract import MapRunContract

AT = 1_767_225_600_000

SOURCE: Json = {
    "StartAt": "Remember",
    "States": {
        "Remember": {"Type": "Pass", "Assign": {"seen.$": "$.n"}, "Next": "Each"},
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {
                "StartAt": "Work",
                "States": {
                    "Work": {"Type": "Task", "Resource": "python:a:b", "TimeoutSeconds": 60, "Next": "Rest"},
                    "Rest": {"Type": "Wait", "Seconds": 5, "End": True},
                },
            },
            "End": True,
        },
    },
}

GROWING: Json = {
    "StartAt": "S0",
    "States": {
        f"S{number}": {
            "Type": "Task",
            "Resource": "python:a:b",
            "ResultPath": f"$.at{number}",
            **({"Next": f"S{number + 1}"} if number < 7 else {"End": True}),
        }
        for number in range(8)
    },
}


def told(head: Head) -> bytes:
    """A head as it is written: values by number."""
    return encode_steps([Step(0, head, {}, [], [], [], None, [])])


def frames(execution: Execution) -> dict[int, str]:
    """The frames as they are written."""
    return {id: encode_frame(frame).decode() for id, frame in sorted(execution.frames.items())}


def texts(execution: Execution) -> dict[int, str]:
    """The text of every value that is referred to."""
    return {value.id: value.text for value in referred(execution.head, execution.frames.values())}


class StoreContract(MapRunContract):
    """Inherited by each store's tests, which provide `store` and `again`."""

    program: Program = compile_definition(encode(SOURCE))

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        raise NotImplementedError

    def again(self, store: Store) -> Store:
        """The same store, as another process opens it."""
        raise NotImplementedError

    def new(self, name: str = "one", input: Json = None) -> tuple[NewExecution, Execution]:
        text = encode({"n": 1, "items": [1, 2, 3]} if input is None else input)
        started = msgspec.structs.replace(start(self.program, text, name=name, at=AT), fingerprint=text)
        execution, step = begin(self.program, started)
        return NewExecution(started, self.program.source, step), execution

    def begun(self, store: Store, name: str = "one") -> tuple[Lease, Execution]:
        new, execution = self.new(name)
        (lease,) = store.create([new])
        assert lease is not None
        return lease, execution

    def step(self, store: Store, lease: Lease, execution: Execution, stimulus: Stimulus | None = None) -> None:
        """One transition, committed."""
        step = advance(self.program, execution, stimulus or Tick(AT, bytes(range(16))))
        assert step is not None
        apply(execution, step)
        swept, execution.swept = execution.swept, []
        store.commit([Commit(lease, [step], swept=swept)], sync=False)

    def to_the_tasks(self, store: Store, lease: Lease, execution: Execution) -> None:
        while execution.ready:
            self.step(store, lease, execution)

    def answer(self, store: Store, lease: Lease, execution: Execution) -> None:
        """Every task that waits is answered, every timer fires."""
        for command, frame in list(execution.waiting.items()):
            waiting = execution.frames[frame].waiting
            token = getattr(waiting, "token", None)
            if token is None:
                self.step(store, lease, execution, TimerFired(AT + 9_000, bytes(16), command))
            else:
                self.step(store, lease, execution, TaskStarted(AT, token))
                self.step(store, lease, execution, TaskSucceeded(AT, bytes(16), token, '{"done": true}'))

    def to_the_end(self, store: Store, lease: Lease, execution: Execution) -> None:
        while execution.head.status == "RUNNING":
            self.to_the_tasks(store, lease, execution)
            self.answer(store, lease, execution)

    def same(self, one: Execution, other: Execution) -> None:
        assert told(one.head) == told(other.head)
        assert one.started == other.started
        assert frames(one) == frames(other)
        assert texts(one) == texts(other)
        assert list(one.ready) == list(other.ready)
        assert one.waiting == other.waiting
        assert one.due() == other.due()

    def test_what_was_committed_is_read_back_at_every_step(self, store: Store) -> None:
        lease, execution = self.begun(store)
        self.same(store.read("one"), execution)
        for _ in range(12):
            if execution.ready:
                self.step(store, lease, execution)
            else:
                self.answer(store, lease, execution)
            self.same(store.read("one"), execution)

    def test_a_state_that_grows_is_read_back_at_every_step(self, store: Store) -> None:
        self.program = compile_definition(encode(GROWING))
        new, execution = self.new()
        (lease,) = store.create([new])
        assert lease is not None
        for number in range(8):
            self.to_the_tasks(store, lease, execution)
            waiting: Json = execution.frames[0].waiting
            self.step(store, lease, execution, TaskStarted(AT, waiting.token))
            answer = encode({"said": random.Random(number).randbytes(500).hex(), "ö": "€ 7"})
            self.step(store, lease, execution, TaskSucceeded(AT, bytes(16), waiting.token, answer))
            self.same(store.read("one"), execution)
            self.same(self.again(store).read("one"), execution)
        assert execution.head.status == "SUCCEEDED"
        (*_, ended) = expand(*store.records("one"))
        assert execution.head.output is not None
        assert ended["executionSucceededEventDetails"]["output"] == execution.head.output.text

    def test_another_process_reads_the_same(self, store: Store) -> None:
        lease, execution = self.begun(store)
        self.to_the_tasks(store, lease, execution)
        self.same(self.again(store).read("one"), execution)

    def test_the_history_grows_and_keeps_the_spelling_of_the_input(self, store: Store) -> None:
        new, execution = self.new()
        spelled = '{"n" : 1,   "items": [1, 2, 3]}'
        execution, step = begin(self.program, msgspec.structs.replace(new.started, input=spelled))
        (lease,) = store.create([NewExecution(execution.started, self.program.source, step)])
        assert lease is not None
        seen: list[Json] = []
        while execution.ready:
            self.step(store, lease, execution)
            records, text = store.records("one")
            events = list(expand(records, text))
            assert events[: len(seen)] == seen
            seen = events
        assert seen[0]["executionStartedEventDetails"]["input"] == spelled
        records, text = store.records("one", after=seen[-1]["id"] - 1)
        assert list(expand(records, text))[-1] == seen[-1]

    def test_the_history_is_read_from_any_event_on(self, store: Store) -> None:
        """Values that stand in the rows before are found too."""
        lease, execution = self.begun(store)
        self.to_the_end(store, lease, execution)
        records, text = store.records("one")
        whole = list(expand(records, text))
        for after in (*range(len(whole)), len(whole) + 5):
            records, text = store.records("one", after=after)
            assert [event for event in expand(records, text) if event["id"] > after] == whole[after:]

    def test_an_execution_ends_and_leaves_nothing_to_do(self, store: Store) -> None:
        lease, execution = self.begun(store)
        self.to_the_end(store, lease, execution)
        summary = store.summary("one")
        assert (summary.status, summary.driven, summary.due) == ("SUCCEEDED", False, None)
        self.same(store.read("one"), execution)
        assert store.due(AT * 2, 10) == []

    def test_a_start_is_done_once(self, store: Store) -> None:
        self.begun(store)
        new, _ = self.new()
        assert list(store.create([new])) == [None]
        other, _ = self.new(input={"n": 2, "items": []})
        with pytest.raises(ExecutionExists):
            store.create([other])

    def test_all_executions_are_made_or_none(self, store: Store) -> None:
        self.begun(store, "two")
        (fresh, _), (clash, _) = self.new("fresh"), self.new("two", {"n": 9, "items": []})
        with pytest.raises(ExecutionExists):
            store.create([fresh, clash])
        with pytest.raises(ExecutionNotFound):
            store.read("fresh")

    def test_what_is_not_there_is_refused_by_name(self, store: Store) -> None:
        for ask in (store.read, store.summary, store.records):
            with pytest.raises(ExecutionNotFound, match="nobody"):
                ask("nobody")
        with pytest.raises(ExecutionNotFound, match="nobody"):
            store.post("nobody", Stopped(AT))
        assert store.claim("nobody") is None

    def test_a_held_execution_is_not_given_away(self, store: Store) -> None:
        self.begun(store)
        assert store.claim("one") is None
        assert store.due(AT * 2, 10) == []

    def test_released_it_is_due_and_can_be_claimed(self, store: Store) -> None:
        lease, execution = self.begun(store)
        self.to_the_tasks(store, lease, execution)
        store.commit([Commit(lease, (), release=True, due=AT + 500)], sync=True)
        assert store.next_due() == AT + 500
        assert store.due(AT, 10) == []
        assert list(store.due(AT + 500, 10)) == ["one"]
        taken = store.claim("one")
        assert taken is not None
        assert taken.epoch > lease.epoch
        loaded, posts = store.load(taken)
        self.same(loaded, execution)
        assert list(posts) == []

    def test_a_late_worker_cannot_write(self, store: Store) -> None:
        lease, execution = self.begun(store)
        store.commit([Commit(lease, (), release=True, due=0)], sync=False)
        taken = store.claim("one")
        assert taken is not None
        step = advance(self.program, execution, Tick(AT, bytes(16)))
        assert step is not None
        before = told(store.read("one").head)
        for commit in (Commit(lease, [step]), Commit(lease, (), release=True)):
            with pytest.raises(LeaseLost) as lost:
                store.commit([commit], sync=False)
            assert lost.value.executions == ("one",)
        assert told(store.read("one").head) == before
        assert store.claim("one") is None

    def test_who_has_given_it_back_writes_nothing_though_nobody_took_it(self, store: Store) -> None:
        lease, execution = self.begun(store)
        store.commit([Commit(lease, (), release=True, due=AT)], sync=False)
        step = advance(self.program, execution, Tick(AT, bytes(16)))
        assert step is not None
        before = told(store.read("one").head)
        for commit in (Commit(lease, [step]), Commit(lease, (), release=True, due=AT + 1)):
            with pytest.raises(LeaseLost) as lost:
                store.commit([commit], sync=False)
            assert lost.value.executions == ("one",)
        assert told(store.read("one").head) == before
        assert list(store.due(AT, 10)) == ["one"]

    def test_one_lost_lease_undoes_the_whole_commit(self, store: Store) -> None:
        lease, execution = self.begun(store, "mine")
        other, their = self.begun(store, "theirs")
        store.commit([Commit(other, (), release=True, due=0)], sync=False)
        assert store.claim("theirs") is not None
        steps = [advance(self.program, e, Tick(AT, bytes(16))) for e in (execution, their)]
        commits = [Commit(held, [step]) for held, step in zip((lease, other), steps) if step is not None]
        before = told(store.read("mine").head)
        with pytest.raises(LeaseLost) as lost:
            store.commit(commits, sync=False)
        assert lost.value.executions == ("theirs",)
        assert told(store.read("mine").head) == before

    def test_posts_arrive_in_order_and_are_consumed_with_the_commit(self, store: Store) -> None:
        lease, execution = self.begun(store)
        self.to_the_tasks(store, lease, execution)
        guest = self.again(store)
        guest.post("one", Stopped(AT, "First"))
        guest.post("one", Stopped(AT, "Second"))
        posts = store.posts()
        assert [post.stimulus for post in posts] == [Stopped(AT, "First"), Stopped(AT, "Second")]
        step = advance(self.program, execution, posts[0].stimulus)
        assert step is not None
        apply(execution, step)
        store.commit([Commit(lease, [step], posts=[post.number for post in posts])], sync=True)
        assert store.summary("one").status == "ABORTED"
        assert store.summary("one").error == "First"
        assert list(store.load(lease)[1]) == []

    def test_a_post_wakes_what_sleeps(self, store: Store) -> None:
        lease, _ = self.begun(store)
        store.commit([Commit(lease, (), release=True, due=None)], sync=False)
        assert store.due(AT * 2, 10) == []
        self.again(store).post("one", Stopped(AT))
        assert list(store.due(AT, 10)) == ["one"]
        taken = store.claim("one")
        assert taken is not None
        assert [post.stimulus for post in store.load(taken)[1]] == [Stopped(AT)]

    def test_a_post_while_it_is_held_keeps_it_due(self, store: Store) -> None:
        lease, _ = self.begun(store)
        self.again(store).post("one", Stopped(AT))
        store.commit([Commit(lease, (), release=True, due=None)], sync=False)
        assert list(store.due(AT, 10)) == ["one"]

    def test_what_has_failed_keeps_its_frames_and_is_reopened(self, store: Store) -> None:
        lease, execution = self.begun(store)
        self.to_the_tasks(store, lease, execution)
        self.step(store, lease, execution, Stopped(AT))
        assert store.claim("one") is None
        taken = store.reopen("one")
        assert taken is not None
        loaded, _ = store.load(taken)
        assert loaded.head.status == "ABORTED"
        assert {frame.state for frame in loaded.frames.values()} >= {"Each", "Work"}

    def test_what_has_succeeded_is_not_reopened(self, store: Store) -> None:
        lease, execution = self.begun(store)
        self.to_the_end(store, lease, execution)
        assert store.reopen("one") is None

    def test_lists_are_filtered_and_the_newest_come_first(self, store: Store) -> None:
        for number in range(5):
            new, _ = self.new(f"e{number}")
            started: Started = msgspec.structs.replace(new.started, at=AT + number, fingerprint=str(number))
            store.create([msgspec.structs.replace(new, started=started)])
        assert [summary.id for summary in store.summaries(limit=3)] == ["e4", "e3", "e2"]
        assert [summary.id for summary in store.summaries(before=AT + 2)] == ["e1", "e0"]
        assert store.summaries(machine="other") == []
        assert store.summaries(status="FAILED") == []
        assert len(store.summaries(machine="machine", status="RUNNING")) == 5

    def test_a_definition_is_kept_with_what_pins_it(self, store: Store) -> None:
        self.begun(store)
        assert compile_definition(store.definition(self.program.digest)).digest == self.program.digest

    def test_a_long_run_loads_as_quickly_as_a_short_one(self, store: Store) -> None:
        """Snapshots and sweeping keep what is loaded: the same frames as in memory, after hundreds of commits."""
        new, execution = self.new("long", {"n": 1, "items": list(range(90))})
        (lease,) = store.create([new])
        assert lease is not None
        while execution.head.status == "RUNNING" and execution.head.events < 500:
            self.to_the_tasks(store, lease, execution)
            self.answer(store, lease, execution)
        store.sweep(1_000)
        loaded = store.read("long")
        assert told(loaded.head) == told(execution.head)
        assert texts(loaded) == texts(execution)
        assert set(loaded.frames) == set(execution.frames)
