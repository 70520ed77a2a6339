"""Cold start and warm invoke of a ten-state machine in the Lambda runtime, beside handlers that do next to nothing.

Rule: all run in the same emulated runtime, a process each, and take turns.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

from statelang.config import table_care
from tests.aws.runtime import Environment
from tests.shared import ROOT

COLD = 7
WARM = 60
IMPORTS = 15

LABELS = {"empty": "empty handler", "client": "boto3's client alone", "ten": "ten states"}

EMPTY = "def handler(event, context):\n    return event\n"
CLIENT = """import boto3
client = boto3.client("dynamodb", region_name="us-east-1")
def handler(event, context):
    return event
"""
TEN = """import statelang, statelang.aws
states = {f"S{n}": {"Type": "Pass", **({"Next": f"S{n + 1}"} if n < 9 else {"End": True})} for n in range(10)}
handler = statelang.aws.handler({"StartAt": "S0", "States": states})
"""
IMPORT = """import time, boto3
boto3.client("dynamodb", region_name="us-east-1")
began, used = time.perf_counter(), time.process_time()
import statelang.aws
from statelang.config import open_store
open_store("dynamodb://t?region=us-east-1")
print(time.perf_counter() - began, time.process_time() - used)
"""


def measure(folder: Path, endpoint: str) -> Iterator[tuple[str, float]]:
    """(name, milliseconds)."""
    address = f"dynamodb://functions?region=us-east-1&endpoint={endpoint}"
    table_care(address).create()
    (folder / "empty.py").write_text(EMPTY)
    (folder / "client.py").write_text(CLIENT)
    (folder / "ten.py").write_text(TEN)
    cold: dict[str, list[float]] = {name: [] for name in LABELS}
    warm: dict[str, list[float]] = {name: [] for name in LABELS}
    for number in range(COLD):
        for name in cold:
            with closing(Environment(f"{name}.handler", {"STATELANG_STORE": address}, folder)) as environment:
                began = time.perf_counter()
                environment.invoke(_event(f"cold{number}"))
                cold[name].append(time.perf_counter() - began)
                for again in range(WARM // COLD):
                    outcome = environment.invoke(_event(f"warm{number}-{again}"))
                    assert outcome.kind == "response", outcome
                    warm[name].append(outcome.seconds)
    for label, found in (("cold start", cold), ("warm invoke", warm)):
        for name, times in found.items():
            yield f"{label}, {LABELS[name]}", median(times) * 1000
    took, used = _import()
    yield "import statelang.aws, boto3 loaded", took
    yield "the same, CPU", used


def _event(name: str) -> dict[str, object]:
    return {"start": {"name": name, "input": {"a": 1}}}


def _import() -> tuple[float, float]:
    """What our own import takes, and uses of a CPU: medians, in milliseconds."""
    found = []
    for _ in range(IMPORTS):
        ran = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True, cwd=ROOT)
        found.append(tuple(map(float, ran.stdout.split())))
    took, used = (median(column) * 1000 for column in zip(*found))
    return took, used
