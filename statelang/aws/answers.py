"""What the function answers: how an execution stands, in Step Functions' own words.

Rule: an answer is made from the store, after everything was driven.
"""

from __future__ import annotations

from typing import Any

from statelang.aws.by_hand import ByHand
from statelang.values import Json


def answer(engine: ByHand, name: str) -> dict[str, Json]:
    """Its status and, where it has ended, its output or its error."""
    ended = engine.ended.get(name)
    result = ended[1] if ended is not None else engine.result(name)
    told: dict[str, Json] = {"status": result.status}
    if result.status == "SUCCEEDED":
        told["output"] = result.output
    for key in ("error", "cause"):
        if getattr(result, key) is not None:
            told[key] = getattr(result, key)
    return told


def described(engine: ByHand, name: str) -> dict[str, Json]:
    """As DescribeExecution tells, times in milliseconds since 1970; where it stands, if it runs."""
    summary = engine.describe(name)
    told: dict[str, Any] = {
        "executionArn": execution_arn(engine, name),
        "name": name,
        "machine": summary.machine,
        "startedAt": summary.started_at,
        "stoppedAt": summary.stopped_at,
        **answer(engine, name),
    }
    if summary.status == "RUNNING":
        told["states"] = sorted({position.state for position in engine.positions(name)})
    return told


def execution_arn(engine: ByHand, name: str) -> str:
    """The ARN that the execution has in its history and Context object."""
    ended = engine.ended.get(name)
    execution = ended[0] if ended is not None else engine.store.read(name)
    return execution.started.arn
