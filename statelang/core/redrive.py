"""Redrive: an execution that failed, timed out or was stopped goes on from where it stood (asl.md 9.4).

What is redriven is every state without its StateExited event: a Task is asked for again, a Choice or Pass evaluated
again, of a Parallel or Map only the children that have not succeeded run again. Retry counters start at zero. But an
Express child of a Map Run begins anew: AWS starts it again.

Rule: a redrive only makes frames ready again; what they then do is the states' own meaning.
"""

from __future__ import annotations

from msgspec.structs import replace

from statelang.core.frame import ROOT, Children, Frame, RunWait
from statelang.core.states import distributed
from statelang.core.stimulus import Redriven
from statelang.core.transition import Transition
from statelang.core.whole import deadline
from statelang.program import Map


def redriven(t: Transition, stimulus: Redriven) -> None:
    """Go on from the frames that were kept; a repeated redrive (its `count` is known already) changes nothing."""
    head = t.execution.head
    if head.status in ("RUNNING", "SUCCEEDED") or stimulus.count != head.redrives + 1:
        return
    event = t.emit("ExecutionRedriven", 0, stimulus.count)
    if t.started.is_express:
        _restart(t, t.frame(ROOT), event)
    else:
        _revive(t, t.frame(ROOT), event)
    t.changes = {
        "status": "RUNNING",
        "deadline": deadline(t.program, t.started, t.at),
        "redrives": stimulus.count,
        "redriven_at": t.at,
    }


def _restart(t: Transition, frame: Frame, event: int) -> None:
    node = t.program.nodes[t.started.entry]
    assert isinstance(node, Map)
    t.drop(ROOT)
    t.put(Frame(ROOT, node.processor.start_at, t.execution.input.apart(), previous=event, batch=frame.batch + 1))


def _revive(t: Transition, frame: Frame, event: int) -> None:
    waiting = frame.waiting
    if isinstance(waiting, RunWait) and distributed.can_go_on(t, frame):
        distributed.redriven(t, frame, event)
        return
    unfinished = [child for child in t.execution.under(frame.id) if child.phase != "succeeded"]
    if not isinstance(waiting, Children) or not (unfinished or waiting.next < waiting.count):
        t.drop(frame.id)
        batch = frame.batch + 1
        t.put(replace(frame, phase="ready", waiting=None, retries=(), attempt=0, previous=event, batch=batch))
        return
    t.put(
        replace(
            frame,
            phase="waiting",
            retries=(),
            attempt=0,
            waiting=replace(waiting, running=len(unfinished)),
            previous=event,
        )
    )
    for child in unfinished:
        _revive(t, child, event)
