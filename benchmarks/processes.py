"""Whole processes: what importing costs, and how soon the command has done something small. Seconds.

Rule: each figure is the median of many starts, the processes of a comparison taking turns.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

STARTS = 15
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


def seconds(*programs: list[str], cwd: Path) -> list[float]:
    """The median time of each program, as a process."""
    took: list[list[float]] = [[] for _ in programs]
    for _ in range(STARTS):
        for words, times in zip(programs, took):
            began = time.perf_counter()
            subprocess.run(words, cwd=cwd, check=True, capture_output=True)
            times.append(time.perf_counter() - began)
    return [median(times) for times in took]


def measure(folder: Path) -> dict[str, float]:
    """Bare Python, `import statelang`, `statelang --help`, and a trivial machine run to its end."""
    (folder / "pass.asl.json").write_text(json.dumps(PASS))
    command = str(Path(sys.executable).with_name("statelang"))
    bare, imported, engine, shown, run = seconds(
        [sys.executable, "-c", "pass"],
        [sys.executable, "-c", "import statelang"],
        [sys.executable, "-c", "import statelang; statelang.Engine, statelang.load"],
        [command, "--help"],
        [command, "run", "pass.asl.json", "-q"],
        cwd=folder,
    )
    return {"bare": bare, "import": imported, "engine": engine, "help": shown, "run": run}
