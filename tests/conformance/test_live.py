"""Tiers B and C for real: what AWS was recorded doing, with tasks that reach moto's server over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statelang.tasks.aws import AwsTask, aws_task
from tests.conformance.cases import EXECUTED, Case, answer
from tests.conformance.live import is_live, live_replies, prepare
from tests.conformance.test_conformance import cases, comparer
from tests.moto import reset

EXCEPTIONS: dict[str, str] = json.loads(Path(__file__).with_name("live_exceptions.json").read_text(encoding="utf-8"))
"""Cases that differ from AWS when they reach moto, each with why; they agree when they are replayed."""

TIERS = ("B-lambda", "C-services")


def agrees(case: Case, server: str, aws: AwsTask) -> tuple[int, list[Any]]:
    """How many checks of a case were run for real, and what differs at level 3."""
    reset(server)
    prepare(case, server)
    differences, run = [], 0
    for check in case["checks"]:
        if check["type"] not in EXECUTED or check.get("unusable"):
            continue
        try:
            actual = answer(case, check, replies=live_replies(case, check, aws))
        except NotImplementedError:
            continue
        run += 1
        result = comparer().compare(case, check, actual, replayed=False)
        if not result.l3:
            differences.append((case["id"], check["key"], result.diffs))
    return run, differences


@pytest.mark.slow
def test_what_moto_can_answer_agrees_with_aws_at_level_3(server: str) -> None:
    different, run = {}, 0
    aws = aws_task({"region": "us-east-1", "endpoint": server})
    for case in cases():
        if case["tier"] in TIERS and is_live(case):
            count, differences = agrees(case, server, aws)
            run += count
            if differences:
                different[case["id"]] = differences
    assert run >= 60
    assert {id: found for id, found in different.items() if id not in EXCEPTIONS} == {}
    assert set(EXCEPTIONS) <= set(different), "an exception that agrees is none any more"
    assert all(len(why) > 20 for why in EXCEPTIONS.values())
