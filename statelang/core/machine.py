"""The machine as two tables and two functions: `begin` and `advance`.

    ENTER[kind of state]                 a Tick moves a frame that is ready to enter a state
    MAKE[kind of state]                  a Tick moves a frame that has room for another child
    RESUME[kind of state, stimulus]      what a frame waits for has come
    WHOLE[stimulus]                      what happens to the execution as a whole

Rule: every meaning is one row here and one function in `states`. `advance` changes nothing: it returns a Step, which
`apply` makes part of the execution, or None where there is nothing to do (a duplicate, late or forged answer).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from statelang.core import redrive, request, whole
from statelang.core.execution import WHOLE as WHOLE_COMMAND
from statelang.core.execution import Execution, Head, Started, Step, apply
from statelang.core.failure import guard
from statelang.core.flow import end_execution
from statelang.core.frame import ROOT, Frame, RunWait, TaskWait
from statelang.core.states import choice, distributed, fail, map, parallel, pass_, succeed, task, wait
from statelang.core.stimulus import (
    ChildrenRevived,
    Command,
    ItemsCounted,
    ItemsRead,
    MapRunChanged,
    MapRunFailed,
    MapRunUpdated,
    Redriven,
    ResultsCollected,
    ResultsWritten,
    Stimulus,
    Stopped,
    TaskFailed,
    TaskHeartbeat,
    TaskPending,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
    Tick,
    TimerFired,
)
from statelang.core.token import command_of
from statelang.core.transition import Transition
from statelang.core.value import Value
from statelang.program import Choice, Fail, Map, Parallel, Pass, Program, State, States, Succeed, Task, Wait

ENTER: Final[Mapping[type[State], Callable[..., None]]] = {
    Pass: pass_.enter,
    Task: task.enter,
    Choice: choice.enter,
    Wait: wait.enter,
    Succeed: succeed.enter,
    Fail: fail.enter,
    Parallel: parallel.enter,
    Map: map.enter,
}

MAKE: Final[Mapping[type[State], Callable[..., Frame]]] = {
    Parallel: parallel.make,
    Map: map.make,
}

RESUME: Final[Mapping[tuple[type[State], type[Any]], Callable[..., None]]] = {
    (Wait, TimerFired): wait.fired,
    (Task, TaskStarted): task.started,
    (Task, TaskSubmitted): task.submitted,
    (Task, TaskPending): task.pending,
    (Task, TaskHeartbeat): task.beaten,
    (Task, TaskSucceeded): task.succeeded,
    (Task, TaskFailed): task.failed,
    (Task, TimerFired): task.fired,
    (Parallel, TimerFired): parallel.fired,
    (Map, TimerFired): map.fired,
    (Map, ItemsRead): distributed.read,
    (Map, MapRunChanged): distributed.changed,
    (Map, MapRunUpdated): distributed.updated,
    (Map, MapRunFailed): distributed.failed,
    (Map, ItemsCounted): distributed.counted,
    (Map, ChildrenRevived): distributed.revived,
    (Map, ResultsWritten): distributed.written,
    (Map, ResultsCollected): distributed.collected,
}

WHOLE: Final[Mapping[type[Any], Callable[..., None]]] = {
    TimerFired: whole.timed_out,
    Stopped: whole.stopped,
    Redriven: redrive.redriven,
}

TOO_MANY_EVENTS: Final = "The execution reached the maximum number of history events ({})."


def begin(program: Program, started: Started) -> tuple[Execution, Step]:
    """A new execution, and the step that begins it (already applied)."""
    input = Value(1, text=started.input)  # apart from the execution's own, as when it is taken up again
    execution = Execution(started, Head(), (), Value(1, text=started.input))  # the step is number 1, too
    t = Transition(program, execution, started.at, b"")
    t.values.append(input)
    t.emit("ExecutionStarted", 0, input, started.role_arn)
    t.put(Frame(ROOT, _entered(program, started).start_at, input))
    deadline = whole.deadline(program, started, started.at)
    if deadline is not None:
        t.changes = {"deadline": deadline}
    step = t.step()
    apply(execution, step)
    return execution, step


def _entered(program: Program, started: Started) -> States:
    """What an execution runs: the machine, or (a child of a Map Run) the ItemProcessor of one of its Map states."""
    if not started.entry:
        return program.main
    node = program.nodes[started.entry]
    assert isinstance(node, Map)
    return node.processor


def advance(program: Program, execution: Execution, stimulus: Stimulus) -> Step | None:
    """One transition: what this stimulus does to the execution, or None where it does nothing."""
    if execution.head.status != "RUNNING" and not isinstance(stimulus, Redriven):
        return None
    t = Transition(program, execution, stimulus.at, getattr(stimulus, "entropy", b""))
    if isinstance(stimulus, Tick):
        _tick(t, stimulus.frame)
    elif isinstance(stimulus, (Stopped, Redriven)) or getattr(stimulus, "command", None) == WHOLE_COMMAND:
        WHOLE[type(stimulus)](t, stimulus)
    else:
        _resume(t, stimulus)
    if not (t.frames or t.events or t.changes or t.runs):
        return None
    limit = t.started.limits.history_events
    return t.step() if limit is None or t.first + len(t.events) <= limit else _too_long(t, limit)


def outstanding(program: Program, execution: Execution) -> Iterator[Command]:
    """The requests that frames wait for and that may never have been performed: what to do again after a crash."""
    for id in list(execution.waiting.values()):
        frame = execution.frames[id]
        command = request.again(execution, frame, program.nodes[frame.state])
        if command is not None:
            yield command


def _tick(t: Transition, chosen: int | None) -> None:
    id = next(iter(t.execution.ready), None) if chosen is None else chosen
    if id is None or id not in t.execution.ready:
        return
    frame = t.execution.frames[id]
    node = t.node(frame)
    if frame.phase == "ready":
        guard(t, frame, lambda: ENTER[type(node)](t, frame, node))
    else:
        guard(t, frame, lambda: _make(t, frame, node))


def _make(t: Transition, frame: Frame, node: State) -> None:
    child = MAKE[type(node)](t, frame, node)
    first = t.node(child)
    guard(t, child, lambda: ENTER[type(first)](t, child, first))


def _resume(t: Transition, stimulus: Any) -> None:
    """Find the frame that waits for this stimulus, if it is the one it waits for, and hand it over."""
    frame = _addressed(t.execution, stimulus)
    if frame is None:
        return
    node = t.node(frame)
    row = RESUME.get((type(node), type(stimulus)))
    if row is not None:
        guard(t, frame, lambda: row(t, frame, node, stimulus))


def _addressed(execution: Execution, stimulus: Any) -> Frame | None:
    if isinstance(stimulus, TimerFired):
        id = execution.waiting.get(stimulus.command)
        frame = None if id is None else execution.frames[id]
        due = None if frame is None else frame.due
        return frame if due is not None and due <= stimulus.at else None
    id = execution.waiting.get(command_of(stimulus.token))
    frame = None if id is None else execution.frames[id]
    if frame is None or not isinstance(frame.waiting, (TaskWait, RunWait)) or frame.waiting.token != stimulus.token:
        return None
    return frame


def _too_long(t: Transition, limit: int) -> Step:
    """The last event that a history may have is the end of the execution."""
    step = t.step()
    if step.head.status != "RUNNING":
        return step
    last = Transition(t.program, t.execution, t.at, b"")
    previous = last.frame(ROOT).previous
    end_execution(last, "FAILED", previous, "States.Runtime", TOO_MANY_EVENTS.format(limit))
    return last.step()
