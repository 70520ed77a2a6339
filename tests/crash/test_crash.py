"""SIGKILL at every commit boundary and around every effect: the same end, and nothing that was told is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT
from tests.trace import can_trace, trace

CASES = [
    ("quote", "a customer who leaves is followed up"),
    ("quote", "a visitor nobody knows continues online at the list price"),
    ("settlement", "the file comes at the third look"),
    ("settlement", "the totals differ"),
    ("order", "the payment needs a second attempt"),
    ("order", "nobody drives there"),
    ("approval", "approved"),
    ("polling", "the service is busy at first"),
    ("export", "exported at the third look"),
    ("media", "a talking film"),
    ("media", "a scratched film is not published"),
]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="lives are forked")
@pytest.mark.parametrize(("machine", "case"), CASES, ids=[f"{machine}: {case}" for machine, case in CASES])
def test_killed_everywhere(machine: str, case: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.crash", machine, case, str(tmp_path / "lives")]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["problems"] == {}
    assert told["places"] >= 15
    assert told["killed"] >= told["places"] / 2, (
        "in most lives the process died; rounds that fell together pass fewer places"
    )


PROGRAM = """
import os, sys, statelang
mark = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
os.dup2(mark, 99)
def effect(data):
    os.write(99, b"effect")
    return data
states = {f"S{n}": {"Type": "Task", "Resource": "work", "Next": f"P{n}"} for n in range(5)}
states = {k: {**v, "Resource": "arn:aws:lambda:us-east-1:1:function:work"} for k, v in states.items()}
states |= {f"P{n}": {"Type": "Pass", "Next": f"S{n + 1}" if n < 4 else "End"} for n in range(5)}
states["End"] = {"Type": "Succeed"}
machine = statelang.load({"StartAt": "S0", "States": states})
with statelang.Engine(sys.argv[1], tasks={"work": effect}, policy=sys.argv[3]) as engine:
    engine.run(machine, {}, name="traced")
    os.write(99, b"end")
"""


@pytest.mark.parametrize("policy", ["transition", "effect", "strict"])
def test_a_sync_before_each_effect_and_before_the_end_is_told(policy: str, tmp_path: Path) -> None:
    if not can_trace():
        pytest.skip("processes cannot be traced here")
    words = [sys.executable, "-c", PROGRAM, f"sqlite:///{tmp_path}/store.db", str(tmp_path / "mark"), policy]
    story = [call.kind for call in trace(words) if call.kind == "sync" or call.file == 99]
    assert story.count("write") == 6
    before = 0
    for number, kind in enumerate(story):
        if kind == "write":
            assert "sync" in story[before:number], story
            before = number + 1


def test_tracing_waits_for_no_other_child() -> None:
    """A tracer waits for every child it has; another child of the tests would be waited for, for ever."""
    if not can_trace():
        pytest.skip("processes cannot be traced here")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert any(call.kind == "write" for call in trace([sys.executable, "-c", "import os; os.write(1, b'')"]))
        assert other.poll() is None
