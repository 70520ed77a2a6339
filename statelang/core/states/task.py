"""Task: asks the world to do something and waits for its answer (asl.md 1.3, 5, 6, 8; events 10.4).

Rule: a task is asked for anew, with a new token, for every attempt; only the first final answer that carries the
token of the attempt that is waited for counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from statelang.core import flow, http_parameters, request
from statelang.core.dataflow import TOO_LARGE, effective_input, payload, resulted
from statelang.core.failure import OCCURRED, Failure, fail, told
from statelang.core.frame import Frame, TaskWait
from statelang.core.resource import REFUSED, Resource, classify
from statelang.core.stimulus import (
    TaskFailed,
    TaskHeartbeat,
    TaskPending,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from statelang.core.token import new_token
from statelang.core.transition import Transition
from statelang.core.value import Value
from statelang.errors import Fault
from statelang.program import Task
from statelang.values import Json

PROBLEMS: Final[Mapping[tuple[str, str], Callable[[Json], str | None]]] = {
    ("http", "invoke"): http_parameters.problem_with,
}
"""(type, action) of a Resource -> what is wrong with parameters that AWS would not even schedule the task with."""


def enter(t: Transition, frame: Frame, node: Task) -> None:
    """Ask for the task."""
    _schedule(t, flow.enter(t, frame, node), node)


def _schedule(t: Transition, frame: Frame, node: Task) -> None:
    resource = classify(node.resource)
    command = t.next_number()
    token = new_token(t.started.id, command, t.entropy)
    seen = token if resource.has_token else None
    input = payload(t, node.name, effective_input(t, frame, node, seen), frame.input)
    _check(resource, input)
    scope = t.scope(frame, frame.input.json, token=seen)
    waiting = TaskWait(
        command,
        token,
        input,
        None if node.timeout_seconds is None else node.timeout_seconds(scope),
        None if node.heartbeat_seconds is None else node.heartbeat_seconds(scope),
        None if node.credentials is None else t.value(node.credentials(scope)),
    )
    event = _tell_scheduled(t, frame, resource, waiting)
    frame = replace(frame, phase="waiting", waiting=waiting, previous=event)
    t.put(frame)
    t.commands.append(request.run(t.execution, frame, node))


def _check(resource: Resource, input: Value) -> None:
    """Raises Fault where AWS would not start the task with these parameters."""
    problem_with = PROBLEMS.get((resource.type, resource.action))
    problem = None if problem_with is None else problem_with(input.json)
    if problem is not None:
        raise Fault("States.Runtime", REFUSED.format(input.text, problem))


def _tell_scheduled(t: Transition, frame: Frame, resource: Resource, waiting: TaskWait) -> int:
    role = None if waiting.credentials is None else waiting.credentials.json.get("RoleArn")
    limits = (waiting.timeout, waiting.heartbeat, role)
    if resource.family == "Task":
        told = (resource.type, resource.action, t.started.region, waiting.input, *limits)
        return t.emit("TaskScheduled", frame.previous, *told)
    return t.emit(f"{resource.family}Scheduled", frame.previous, resource.action, waiting.input, *limits)


def started(t: Transition, frame: Frame, node: Task, stimulus: TaskStarted) -> None:
    """Somebody has begun: the clocks of TimeoutSeconds and HeartbeatSeconds start."""
    waiting = _waiting(frame)
    if not waiting.started:
        _start(t, frame, node, waiting, stimulus.worker)


def _start(t: Transition, frame: Frame, node: Task, waiting: TaskWait, worker: str | None = None) -> Frame:
    resource = classify(node.resource)
    if resource.family == "Task":
        event = t.emit("TaskStarted", frame.previous, resource.type, resource.action)
    elif resource.family == "Activity":
        event = t.emit("ActivityStarted", frame.previous, worker)
    else:
        event = t.emit("LambdaFunctionStarted", frame.previous)
    waiting = replace(
        waiting, started=True, deadline=_after(t.at, waiting.timeout), beat=_after(t.at, waiting.heartbeat)
    )
    frame = replace(frame, previous=event, waiting=waiting)
    t.put(frame)
    return frame


def _after(at: int, seconds: float | None) -> int | None:
    return None if seconds is None else at + round(seconds * 1000)


def submitted(t: Transition, frame: Frame, node: Task, stimulus: TaskSubmitted) -> None:
    """The request was performed; the answer comes by token, or from the job that has begun."""
    if _waiting(frame).submitted:
        return
    frame, resource = _begun(t, frame, node), classify(node.resource)
    waiting = _waiting(frame)
    event = frame.previous
    if resource.family == "Task":
        output = t.value(text=stimulus.output)
        event = t.emit("TaskSubmitted", event, resource.type, resource.action, output)
    if stimulus.job is not None:
        waiting = replace(waiting, job=t.value(text=stimulus.job), poll_at=stimulus.poll_at)
    t.put(replace(frame, previous=event, waiting=replace(waiting, submitted=True)))


def pending(t: Transition, frame: Frame, node: Task, stimulus: TaskPending) -> None:
    """The job still runs: it is asked again later."""
    waiting = _waiting(frame)
    if waiting.job is not None and waiting.poll_at is None:
        t.put(replace(frame, waiting=replace(waiting, poll_at=stimulus.poll_at)))


def _begun(t: Transition, frame: Frame, node: Task) -> Frame:
    """The frame after TaskStarted: an answer may come from elsewhere before anybody told that the task had begun."""
    waiting = _waiting(frame)
    return frame if waiting.started else _start(t, frame, node, waiting)


def beaten(t: Transition, frame: Frame, node: Task, stimulus: TaskHeartbeat) -> None:
    """HeartbeatSeconds start again; one that comes late, or a second time, takes nothing from a later one."""
    waiting, beat = _waiting(frame), _after(stimulus.at, _waiting(frame).heartbeat)
    if waiting.beat is not None and beat is not None and beat > waiting.beat:
        t.put(replace(frame, waiting=replace(waiting, beat=beat)))


def succeeded(t: Transition, frame: Frame, node: Task, stimulus: TaskSucceeded) -> None:
    """The answer: it becomes the state's result."""
    frame, resource = _begun(t, frame, node), classify(node.resource)
    result = Value(t.next_number(), text=stimulus.output)
    limit = t.started.limits.payload
    if limit is not None and result.size > limit:
        _fail(t, frame, resource, "States.DataLimitExceeded", TOO_LARGE.format(resource.shown))
        return
    t.values.append(result)
    event = _tell(t, frame, resource, "Succeeded", result)
    frame = replace(frame, previous=event, waiting=None, phase="ready")
    t.put(frame)
    flow.leave(t, frame, node, resulted(t, frame, node, result), node.next)


def failed(t: Transition, frame: Frame, node: Task, stimulus: TaskFailed) -> None:
    """The task has failed; a States.Runtime is told as any of the state's own."""
    cause = stimulus.cause
    if stimulus.error == "States.Runtime" and cause is not None and not cause.startswith(OCCURRED):
        cause = told(frame, cause)
    _fail(t, _begun(t, frame, node), classify(node.resource), stimulus.error, cause)


def _fail(t: Transition, frame: Frame, resource: Resource, error: str | None, cause: str | None) -> None:
    event = _tell(t, frame, resource, "Failed", error, cause)
    fail(t, replace(frame, previous=event, waiting=None), Failure(error, cause, event))


def _tell(t: Transition, frame: Frame, resource: Resource, ending: str, *details: object) -> int:
    if resource.family == "Task":
        return t.emit(f"Task{ending}", frame.previous, resource.type, resource.action, *details)
    return t.emit(f"{resource.family}{ending}", frame.previous, *details)


def fired(t: Transition, frame: Frame, node: Task, stimulus: TimerFired) -> None:
    """The pause before a retry is over, or TimeoutSeconds or HeartbeatSeconds are; or a job is to be asked."""
    waiting = frame.waiting
    if not isinstance(waiting, TaskWait):
        _schedule(t, frame, node)
    elif waiting.ends is None or waiting.ends > stimulus.at:
        _poll(t, frame, node, waiting)
    else:
        _time_out(t, frame, waiting, stimulus)


def _poll(t: Transition, frame: Frame, node: Task, waiting: TaskWait) -> None:
    frame = replace(frame, waiting=replace(waiting, poll_at=None, polls=waiting.polls + 1))
    t.put(frame)
    t.commands.append(request.poll(t.execution, frame, node))


def _time_out(t: Transition, frame: Frame, waiting: TaskWait, stimulus: TimerFired) -> None:
    late = waiting.deadline is not None and waiting.deadline <= stimulus.at
    event = tell_timed_out(t, frame)
    t.give_up(frame)
    also = () if late else ("States.HeartbeatTimeout",)
    fail(t, replace(frame, previous=event, waiting=None), Failure("States.Timeout", "", event, also, told=False))


def tell_timed_out(t: Transition, frame: Frame) -> int:
    """Tell the history that the time of the frame's task is up; returns the event."""
    node = t.node(frame)
    assert isinstance(node, Task)
    return _tell(t, frame, classify(node.resource), "TimedOut", "States.Timeout")


def _waiting(frame: Frame) -> TaskWait:
    waiting = frame.waiting
    assert isinstance(waiting, TaskWait)
    return waiting
