"""What the function answers: how an execution stands, in Step Functions' own words.

Rule: an answer is made from the store, after everything was driven, and fits what Lambda hands on (6 MB).
"""

from __future__ import annotations

import json
from typing import Any, Final

from statelang.aws.by_hand import ByHand
from statelang.values import Json, encode

MOST: Final = 5_000_000
"""How many bytes of events one answer has, as they come to be when they stand in the body of an HTTP answer."""


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


def history(engine: ByHand, name: str, after: int) -> dict[str, Json]:
    """The events after one of them, as many as fit; `next`, if there are more: what to ask for them `after`."""
    events: list[Json] = []
    size = 0
    for event in engine.history(name, after=after):
        size += len(json.dumps(encode(event)))
        if events and size > MOST:
            return {"events": events, "next": after}
        events.append(event)
        after = event["id"]
    return {"events": events}


def execution_arn(engine: ByHand, name: str) -> str:
    """The ARN that the execution has in its history and Context object."""
    ended = engine.ended.get(name)
    execution = ended[0] if ended is not None else engine.store.read(name)
    return execution.started.arn
