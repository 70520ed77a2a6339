"""The children of a Parallel or Map: made one by one as there is room, gathered when all have succeeded.

Rule: the state's own frame stays small: it counts its children and does not hold them. No transition makes, changes
or removes a number of frames that depends on how many there are. Events hang together as AWS was recorded
(asl.md 10.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from statelang.core import failure, flow
from statelang.core.dataflow import Oversize, resulted
from statelang.core.frame import Children, Frame, RunWait, TaskWait
from statelang.core.states import task
from statelang.core.transition import Transition
from statelang.core.value import Value
from statelang.program import Map, Parallel

if TYPE_CHECKING:
    from statelang.core.failure import Failure


def make(t: Transition, parent: Frame, state: str, data: Value) -> Frame:
    """Make the next child of a frame, in the state its States object starts at; returns it."""
    waiting = of(parent)
    index = waiting.next
    previous = waiting.started if index < waiting.window else waiting.trigger
    if waiting.items is not None:
        previous = t.emit("MapIterationStarted", previous, parent.state, index)
    child = Frame(
        id=t.next_number(),
        state=state,
        input=data,
        previous=previous,
        parent=parent.id,
        index=index,
        generation=parent.batch,
    )
    t.put(replace(parent, waiting=replace(waiting, next=index + 1, running=waiting.running + 1)))
    t.put(child)
    return child


def child_succeeded(t: Transition, child: Frame, output: Value, event: int) -> None:
    """A branch or iteration has ended well; with the last one, the state has its result."""
    parent = t.frame(child.parent)
    node = t.node(parent)
    waiting = of(parent)
    last = event
    if isinstance(node, Map):
        last = t.emit("MapIterationSucceeded", event, node.name, child.index)
    t.put(replace(child, input=output, phase="succeeded", waiting=None, previous=event))
    waiting = replace(waiting, running=waiting.running - 1, done=waiting.done + 1, trigger=event)
    parent = replace(parent, waiting=waiting, previous=last)
    t.put(parent)
    if waiting.done == waiting.count:
        failure.guard(t, parent, lambda: complete(t, parent))


def complete(t: Transition, frame: Frame) -> None:
    """All children have succeeded: the array of their outputs, in order, is the result."""
    node = t.node(frame)
    assert isinstance(node, (Parallel, Map))
    previous = frame.previous
    succeeded = t.emit(f"{type(node).__name__}StateSucceeded", previous)
    t.put(replace(frame, previous=succeeded))
    result = _gather(t, frame)
    limit = t.started.limits.payload
    if limit is not None and result.size > limit:
        raise Oversize(node.name)
    outcome = resulted(t, frame, node, result)
    t.drop(frame.id)
    flow.leave(t, frame, node, outcome, node.next, previous)


def _gather(t: Transition, frame: Frame) -> Value:
    outputs: dict[int, Value] = {child.index: child.input for child in t.execution.under(frame.id)}
    outputs.update((child.index, child.input) for child in t.frames.values() if child.parent == frame.id)
    ordered = [outputs[index] for index in sorted(outputs)]
    return t.value([value.json for value in ordered], f"[{','.join(value.text for value in ordered)}]")


def child_failed(t: Transition, child: Frame, problem: Failure) -> None:
    """A branch or iteration has failed: its siblings are stopped, and the state fails with the same error."""
    parent = t.frame(child.parent)
    node = t.node(parent)
    event = problem.event
    for sibling in t.execution.under(parent.id):
        if sibling.id != child.id:
            _time_out(t, sibling)
    if isinstance(node, Map):
        t.emit("MapIterationFailed", event, node.name, child.index)
    abort_under(t, parent, event, child.id)
    _tell_aborted(t, t.frame(child.id), event)  # a Parallel or Map has told already that it failed
    also = (*problem.also, "States.BranchFailed") if isinstance(node, Parallel) else problem.also
    failure.fail(t, t.frame(parent.id), problem._replace(also=also, final=False))


def abort_under(t: Transition, parent: Frame, event: int, failed: int | None = None) -> None:
    """Stop the children of a frame that are still on their way, all but the one that failed, and tell so: once."""
    if parent.id in t.halted:
        return
    node = t.node(parent)
    for child in _open_under(t, parent):
        if child.id != failed:
            abort(t, child, event)
            if isinstance(node, Map):
                t.emit("MapIterationAborted", event, node.name, child.index)
    t.halt(parent.id)


def _open_under(t: Transition, parent: Frame) -> Iterator[Frame]:
    """The children of a frame that are still on their way, as they are now: one may have ended in this transition."""
    for child in t.execution.under(parent.id):
        now = t.frame(child.id)
        if now.phase in ("ready", "waiting"):
            yield now


def _time_out(t: Transition, frame: Frame) -> None:
    """Tell of a sibling's task whose time was up at the same moment: AWS tells of all of them (recorded)."""
    waiting = frame.waiting
    if frame.phase == "waiting" and isinstance(waiting, TaskWait) and waiting.ends is not None and waiting.ends <= t.at:
        task.tell_timed_out(t, frame)


def abort(t: Transition, frame: Frame, event: int) -> None:
    """Tell which open states end with this frame: those of its children first, then its own."""
    for child in _open_under(t, frame):
        abort(t, child, event)
    if frame.entered:
        _tell_aborted(t, frame, event)


def _tell_aborted(t: Transition, frame: Frame, event: int) -> None:
    kind = type(t.node(frame)).__name__
    if frame.phase == "waiting" and isinstance(frame.waiting, RunWait):
        t.emit("MapRunAborted", event)
        t.emit("MapStateAborted", event)
        return
    if kind in ("Task", "Wait") or (frame.phase == "waiting" and isinstance(frame.waiting, Children)):
        t.emit(f"{kind}StateAborted", event)


def of(frame: Frame) -> Children:
    """The children that a frame waits for."""
    waiting = frame.waiting
    assert isinstance(waiting, Children), f"frame {frame.id} has no children"
    return waiting
