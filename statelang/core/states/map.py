"""Map: one iteration per item, as many at once as MaxConcurrency allows; the result is the array of outputs (asl.md 7).

Rule: the items are read once and written once; an iteration reads its own by index.
"""

from __future__ import annotations

from msgspec.structs import replace

from statelang.core import children, flow
from statelang.core.dataflow import effective_input, payload
from statelang.core.frame import Children, Frame
from statelang.core.states import distributed
from statelang.core.stimulus import TimerFired
from statelang.core.transition import Transition
from statelang.program import Map


def enter(t: Transition, frame: Frame, node: Map) -> None:
    """Begin to go through the items: each iteration is made by the Tick that moves it first."""
    if node.distributed is not None:
        distributed.enter(t, frame, node, node.distributed)
        return
    frame = flow.enter(t, frame, node)
    data = t.valued(effective_input(t, frame, node), frame.input)
    scope = t.scope(frame, data.json)
    found = distributed.found(node, scope)
    concurrency = 0 if node.max_concurrency is None else int(node.max_concurrency(scope))
    items, keys = distributed.listed(t, found, data)
    count = len(found)
    event = t.emit("MapStateStarted", frame.previous, count)
    waiting = Children(count, event, event, _window(t, concurrency, count), data, items, keys)
    frame = replace(frame, phase="waiting", waiting=waiting, previous=event)
    t.put(frame)
    if count == 0:
        children.complete(t, frame)


def make(t: Transition, frame: Frame, node: Map) -> Frame:
    """Make the next iteration; returns its frame."""
    waiting = children.of(frame)
    assert waiting.items is not None
    index = waiting.next
    if node.item_selector is None:
        data = t.value(waiting.items.json[index])
    else:
        scope = t.scope(frame, waiting.data.json, at=(index, waiting))
        data = payload(t, node.name, node.item_selector(scope))
    return children.make(t, frame, node.processor.start_at, data)


def fired(t: Transition, frame: Frame, node: Map, stimulus: TimerFired) -> None:
    """The pause before a retry is over: begin again, with new children."""
    t.drop(frame.id)
    enter(t, replace(frame, batch=frame.batch + 1, waiting=None), node)


def _window(t: Transition, concurrency: int, count: int) -> int:
    """How many iterations may run at once."""
    ceiling = t.started.limits.map_concurrency
    return min(size for size in (concurrency or count, count, ceiling) if size is not None) or count
