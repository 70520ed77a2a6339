"""The Execution: one run of a Program, as its live frames, and `apply`, the only thing that changes it.

Rule: `apply` costs what the step changed, never what the execution holds. Everything but the frames and the head
is an index over them, made again on load.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec

from statelang.core.frame import ROOT, Children, Frame, RunWait
from statelang.core.limits import AWS, Limits
from statelang.core.map_run import MapRun
from statelang.core.stimulus import Command
from statelang.core.value import Value

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]

Answers = Literal["no", "text", "json"]

WHOLE: int = 0
"""The command number of the time-out of the whole execution."""


LEAST_TIMERS: Final = 100
"""How many timers may be kept before those that are out of date are looked for."""


class Started(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an execution is from its start on. Starting is not a stimulus: a second start must not restart.

    `id` is its name in the store, `name` the one the Context object shows (the same where it is empty), beside the
    ARNs and the role; `digest` pins the definition; `input` is the JSON text as it came; `fingerprint` is the same for
    starts that mean the same; `at` is milliseconds since 1970. `redrivable` is false for a synchronous express
    execution, whose Context object counts no redrives.

    A child of a Map Run says which (`map_run`), which of its children it is (`index`), how many `items` it was given,
    and enters the definition at the ItemProcessor of the Map state `entry`. `parent` is the execution that began it; a
    nested execution holds the `token` of the task it was begun for; `answers` says how its end answers that: with its
    output as text (`.sync`), as JSON (`.sync:2`), or not at all. `callback` is a token of
    somebody else's, to be answered by whoever was given it.
    """

    id: str
    arn: str
    machine: str
    machine_arn: str
    digest: str
    input: str
    at: int
    name: str = ""
    fingerprint: str = ""
    role_arn: str = ""
    region: str = "us-east-1"
    limits: Limits = AWS
    redrivable: bool = True
    entry: str = ""
    parent: str = ""
    map_run: str = ""
    index: int = 0
    items: int = 0
    token: str = ""
    answers: Answers = "no"
    callback: str = ""

    @property
    def is_express(self) -> bool:
        """Whether it is an Express child of a Map Run."""
        return bool(self.map_run) and ":express:" in self.arn


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of an execution that belongs to no frame.

    `counter` is the last number given (to a value, a command, a frame or a step), `events` the last history event.
    `deadline` is the end of the machine's TimeoutSeconds, `at` the time of the last step; all times in milliseconds
    since 1970.
    """

    counter: int = 0
    events: int = 0
    status: Status = "RUNNING"
    deadline: int | None = None
    stopped_at: int | None = None
    output: Value | None = None
    error: str | None = None
    cause: str | None = None
    redrives: int = 0
    redriven_at: int | None = None
    at: int = 0


Record = tuple[int, int, list[tuple[object, ...]]]
"""One transition in the history: the number of its first event, its time (ms since 1970), its events in order."""


class Step(msgspec.Struct, frozen=True):
    """What one transition did.

    `number` is its own; `frames` replace those of the same number; `values` are new; `dropped` and `halted` name
    frames whose children, all the way down, are gone, or move no more; `record` is None where nothing is told; `runs`
    are the Map Runs that changed, which are rows of their own.
    """

    number: int
    head: Head
    frames: Mapping[int, Frame]
    values: list[Value]
    dropped: list[int]
    halted: list[int]
    record: Record | None
    commands: list[Command]
    runs: Mapping[str, MapRun] = {}


class Execution:
    """One execution in memory: what it is (`started`), its head, and its frames by number.

    `ready` holds the frames a Tick can move, in the order in which they will be; `waiting` the frame of each command
    that is waited for; `children` the children of each frame by index; `swept` the frames that are gone since somebody
    last emptied it; `runs` the Map Runs that frames wait for. `frames` are given in the order in which they were last
    written, which is that of `ready`.
    """

    __slots__ = ("_timers", "children", "frames", "head", "input", "ready", "runs", "started", "swept", "waiting")

    def __init__(
        self, started: Started, head: Head, frames: Iterable[Frame], input: Value, runs: Iterable[MapRun] = ()
    ) -> None:
        self.started = started
        self.head = head
        self.input = input
        self.frames: dict[int, Frame] = {}
        self.ready: dict[int, None] = {}
        self.waiting: dict[int, int] = {}
        self.children: dict[int, dict[int, int]] = {}
        self.swept: list[int] = []
        self.runs: dict[str, MapRun] = {} if head.status == "SUCCEEDED" else {run.id: run for run in runs}
        self._timers: list[tuple[int, int]] = []
        if head.deadline is not None:
            self._timers.append((head.deadline, WHOLE))
        known = {} if head.status == "SUCCEEDED" else {frame.id: frame for frame in frames}
        for id in known:
            if _belongs(known, known[id]):
                self._put(known[id])
                if not _moves(known, known[id]):
                    self._still(known[id])
            else:
                self.swept.append(id)
        if head.status != "RUNNING":
            self.ready.clear()
            self.waiting.clear()

    def live(self) -> Iterator[Frame]:
        """The frames that move or wait, in the order in which they were made."""
        return (self.frames[id] for id in sorted({*self.ready, *self.waiting.values()}))

    def under(self, parent: int) -> Iterator[Frame]:
        """The children of a frame, by index."""
        children = self.children.get(parent)
        return iter(()) if not children else (self.frames[children[index]] for index in sorted(children))

    def due(self) -> tuple[int, int] | None:
        """The next timer: (milliseconds since 1970, command), or None."""
        timers = self._timers
        while timers:
            at, command = timers[0]
            if self._due_of(command) == at:
                return timers[0]
            heapq.heappop(timers)
        return None

    def _due_of(self, command: int) -> int | None:
        if command == WHOLE:
            return self.head.deadline if self.head.status == "RUNNING" else None
        frame = self.waiting.get(command)
        return None if frame is None else self.frames[frame].due

    def _put(self, frame: Frame) -> None:
        known = self.frames.get(frame.id)
        if known is None:
            if frame.parent >= 0:
                self.children.setdefault(frame.parent, {})[frame.index] = frame.id
        elif known.command is not None:
            self.waiting.pop(known.command, None)
            if type(known.waiting) is RunWait and type(frame.waiting) is not RunWait:
                self.runs.pop(known.waiting.run, None)
        self.frames[frame.id] = frame
        self.ready.pop(frame.id, None)
        if frame.can_move:
            self.ready[frame.id] = None
        command = frame.command
        if command is not None and frame.phase == "waiting":
            self.waiting[command] = frame.id
            due = frame.due
            if due is not None:
                self._remember(due, command)

    def _remember(self, due: int, command: int) -> None:
        """A timer more; those that are out of date are cleared away once they are more than half."""
        heapq.heappush(self._timers, (due, command))
        if len(self._timers) > max(LEAST_TIMERS, 2 * len(self.waiting)):
            known = ((self._due_of(command), command) for command in (WHOLE, *self.waiting))
            self._timers = [(due, command) for due, command in known if due is not None]
            heapq.heapify(self._timers)

    def _halt(self, parent: int) -> None:
        """Keep the children of a frame, but let none of them move again."""
        for id in self.children.get(parent, {}).values():
            self._still(self.frames[id])
            self._halt(id)

    def _still(self, frame: Frame) -> None:
        self.ready.pop(frame.id, None)
        if frame.command is not None:
            self.waiting.pop(frame.command, None)

    def _drop(self, parent: int) -> None:
        for id in self.children.pop(parent, {}).values():
            self._still(self.frames[id])
            self._drop(id)
            waiting = self.frames.pop(id).waiting
            if type(waiting) is RunWait:
                self.runs.pop(waiting.run, None)
            self.swept.append(id)


def apply(execution: Execution, step: Step) -> None:
    """Make a step part of the execution."""
    deadline = execution.head.deadline
    execution.head = step.head
    if step.head.deadline is not None and step.head.deadline != deadline:
        heapq.heappush(execution._timers, (step.head.deadline, WHOLE))
    if step.runs:
        execution.runs.update(step.runs)
    for parent in step.halted:
        execution._halt(parent)
    for parent in step.dropped:
        execution._drop(parent)
    for frame in step.frames.values():
        execution._put(frame)
    if step.head.status != "RUNNING":
        execution.ready.clear()
        execution.waiting.clear()
    if step.head.status == "SUCCEEDED":
        execution.frames.clear()
        execution.runs.clear()
        execution.swept.append(ROOT)


def _belongs(frames: Mapping[int, Frame], frame: Frame) -> bool:
    """Whether a frame read from a store still belongs: its parents are there and of its generation, up to the root."""
    while frame.id != ROOT:
        parent = frames.get(frame.parent)
        if parent is None or parent.batch != frame.generation:
            return False
        frame = parent
    return True


def _moves(frames: Mapping[int, Frame], frame: Frame) -> bool:
    """Whether every parent of a frame still runs its children: none of them has failed or pauses before a retry."""
    while frame.id != ROOT:
        frame = frames[frame.parent]
        if frame.phase != "waiting" or type(frame.waiting) is not Children:
            return False
    return True
