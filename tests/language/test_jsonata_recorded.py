"""The language as published decides: the suite, its error texts, and what jsonata-js 2.0.6 answered to expressions."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import structs

from statelang.language.bounds import WIDE
from statelang.language.jsonata import UNDEFINED
from tests.jsonata import answer
from tests.shared import ROOT, shared


def rows(name: str) -> list[Any]:
    with shared("jsonata", name).open(encoding="utf-8") as lines:
        return list(map(json.loads, lines))


@cache
def bindings() -> Any:
    return json.loads(shared("jsonata", "differential-bindings.json").read_text(encoding="utf-8"))


@cache
def answers() -> dict[str, Any]:
    """What we answer to every case of the suite, by its id."""
    datasets = json.loads(shared("jsonata", "datasets.json").read_text(encoding="utf-8"))
    found = {}
    for case in rows("suite.jsonl"):
        dataset = case.get("dataset")
        input = case["data"] if "data" in case else UNDEFINED if dataset is None else datasets[dataset]
        bounds = structs.replace(WIDE, depth=case.get("depth", WIDE.depth))
        found[case["id"]] = answer(case["expr"], input, case.get("bindings") or {}, bounds)
    return found


def same(one: Any, other: Any) -> bool:
    """Equality of JSON: numbers as doubles, and no number is a boolean."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return float(one) == float(other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    return type(one) is type(other) and bool(one == other)


def as_recorded(case: Any, told: Any) -> bool:
    if "result" in case:
        value, wanted = told.get("value"), case["result"]
        if case.get("unordered"):
            value, wanted = sorted(value, key=json.dumps), sorted(wanted, key=json.dumps)
        return bool(told["kind"] == "value") and same(value, wanted)
    if case.get("undefinedResult"):
        return bool(told["kind"] == "undefined")
    return told["kind"] == "error" and case.get("code") in (None, told["code"])


def test_the_suite() -> None:
    cases = rows("suite.jsonl")
    assert [case["id"] for case in cases if not as_recorded(case, answers()[case["id"]])] == []
    assert len(cases) == 1625


def test_the_texts_of_errors() -> None:
    wanted = {row["suite_id"]: (row["code"], row["message"]) for row in rows("messages.jsonl")}
    told = {id: (answers()[id].get("code"), answers()[id].get("message", "")[:200]) for id in wanted}
    assert told == wanted


def test_expressions_of_states() -> None:
    different = []
    for row in rows("differential.jsonl"):
        told = answer(row["expr"], bindings(), bindings())
        agrees = told["kind"] == row["kind"] and (row["kind"] != "value" or same(told["value"], row["value"]))
        if agrees and row["kind"] == "error" and not row["code"].startswith("JS:"):
            agrees = told["code"] == row["code"]
        if not agrees:
            different.append((row, told))
    assert different == []


def test_the_adapter_writes_a_row_per_row(tmp_path: Path) -> None:
    cases, out = tmp_path / "cases.jsonl", tmp_path / "results.jsonl"
    hostile = ["1 + 1", "nothing", '"a" + 1', "((", "/(a+)+$/", '"\\ud800"', "1/0", "$sum", "", "[1..1e7]", '"\x00"']
    cases.write_text("".join(json.dumps({"expr": expr}) + "\n" for expr in hostile), encoding="utf-8")
    file = str(shared("jsonata", "differential-bindings.json"))
    arguments = ["--cases", str(cases), "--bindings", file, "--out", str(out)]
    subprocess.run([sys.executable, "-m", "tests.jsonata", *arguments], cwd=ROOT, check=True, timeout=60)
    told = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["expr"] for row in told] == hostile
    assert {row["kind"] for row in told} == {"value", "undefined", "error"}
    assert all({"code", "message"} <= set(row) for row in told if row["kind"] == "error")


def test_fields_come_in_the_order_of_javascript() -> None:
    """Whole numbers first, by size: in what jsonata-js goes through, not in what is kept."""
    given = {"b": 1, "10": 2, "a": 3, "9": 4, "01": 5, "-1": 6}
    order = ["9", "10", "b", "a", "01", "-1"]
    for expression in ("$keys($)", "$each($, function($v, $k){$k})", "$keys($sift($, function($v){true}))"):
        assert answer(expression, given, {})["value"] == order
    assert answer("$string($)", given, {})["value"] == '{"9":4,"10":2,"b":1,"a":3,"01":5,"-1":6}'
    assert answer("*", given, {})["value"] == [4, 2, 1, 3, 5, 6]
    assert [*answer("$.{'x': 1}", given, {})["value"]] == ["x"]
