"""A Distributed Map over a CSV, killed on the way and gone on with: the same results, each line once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="memory is read from /proc")
def test_a_csv_of_50_000_lines_survives_three_kills(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "benchmarks.map_runs", "--lines", "50000", "--kills", "3", "--folder", str(tmp_path)]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["same"] is True
    assert told["kills"] == 3
    assert 0 < told["megabytes"] < 150


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="lives are forked")
def test_a_map_run_and_a_nested_execution_killed_everywhere(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.crash.together", str(tmp_path / "lives")]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["problems"] == {}
    assert told["killed"] >= told["places"] / 2
    assert told["places"] >= 20
