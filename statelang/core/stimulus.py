"""Stimuli: everything that can happen to an execution, and commands: everything it can ask of the world.

Rule: both are plain data that can be stored. A stimulus carries its time (`at`, milliseconds since 1970, UTC) and,
where something may be drawn by chance, entropy (16 bytes or more); nothing else tells the core time or gives it chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statelang.core.map_run import NOTHING, Tally, Written
from statelang.core.value import Value
from statelang.values import Json

if TYPE_CHECKING:
    from statelang.core.execution import Started


class Tick(msgspec.Struct, frozen=True):
    """Move the next frame that can move, or this very one."""

    at: int
    entropy: bytes
    frame: int | None = None


class TimerFired(msgspec.Struct, frozen=True):
    """The time of a command has come; `command` 0 is the time-out of the whole execution."""

    at: int
    entropy: bytes
    command: int


class TaskStarted(msgspec.Struct, frozen=True, tag=True):
    """Somebody has begun to perform the task; `worker` is an activity worker's name."""

    at: int
    token: str
    worker: str | None = None


class TaskSubmitted(msgspec.Struct, frozen=True, tag=True):
    """The request was performed (`output` is its answer); the task's own answer comes later.

    It comes by token, or from the `job` that has begun (JSON text: what it is known by), which wants to be asked how it
    stands at `poll_at` (milliseconds since 1970).
    """

    at: int
    token: str
    output: str
    job: str | None = None
    poll_at: int | None = None


class TaskPending(msgspec.Struct, frozen=True, tag=True):
    """The task's job still runs; it wants to be asked again at `poll_at` (milliseconds since 1970)."""

    at: int
    token: str
    poll_at: int


class TaskHeartbeat(msgspec.Struct, frozen=True, tag=True):
    """The task lives: HeartbeatSeconds start again."""

    at: int
    token: str


class TaskSucceeded(msgspec.Struct, frozen=True, tag=True):
    """The task's answer; `output` is its exact JSON text."""

    at: int
    entropy: bytes
    token: str
    output: str


class TaskFailed(msgspec.Struct, frozen=True, tag=True):
    """The task's failure; None where the answer named no error or cause."""

    at: int
    entropy: bytes
    token: str
    error: str | None = None
    cause: str | None = None


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """Somebody stops the execution."""

    at: int
    error: str | None = None
    cause: str | None = None


class Redriven(msgspec.Struct, frozen=True, tag=True):
    """Somebody redrives a failed, timed-out or stopped execution. `count` is the number of this redrive, from 1."""

    at: int
    count: int


class ItemsRead(msgspec.Struct, frozen=True):
    """Items of a Map Run: those that come `after` as many were read. `marks` says of each where to go on after it.

    `keys` are their names where an object is gone through, `sources` what the Context object calls where each is from.
    `exhausted`: no more come after these. `tally` is how the run's children stand.
    """

    at: int
    entropy: bytes
    token: str
    after: int
    items: list[Json]
    marks: list[Json]
    tally: Tally
    sources: list[str]
    exhausted: bool = False
    keys: list[str] | None = None


class ItemsCounted(msgspec.Struct, frozen=True):
    """It has been found out how many items a Map Run has in all. `tally` is how the run's children stand."""

    at: int
    entropy: bytes
    token: str
    total: int
    tally: Tally


class MapRunChanged(msgspec.Struct, frozen=True, tag=True):
    """Children of a Map Run have ended; `tally` is how they stand. Who drives it reads that where it is posted."""

    at: int
    entropy: bytes
    token: str
    tally: Tally = NOTHING


class MapRunUpdated(msgspec.Struct, frozen=True, tag=True):
    """Somebody changes the limits of a Map Run while it runs; None leaves one as it is."""

    at: int
    entropy: bytes
    token: str
    max_concurrency: int | None = None
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None


class MapRunFailed(msgspec.Struct, frozen=True):
    """The items of a Map Run cannot be read, or (`writing`) its results not be written."""

    at: int
    entropy: bytes
    token: str
    error: str
    cause: str
    writing: bool = False
    tally: Tally = NOTHING


class ChildrenRevived(msgspec.Struct, frozen=True):
    """A redrive has begun again those children that had not succeeded, up to `next`; None: all of them."""

    at: int
    entropy: bytes
    token: str
    next: int | None
    tally: Tally


class ResultsWritten(msgspec.Struct, frozen=True):
    """Results of a Map Run stand where they were asked for."""

    at: int
    token: str
    written: Written


class ResultsCollected(msgspec.Struct, frozen=True):
    """All results of a Map Run are there: `output` is the state's result, its exact JSON text."""

    at: int
    entropy: bytes
    token: str
    output: str


RunStimulus = (
    ItemsRead
    | ItemsCounted
    | MapRunChanged
    | MapRunUpdated
    | MapRunFailed
    | ChildrenRevived
    | ResultsWritten
    | ResultsCollected
)
TaskStimulus = TaskStarted | TaskSubmitted | TaskPending | TaskHeartbeat | TaskSucceeded | TaskFailed
Posted = TaskStimulus | MapRunChanged | MapRunUpdated | Stopped | Redriven
"""What another process may post to an execution."""
Stimulus = Tick | TimerFired | Posted | RunStimulus


class RunTask(msgspec.Struct, frozen=True):
    """Perform a task. `key` is the same for all attempts of one visit of the state, `token` is this attempt's.

    `timeout` is in seconds from the task's start; `deadline` (milliseconds since 1970) is set where it had started
    before a crash. `submits` and `later`: as `statelang.core.resource` says of its Resource.
    """

    frame: int
    command: int
    token: str
    key: str
    resource: str
    input: Value
    attempt: int
    timeout: float | None
    deadline: int | None
    credentials: Value | None
    submits: bool
    later: bool


class PollTask(msgspec.Struct, frozen=True):
    """Ask how the `job` of a task stands, for the `polls`-th time (from 1)."""

    task: RunTask
    job: Value
    polls: int

    @property
    def command(self) -> int:
        """The number of the task's command."""
        return self.task.command


class StopTask(msgspec.Struct, frozen=True):
    """Stop the `job` of a task: nobody waits for it any more. Done once at most, as AWS does it: as best it can."""

    task: RunTask
    job: Value

    @property
    def command(self) -> int:
        """The number of the task's command."""
        return self.task.command


class Cancel(msgspec.Struct, frozen=True):
    """The answer of this command is not wanted any more; a Map Run `run` has been stopped."""

    command: int
    run: str = ""


class StartChild(msgspec.Struct, frozen=True):
    """Begin this child execution of a Map Run, in the very commit that holds the command."""

    command: int
    started: Started


class DriveMapRun(msgspec.Struct, frozen=True):
    """See what a Map Run needs now: items, its children stopped, its results collected."""

    command: int
    run: str


Command = RunTask | PollTask | StopTask | Cancel | StartChild | DriveMapRun
"""What the world is asked to do. Timers are not among them: a frame carries the time at which it is due."""
