"""The Context object: what `$$` and `$states.context` show (asl.md 9.9; key order as AWS was recorded).

Rule: it is made from the execution and the frame alone, only when an expression asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from statelang.core.execution import Execution
from statelang.core.frame import ROOT, Children, Frame
from statelang.program import Map, Parallel, State, Task
from statelang.values import Json

STATE_DATA: Final = "STATE_DATA"
"""What an item's source is called where it comes from the state's own data."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso(at: int) -> str:
    """Milliseconds since 1970 as AWS writes times: `2026-11-24T09:42:23.123Z`."""
    return f"{_second(at // 1000)}.{at % 1000:03d}Z"


@lru_cache(maxsize=64)
def _second(at: int) -> str:
    return (_EPOCH + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%S")


def context_object(
    execution: Execution,
    frame: Frame,
    node: State,
    parent: Callable[[int], Frame],
    *,
    token: str | None = None,
    at: tuple[int, Children] | None = None,
) -> Mapping[str, Json]:
    """The Context object as a frame in the state `node` sees it; `parent` finds a frame by its number.

    `token` is the task token, where the task is of a kind that has one; `at` the iteration (its index, and the children
    of the Map) for which the Map's own ItemSelector is evaluated.
    """
    started, head = execution.started, execution.head
    whole: dict[str, Json] = {
        "Id": started.arn,
        "Input": execution.input.json,
        "StartTime": iso(started.at),
        "Name": started.name or started.id,
        "RoleArn": started.role_arn,
    }
    if started.redrivable:
        whole["RedriveCount"] = head.redrives
    if head.redriven_at is not None:
        whole["RedriveTime"] = iso(head.redriven_at)
    state: dict[str, Json] = {"Name": frame.state, "EnteredTime": iso(frame.entered_at)}
    if isinstance(node, (Task, Parallel, Map)):
        state["RetryCount"] = frame.attempt
    context: dict[str, Json] = {
        "Execution": whole,
        "StateMachine": {"Id": started.machine_arn, "Name": started.machine},
        "State": state,
    }
    if token is not None:
        context["Task"] = {"Token": token}
    item = _item(frame, at, parent)
    if item is not None:
        context["Map"] = item
    return context


def _item(frame: Frame, at: tuple[int, Children] | None, parent: Callable[[int], Frame]) -> Json:
    """Map: of the iteration whose ItemSelector is evaluated, or of the innermost one around the frame."""
    while at is None:
        if frame.id == ROOT:
            return None
        index, frame = frame.index, parent(frame.parent)
        if isinstance(frame.waiting, Children) and frame.waiting.items is not None:
            at = index, frame.waiting
    index, children = at
    assert children.items is not None
    key = None if children.keys is None else children.keys.json[index]
    return map_item(index, key, children.items.json[index], STATE_DATA)


def map_item(index: int, key: str | None, value: Json, source: str) -> Json:
    """Map, with its Item. `key`: its name where an object is gone through; `source`: what the items are from."""
    named = {} if key is None else {"Key": key}
    return {"Item": {"Index": index, **named, "Value": value, "Source": source}}
