"""A simulation: one execution in virtual time, without threads or a store, its tasks answering as told.

It runs three ways, and all must come to the same: `straight`; `encoded`, where everything is encoded and decoded again
between any two stimuli; `twice`, where every stimulus but Tick is delivered a second time.

Rule: the simulation is deterministic: the same program, input, answers and seed give the same history.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import msgspec

from statelang.core.codec import Reader, encode_frame, encode_steps, referred, restore
from statelang.core.execution import Execution, Started, Step, apply
from statelang.core.frame import rewrite
from statelang.core.history import expand
from statelang.core.limits import AWS, Limits
from statelang.core.machine import advance, begin
from statelang.core.map_run import MapRun
from statelang.core.stimulus import (
    Cancel,
    Command,
    DriveMapRun,
    PollTask,
    Posted,
    RunTask,
    StartChild,
    Stimulus,
    StopTask,
    TaskFailed,
    TaskHeartbeat,
    TaskPending,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
    Tick,
    TimerFired,
)
from statelang.errors import ObjectError
from statelang.items.several import Find
from statelang.objects import Objects
from statelang.program import Program
from statelang.testing.clock import START
from statelang.testing.map_runs import SimulatedRuns
from statelang.values import Json

Way = Literal["straight", "encoded", "twice"]
WAYS: tuple[Way, ...] = ("straight", "encoded", "twice")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a task does: it starts, and after `after` milliseconds it gives `output` (JSON text), or fails with `error`
    and `cause`. `submitted` is what the request itself answers where the task's own answer comes later; `beats` are
    heartbeats, in milliseconds after the start. `silent`: no answer ever comes; `unstarted`: nobody even begins.
    `job` (JSON text): the task begins a job, which says `polls` times that it still runs, `after` milliseconds apart.
    """

    output: str = "null"
    error: str | None = None
    cause: str | None = None
    after: int = 0
    failed: bool = False
    submitted: str | None = None
    beats: Sequence[int] = ()
    silent: bool = False
    unstarted: bool = False
    worker: str | None = None
    job: str | None = None
    polls: int = 0


Post = Callable[[int, Execution], Posted | None]
"""(the time, the execution as it is then) -> what somebody does to it, or None."""

Replies = Callable[[RunTask, Execution], Reply]
"""What the task of a request does."""


Watch = Callable[[str, Step], None]
"""(the id of the execution, what was done)."""


def unseen(execution: str, step: Step) -> None:
    """Nobody watches."""


def no_buckets(bucket: str) -> Objects:
    """There are none. Raises ObjectError."""
    raise ObjectError(f"s3://{bucket}: there are no buckets in this simulation")


@dataclass(slots=True)
class Simulation:
    """One execution, and the world around it."""

    program: Program
    started: Started
    replies: Replies
    way: Way = "straight"
    posts: Sequence[tuple[int, Post]] = ()
    """What others do: (milliseconds after the start, what happens then)."""
    find: Find = no_buckets
    """Where the objects of buckets are."""
    watch: Watch = unseen
    """Sees every step, those of child executions too."""
    most: int = 1_000_000
    execution: Execution = field(init=False)
    steps: list[Step] = field(init=False, default_factory=list)
    requests: list[RunTask] = field(init=False, default_factory=list)
    polled: list[PollTask] = field(init=False, default_factory=list)
    stopped: list[StopTask] = field(init=False, default_factory=list)
    now: int = field(init=False)
    runs: SimulatedRuns = field(init=False)
    _agenda: list[tuple[int, int, Stimulus | Callable[[], Stimulus | None]]] = field(init=False, default_factory=list)
    _number: int = field(init=False, default=0)
    _bodies: list[bytes] = field(init=False, default_factory=list)
    _frames: dict[int, bytes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.started.at
        self.runs = SimulatedRuns(self, self.find)
        self.execution, step = begin(self.program, self.started)
        self._keep(step)
        for after, post in self.posts:
            self.plan(self.now + after, partial(self._posted, post))

    def _posted(self, post: Post) -> Posted | None:
        return post(self.now, self.execution)

    def child(self, started: Started) -> Simulation:
        """A child execution of a Map Run, in the same world."""
        return Simulation(
            self.program, started, self.replies, self.way, most=self.most, find=self.find, watch=self.watch
        )

    def run(self, until: int | None = None) -> Execution:
        """Until the execution has ended, nothing can move it any more, or a time has come."""
        for _ in range(self.most):
            if until is not None and self._next() > until:
                break
            stimulus = self.upcoming()
            if stimulus is None:
                break
            self.deliver(stimulus)
        return self.execution

    def _next(self) -> int:
        """When something happens next."""
        if self.execution.ready:
            return self.now
        timer = self.execution.due()
        times = [self._agenda[0][0]] if self._agenda else []
        return min([*times, timer[0]] if timer is not None else times, default=1 << 62)

    def upcoming(self) -> Stimulus | None:
        """What happens next, or None where nothing will."""
        execution = self.execution
        if execution.ready:
            return Tick(self.now, self.chance())
        timer = execution.due()
        if self._agenda and (timer is None or self._agenda[0][0] <= timer[0]):
            at, _, stimulus = heapq.heappop(self._agenda)
            self.now = max(self.now, at)
            told = stimulus() if callable(stimulus) else stimulus
            return self.upcoming() if told is None else told
        if timer is None:
            return None
        self.now = max(self.now, timer[0])
        return TimerFired(self.now, self.chance(), timer[1])

    def deliver(self, stimulus: Stimulus) -> None:
        """Let it happen, in this simulation's way."""
        if self.way == "encoded":
            self.execution = self._again()
        times = 2 if self.way == "twice" and not isinstance(stimulus, Tick) else 1
        for _ in range(times):
            step = advance(self.program, self.execution, stimulus)
            if step is not None:
                apply(self.execution, step)
                self._keep(step)

    def _keep(self, step: Step) -> None:
        self.watch(self.started.id, step)
        self.steps.append(step)
        self._bodies.append(encode_steps([step]))
        rewrite(self._frames, ((id, encode_frame(frame)) for id, frame in step.frames.items()))
        for command in step.commands:
            self._command(command)

    def _command(self, command: Command) -> None:
        if isinstance(command, Cancel):
            return
        if isinstance(command, StartChild):
            self.runs.begin(command.started)
        elif isinstance(command, DriveMapRun):
            self.runs.drive(command.run)
        elif isinstance(command, StopTask):
            self.stopped.append(command)
        elif isinstance(command, PollTask):
            self._polled(command)
        else:
            self._asked(command)

    def _polled(self, command: PollTask) -> None:
        self.polled.append(command)
        reply, token = self.replies(command.task, self.execution), command.task.token
        pending = TaskPending(self.now, token, self.now + reply.after)
        self.plan(self.now, pending if command.polls <= reply.polls else self._answer(reply, token, self.now))

    def _asked(self, command: RunTask) -> None:
        self.requests.append(command)
        reply, token = self.replies(command, self.execution), command.token
        if reply.unstarted:
            return
        self.plan(self.now, TaskStarted(self.now, token, reply.worker))
        if reply.submitted is not None:
            at = None if reply.job is None else self.now + reply.after
            self.plan(self.now, TaskSubmitted(self.now, token, reply.submitted, reply.job, at))
        for beat in reply.beats:
            self.plan(self.now + beat, TaskHeartbeat(self.now + beat, token))
        if not reply.silent and reply.job is None:
            self.plan(self.now + reply.after, self._answer(reply, token, self.now + reply.after))

    def _answer(self, reply: Reply, token: str, at: int) -> Stimulus:
        if reply.failed:
            return TaskFailed(at, self.chance(), token, reply.error, reply.cause)
        return TaskSucceeded(at, self.chance(), token, reply.output)

    def plan(self, at: int, stimulus: Stimulus | Callable[[], Stimulus | None]) -> None:
        """Have something happen at a time; what it is may be said when the time has come."""
        self._number += 1
        heapq.heappush(self._agenda, (at, self._number, stimulus))

    def chance(self) -> bytes:
        """16 bytes that nobody has had before, and that are the same in every run."""
        self._number += 1
        return hashlib.sha256(f"{self.started.id}:{self._number}".encode()).digest()[:16]

    def _again(self) -> Execution:
        """The execution as it comes back from what was written of it."""
        texts, reader = self.texts(), Reader()
        frames = {id: reader.frame(body) for id, body in self._frames.items()}
        head = reader.checkpoint(self._bodies[-1]).head
        for value in referred(head, frames.values()):
            value.load(texts[value.id])
        runs = [msgspec.json.decode(msgspec.json.encode(run), type=MapRun) for run in self.execution.runs.values()]
        again = restore(self.started, head, frames, runs)
        for id in again.swept:  # as a store has it: what is gone is read once more at least, and must not come back
            self._frames.pop(id, None)
        return again

    def texts(self) -> Mapping[int, str]:
        """The JSON text of every value, by its number."""
        return {value.id: value.text for step in self.steps for value in step.values}

    def events(self) -> Iterator[dict[str, Json]]:
        """AWS's history events of what has happened; `timestamp` in milliseconds since 1970."""
        records = [record for body in self._bodies for record in Reader().checkpoint(body).records]
        return expand(records, self.texts().__getitem__)


def start(
    program: Program,
    input: str = "{}",
    *,
    name: str = "simulation",
    machine: str = "machine",
    at: int = START,
    limits: Limits = AWS,
) -> Started:
    """What an execution of the simulation is, where nothing about it matters."""
    arn = "arn:aws:states:us-east-1:000000000000"
    return Started(
        id=name,
        arn=f"{arn}:execution:{machine}:{name}",
        machine=machine,
        machine_arn=f"{arn}:stateMachine:{machine}",
        digest=program.digest,
        input=input,
        at=at,
        limits=limits,
    )
