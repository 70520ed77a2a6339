"""A Distributed Map with a ResultWriter over a CSV on the local disk, killed on the way and gone on with.

    python -m benchmarks.map_runs [--lines 1000000] [--kills 10] [--folder FOLDER]

Prints one JSON object: items a second (the kills and restarts included), the largest memory any life had, and whether
the results are those of the lines, each once and in order. Each life is a process of its own, killed by SIGKILL when so
many children have ended.

Rule: what is measured is the public engine, and every line is a child execution with a history of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import statelang
from statelang import Engine, StateMachine
from statelang.tasks import Bindings
from statelang.values import Json

NAME = "rows"
PROCESSOR: Json = {
    "StartAt": "Row",
    "States": {"Row": {"Type": "Pass", "Parameters": {"id.$": "$.id", "of.$": "$.name"}, "End": True}},
}


def machine() -> StateMachine:
    """Reads s3://in/rows.csv and writes to s3://out/results."""
    each = {
        "Type": "Map",
        "Label": "rows",
        "MaxConcurrency": 1_000,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": "in", "Key": "rows.csv"},
        },
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **PROCESSOR},
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "out", "Prefix": "results"},
            "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
        },
        "End": True,
    }
    return statelang.load({"StartAt": "Each", "States": {"Each": each}}, name="rows")


def engine(folder: Path) -> Engine:
    """An engine whose buckets are folders."""
    buckets = {"in": folder / "in", "out": folder / "out"}
    return Engine(f"sqlite:///{folder}/store.db", bindings=Bindings(buckets=buckets))


def write_rows(folder: Path, count: int) -> None:
    """The CSV."""
    (folder / "in").mkdir(parents=True)
    with (folder / "in" / "rows.csv").open("w", encoding="utf-8") as file:
        file.write("id,name,amount\n")
        file.writelines(f'{number},"customer {number}",{number % 1000}.50\n' for number in range(count))


def live(folder: Path) -> None:
    """One life: start the execution, or go on with it, to its end."""
    with engine(folder) as running:
        result = running.run(machine(), {}, name=NAME)
    if result.status != "SUCCEEDED":
        raise SystemExit(f"{result.status}: {result.error}: {result.cause}")


def lives(folder: Path, count: int, kills: int) -> dict[str, Any]:
    """All lives, and what came of them."""
    write_rows(folder, count)
    began, largest, killed = time.perf_counter(), 0, 0
    for number in range(kills + 1):
        at = None if number == kills else count * (number + 1) // (kills + 1)
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.map_runs", "--live", str(folder)])
        peak, was_killed = _watch(process, folder, at)
        largest, killed = max(largest, peak), killed + was_killed
    took = time.perf_counter() - began
    return {
        "lines": count,
        "kills": killed,
        "seconds": round(took, 2),
        "items_per_second": round(count / took, 1),
        "megabytes": round(largest / 1024, 1),
        "store_megabytes": round((folder / "store.db").stat().st_size / 1e6, 1),
        "same": same(folder, count),
    }


def _watch(process: subprocess.Popen[bytes], folder: Path, at: int | None) -> tuple[int, bool]:
    """Wait for a life to end, or end it when so many children have ended; the most memory it had, in KB."""
    peak, reader = 0, None
    try:
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            if at is not None:
                if reader is None and (folder / "store.db").exists():
                    reader = engine(folder)
                if reader is not None and sum(tally.ended for _, tally in reader.map_runs(NAME)) >= at:
                    os.kill(process.pid, signal.SIGKILL)
                    process.wait()
                    return peak, True
            time.sleep(0.02)
    finally:
        if reader is not None:
            reader.close()
    if process.returncode != 0:
        raise SystemExit(f"a life ended with {process.returncode}")
    return peak, False


def _memory(process: int) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def results(folder: Path) -> Iterator[Json]:
    """The results in the order of the manifest."""
    with engine(folder) as reading:
        output = reading.result(NAME).output
    manifest = json.loads((folder / "out" / output["ResultWriterDetails"]["Key"]).read_text(encoding="utf-8"))
    for file in manifest["ResultFiles"]["SUCCEEDED"]:
        with (folder / "out" / file["Key"]).open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def same(folder: Path, count: int) -> bool:
    """Whether the results are those of the lines, each once and in order, and every child is counted once."""
    told = 0
    for number, result in enumerate(results(folder)):
        if result != {"id": str(number), "of": f"customer {number}"}:
            return False
        told += 1
    with engine(folder) as reading:
        ((run, tally),) = reading.map_runs(NAME)
    return told == count and run.made == count and tally.succeeded == count and tally.ended == count


def measure(folder: Path, lines: int = 1_000_000, kills: int = 10) -> dict[str, Any]:
    """The whole of it, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        return lives(Path(place), lines, kills)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="the disk to measure on [default: the folder for temporary files]")
    parser.add_argument("--live", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.live is not None:
        live(given.live)
    else:
        print(json.dumps(measure(given.folder, given.lines, given.kills)))


if __name__ == "__main__":
    main()
