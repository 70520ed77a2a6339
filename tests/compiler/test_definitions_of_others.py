"""Definitions that other people wrote: nothing that AWS takes is refused, and what AWS refuses is.

`refused.yaml` beside this file names the ones of real.jsonl that are refused, each with the reviewed reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from statelang.compiler import Problem, compile_definition, validate
from statelang.compiler.embedded import definitions
from statelang.compiler.schema import strays
from statelang.compiler.yaml import read_yaml
from statelang.errors import InvalidDefinition
from tests.shared import shared

REFUSED = Path(__file__).parent / "refused.yaml"

Row = dict[str, Any]


def rows(name: str) -> Iterator[Row]:
    for line in shared("definitions", name).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def errors(row: Row) -> list[Problem]:
    return [p for p in validate(row["definition"]) if p.severity == "ERROR"]


@cache
def reviewed() -> dict[str, Row]:
    value, _, problems = read_yaml(REFUSED.read_text(encoding="utf-8"))
    assert not problems
    return {id: {"why": why, "codes": set(codes.split(", "))} for id, (codes, why) in value.items()}


def test_no_real_definition_is_refused_but_those_that_were_reviewed() -> None:
    refused = {row["id"]: {problem.code for problem in errors(row)} for row in rows("real.jsonl")}
    assert {id: codes for id, codes in refused.items() if codes} == {id: row["codes"] for id, row in reviewed().items()}


def test_every_problem_has_its_place() -> None:
    for row in rows("real.jsonl"):
        lines = row["definition"].split("\n")
        for problem in validate(row["definition"]):
            assert problem.line is not None
            assert problem.column is not None
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


CERTAIN = ("aws-recorded", "aws-authored", "aws-validated-marker")


def test_what_aws_refuses_is_refused_and_nearly_all_the_rest() -> None:
    missed = [(row["id"], row["certainty"]) for row in rows("invalid.jsonl") if not errors(row)]
    assert not [id for id, certainty in missed if certainty in CERTAIN]
    assert len(missed) <= 0.05 * len(list(rows("invalid.jsonl")))


def test_the_recorded_refusals_are_told_in_the_recorded_words() -> None:
    recorded = [row for row in rows("invalid.jsonl") if row["certainty"] == "aws-recorded"]
    assert recorded
    for row in recorded:
        told = [f"{p.code}: {p.message} at {p.location}" for p in errors(row)]
        assert told == [row["reason"]]


def test_the_schema_refuses_nothing_that_the_rules_take() -> None:
    pytest.importorskip("jsonschema")
    for name in ("real.jsonl", "invalid.jsonl"):
        for row in rows(name):
            for found in definitions(row["definition"], row["id"], values={}, type="STANDARD"):
                if found.source is not None and isinstance(found.source.value, dict) and not errors(row):
                    assert not list(strays(found.source.value)), row["id"]


def test_what_is_valid_without_placeholders_compiles() -> None:
    for row in rows("real.jsonl"):
        if re.search(r"\$\{|__\w+__|\"(Ref|Fn::\w+)\"", row["definition"]) or errors(row):
            continue
        try:
            compile_definition(row["definition"])
        except InvalidDefinition as refused:
            pytest.fail(f"{row['id']} is valid and does not compile: {refused}")
