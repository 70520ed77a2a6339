"""Syncs: how many a transition costs, counted from outside on the system calls of a real process.

    python -m benchmarks.syncs STORE POLICY COUNT     run COUNT chains of 100

Rule: the WAL's own checkpoints count.
"""

from __future__ import annotations

import sys

from benchmarks.machines import TASKS, chain
from statelang import Engine
from tests.trace import can_trace, trace

CHAINS = 30


def run(store: str, policy: str, count: int) -> None:
    """Run chains, one after another."""
    machine = chain(100)
    with Engine(store, tasks=TASKS, policy=policy) as engine:  # type: ignore[arg-type]
        for number in range(count):
            engine.run(machine, {}, name=f"traced-{number}")


def per_transition(store: str, policy: str) -> float | None:
    """Syncs per transition; None where processes cannot be traced. What opening and closing costs is taken off."""
    if not can_trace():
        return None
    counts = []
    for count in (1, 1 + CHAINS):
        words = [sys.executable, "-m", "benchmarks.syncs", f"{store}-{count}", policy, str(count)]
        counts.append(sum(call.kind == "sync" for call in trace(words)))
    return (counts[1] - counts[0]) / (CHAINS * 100)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]))
