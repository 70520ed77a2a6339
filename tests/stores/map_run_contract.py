"""What every store must do for Map Runs, nested executions and activities. Part of the contract: see `contract`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from statelang.compiler import compile_definition
from statelang.core.execution import Execution, apply
from statelang.core.machine import advance, begin
from statelang.core.map_run import MapRun, Tally, tally_of
from statelang.core.stimulus import (
    ItemsRead,
    MapRunChanged,
    Redriven,
    ResultsCollected,
    StartChild,
    Stopped,
    TaskStarted,
    TaskSucceeded,
    Tick,
)
from statelang.errors import LeaseLost, MapRunNotFound
from statelang.ports import Commit, Lease, NewExecution, Queued, Store
from statelang.program import Program
from statelang.testing.simulation import start
from statelang.values import Json, encode

AT = 1_767_225_600_000
RANDOM = bytes(range(16))
NOTHING = Tally()

SOURCE: Json = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "Label": "each",
            "ToleratedFailurePercentage": 100,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Work",
                "States": {"Work": {"Type": "Task", "Resource": "python:a:b", "End": True}},
            },
            "End": True,
        },
    },
}


class MapRunContract:
    """Inherited by each store's tests through `StoreContract`."""

    fan: Program = compile_definition(encode(SOURCE))

    def again(self, store: Store) -> Store:
        raise NotImplementedError

    def fanned(self, store: Store, name: str = "parent") -> tuple[Lease, Execution, MapRun]:
        """A parent whose Map Run has begun, committed."""
        text = encode([10, 20, 30, 40])
        started = msgspec.structs.replace(start(self.fan, text, name=name, at=AT), fingerprint=text)
        execution, step = begin(self.fan, started)
        (lease,) = store.create([NewExecution(started, self.fan.source, step)])
        assert lease is not None
        self.moved(store, lease, execution, Tick(AT, RANDOM))
        (run,) = execution.runs.values()
        return lease, execution, run

    def moved(self, store: Store, lease: Lease, execution: Execution, stimulus: object, **beyond: object) -> None:
        """One transition, committed with what goes beyond it."""
        step = advance(self.fan, execution, stimulus)  # type: ignore[arg-type]
        assert step is not None
        apply(execution, step)
        store.commit([Commit(lease, [step], **beyond)], sync=False)  # type: ignore[arg-type]

    def children(
        self, store: Store, lease: Lease, parent: Execution, count: int = 4
    ) -> Sequence[tuple[Lease | None, Execution]]:
        """The children of a parent's Map Run, begun and each in its task, in the commit that read their items."""
        (run,) = parent.runs.values()
        items = [10, 20, 30, 40][run.read : run.read + count]
        marks = list(range(run.read + 1, run.read + len(items) + 1))
        sources = ["STATE_DATA"] * len(items)
        read = ItemsRead(AT, RANDOM, run.token, run.read, items, marks, NOTHING, sources, exhausted=True)
        step = advance(self.fan, parent, read)
        assert step is not None
        apply(parent, step)
        new, begun = [], []
        for command in step.commands:
            if isinstance(command, StartChild):
                child, first = begin(self.fan, command.started)
                second = advance(self.fan, child, Tick(AT, RANDOM))
                assert second is not None
                apply(child, second)
                new.append(NewExecution(command.started, "", first, [second]))
                begun.append(child)
        leases = store.commit([Commit(lease, [step], begun=new)], sync=False)
        return list(zip(leases, begun))

    def ended(self, store: Store, lease: Lease | None, child: Execution, **beyond: object) -> None:
        """A child's last commit."""
        assert lease is not None
        steps = []
        (frame,) = child.frames.values()
        token = getattr(frame.waiting, "token", "")
        for stimulus in (TaskStarted(AT, token), TaskSucceeded(AT, RANDOM, token, '"done"')):
            step = advance(self.fan, child, stimulus)
            assert step is not None
            apply(child, step)
            steps.append(step)
        tallies = {child.started.map_run: tally_of("SUCCEEDED", 1)}
        store.commit([Commit(lease, steps, tallies=tallies, **beyond)], sync=True)  # type: ignore[arg-type]

    def test_a_map_run_is_written_with_its_parent(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        assert store.map_run(run.id) == (run, NOTHING)
        assert list(store.map_runs("parent")) == [(run, NOTHING)]
        loaded = self.again(store).read("parent")
        assert loaded.runs == parent.runs
        self.children(store, lease, parent)
        assert store.map_run(run.id)[0] == parent.runs[run.id]
        assert store.map_run(run.id)[0].made == 4

    def test_what_is_not_there_is_refused(self, store: Store) -> None:
        with pytest.raises(MapRunNotFound, match="nothing"):
            store.map_run("nothing")
        assert list(store.map_runs("nobody")) == []
        assert list(store.members("nothing", ["RUNNING"])) == []
        assert list(store.children("nothing")) == []

    def test_children_begin_with_the_commit_that_reads_their_items(self, store: Store) -> None:
        lease, parent, _ = self.fanned(store)
        children = self.children(store, lease, parent)
        assert [child.started.index for _, child in children] == [0, 1, 2, 3]
        for held, child in children:
            assert held is not None
            assert store.claim(child.started.id) is None, "whoever begins a child holds it"
            loaded, posts = store.load(held)
            assert (loaded.started, list(posts)) == (child.started, [])
            assert set(loaded.frames) == set(child.frames)
            assert loaded.waiting == child.waiting

    def test_children_are_not_begun_twice(self, store: Store) -> None:
        lease, parent, _ = self.fanned(store)
        (_, child), *_ = self.children(store, lease, parent)
        _, first = begin(self.fan, child.started)
        again = Commit(lease, (), begun=[NewExecution(child.started, "", first)])
        assert list(store.commit([again], sync=False)) == [None]
        assert store.read(child.started.id).waiting == child.waiting, "it is left as it is"

    def test_a_lost_lease_begins_nothing_and_counts_nothing(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        store.commit([Commit(lease, (), release=True, due=0)], sync=False)
        assert store.claim("parent") is not None
        with pytest.raises(LeaseLost):
            self.children(store, lease, parent)
        late = Commit(lease, (), tallies={run.id: tally_of("FAILED", 1)}, sends=[("parent", Stopped(AT))])
        with pytest.raises(LeaseLost):
            store.commit([late], sync=False)
        assert store.map_run(run.id) == (run, NOTHING)
        assert list(store.members(run.id, ["RUNNING"])) == []
        assert list(store.posts()) == []

    def test_a_child_that_ends_at_once_is_there_whole(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        (_, child), *_ = self.children(store, lease, parent, count=1)
        started = msgspec.structs.replace(child.started, id="quick", index=1, items=3)
        quick, first = begin(self.fan, started)
        step = advance(self.fan, quick, Stopped(AT, "Enough", "of it"))
        assert step is not None
        tallies = {run.id: tally_of("ABORTED", 3)}
        store.commit([Commit(lease, (), begun=[NewExecution(started, "", first, [step])], tallies=tallies)], sync=True)
        summary = store.summary("quick")
        assert (summary.status, summary.error, summary.driven, summary.due) == ("ABORTED", "Enough", False, None)
        assert store.map_run(run.id)[1] == Tally(aborted=1, items_aborted=3)
        assert list(store.due(AT * 2, 10)) == []
        assert store.reopen("quick") is not None

    def test_the_last_commit_of_a_child_counts_it(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        children = self.children(store, lease, parent)
        for number, (held, child) in enumerate(children[:3], start=1):
            self.ended(store, held, child)
            assert store.map_run(run.id)[1] == Tally(succeeded=number, items_succeeded=number)
        assert [index for index, _ in store.members(run.id, ["RUNNING"])] == [3]
        assert [index for index, _ in store.members(run.id, ["SUCCEEDED", "FAILED"], first=1, limit=1)] == [1]
        assert self.again(store).map_run(run.id)[1].succeeded == 3

    def test_tallies_of_one_commit_add_up(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        (one, _), (other, _), *_ = self.children(store, lease, parent)
        assert one is not None
        assert other is not None
        failed = {run.id: tally_of("FAILED", 2)}
        store.commit([Commit(one, (), tallies=failed), Commit(other, (), tallies=failed)], sync=False)
        assert store.map_run(run.id)[1] == Tally(failed=2, items_failed=4)
        store.commit([Commit(one, (), tallies={run.id: tally_of("FAILED", 2, -1)})], sync=False)
        assert store.map_run(run.id)[1] == Tally(failed=1, items_failed=2)

    def test_children_are_read_with_what_they_were_given_and_left(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        children = self.children(store, lease, parent)
        self.ended(store, *children[1])
        told = store.children(run.id)
        assert [(started.index, started.input) for started, _ in told] == [(0, "10"), (1, "20"), (2, "30"), (3, "40")]
        assert [head.status for _, head in told] == ["RUNNING", "SUCCEEDED", "RUNNING", "RUNNING"]
        assert told[1][1].output is not None
        assert told[1][1].output.text == '"done"'
        assert [started.index for started, _ in store.children(run.id, first=1, limit=2)] == [1, 2]

    def test_lists_show_children_for_their_map_run_alone(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        children = self.children(store, lease, parent)
        self.ended(store, *children[2])
        assert [summary.id for summary in store.summaries()] == ["parent"]
        listed = store.summaries(map_run=run.id)
        assert [summary.id for summary in listed] == [child.started.id for _, child in children]
        assert [summary.status for summary in store.summaries(map_run=run.id, status="SUCCEEDED")] == ["SUCCEEDED"]
        assert len(store.summaries(map_run=run.id, limit=2)) == 2

    def test_a_child_is_taken_over_like_any_execution(self, store: Store) -> None:
        lease, parent, _ = self.fanned(store)
        (held, child), *_ = self.children(store, lease, parent)
        assert held is not None
        store.commit([Commit(held, (), release=True, due=AT)], sync=False)
        assert list(store.due(AT, 10)) == [child.started.id]
        taken = store.claim(child.started.id)
        assert taken is not None
        assert store.load(taken)[0].started == child.started

    def test_a_child_is_redriven_and_counted_off(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        (held, child), *_ = self.children(store, lease, parent)
        assert held is not None
        self.moved(store, held, child, Stopped(AT), tallies={run.id: tally_of("ABORTED", 1)})
        taken = store.reopen(child.started.id)
        assert taken is not None
        loaded, _ = store.load(taken)
        self.moved(store, taken, loaded, Redriven(AT, 1), tallies={run.id: tally_of("ABORTED", 1, -1)})
        assert store.map_run(run.id)[1] == NOTHING
        assert [index for index, _ in store.members(run.id, ["RUNNING"], limit=1)] == [0]

    def test_a_commit_posts_to_others(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        (held, child), *_ = self.children(store, lease, parent)
        told = MapRunChanged(AT, b"", run.token)
        assert list(store.posts()) == []
        self.ended(store, held, child, sends=[("parent", told), ("nobody", told)])
        assert [(post.execution, post.stimulus) for post in store.posts()] == [("parent", told)]

    def test_the_end_of_a_map_run_is_its_parents(self, store: Store) -> None:
        lease, parent, run = self.fanned(store)
        for child in self.children(store, lease, parent):
            self.ended(store, *child)
        tally = store.map_run(run.id)[1]
        self.moved(store, lease, parent, MapRunChanged(AT, RANDOM, run.token, tally))
        self.moved(store, lease, parent, ResultsCollected(AT, RANDOM, run.token, '["done"]'))
        assert store.summary("parent").status == "SUCCEEDED"
        assert store.map_run(run.id)[0].status == "SUCCEEDED"
        assert store.read("parent").runs == {}

    def test_tasks_of_an_activity_are_taken_once_each_the_oldest_first(self, store: Store) -> None:
        lease, _, _ = self.fanned(store)
        tasks = [Queued("arn:a", "parent", f"parent.{n}.x", f"[{n}]") for n in range(2)]
        store.commit([Commit(lease, (), queued=[*tasks, Queued("arn:b", "parent", "parent.9.x", "{}")])], sync=True)
        guest = self.again(store)
        taken = [guest.take("arn:a", lambda token: TaskStarted(AT, token, "w")) for _ in range(3)]
        assert taken == [*tasks, None]
        assert [post.stimulus for post in store.posts()] == [TaskStarted(AT, task.token, "w") for task in tasks]
        assert guest.take("arn:c", lambda token: TaskStarted(AT, token)) is None

    def test_tasks_of_what_has_ended_are_not_given_out(self, store: Store) -> None:
        lease, parent, _ = self.fanned(store)
        store.commit([Commit(lease, (), queued=[Queued("arn:a", "parent", "parent.1.x", "{}")])], sync=True)
        self.moved(store, lease, parent, Stopped(AT))
        assert store.take("arn:a", lambda token: TaskStarted(AT, token)) is None
