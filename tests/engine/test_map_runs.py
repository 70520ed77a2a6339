"""Map Runs in the engine: real stores, real files, real threads."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import statelang
from statelang import Engine, StateMachine
from statelang.core.map_run import Tally, child_name
from statelang.map_runs import MapRuns
from statelang.ports import Commit, Lease
from statelang.stores.sqlite import SqliteStore
from statelang.tasks import Bindings
from statelang.testing.clock import VirtualClock
from statelang.values import Json

WORK = "arn:aws:lambda:us-east-1:111122223333:function:work"
CONFIG: Json = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
PASS: Json = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
TASK: Json = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": WORK, "End": True}}}
CSV: Json = {
    "Resource": "arn:aws:states:::s3:getObject",
    "Parameters": {"Bucket": "in", "Key": "data.csv"},
    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
}


def distributed(processor: Json = PASS, **fields: Json) -> StateMachine:
    each = {"Type": "Map", "Label": "each", "ItemProcessor": {"ProcessorConfig": CONFIG, **processor}, "End": True}
    return statelang.load({"StartAt": "Each", "States": {"Each": {**each, **fields}}}, name="fan")


@pytest.fixture(params=["memory:", "sqlite"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory:" else f"sqlite:///{tmp_path}/store.db"


def bound(tmp_path: Path) -> Bindings:
    (tmp_path / "in").mkdir(exist_ok=True)
    return Bindings(buckets={"in": tmp_path / "in", "out": tmp_path / "out"})


def rows(tmp_path: Path, count: int) -> None:
    (tmp_path / "in").mkdir(exist_ok=True)
    lines = [f"{number},name {number}\n" for number in range(count)]
    (tmp_path / "in" / "data.csv").write_text("id,name\n" + "".join(lines))


def stuck_after_three(seen: list[str]) -> Callable[[statelang.TaskCall], None]:
    """A task that notes its row; from the fourth on it waits until it is cancelled."""

    def work(call: statelang.TaskCall) -> None:
        seen.append(call.input["id"])
        if len(seen) > 3:
            call.cancel.wait(60)

    return work


def until(holds: Callable[[], object]) -> None:
    for _ in range(400):
        if holds():
            return
        time.sleep(0.025)
    raise AssertionError("it never came to that")


def manifest_of(tmp_path: Path, output: Json) -> tuple[Json, list[Json]]:
    """The manifest, and the records of what has succeeded."""
    told = json.loads((tmp_path / "out" / output["ResultWriterDetails"]["Key"]).read_text())
    files = [tmp_path / "out" / file["Key"] for file in told["ResultFiles"]["SUCCEEDED"]]
    return told, [record for file in files for record in json.loads(file.read_text())]


def test_rows_of_a_file_become_files_of_results(address: str, tmp_path: Path) -> None:
    rows(tmp_path, 1_200)
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "p"}}
    with Engine(address, tasks={WORK: lambda row: row["id"]}, bindings=bound(tmp_path)) as engine:
        result = engine.run(distributed(TASK, ItemReader=CSV, ResultWriter=writer), {}, name="csv", timeout=60)
        assert result.status == "SUCCEEDED"
        ((run, tally),) = engine.store.map_runs("csv")
        assert (run.status, run.made, tally) == ("SUCCEEDED", 1_200, Tally(succeeded=1_200, items_succeeded=1_200))
        children = engine.store.summaries(map_run=run.id, limit=5_000)
        assert len(children) == 1_200
        assert {child.status for child in children} == {"SUCCEEDED"}
        told = [event["type"] for event in engine.history(children[7].id)]
        assert told[0] == "ExecutionStarted"
        assert told[-1] == "ExecutionSucceeded"
        assert [summary.id for summary in engine.executions()] == ["csv"]
    _, records = manifest_of(tmp_path, result.output)
    assert [json.loads(record["Output"]) for record in records] == [str(number) for number in range(1_200)]


def test_a_row_that_is_malformed_fails_it_and_a_redrive_reads_on(address: str, tmp_path: Path) -> None:
    rows(tmp_path, 700)
    file = tmp_path / "in" / "data.csv"
    good = file.read_text()
    file.write_text(good + '700,"never closed\n')
    done: list[str] = []
    with Engine(address, tasks={WORK: lambda row: done.append(row["id"])}, bindings=bound(tmp_path)) as engine:
        result = engine.run(distributed(TASK, ItemReader=CSV), {}, name="csv", timeout=60)
        assert (result.status, result.error) == ("FAILED", "States.ItemReaderFailed")
        assert result.cause is not None
        assert "malformed" in result.cause
        ((_, before),) = engine.store.map_runs("csv")
        file.write_text(good + "700,closed\n")
        engine.redrive("csv")
        assert engine.wait("csv", timeout=60).status == "SUCCEEDED"
        ((run, tally),) = engine.store.map_runs("csv")
        assert (run.redrives, tally.succeeded, tally.failed) == (1, 701, 0)
    again = {id for id in done if done.count(id) > 1}
    assert len(set(done)) == 701
    assert len(again) <= 700 - before.succeeded, "only what was under way when it failed is done again"


def test_an_object_that_is_not_there_is_told(tmp_path: Path) -> None:
    with Engine(bindings=bound(tmp_path)) as engine:
        result = engine.run(distributed(ItemReader=CSV), {}, timeout=10)
    assert result.error == "States.ItemReaderFailed"
    assert result.cause is not None
    assert "s3://in/data.csv" in result.cause


def test_a_stop_stops_the_children(address: str) -> None:
    def forever(call: statelang.TaskCall) -> None:
        call.cancel.wait(60)

    with Engine(address, tasks={WORK: _Integration(forever)}) as engine:
        engine.start(distributed(TASK), [1, 2, 3], name="fan")
        until(lambda: [run.made for run, _ in engine.store.map_runs("fan")] == [3])
        engine.stop("fan")
        assert engine.result("fan").status == "ABORTED"
        ((run, _),) = engine.store.map_runs("fan")
        assert run.status == "ABORTED"
        until(lambda: engine.store.map_run(run.id)[1].aborted == 3)
        assert {child.status for child in engine.store.summaries(map_run=run.id)} == {"ABORTED"}


WRITER: Json = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "p"}}


def files_of(tmp_path: Path) -> tuple[Json, dict[str, list[Json]]]:
    """The manifest of the one Map Run, and the records of its files by status."""
    (place,) = (tmp_path / "out").rglob("manifest.json")
    told = json.loads(place.read_text())
    found = {
        name: [record for file in files for record in json.loads((tmp_path / "out" / file["Key"]).read_text())]
        for name, files in told["ResultFiles"].items()
    }
    return told, found


def test_what_a_failed_map_run_did_not_begin_is_pending_until_it_is_redriven(address: str, tmp_path: Path) -> None:
    rows(tmp_path, 30_000)
    bad = {"7"}

    def work(row: Json) -> Json:
        if row["id"] in bad:
            raise ValueError("bad")
        return row["id"]

    with Engine(address, tasks={WORK: work}, bindings=bound(tmp_path)) as engine:
        machine = distributed(TASK, ItemReader=CSV, ResultWriter=WRITER, MaxConcurrency=1)
        assert engine.run(machine, {}, name="csv", timeout=60).error == "States.ExceedToleratedFailureThreshold"
        manifest, found = files_of(tmp_path)
        assert len(manifest["ResultFiles"]["PENDING"]) == 3, "no more than 10,000 in one"
        assert [json.loads(record["Input"])["id"] for record in found["PENDING"]] == [
            str(number) for number in range(8, 30_000)
        ]
        assert [record["Output"] for record in found["SUCCEEDED"]] == [f'"{number}"' for number in range(7)]
        assert [json.loads(record["Input"])["id"] for record in found["FAILED"]] == ["7"]
        bad.clear()
        ((run, _),) = engine.map_runs("csv")
        engine.redrive("csv")
        engine.update_map_run(run.id, max_concurrency=500)
        assert engine.wait("csv", timeout=60).status == "SUCCEEDED"
    _, found = files_of(tmp_path)
    assert (len(found["SUCCEEDED"]), found["FAILED"], found["PENDING"]) == (30_000, [], [])


@pytest.mark.parametrize("first", ["waits", "closes"])
def test_a_map_run_that_was_stopped_leaves_files_too(first: str, address: str, tmp_path: Path) -> None:
    rows(tmp_path, 50)
    seen: list[str] = []
    with Engine(address, tasks={WORK: _Integration(stuck_after_three(seen))}, bindings=bound(tmp_path)) as engine:
        engine.start(distributed(TASK, ItemReader=CSV, ResultWriter=WRITER, MaxConcurrency=2), {}, name="csv")
        until(lambda: len(seen) >= 5)
        engine.stop("csv")
        if first == "waits":
            until(lambda: [*(tmp_path / "out").rglob("manifest.json")])
    _, found = files_of(tmp_path)
    assert [len(found[name]) for name in ("SUCCEEDED", "FAILED", "PENDING")] == [3, 2, 45]
    assert {record["Status"] for record in found["FAILED"]} == {"ABORTED"}


def test_a_stop_from_elsewhere_in_the_midst_of_it_leaves_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Map Run is looked at between the stop and its commit, as it may be where children end all the time."""
    look = MapRuns.feed

    def always(runs: MapRuns) -> None:
        runs._due.update(dict.fromkeys(runs._feeds))
        look(runs)

    monkeypatch.setattr(MapRuns, "feed", always)
    rows(tmp_path, 20_000)
    address, done = f"sqlite:///{tmp_path}/store.db", []
    with Engine(address, tasks={WORK: lambda row: done.append(row["id"])}, bindings=bound(tmp_path)) as engine:
        machine = distributed(TASK, ItemReader=CSV, ResultWriter=WRITER, MaxConcurrency=100)
        engine.start(machine, {}, name="csv")
        until(lambda: len(done) > 300)
        with Engine(address) as other:
            other.stop("csv")
        assert engine.wait("csv", timeout=20).status == "ABORTED"
    _, found = files_of(tmp_path)
    assert sum(map(len, found.values())) == 20_000
    assert len(found["SUCCEEDED"]) > 200


def test_a_stop_of_what_nobody_drives_leaves_files_too(tmp_path: Path) -> None:
    rows(tmp_path, 50)
    seen: list[str] = []
    address = f"sqlite:///{tmp_path}/store.db"
    with Engine(address, tasks={WORK: _Integration(stuck_after_three(seen))}, bindings=bound(tmp_path)) as engine:
        engine.start(distributed(TASK, ItemReader=CSV, ResultWriter=WRITER, MaxConcurrency=2), {}, name="csv")
        until(lambda: len(seen) >= 5)
    with Engine(address, bindings=bound(tmp_path)) as other:
        other.stop("csv")
    _, found = files_of(tmp_path)
    assert [len(found[name]) for name in ("SUCCEEDED", "FAILED", "PENDING")] == [3, 2, 45]


class _Integration:
    def __init__(self, do: Callable[[Any], Any]) -> None:
        self._do = do

    def perform(self, call: Any) -> Any:
        self._do(call)
        return statelang.Succeeded(None)


def test_what_failed_is_redriven_and_nothing_else(address: str) -> None:
    bad, done = {3}, []

    def work(data: int) -> int:
        done.append(data)
        if data in bad:
            raise ValueError("bad")
        return data * 2

    with Engine(address, tasks={WORK: work}) as engine:
        machine = distributed(TASK, MaxConcurrency=1)
        assert engine.run(machine, [1, 2, 3, 4], name="fan", timeout=20).status == "FAILED"
        bad.clear()
        engine.redrive("fan")
        result = engine.wait("fan", timeout=20)
        assert result.output == [2, 4, 6, 8]
    assert done == [1, 2, 3, 3, 4]


def test_an_express_child_begins_anew_with_its_input(address: str) -> None:
    bad, done = [True], []

    def work(data: int) -> int:
        done.append(data)
        if data == 100 and bad:
            raise ValueError("bad")
        return data * 10

    task = {"Type": "Task", "Resource": WORK}
    processor = {"StartAt": "A", "States": {"A": {**task, "Next": "B"}, "B": {**task, "End": True}}}
    config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}
    each = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": {**config, **processor}, "End": True}
    with Engine(address, tasks={WORK: work}) as engine:
        machine = statelang.load({"StartAt": "Each", "States": {"Each": each}})
        assert engine.run(machine, [1, 10, 2], name="fan", timeout=20).status == "FAILED"
    bad.clear()
    if address == "memory:":
        return
    with Engine(address, tasks={WORK: work}) as engine:
        engine.redrive("fan")
        assert engine.wait("fan", timeout=20).output == [100, 1_000, 200]
    assert done == [1, 10, 10, 100, 10, 100, 2, 20]


def test_an_express_child_has_five_minutes(address: str) -> None:
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "SecondsPath": "$", "End": True}}}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    each = {
        "Type": "Map",
        "ItemProcessor": {"ProcessorConfig": config, **wait},
        "ToleratedFailureCount": 1,
        "End": True,
    }
    fan = statelang.load({"StartAt": "Each", "States": {"Each": each}})
    with Engine(address, clock=VirtualClock()) as engine:
        told = engine.run(fan, [10, 400]).output
    assert told[0] == 10
    assert told[1]["Status"] == "TIMED_OUT"


def test_a_worker_that_is_gone_is_replaced_with_its_children(tmp_path: Path) -> None:
    """Another process goes on with the Map Run: finished children are not repeated, none is lost."""
    address = f"sqlite:///{tmp_path}/store.db"
    gate, done = threading.Event(), []

    def work(data: int) -> int:
        if data >= 20:
            gate.wait(20)
        done.append(data)
        return data

    first = Engine(address, tasks={WORK: work})
    first.start(distributed(TASK, MaxConcurrency=8), list(range(40)), name="fan")
    until(lambda: len(done) >= 20)
    ((run, _),) = first.store.map_runs("fan")
    first.close(grace_ms=0)
    with Engine(address, tasks={WORK: work}) as second:
        ended = [number for number, _ in second.store.members(run.id, ["SUCCEEDED"])]
        assert len(ended) >= 15
        gate.set()
        assert second.resume("fan")
        assert second.wait("fan", timeout=20).output == list(range(40))
    assert all(done.count(number) == 1 for number in ended)


def test_children_that_others_drive_are_counted(tmp_path: Path) -> None:
    """A child is held by one worker, its Map Run by another: the child's last commit posts to the parent."""
    address = f"sqlite:///{tmp_path}/store.db"
    gate = threading.Event()

    def work(data: int) -> int:
        gate.wait(20)
        return data

    first = Engine(address, tasks={WORK: work})
    first.start(distributed(TASK, MaxConcurrency=2), list(range(6)), name="fan")
    until(lambda: [run.made for run, _ in first.store.map_runs("fan")] == [2])
    ((run, _),) = first.store.map_runs("fan")
    first.close(grace_ms=0)
    with Engine(address, tasks={WORK: work}) as second, Engine(address, tasks={WORK: work}) as third:
        assert second.resume(child_name(run.id, 0))
        assert third.resume("fan")
        gate.set()
        assert third.wait("fan", timeout=20).output == list(range(6))
        assert second.history(child_name(run.id, 0))


def test_a_percentage_is_judged_before_all_items_are_read(address: str, tmp_path: Path) -> None:
    """How many rows there are is found out as soon as too many of the first ones have failed."""
    rows(tmp_path, 20_000)

    def work(row: Json) -> Json:
        raise ValueError("bad")

    with Engine(address, tasks={WORK: work}, bindings=bound(tmp_path)) as engine:
        machine = distributed(TASK, ItemReader=CSV, ToleratedFailurePercentage=1, MaxConcurrency=100)
        result = engine.run(machine, {}, name="csv", timeout=60)
        assert result.error == "States.ExceedToleratedFailureThreshold"
        ((run, tally),) = engine.map_runs("csv")
    assert run.total == 20_000
    assert 200 < tally.items_failed + tally.items_aborted < 5_000


def test_limits_may_be_changed_while_it_runs(address: str) -> None:
    gate, seen = threading.Event(), []

    def work(data: int) -> int:
        seen.append(data)
        gate.wait(20)
        return data

    with Engine(address, tasks={WORK: work}) as engine:
        engine.start(distributed(TASK, MaxConcurrency=1), list(range(5)), name="fan")
        until(lambda: len(seen) == 1)
        ((run, _),) = engine.store.map_runs("fan")
        time.sleep(0.1)
        assert len(seen) == 1
        engine.update_map_run(run.id, max_concurrency=5)
        until(lambda: len(seen) == 5)
        gate.set()
        assert engine.wait("fan", timeout=20).output == list(range(5))
        with pytest.raises(statelang.StatelangError, match="has ended"):
            engine.update_map_run(run.id, max_concurrency=7)


def test_a_child_whose_lease_is_lost_is_not_counted_by_who_lost_it(tmp_path: Path) -> None:
    """Another worker has taken a child over when it ends: the commit is undone, and counted by whoever ends it."""
    place, stolen = str(tmp_path / "store.db"), []

    class Stolen(SqliteStore):
        def commit(self, commits: Sequence[Commit], *, sync: bool) -> Sequence[Lease | None]:
            ended = [commit.lease for commit in commits if commit.tallies and commit.lease.key]
            children = [lease for lease in ended if lease.execution != "fan"]
            if children and not stolen:
                stolen.append(children[0].execution)
                with closing(sqlite3.connect(place)) as db, db:
                    db.execute("UPDATE execution SET epoch = epoch + 1, owner = NULL WHERE id = ?", stolen)
            return super().commit(commits, sync=sync)

    done: list[int] = []

    def work(data: int) -> int:
        done.append(data)
        return data

    with Engine(Stolen(place), tasks={WORK: work}) as engine:
        engine.start(distributed(TASK, MaxConcurrency=3), list(range(12)), name="fan")
        assert engine.wait("fan", timeout=20).output == list(range(12))
        ((run, tally),) = engine.map_runs("fan")
    assert stolen
    assert (run.made, tally.succeeded, tally.ended) == (12, 12, 12)
    assert len(done) == 13, "the child that was taken over was asked for once more"


@pytest.mark.parametrize("policy", ["effect", "strict"])
def test_every_policy_comes_to_the_same(policy: Any, tmp_path: Path) -> None:
    rows(tmp_path, 600)
    with Engine(
        f"sqlite:///{tmp_path}/store.db",
        tasks={WORK: lambda row: int(row["id"])},
        bindings=bound(tmp_path),
        policy=policy,
    ) as engine:
        result = engine.run(distributed(TASK, ItemReader=CSV), {}, name="fan", timeout=60)
        assert result.output == list(range(600))


def test_children_that_sleep_are_let_go_and_come_back(tmp_path: Path) -> None:
    """A worker that serves a store holds only what is due soon."""
    waits = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "End": True}}}
    with Engine(f"sqlite:///{tmp_path}/store.db", serve=True) as engine:
        engine.start(distributed(waits), list(range(5)), name="fan")
        until(lambda: [run.made for run, _ in engine.map_runs("fan")] == [5])
        ((run, _),) = engine.map_runs("fan")
        until(lambda: not any(child.driven for child in engine.executions(map_run=run.id)))
        assert engine.describe("fan").driven
        assert engine.wait("fan", timeout=20).output == list(range(5))


def test_a_batch_of_items_and_a_selector_reach_the_task(address: str, tmp_path: Path) -> None:
    rows(tmp_path, 25)
    fields = {
        "ItemSelector": {"row.$": "$$.Map.Item.Value.id", "at.$": "$$.Map.Item.Index"},
        "ItemBatcher": {"MaxItemsPerBatch": 10, "BatchInput": {"day.$": "$.day"}},
    }
    seen: list[Json] = []
    with Engine(address, tasks={WORK: lambda batch: seen.append(batch)}, bindings=bound(tmp_path)) as engine:
        machine = distributed(TASK, ItemReader=CSV, **fields)
        assert engine.run(machine, {"day": "Mon"}, name="fan", timeout=20).status == "SUCCEEDED"
        ((run, tally),) = engine.map_runs("fan")
    assert (run.made, run.read, tally.items_succeeded) == (3, 25, 25)
    batches = sorted(seen, key=lambda batch: batch["Items"][0]["at"])
    assert [batch["BatchInput"] for batch in batches] == [{"day": "Mon"}] * 3
    assert [item["row"] for batch in batches for item in batch["Items"]] == [str(number) for number in range(25)]


def test_a_large_batch_takes_what_it_needs(tmp_path: Path) -> None:
    """More items than are read ahead at once."""
    rows(tmp_path, 5_000)
    with Engine(bindings=bound(tmp_path), limits=statelang.Limits.lifted()) as engine:
        machine = distributed(ItemReader=CSV, ItemBatcher={"MaxItemsPerBatch": 3_000})
        result = engine.run(machine, {}, name="fan", timeout=30)
    assert [len(batch["Items"]) for batch in result.output] == [3_000, 2_000]
