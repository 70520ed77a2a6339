"""Kill an execution with a Map Run and a nested execution at every commit boundary and around every effect, and resume.

    python -m tests.crash.together FOLDER

Prints one JSON object: how many places there were, and what went wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import statelang
from statelang.engine import Engine
from statelang.tasks import Bindings
from statelang.testing.clock import VirtualClock
from statelang.values import Json, encode
from tests.crash.__main__ import DyingBindings, DyingStore, DyingTask, Reaper, fork, seen

NAME = "together"
WORK = "arn:aws:lambda:us-east-1:111122223333:function:work"
CHILD = "arn:aws:states:us-east-1:111122223333:stateMachine:child"
DOUBLE: Json = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": WORK, "End": True}}}
EACH: Json = {
    "Type": "Map",
    "Label": "each",
    "MaxConcurrency": 2,
    "ItemReader": {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": "data", "Key": "numbers.jsonl"},
    },
    "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **DOUBLE},
    "ResultWriter": {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "data", "Prefix": "out"},
        "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"},
    },
    "ResultPath": None,
    "Next": "Call",
}
CALL: Json = {
    "Type": "Task",
    "Resource": "arn:aws:states:::states:startExecution.sync:2",
    "Parameters": {"StateMachineArn": CHILD, "Input.$": "$.n", "Name": "kid"},
    "ResultSelector": {"doubled.$": "$.Output"},
    "End": True,
}


def machine() -> statelang.StateMachine:
    """A Distributed Map from a file to a file, then a nested execution."""
    return statelang.load({"StartAt": "Each", "States": {"Each": EACH, "Call": CALL}}, name="together")


def bindings(folder: Path) -> Bindings:
    """The task doubles what it is given."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "numbers.jsonl").write_text("1\n2\n3\n4\n5\n")
    child = {"StartAt": "Kid", "States": {"Kid": DOUBLE["States"]["T"]}}
    (folder / "child.asl.json").write_text(encode(child))
    bound = Bindings.of({WORK: lambda number: number * 2})
    return Bindings(
        bound.bound, buckets={"data": folder / "data"}, machines={"*:stateMachine:child": folder / "child.asl.json"}
    )


def live(folder: Path, at: int | None) -> None:
    """One life: start the execution, or take it up where it stands, and drive it to its end."""
    reaper, plain, effects = Reaper(at), bindings(folder), folder / "effects"
    dying = DyingBindings(
        plain.bound,
        buckets=plain.buckets,
        machines=plain.machines,
        wrap=lambda task: DyingTask(task, reaper, effects, lambda call: None),
    )
    engine = Engine(DyingStore(str(folder / "store.db"), reaper), clock=VirtualClock(), bindings=dying)
    result = engine.run(machine(), {"n": 21}, name=NAME, timeout=30)
    engine.close(grace_ms=1_000)
    if result.status != "SUCCEEDED":
        raise SystemExit(1)
    (folder / "places").write_text(str(reaper.passed))


def wrong(folder: Path) -> list[str]:
    """What does not hold at the end."""
    problems = []
    engine = Engine(f"sqlite:///{folder}/store.db")
    result = engine.result(NAME)
    if result.output != {"doubled": 42}:
        problems.append(f"the output is {result.output}")
    runs = engine.map_runs(NAME)
    if len(runs) != 1:
        problems.append(f"there are {len(runs)} Map Runs")
    run, tally = runs[0]
    if (run.status, run.made, tally.succeeded, tally.ended) != ("SUCCEEDED", 5, 5, 5):
        problems.append(f"the Map Run is {run} with {tally}")
    (file,) = (folder / "data" / "out" / run.id).glob("SUCCEEDED_*.json")
    if json.loads(file.read_text()) != [2, 4, 6, 8, 10]:
        problems.append(f"the results are {file.read_text()}")
    names = [NAME, "kid", *(child.id for child in engine.executions(map_run=run.id))]
    for name in names:
        ids = [event["id"] for event in engine.history(name)]
        if ids != list(range(1, len(ids) + 1)):
            problems.append(f"the history of {name} has a gap")
        types = Counter(event["type"] for event in engine.history(name))
        if types["ExecutionStarted"] != 1 or types["ExecutionSucceeded"] != 1:
            problems.append(f"{name} began or ended more than once")
    engine.close()
    again = {token: count for token, count in Counter(effect["token"] for effect in seen(folder)).items() if count > 2}
    if again:
        problems.append(f"tasks were performed again and again: {again}")
    if len({effect["token"] for effect in seen(folder)}) != 6:
        problems.append("a task was asked for under two tokens, or not at all")
    return problems


def main() -> None:
    """Every place, one after the other."""
    folder = Path(sys.argv[1])
    reference = folder / "reference"
    reference.mkdir(parents=True)
    problems: dict[str, Any] = {}
    if fork(lambda: live(reference, None)) != 0 or wrong(reference):
        problems["reference"] = wrong(reference)
    places, killed = int((reference / "places").read_text()), 0
    for at in range(1, places + 1):
        place = folder / str(at)
        place.mkdir()
        killed += os.WIFSIGNALED(fork(lambda place=place, at=at: live(place, at)))  # type: ignore[misc]
        if fork(lambda place=place: live(place, None)) != 0:  # type: ignore[misc]
            problems[f"place {at}"] = "it could not be driven to its end"
            continue
        found = wrong(place)
        if found:
            problems[f"place {at}"] = found
        shutil.rmtree(place)
    print(json.dumps({"places": places, "killed": killed, "problems": problems}))


if __name__ == "__main__":
    main()
