"""Map Runs and activities on the command line: real processes on one store."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import statelang
from statelang import Engine
from statelang.values import Json

ACTIVITY = "arn:aws:states:us-east-1:111122223333:activity:weigh"
CONFIG: Json = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
EACH: Json = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "Label": "each",
            "ToleratedFailureCount": 5,
            "ItemProcessor": {
                "ProcessorConfig": CONFIG,
                "StartAt": "Ask",
                "States": {"Ask": {"Type": "Task", "Resource": ACTIVITY, "End": True}},
            },
            "End": True,
        }
    },
}


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


def run(store: str, *words: str, status: int = 0, input: str | None = None) -> str:
    options = words[: words.index("--")] if "--" in words else words
    program = [sys.executable, "-c", "from statelang_cli.main import main; main()"]
    command = [*program, *options, "--store", store, *words[len(options) :]]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, input=input, check=False)
    assert ran.returncode == status, ran.stderr
    return ran.stdout


def told(store: str, *words: str) -> Any:
    return json.loads(run(store, *words, "-o", "json"))


def test_a_map_run_is_listed_shown_and_changed_while_workers_take_its_tasks(store: str) -> None:
    machine = statelang.load(EACH, name="weighing")
    with Engine(store) as engine:
        engine.start(machine, [1, 2, 3], name="w")
        first = json.loads(run(store, "activity", "poll", ACTIVITY, "--worker", "scales"))
        assert first["input"] in (1, 2, 3)
        (listed,) = told(store, "map-run", "list", "w")
        assert listed["executionCounts"]["running"] == 3
        assert listed["toleratedFailureCount"] == 5
        id = listed["mapRunArn"].rpartition(":")[2]
        assert f"{id} of Each: RUNNING, 0 of 3 succeeded" in run(store, "show", "w")
        run(store, "map-run", "set", id, "--tolerated-count", "0")
        children = told(store, "list", "--map-run", id)
        assert [child["status"] for child in children] == ["RUNNING"] * 3
        assert [one["name"] for one in told(store, "list")] == ["w"]
        run(store, "task", "success", first["taskToken"], "-i", "10")
        double = f"{sys.executable} -c 'import json,sys; print(json.load(sys.stdin) * 2)'"
        run(store, "activity", "work", ACTIVITY, "--once", "--", "sh", "-c", double)
        run(store, "activity", "work", ACTIVITY, "--once", "--", "sh", "-c", "echo no scales >&2; exit 3")
        result = engine.wait("w", timeout=20)
        assert (result.status, result.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    (failed,) = re.findall(r"^failed: +item (\d) \((.+)\): (.+)$", run(store, "show", "w"), re.MULTILINE)
    assert failed[1] == children[int(failed[0])]["name"]
    assert failed[2].startswith("Exec.3: no scales")
    (shown,) = told(store, "show", "w")["mapRuns"]
    assert shown["executionCounts"]["failed"] == 1
    (child,) = shown["failed"]
    assert (child["index"], child["name"], child["error"]) == (int(failed[0]), failed[1], "Exec.3")
    shown = told(store, "map-run", "show", id)
    assert shown["status"] == "FAILED"
    counts = shown["executionCounts"]
    assert (counts["succeeded"], counts["failed"], counts["total"]) == (2, 1, 3)
    run(store, "map-run", "set", id, "--max-concurrency", "1", status=2)
    run(store, "activity", "poll", ACTIVITY, "--timeout", "0", status=1)


def test_a_map_run_that_is_not_there_is_named(store: str) -> None:
    with Engine(store):
        pass
    run(store, "map-run", "show", "nothing", status=2)
    run(store, "map-run", "set", "nothing", status=2)
