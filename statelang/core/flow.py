"""How a frame enters a state, leaves it, and ends; how an execution ends.

Rule: the only place that moves a frame from one state to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from statelang.core import children
from statelang.core.dataflow import Outcome
from statelang.core.execution import Status
from statelang.core.frame import ROOT, Frame
from statelang.core.transition import Transition
from statelang.core.value import Value
from statelang.program import State

Ending = Literal["FAILED", "TIMED_OUT", "ABORTED"]

ENDING_EVENT: dict[str, str] = {
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}


def enter(t: Transition, frame: Frame, node: State) -> Frame:
    """Tell that the state was entered, unless a redrive enters it again; returns the frame within it."""
    if frame.entered:
        return frame
    event = t.emit(f"{type(node).__name__}StateEntered", frame.previous, node.name, frame.input)
    frame = replace(frame, before=frame.previous, entered=event, entered_at=t.at, previous=event)
    t.put(frame)
    return frame


def leave(t: Transition, frame: Frame, node: State, outcome: Outcome, next: str | None, previous: int = 0) -> None:
    """The state is done: tell so, and go to the next one, or end where there is none.

    `previous` is the event that StateExited hangs on, the frame's last where it is 0.
    """
    output, assigned = outcome
    kind = f"{type(node).__name__}StateExited"
    if assigned:
        event = t.emit(kind, previous or frame.previous, node.name, output, assigned)
        variables: Mapping[str, Value] = {**frame.variables, **assigned}
    else:
        event = t.emit(kind, previous or frame.previous, node.name, output)
        variables = frame.variables
    if next is None:
        end(t, frame, output, event)
        return
    t.put(
        Frame(
            id=frame.id,
            state=next,
            input=output,
            previous=event,
            parent=frame.parent,
            index=frame.index,
            generation=frame.generation,
            batch=frame.batch + (frame.id in t.dropped),
            variables=variables,
        )
    )


def end(t: Transition, frame: Frame, output: Value, event: int) -> None:
    """The frame has succeeded: the execution with it, or a branch or iteration."""
    if frame.id == ROOT:
        t.emit("ExecutionSucceeded", event, output)
        t.drop(ROOT)
        t.frames.pop(ROOT, None)
        t.changes = {"status": "SUCCEEDED", "output": output, "stopped_at": t.at, "deadline": None}
    else:
        children.child_succeeded(t, frame, output, event)


def end_execution(t: Transition, status: Ending, previous: int, error: str | None, cause: str | None) -> None:
    """The execution ends without success; its frames stay, so that a redrive goes on from them."""
    t.emit(ENDING_EVENT[status], previous, error, cause)
    t.give_up(t.frame(ROOT))
    t.halt(ROOT)
    ended: Status = status
    t.changes = {"status": ended, "error": error, "cause": cause, "stopped_at": t.at, "deadline": None}
