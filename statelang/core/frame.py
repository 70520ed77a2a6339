"""Frames: the live places of an execution, which are its whole checkpoint.

There is one frame for the execution itself (number 0) and one for each branch of a Parallel and each iteration of a
Map that has begun. A frame says which state it is in, with what input, which variables its scope holds, how often each
retrier was used, and what it waits for. What it waits for is also the outbox: a frame that waits for a task that has
not been submitted is the request to run that task.

Rule: frames are replaced, never mutated, and a frame's size does not depend on how many children it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeVar

import msgspec

from statelang.core.value import Value

ROOT: Final = 0

Phase = Literal["ready", "waiting", "succeeded", "failed"]


class TaskWait(msgspec.Struct, frozen=True, omit_defaults=True, tag="task", tag_field="for"):
    """Waits for a task's answer.

    `command` numbers the request, `token` is what an answer must carry. `timeout` and `heartbeat` are the evaluated
    seconds; their clocks start with TaskStarted: `deadline` and `beat` are milliseconds since 1970. `submitted`: the
    request was performed and the answer comes later: by token, or from the `job` it began, which is asked how it stands
    at `poll_at` (None: it is being asked now) and has been asked `polls` times.
    """

    command: int
    token: str
    input: Value
    timeout: int | float | None = None
    heartbeat: int | float | None = None
    credentials: Value | None = None
    started: bool = False
    submitted: bool = False
    deadline: int | None = None
    beat: int | None = None
    job: Value | None = None
    poll_at: int | None = None
    polls: int = 0

    @property
    def ends(self) -> int | None:
        """The earlier of the two times at which this wait ends by itself."""
        if self.deadline is None or self.beat is None:
            return self.beat if self.deadline is None else self.deadline
        return min(self.deadline, self.beat)

    @property
    def due(self) -> int | None:
        """When something happens by itself: the wait ends, or the job is asked how it stands."""
        ends = self.ends
        if ends is None or self.poll_at is None:
            return self.poll_at if ends is None else ends
        return min(ends, self.poll_at)


class TimerWait(msgspec.Struct, frozen=True, tag="timer", tag_field="for"):
    """A Wait state, until `due` (milliseconds since 1970)."""

    command: int
    due: int


class RetryWait(msgspec.Struct, frozen=True, tag="retry", tag_field="for"):
    """The pause before a retry, until `due` (milliseconds since 1970)."""

    command: int
    due: int


class Children(msgspec.Struct, frozen=True, omit_defaults=True, tag="children", tag_field="for"):
    """A Parallel or Map whose branches or iterations run.

    `count` of them in all, of which `next` have been made, `running` are on their way and `done` have succeeded;
    `window` may run at once. `data` is the state's effective input, `items` and `keys` what a Map goes through.
    `started` is the …StateStarted event, `trigger` the event that made room for the next iteration.
    """

    count: int
    started: int
    trigger: int
    window: int
    data: Value
    items: Value | None = None
    keys: Value | None = None
    next: int = 0
    running: int = 0
    done: int = 0

    @property
    def has_room(self) -> bool:
        """Whether another child can be made now."""
        return self.next < self.count and self.running < self.window


class RunWait(msgspec.Struct, frozen=True, omit_defaults=True, tag="run", tag_field="for"):
    """A Distributed Map whose Map Run `run` goes on; what happens to it carries `token`.

    `data` is the state's effective input, `items` and `keys` what is gone through where it is not an ItemReader that
    reads it; `reader`, `batcher` and `writer` are ItemReader, ItemBatcher and ResultWriter, evaluated. `event` is
    MapRunStarted, or MapRunRedriven.
    """

    command: int
    token: str
    run: str
    event: int
    data: Value
    items: Value | None = None
    keys: Value | None = None
    reader: Value | None = None
    batcher: Value | None = None
    writer: Value | None = None

    @property
    def due(self) -> int | None:
        """A Map Run has no time-out."""
        return None


Waiting = TaskWait | TimerWait | RetryWait | Children | RunWait

NO_VARIABLES: Final[Mapping[str, Value]] = {}


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """One live place.

    `input` is the raw input of `state`; of a frame that has succeeded, its output. `previous` is the last event on
    its way, `before` the one before the state was entered, `entered` the …StateEntered event (0: not entered yet; a
    state that is entered again by a redrive keeps it), `entered_at` in milliseconds since 1970. `generation` of a
    child is that of its parent's `batch` when it was made: a child of an older batch has been dropped. `attempt`
    is `$$.State.RetryCount`, `retries` the counter of each retrier of this visit.
    """

    id: int
    state: str
    input: Value
    phase: Phase = "ready"
    previous: int = 0
    before: int = 0
    entered: int = 0
    entered_at: int = 0
    parent: int = -1
    index: int = 0
    generation: int = 0
    batch: int = 0
    waiting: Waiting | None = None
    variables: Mapping[str, Value] = NO_VARIABLES
    retries: tuple[int, ...] = ()
    attempt: int = 0

    @property
    def command(self) -> int | None:
        """The number of the command whose answer this frame waits for."""
        waiting = self.waiting
        return None if waiting is None or type(waiting) is Children else waiting.command  # type: ignore[union-attr]

    @property
    def due(self) -> int | None:
        """When what this frame waits for ends by itself, in milliseconds since 1970."""
        waiting = self.waiting
        return None if waiting is None or type(waiting) is Children else waiting.due  # type: ignore[union-attr]

    @property
    def can_move(self) -> bool:
        """Whether a Tick moves this frame: it is ready to enter its state, or it has room for another child."""
        if self.phase == "ready":
            return True
        waiting = self.waiting
        return self.phase == "waiting" and type(waiting) is Children and waiting.has_room


Kept = TypeVar("Kept")


def rewrite(frames: dict[int, Kept], newer: Iterable[tuple[int, Kept]]) -> None:
    """Replace frames (or what is kept of them) by newer ones: their order is that in which they were last written."""
    for id, frame in newer:
        frames.pop(id, None)
        frames[id] = frame
