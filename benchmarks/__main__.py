"""Measure everything, print one table, and write it as JSON rows (name, value, unit, baseline, ratio).

    python -m benchmarks [--out FILE] [--runs 5] [--folder FOLDER] [--only WORD] [--lines N]

Rule: everything is measured on one disk, and what is compared takes turns.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import map_runs, processes, queries, rates, raw, syncs, validation

NORMAL, FULL = "raw WAL/NORMAL", "raw WAL/FULL"
SLEEPERS = 100_000


class Row(NamedTuple):
    """One figure; `ratio` is value over baseline, None where there is none."""

    name: str
    value: float
    unit: str
    baseline: str | None = None
    ratio: float | None = None


Measure = Callable[[Path], float]

RATES: dict[str, tuple[Measure, str, str | None]] = {
    NORMAL: (lambda f: raw.commits_per_second(f, "NORMAL", 10_000), "commits/s", None),
    FULL: (lambda f: raw.commits_per_second(f, "FULL", 2_000), "commits/s", None),
    "chain of 100, transition": (lambda f: rates.chain_rate(f, "transition", 30), "transitions/s", NORMAL),
    "chain of 100, effect": (lambda f: rates.chain_rate(f, "effect", 100), "transitions/s", NORMAL),
    "chain of 100, strict": (lambda f: rates.chain_rate(f, "strict", 20), "transitions/s", FULL),
    "loop of 500": (lambda f: rates.loop_rate(f, 5), "transitions/s", "chain of 100, transition"),
    "200 x 10 Pass, in turn": (lambda f: rates.executions_rate(f, (), together=False), "executions/s", NORMAL),
    "200 x 10 Pass, together": (lambda f: rates.executions_rate(f, (), together=True), "executions/s", NORMAL),
    "200 x 8 Pass 2 tasks, in turn": (
        lambda f: rates.executions_rate(f, (3, 6), together=False),
        "executions/s",
        NORMAL,
    ),
    "200 x 8 Pass 2 tasks, together": (
        lambda f: rates.executions_rate(f, (3, 6), together=True),
        "executions/s",
        NORMAL,
    ),
    "Map of 1,000, any at once": (lambda f: rates.map_rate(f, 1_000, 0), "items/s", NORMAL),
    "Map of 1,000, 40 at once": (lambda f: rates.map_rate(f, 1_000, 40), "items/s", NORMAL),
    "Map of 10,000, any at once": (lambda f: rates.map_rate(f, 10_000, 0), "items/s", NORMAL),
    "Map of 10,000, 40 at once": (lambda f: rates.map_rate(f, 10_000, 40), "items/s", NORMAL),
    "Distributed Map of 10,000": (
        lambda f: rates.map_rate(f, 10_000, 0, "DISTRIBUTED"),
        "items/s",
        "Map of 10,000, any at once",
    ),
}
"""Name -> what measures it, its unit, and the figure it is held against."""


def rows(folder: Path, runs: int, only: str, lines: int) -> Iterator[Row]:
    """Every figure whose name has a word in it."""
    wanted = {name: row for name, row in RATES.items() if only in name or row[2] is None or not only}
    measured: dict[str, list[float]] = {name: [] for name in wanted}
    for number in range(runs):
        for name, (measure, _, _) in wanted.items():
            place = folder / f"{number}"
            place.mkdir(exist_ok=True)
            measured[name].append(measure(place))
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {runs}: {name:<40}", end="", file=sys.stderr)
        shutil.rmtree(folder / f"{number}")
    values = {name: median(found) for name, found in measured.items()}
    for name, (_, unit, baseline) in wanted.items():
        known = baseline if baseline in values else None
        yield Row(name, values[name], unit, known, values[name] / values[known] if known else None)
    if not only:
        yield from others(folder, lines)
    if not only or only == "JSONata":
        yield from (Row(*row) for row in queries.rows())
    if not only or only in "dynamodb lambda":
        yield from on_aws(folder, runs)


def _csv(folder: Path, lines: int) -> Iterator[Row]:
    told = map_runs.measure(folder, lines)
    if not told["same"]:
        raise RuntimeError(f"the results of a CSV of {lines:,} lines are not those of its lines")
    yield Row(f"CSV of {lines:,} lines, killed ten times", told["items_per_second"], "items/s")
    yield Row("memory of its worker", told["megabytes"], "MB")


def others(folder: Path, lines: int) -> Iterator[Row]:
    """What is no rate: syncs, memory, whole processes."""
    for policy in ("transition", "strict"):
        count = syncs.per_transition(str(folder / f"syncs-{policy}.db"), policy)
        if count is not None:
            yield Row(f"syncs, {policy}", count, "syncs/transition")
    yield from _sleepers(folder)
    yield from _csv(folder, lines)
    took = processes.measure(folder)
    yield Row("bare Python", took["bare"] * 1000, "ms")
    for name, label in (("import", "import statelang"), ("engine", "with Engine and load")):
        yield Row(label, (took[name] - took["bare"]) * 1000, "ms beyond bare Python")
    yield Row("statelang --help", took["help"] * 1000, "ms")
    yield Row("a trivial machine as a process", took["run"] * 1000, "ms")
    yield from _validation()


def _validation() -> Iterator[Row]:
    yield Row("validate 100 states", validation.milliseconds_in_process(), "ms")
    yield Row("validate a file, as a process", validation.milliseconds_as_process(), "ms")
    others = validation.seconds_for_the_definitions_of_others()
    if others is not None:
        yield Row(f"validate {others[0]} real definitions", others[1], "s")


def on_aws(folder: Path, runs: int) -> Iterator[Row]:
    """Executions in DynamoDB and in Lambda: what `--only dynamodb` or `--only lambda` shows."""
    from benchmarks import dynamodb, functions

    with dynamodb.endpoint() as endpoint:
        for kind, policy, cost in dynamodb.costs(endpoint, runs):
            bare, name = f"the same calls, {kind}, {policy}", f"DynamoDB, {kind}, {policy}"
            yield Row(bare, cost.bare, "transitions/s")
            yield Row(name, cost.rate, "transitions/s", bare, cost.rate / cost.bare)
            yield Row(name, cost.requests, "requests/transition")
            yield Row(name, cost.writes, "write units/transition")
            yield Row(name, cost.reads, "read units/transition")
        for name, took in functions.measure(folder, endpoint):
            yield Row(name, took, "ms")


def _sleepers(folder: Path) -> Iterator[Row]:
    store, empty = f"sqlite:///{folder}/asleep.db", f"sqlite:///{folder}/empty.db"
    python = [sys.executable, "-m", "benchmarks.sleepers"]
    subprocess.run([*python, "fill", store, str(SLEEPERS)], check=True)
    ran = subprocess.run([*python, "serve", store, empty], check=True, capture_output=True, text=True)
    told = json.loads(ran.stdout)
    yield Row(f"memory of {SLEEPERS:,} asleep", max(0, told["bytes"]) / SLEEPERS, "bytes each")
    yield Row("ready after a restart", told["ready"], "s")
    yield Row("a due one fires late by", told["late"], "s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks.jsonl"), help="where the rows go")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--lines", type=int, default=1_000_000, help="of the CSV that a Distributed Map reads")
    parser.add_argument("--folder", type=Path, help="the disk to measure on [default: the folder for temporary files]")
    parser.add_argument("--only", default="", help="only figures with this in their name")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, given.out.open("w", encoding="utf-8") as out:
        print(f"{'':<34}{'':>12}  {'':<24}{'ratio':>7}  of")
        for row in rows(Path(folder), given.runs, given.only, given.lines):
            out.write(json.dumps(row._asdict()) + "\n")
            ratio = "" if row.ratio is None else f"{row.ratio:7.3f}  {row.baseline}"
            print(f"{row.name:<34}{row.value:>12,.{0 if row.value >= 100 else 3}f}  {row.unit:<24}{ratio}", flush=True)


if __name__ == "__main__":
    main()
