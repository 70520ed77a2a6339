"""AWS's recordings decide: every check that can be run agrees at level 3, and runs three ways to the same."""

from __future__ import annotations

import collections
import importlib.util
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from statelang.testing.simulation import WAYS
from tests.conformance.cases import EXECUTED, Case, Check, answer, read_cases
from tests.shared import ROOT, shared

EXCEPTIONS = json.loads(Path(__file__).with_name("exceptions.json").read_text(encoding="utf-8"))
TIERS = ("A-self-contained", "B-lambda", "C-services", "E-validation")


@cache
def comparer() -> ModuleType:
    """The recordings' own comparer, without the recursion limit that it sets for the whole process."""
    spec = importlib.util.spec_from_file_location("compare", shared("conformance", "compare.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    limit = sys.getrecursionlimit()
    spec.loader.exec_module(module)
    sys.setrecursionlimit(limit)
    return module


@cache
def cases() -> list[Case]:
    return list(read_cases(shared("conformance", "open")))


def checks(tier: str) -> list[tuple[Case, Check]]:
    return [(case, check) for case in cases() if case["tier"] == tier for check in case["checks"]]


def attempted(case: Case, check: Check, way: Any = "straight") -> tuple[bool, Any]:
    """Whether a check can be run, and what we do."""
    try:
        return True, answer(case, check, way)
    except NotImplementedError:
        return False, None


@pytest.mark.parametrize("tier", TIERS)
def test_every_check_agrees_at_level_3(tier: str) -> None:
    excused = {exception["id"] for exception in EXCEPTIONS}
    differences, run = [], 0
    for case, check in checks(tier):
        can, actual = attempted(case, check)
        if not can or case["id"] in excused:
            continue
        run += 1
        result = comparer().compare(case, check, actual, replayed=True)
        if not result.l3:
            differences.append((case["id"], check["key"], result.diffs))
    assert not differences
    assert run > 0


def test_nothing_executed_is_left_out() -> None:
    """Every check of tiers A and B that is executed is run."""
    left = collections.Counter()
    for tier in ("A-self-contained", "B-lambda"):
        for case, check in checks(tier):
            if check["type"] in EXECUTED and not check.get("unusable") and not attempted(case, check)[0]:
                left[case["id"]] += 1
    assert not left


def test_exceptions_are_few_explained_and_needed() -> None:
    assert len(EXCEPTIONS) <= 5
    known = {case["id"]: case for case in cases()}
    for exception in EXCEPTIONS:
        assert len(exception["why"]) > 20
        case = known[exception["id"]]
        results = [
            comparer().compare(case, check, actual, replayed=True).l3
            for check in case["checks"]
            for can, actual in [attempted(case, check)]
            if can
        ]
        assert not all(results), f"{exception['id']} agrees: it is no exception any more"


@pytest.mark.parametrize("way", WAYS[1:])
@pytest.mark.parametrize("tier", TIERS[:3])
def test_the_same_in_every_way(tier: str, way: Any) -> None:
    different = []
    for case, check in checks(tier):
        can, straight = attempted(case, check)
        if can and check["type"] in EXECUTED and straight != attempted(case, check, way)[1]:
            different.append(case["id"])
    assert not different


def test_the_adapter_writes_a_row_per_check(tmp_path: Path) -> None:
    file, out = shared("conformance", "open") / "cases-assign.jsonl", tmp_path / "results.jsonl"
    if not file.exists():
        file = sorted(shared("conformance", "open").glob("cases-*.jsonl"))[0]
    arguments = [sys.executable, "-m", "tests.conformance", "--cases", str(file), "--out", str(out)]
    subprocess.run(arguments, cwd=ROOT, check=True, timeout=120)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert rows
    assert all({"id", "key", "actual"} <= set(row) for row in rows)
