"""How long checking takes: one large definition, one file as a process, and the definitions of others where they are.

Rule: what is measured is what `statelang validate` does, the JSON Schema included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from statelang.compiler import validate

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "definitions" / "quote" / "quote.asl.json"


def hundred_states() -> str:
    """A definition of 100 states of every kind, with paths, templates, rules, retriers and catchers."""
    states: dict[str, Any] = {}
    for number in range(25):
        after = f"Which {number + 1}" if number < 24 else "Done"
        rule = {"Variable": "$.kind", "StringEquals": "a", "Next": f"Wait {number}"}
        states[f"Which {number}"] = {"Type": "Choice", "Choices": [rule], "Default": f"Work {number}"}
        states[f"Wait {number}"] = {"Type": "Wait", "SecondsPath": "$.pause", "Next": f"Work {number}"}
        states[f"Work {number}"] = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": "work",
                "Payload": {"id.$": "States.Format('{}-{}', $.id, $$.Execution.Name)"},
            },
            "Assign": {"result.$": "$.Payload"},
            "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 2}, {"ErrorEquals": ["States.ALL"]}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": f"Note {number}"}],
            "Next": after,
        }
        states[f"Note {number}"] = {"Type": "Pass", "Parameters": {"error.$": "$.error.Cause"}, "Next": after}
    states["Done"] = {"Type": "Succeed"}
    return json.dumps({"StartAt": "Which 0", "States": states}, indent=2)


def milliseconds_in_process(runs: int = 15) -> float:
    """Milliseconds for the definition of 100 states, warm."""
    text = hundred_states()
    took = []
    for _ in range(runs):
        start = perf_counter()
        validate(text, name="hundred.asl.json")
        took.append(perf_counter() - start)
    return median(took) * 1000


def milliseconds_as_process(runs: int = 9) -> float:
    """Milliseconds for `statelang validate` on one file, warm."""
    command = str(Path(sys.executable).with_name("statelang"))
    took = []
    for _ in range(runs):
        start = perf_counter()
        subprocess.run([command, "validate", str(FILE)], check=True, capture_output=True)
        took.append(perf_counter() - start)
    return median(took) * 1000


def seconds_for_the_definitions_of_others() -> tuple[int, float] | None:
    """(how many, seconds for all of them in one process), where the recorded data is there."""
    file = Path(os.environ.get("STATELANG_SHARED") or ROOT.parent / "shared") / "definitions" / "real.jsonl"
    if not file.exists():
        return None
    texts = [json.loads(line)["definition"] for line in file.read_text(encoding="utf-8").splitlines()]
    start = perf_counter()
    for text in texts:
        validate(text)
    return len(texts), perf_counter() - start
