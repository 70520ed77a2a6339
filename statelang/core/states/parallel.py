"""Parallel: all branches get the effective input; the result is the array of their outputs (asl.md 7.6).

Rule: children are the business of `core.children`; only what is Parallel's own stands here.
"""

from __future__ import annotations

from msgspec.structs import replace

from statelang.core import children, flow
from statelang.core.dataflow import effective_input, payload
from statelang.core.frame import Children, Frame
from statelang.core.stimulus import TimerFired
from statelang.core.transition import Transition
from statelang.program import Parallel


def enter(t: Transition, frame: Frame, node: Parallel) -> None:
    """Begin all branches: each is made by the Tick that moves it first."""
    frame = flow.enter(t, frame, node)
    data = payload(t, node.name, effective_input(t, frame, node), frame.input)
    event = t.emit("ParallelStateStarted", frame.previous)
    count = len(node.branches)
    waiting = Children(count, event, event, count, data)
    t.put(replace(frame, phase="waiting", waiting=waiting, previous=event))


def make(t: Transition, frame: Frame, node: Parallel) -> Frame:
    """Make the next branch; returns its frame."""
    waiting = children.of(frame)
    return children.make(t, frame, node.branches[waiting.next].start_at, waiting.data)


def fired(t: Transition, frame: Frame, node: Parallel, stimulus: TimerFired) -> None:
    """The pause before a retry is over: begin again, with new children."""
    t.drop(frame.id)
    enter(t, replace(frame, batch=frame.batch + 1, waiting=None), node)
