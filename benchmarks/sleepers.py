"""Executions asleep: what they cost a worker's memory, and how soon one that is due moves.

    python -m benchmarks.sleepers fill STORE COUNT     start COUNT executions that sleep for a day
    python -m benchmarks.sleepers serve STORE          serve them; print memory and times as JSON

Rule: memory is that of a process of its own, which holds nothing else.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.machines import sleeper
from statelang import Engine

BATCH = 2_000


def until(seconds: float) -> str:
    """A time from now, as a Wait state reads it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def fill(store: str, count: int) -> None:
    """Start executions and let a worker put them to sleep."""
    machine = sleeper()
    with Engine(store, serve=True) as engine:
        for first in range(0, count, BATCH):
            names = {f"s-{number}": {"until": until(86_400)} for number in range(first, min(first + BATCH, count))}
            engine.start_many(machine, names)
        while engine._worker.live:
            time.sleep(0.05)


def resident() -> int:
    """Bytes of memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def serve(store: str, empty: str) -> None:
    """Serve an empty store, then the full one; tell what the sleepers add, and when one that is due has moved."""
    with Engine(empty, serve=True) as engine:
        engine.run(sleeper(), {"until": until(0)})
    before = resident()
    began = time.perf_counter()
    with Engine(store, serve=True) as engine:
        engine.run(sleeper(), {"until": until(0)}, name=f"first-{time.time_ns()}")
        ready = time.perf_counter() - began
        due = time.time() + 2
        name = engine.start(sleeper(), {"until": until(2)}, name=f"due-{time.time_ns()}")
        engine.wait(name)
        late = time.time() - due
        grown = resident() - before
    print(json.dumps({"bytes": grown, "ready": ready, "late": late}))


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(sys.argv[2], int(sys.argv[3]))
    else:
        serve(sys.argv[2], sys.argv[3])
