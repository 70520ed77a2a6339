"""What happens when a state fails: Retry, then Catch, then the failure of what it is part of (asl.md 5).

Rule: every failure of every state comes through `fail`, and every Fault through `fault`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from statelang.core import children, flow
from statelang.core.dataflow import Outcome, Oversize, assign, caught, payload
from statelang.core.frame import ROOT, Children, Frame, RetryWait, RunWait
from statelang.core.limits import LONGEST_PAUSE
from statelang.core.transition import Transition
from statelang.errors import QUERY_ERROR, Fault
from statelang.program import Catcher, Map, Parallel, Retrier, State, Task

NEVER_CAUGHT: Final = "States.Runtime"
TIMEOUTS: Final = frozenset(("States.Timeout", "States.HeartbeatTimeout"))


class Failure(NamedTuple):
    """An error on its way: its name and cause (None: not given) and the event that told of it.

    `also` are further names by which a Retrier or Catcher may know it. `final`: neither Retry nor Catch of the state
    may take it. `told`: the event that ends the execution shows the cause (it does not for a time-out, recorded).
    """

    error: str | None
    cause: str | None
    event: int
    also: tuple[str, ...] = ()
    final: bool = False
    told: bool = True


def guard(t: Transition, frame: Frame, work: Callable[[], None]) -> None:
    """Do the work of a frame's state; a Fault on the way becomes the failure of that state."""
    try:
        work()
    except Fault as problem:
        fault(t, t.frame(frame.id), problem)


def fault(t: Transition, frame: Frame, problem: Fault, *, final: bool = False) -> None:
    """A field of the frame's state could not be evaluated."""
    node = t.node(frame)
    final = final or isinstance(problem, Oversize)
    cause = problem.cause if isinstance(problem, Oversize) else told(frame, problem.cause)
    event = frame.previous
    if problem.error == QUERY_ERROR:
        before = frame.before if event == frame.entered and not _after_entry(problem) else event
        event = t.emit("EvaluationFailed", before, node.name, problem.error, cause, problem.location)
    if isinstance(frame.waiting, Children) and problem.error != NEVER_CAUGHT:
        children.abort_under(t, frame, event)
    fail(t, frame, Failure(problem.error, cause, event, final=final))


def _after_entry(problem: Fault) -> bool:
    """Whether AWS hangs this EvaluationFailed on StateEntered: it does where a value was found but could not be read
    as a time (recorded: Wait with a Timestamp that is none); else on the event before."""
    return problem.cause.startswith("The Timestamp ")


OCCURRED: Final = "An error occurred while executing "


def told(frame: Frame, cause: str) -> str:
    """A cause as AWS tells it of a state."""
    place = f"the state '{frame.state}' (entered at the event id #{frame.entered})"
    return f"{OCCURRED}{place}. {cause}"


def fail(t: Transition, frame: Frame, failure: Failure) -> None:
    """The frame's state has failed: retry it, or catch it, or let what it is part of fail."""
    node = t.node(frame)
    if not failure.final and isinstance(node, (Task, Parallel, Map)):
        if _retried(t, frame, node.retriers, failure):
            return
        failure = _with_state_failed(t, node, failure)
        for index, catcher in enumerate(node.catchers):
            if matches(catcher.error_equals, failure):
                _catch(t, frame, catcher, index, failure)
                return
    _end(t, frame, failure)


def _with_state_failed(t: Transition, node: State, failure: Failure) -> Failure:
    """The failure as a Parallel or Map tells of it."""
    if not isinstance(node, (Parallel, Map)) or failure.error == NEVER_CAUGHT:
        return failure
    return failure._replace(event=t.emit(f"{type(node).__name__}StateFailed", failure.event))


def matches(error_equals: tuple[str, ...], failure: Failure) -> bool:
    """Whether a Retrier or Catcher of these names takes the failure (asl.md 5.1 rules 3 to 6)."""
    error = failure.error
    if error == NEVER_CAUGHT:
        return False
    for name in error_equals:
        if name == "States.ALL" or name == error or name in failure.also:
            return True
        if name == "States.TaskFailed" and error not in TIMEOUTS:
            return True
    return False


def _retried(t: Transition, frame: Frame, retriers: tuple[Retrier, ...], failure: Failure) -> bool:
    """Whether the first retrier that knows the error had an attempt left; its pause has begun then."""
    index = next((i for i, retrier in enumerate(retriers) if matches(retrier.error_equals, failure)), None)
    if index is None:
        return False
    retrier = retriers[index]
    used = frame.retries or (0,) * len(retriers)
    if used[index] >= retrier.max_attempts:
        return False
    pause = _pause(retrier, used[index])
    if retrier.full_jitter:
        pause *= t.entropy.fraction()
    counters = (*used[:index], used[index] + 1, *used[index + 1 :])
    waiting = RetryWait(t.next_number(), t.at + round(pause * 1000))
    t.put(
        replace(
            frame, waiting=waiting, retries=counters, attempt=frame.attempt + 1, previous=failure.event, phase="waiting"
        )
    )
    return True


def _pause(retrier: Retrier, used: int) -> float:
    """Seconds before the next attempt: IntervalSeconds times BackoffRate to the power of the attempts used."""
    cap = retrier.max_delay_seconds
    try:
        pause = retrier.interval_seconds * retrier.backoff_rate**used
    except OverflowError:
        pause = float("inf")
    return min(pause, LONGEST_PAUSE if cap is None else cap)


def _catch(t: Transition, frame: Frame, catcher: Catcher, index: int, failure: Failure) -> None:
    """Go where the catcher says; a catcher that cannot be evaluated fails the state for good."""
    node = t.node(frame)
    frame = replace(frame, previous=failure.event)
    try:
        outcome = _caught(t, frame, node, catcher, failure)
    except Fault as problem:
        fault(t, frame, problem, final=True)
        return
    if isinstance(node, (Parallel, Map)):
        t.drop(frame.id)
    flow.leave(t, frame, node, outcome, catcher.next)


def _caught(t: Transition, frame: Frame, node: State, catcher: Catcher, failure: Failure) -> Outcome:
    error_output = {"Error": failure.error, "Cause": failure.cause}
    if node.query_language == "JSONata":
        return caught(t, frame, node.name, error_output, catcher.output, catcher.assign)
    assigned = {}
    if catcher.assign is not None:
        assigned = dict(assign(t, frame, catcher.assign(t.scope(frame, error_output))))
    placed = error_output if catcher.result_path is None else catcher.result_path(frame.input.json, error_output)
    return Outcome(payload(t, node.name, placed, frame.input), assigned)


def _end(t: Transition, frame: Frame, failure: Failure) -> None:
    """Nothing took the failure: the frame has failed, and with it what it is part of.

    What nothing may catch ends the execution at once: AWS tells neither of the branch or iteration, nor of the
    Parallel or Map around it (observed in a Parallel; asl.md 10.4 for a Map's own fields).
    """
    kept = frame.waiting if isinstance(frame.waiting, (Children, RunWait)) else None
    t.put(replace(frame, phase="failed", previous=failure.event, waiting=kept))
    if isinstance(t.node(frame), (Parallel, Map)):
        t.halt(frame.id)
    if frame.id == ROOT or failure.error == NEVER_CAUGHT:
        flow.end_execution(t, "FAILED", failure.event, failure.error, failure.cause if failure.told else None)
    else:
        children.child_failed(t, frame, failure)
