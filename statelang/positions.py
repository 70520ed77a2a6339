"""Positions: where an execution stands, in words that a person needs when it stalls.

Rule: only frames are read; what is told here follows from the checkpoint alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from statelang.core.execution import Execution
from statelang.core.frame import ROOT, Children, Frame, RetryWait, RunWait, TaskWait, TimerWait


@dataclass(frozen=True, slots=True)
class Position:
    """One place of an execution. Times in milliseconds since 1970.

    `path` leads to it from the top, as names of states and numbers of branches or iterations. `doing` says what is
    going on, `until` when it ends by itself, `token` what an answer must carry, `attempt` counts from 1. `done` of
    `count` children have succeeded.
    """

    path: tuple[str | int, ...]
    state: str
    doing: str
    since: int
    attempt: int = 1
    until: int | None = None
    token: str | None = None
    done: int | None = None
    count: int | None = None

    @property
    def place(self) -> str:
        """The path as one text: `Settle > 3 > Book`."""
        return " > ".join(map(str, self.path))


def positions(execution: Execution) -> Iterator[Position]:
    """Where an execution stands, outermost first; of one that has ended, where it ended."""
    ended = execution.head.status != "RUNNING"
    for id in sorted(execution.frames):
        frame = execution.frames[id]
        if frame.phase != "succeeded" and frame.state:
            yield _position(execution, frame, ended=ended)


def _position(execution: Execution, frame: Frame, *, ended: bool) -> Position:
    path, waiting = path_of(execution, frame), frame.waiting
    entered = frame.entered_at or execution.started.at
    attempt = frame.attempt + 1
    if isinstance(waiting, RunWait) and frame.phase == "waiting" and not ended:
        return Position(path, frame.state, f"running the Map Run {waiting.run}", entered, attempt)
    if isinstance(waiting, Children):
        doing = "stopped" if ended else "running its branches or iterations"
        return Position(path, frame.state, doing, entered, attempt, done=waiting.done, count=waiting.count)
    if frame.phase == "failed" or ended:
        return Position(path, frame.state, "failed" if frame.phase == "failed" else "stopped", entered, attempt)
    if isinstance(waiting, TaskWait):
        doing = _doing(waiting)
        return Position(path, frame.state, doing, entered, attempt, waiting.ends, waiting.token)
    if isinstance(waiting, (TimerWait, RetryWait)):
        doing = "waiting" if isinstance(waiting, TimerWait) else "pausing before a retry"
        return Position(path, frame.state, doing, entered, attempt, waiting.due)
    return Position(path, frame.state, "about to run", entered, attempt)


def _doing(waiting: TaskWait) -> str:
    if waiting.job is not None:
        return "waiting for its job"
    return "waiting for its answer" if waiting.submitted else "running" if waiting.started else "requested"


def path_of(execution: Execution, frame: Frame) -> tuple[str | int, ...]:
    """The way to a frame from the top: names of states and numbers of branches or iterations."""
    path: list[str | int] = [frame.state]
    while frame.id != ROOT:
        path.append(frame.index)
        frame = execution.frames[frame.parent]
        path.append(frame.state)
    return tuple(path[::-1])
