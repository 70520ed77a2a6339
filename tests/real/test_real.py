"""Every state machine of others that is valid runs to an end, with each Task answered by the shape of its API."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

import statelang
from statelang import AWS, Engine, InvalidDefinition
from statelang.testing.clock import VirtualClock
from tests.real.answers import Shaped, ShapedBindings
from tests.real.wants import compared, deployed, wanted
from tests.shared import shared

CANNOT: dict[str, str] = json.loads(Path(__file__).with_name("cannot.json").read_text(encoding="utf-8"))
"""Definitions that cannot be run, each with why."""

BOUNDED = msgspec.structs.replace(AWS, history_events=2_000)
"""A loop that waits for what no shape can tell ends with its history, as it would on AWS, only sooner."""

NEEDS_JSONATA = "needs JSONata"


@cache
def ends() -> dict[str, Any]:
    """How each definition ended: its status and error, and the parameters that were refused on the way."""
    return {id: outcome(definition) for id, definition in definitions()}


def definitions() -> Iterator[tuple[str, Any]]:
    for line in shared("definitions", "real.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["id"], deployed(json.loads(row["definition"]))


def outcome(definition: Any) -> dict[str, Any]:
    try:
        machine = statelang.load(definition)
    except InvalidDefinition as problem:
        return {"invalid": NEEDS_JSONATA if "needs JSONata" in str(problem) else str(problem)}
    shaped = Shaped(wanted(definition), compared(definition))
    bindings = ShapedBindings(shaped=shaped)
    with Engine(bindings=bindings, clock=VirtualClock(), limits=BOUNDED) as engine:
        shaped.engine = engine
        result = engine.run(machine, shaped.wants, timeout=60)
    return {"status": result.status, "error": result.error, "cause": result.cause, "refused": shaped.refused}


@pytest.mark.slow
def test_every_one_that_is_valid_ends() -> None:
    all_ends = ends()
    assert len(all_ends) == 311
    running = [id for id, end in all_ends.items() if end.get("status") == "RUNNING"]
    assert running == []
    invalid = {id: end["invalid"] for id, end in all_ends.items() if "invalid" in end}
    refused = {id for id, why in invalid.items() if why != NEEDS_JSONATA}
    assert refused == set(CANNOT), "each one that cannot run is listed with why, and no other"


@pytest.mark.slow
def test_no_parameter_is_refused_by_its_name() -> None:
    """All keys that people write in their Parameters are known; one definition names a field that no API has."""
    unknown = [
        (id, resource)
        for id, end in ends().items()
        for resource, cause in end.get("refused", ())
        if "is not supported by Step Functions" in cause or "is not known" in cause
    ]
    assert unknown == [("d0566", "arn:aws:states:::glue:startJobRun.sync")]


@pytest.mark.slow
def test_half_of_them_succeed_and_the_others_fail_as_the_language_says() -> None:
    counted = collections.Counter(end.get("status") for end in ends().values())
    assert counted["SUCCEEDED"] >= 140
    ours = [end["cause"] for end in ends().values() if end.get("error") == "States.TaskFailed"]
    assert ours == [], "an exception of an integration is a defect"


def test_what_cannot_run_is_explained() -> None:
    assert len(CANNOT) <= 35
    assert all(len(why) > 15 for why in CANNOT.values())
