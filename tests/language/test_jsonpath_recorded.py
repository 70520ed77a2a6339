"""What Jayway answers to 186 chosen and 3,000 generated paths: value, error kind and text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jsonpath import answers
from tests.shared import ROOT, shared


@pytest.mark.parametrize(("name", "count"), [("table", 186), ("random", 3_000)])
def test_every_recorded_path(name: str, count: int) -> None:
    cases = shared("jsonpath", f"{name}.jsonl")
    recorded = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines()]
    assert len(recorded) == count
    ours = list(answers(cases, shared("jsonpath", "documents.json")))
    different = [(row, expected) for row, expected in zip(ours, recorded) if not agrees(row, expected)]
    assert not different
    assert len(ours) == count


def agrees(row: dict, expected: dict) -> bool:
    if "error" not in expected:
        return row.get("definite") == expected["definite"] and json.dumps(row["value"]) == json.dumps(expected["value"])
    kind = expected["error"] if expected["error"] == "PathNotFound" else "InvalidPath"
    return row.get("error") == kind and row.get("message") == expected["message"]


def test_the_command_writes_a_row_for_each(tmp_path: Path) -> None:
    cases, documents = shared("jsonpath", "table.jsonl"), shared("jsonpath", "documents.json")
    arguments = ["--cases", cases, "--documents", documents, "--out", tmp_path / "rows.jsonl"]
    subprocess.run([sys.executable, "-m", "tests.jsonpath", *map(str, arguments)], cwd=ROOT, check=True, timeout=120)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    asked = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines()]
    assert [(row["path"], row["document"]) for row in rows] == [(row["path"], row["document"]) for row in asked]
