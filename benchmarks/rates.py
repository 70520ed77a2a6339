"""Rates: transitions, executions and items a second, each on a store whose WAL was grown before.

Rule: what is measured is the public engine, from the call that starts to the commit of the last end.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machines import TASKS, chain, fan_out, loop
from benchmarks.raw import GROWN
from statelang import Engine, Limits
from statelang.worker import Policy

TOGETHER = 200
numbers = itertools.count()


@contextmanager
def engine(folder: Path, policy: Policy = "transition", **options: Any) -> Iterator[Engine]:
    """An engine on a store whose WAL was grown, without syncing each commit, as the raw one is."""
    store = f"sqlite:///{folder}/{policy}.db"
    with Engine(store, tasks=TASKS, policy=policy, **options) as running:
        machine = chain(100)
        with Engine(store) as grower:
            for _ in range(GROWN // 100):
                grower.run(machine, {}, name=f"grow-{next(numbers)}")
        running.run(machine, {}, name=f"grow-{next(numbers)}")
        yield running


def chain_rate(folder: Path, policy: Policy, count: int) -> float:
    """Transitions a second of chains of 100 Pass states, one after another."""
    machine = chain(100)
    with engine(folder, policy) as running:
        began = time.perf_counter()
        for _ in range(count):
            running.run(machine, {"a": 1}, name=f"chain-{next(numbers)}")
        return 100 * count / (time.perf_counter() - began)


def loop_rate(folder: Path, count: int) -> float:
    """Transitions a second of loops of 500."""
    machine = loop()
    with engine(folder) as running:
        began = time.perf_counter()
        for _ in range(count):
            running.run(machine, {"n": 0}, name=f"loop-{next(numbers)}")
        return 1_001 * count / (time.perf_counter() - began)


def executions_rate(folder: Path, tasks: tuple[int, ...], *, together: bool) -> float:
    """Executions of ten states a second, one after another or together."""
    machine = chain(10, tasks)
    names = [f"e-{next(numbers)}" for _ in range(TOGETHER)]
    with engine(folder) as running:
        began = time.perf_counter()
        if together:
            running.start_many(machine, {name: {"a": 1} for name in names})
            for name in names:
                running.wait(name)
        else:
            for name in names:
                running.run(machine, {"a": 1}, name=name)
        return TOGETHER / (time.perf_counter() - began)


def map_rate(folder: Path, items: int, concurrency: int, mode: str = "INLINE") -> float:
    """Items of one Map a second, limits lifted."""
    machine = fan_out(concurrency, mode)
    with engine(folder, limits=Limits.lifted()) as running:
        began = time.perf_counter()
        result = running.run(machine, list(range(items)), name=f"map-{next(numbers)}")
        took = time.perf_counter() - began
    if result.output != list(range(items)):
        raise RuntimeError(f"the Map of {items} ended as {result.status}: {result.error}")
    return items / took
