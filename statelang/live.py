"""What a worker holds of an execution it drives, and the tasks it has under way.

Rule: tasks are performed on threads of the pool, and all that comes back from them are messages.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from statelang.clock import Clock
from statelang.core.context import context_object
from statelang.core.execution import Execution, Step
from statelang.core.frame import Frame
from statelang.core.map_run import NOTHING, Tally
from statelang.core.stimulus import (
    Cancel,
    Command,
    DriveMapRun,
    PollTask,
    Posted,
    RunTask,
    StartChild,
    StopTask,
    TaskFailed,
    TaskHeartbeat,
    TaskPending,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
)
from statelang.core.token import command_of
from statelang.errors import JobLeft, StatelangError
from statelang.messages import Left, Message, Observer, Told
from statelang.pace import QUIET_MS
from statelang.pool import Job, Pool
from statelang.ports import (
    Answer,
    Begins,
    Commit,
    Failed,
    Integration,
    Integrations,
    Jobs,
    Lease,
    Pending,
    Submitted,
    TaskCall,
)
from statelang.program import Program
from statelang.values import Json, encode

Said = TypeVar("Said")

QUIET: Final = (TaskStarted, TaskHeartbeat)
"""What happens to a task here and leads to nothing: should it be lost with this process, so is the task."""

ANSWERS: Final = (TaskSucceeded, TaskFailed, TaskSubmitted, TaskPending)
"""What a task that was under way has answered when it is under way no more."""


@dataclass(slots=True, eq=False)
class Task:
    """A task under way, and the signal that its answer is not wanted any more."""

    request: RunTask
    cancel: threading.Event = field(default_factory=threading.Event)
    job: Job | None = None


@dataclass(slots=True, eq=False)
class Live:
    """An execution this worker drives: what was done since its last commit, and the tasks it waits for."""

    lease: Lease
    execution: Execution
    program: Program
    steps: list[Step] = field(default_factory=list)
    posts: list[int] = field(default_factory=list)
    tasks: dict[int, Task] = field(default_factory=dict)
    put_off: bool = False
    """Whether a task was not begun, as it did not fit: this process has not done what the execution waits for."""
    loud: bool = True
    """Whether more was done since than that tasks have begun, or are alive."""
    timer: int | None = None
    parent: Live | None = None
    """Whose commit begins it, of an execution that is not in the store yet."""
    source: str = ""
    """The definition that is written with it then, where it is not there yet."""
    tally: Tally = NOTHING
    """What its next commit counts for its Map Run."""
    counted: bool = False
    answered: bool = False
    """Whether the parent, which is driven here, has been told how this nested execution ended."""

    @property
    def quiet_until(self) -> int:
        """How long what was done may go unwritten, if that is only that tasks have begun; else it may not."""
        return 0 if self.loud or self.posts or not self.steps else self.steps[0].head.at + QUIET_MS

    def written(self) -> Sequence[Step]:
        """What was done since the last commit is in the store: from here on nothing was. Returns those steps."""
        steps, self.steps, self.posts, self.tally, self.loud = self.steps, [], [], NOTHING, False
        return steps


class Performer:
    """Hands the tasks of executions to the pool, and tells the worker how they went.

    `fits`, where there is one, is asked before a task is performed; one that does not fit is asked for again by whoever
    drives the execution next. `ends` is when this process ends (ms since 1970): the latest deadline of a task.
    """

    fits: Callable[[RunTask], bool] | None = None
    ends: int | None = None

    def __init__(self, integrations: Integrations, clock: Clock, threads: int, tell: Callable[[Message], None]) -> None:
        self._integrations = integrations
        self._clock = clock
        self._pool = Pool(threads)
        self._tell = tell
        self._stopping: set[str] = set()

    @property
    def backlog(self) -> int:
        """How many tasks wait for a thread."""
        return self._pool.backlog

    @property
    def stops(self) -> bool:
        """Whether jobs are being stopped that nobody waits for any more."""
        return bool(self._stopping)

    def do(self, live: Live, command: Command) -> None:
        """Do what the core asked for, which is in the store by now."""
        if isinstance(command, Cancel):
            self.cancel(live, command.command)
        elif isinstance(command, StopTask):
            self._stop(live, command)
        elif isinstance(command, (StartChild, DriveMapRun)) or command.command not in live.execution.waiting:
            return  # a Map Run is not the pool's, and a later step of the same commit gave it up again
        elif isinstance(command, PollTask):
            self._poll(live, command)
        else:
            self._perform(live, command)

    def is_busy(self, live: Mapping[str, Live]) -> bool:
        """Whether tasks of these executions are under way, or jobs are being stopped."""
        return self.stops or any(one.tasks for one in live.values())

    def cancel(self, live: Live, command: int) -> None:
        """Tell a task that its answer is not wanted any more; its thread is replaced while it does not heed."""
        task = live.tasks.pop(command, None)
        if task is not None:
            task.cancel.set()
            if task.job is not None:
                self._pool.abandon(task.job)

    def _perform(self, live: Live, request: RunTask) -> None:
        if self.fits is not None and not self.fits(request):
            live.put_off = True
            return
        task = Task(request)
        try:
            integration = self._integrations.find(request.resource, request.input.json)
        except StatelangError as problem:
            live.tasks[request.command] = task
            failed = TaskFailed(self._clock.now(), os.urandom(16), request.token, "States.Runtime", str(problem))
            self._tell(Told(live.lease.execution, failed))
            return
        if integration is not None:
            live.tasks[request.command] = task
            call, id = self._call(live, task), live.lease.execution
            task.job = self._pool.submit(lambda: self._run(id, task, integration, call))

    def _poll(self, live: Live, command: PollTask) -> None:
        task = live.tasks[command.command] = Task(command.task)
        call, id = self._call(live, task), live.lease.execution

        def ask() -> None:
            if not task.cancel.is_set():
                told = self._answered(call, lambda jobs: jobs.poll(call, command.job.json, command.polls))
                for stimulus in self._meaning(told, command.task):
                    self._tell(Told(id, stimulus))

        task.job = self._pool.submit(ask)

    def _stop(self, live: Live, command: StopTask) -> None:
        call, id = self._call(live, Task(command.task)), live.lease.execution
        self._stopping.add(call.token)

        def stop() -> None:
            failed = self._answered(call, lambda jobs: jobs.stop(call, command.job.json))
            text = f"the job {command.job.text} of {call.resource} could not be stopped: {failed and failed.cause}"
            self._tell(Left(id, call.token, None if failed is None else JobLeft(text)))

        self._pool.submit(stop)

    def stopped(self, message: Left, observer: Observer) -> None:
        """A job has been stopped, or could not be: whoever watches is told that it may go on."""
        self._stopping.discard(message.token)
        if message.problem is not None:
            observer.left(message.execution, message.problem)

    def _answered(self, call: TaskCall, ask: Callable[[Jobs], Said]) -> Said | Failed:
        """What an integration that has begun a job says of it."""
        try:
            integration = self._integrations.find(call.resource, call.input)
            if not isinstance(integration, Jobs):
                return Failed("States.Runtime", f"what performs {call.resource} now knows nothing of the job it began")
            return ask(integration)
        except BaseException as problem:
            return Failed("States.TaskFailed", f"{type(problem).__name__}: {problem}")

    def _call(self, live: Live, task: Task) -> TaskCall:
        request, execution = task.request, live.execution
        frame, id, now = execution.frames.get(request.frame), live.lease.execution, self._clock.now
        deadline = request.deadline
        if deadline is None and request.timeout is not None:
            deadline = now() + round(request.timeout * 1000)
        if self.ends is not None:
            deadline = self.ends if deadline is None else min(deadline, self.ends)
        return TaskCall(
            resource=request.resource,
            input=request.input.json,
            token=request.token,
            idempotency_key=request.key,
            attempt=request.attempt,
            deadline=deadline,
            context=_context(live, frame, request.token),
            cancel=task.cancel,
            heartbeat=lambda: self._tell(Told(id, TaskHeartbeat(now(), request.token))),
            credentials=None if request.credentials is None else request.credentials.json,
        )

    def _run(self, execution: str, task: Task, integration: Integration, call: TaskCall) -> None:
        """Perform a task, on a thread of the pool."""
        if task.cancel.is_set():
            return
        self._tell(Told(execution, TaskStarted(self._clock.now(), call.token)))
        answer: Answer | None
        try:
            answer = integration.perform(call)
        except BaseException as problem:
            answer = Failed("States.TaskFailed", f"{type(problem).__name__}: {problem}")
        if task.cancel.is_set():
            return  # what a task that gave up returns is no answer: whoever drives the execution next asks again
        begins: Begins | None = getattr(answer, "begins", None)
        for stimulus in self._meaning(answer, task.request):
            self._tell(Told(execution, stimulus, begins))
            begins = None

    def _meaning(self, answer: Answer | Pending | None, request: RunTask) -> Sequence[Posted]:
        """What an integration's answer means; one that cannot be written down is a failure, as an exception is."""
        now = self._clock.now()
        try:
            return _stimuli(answer, request, now)
        except Exception as problem:
            told = f"what performs {request.resource} gave no answer that can be written: {problem}"
            return _stimuli(Failed("States.TaskFailed", told), request, now)

    def close(self) -> None:
        """Let the idle threads end."""
        self._pool.close()


def _context(live: Live, frame: Frame | None, token: str) -> Mapping[str, Json]:
    """The Context object; empty where the task's state has been left already and only its job is to be stopped."""
    if frame is None or frame.command != command_of(token):
        return {}
    execution, node = live.execution, live.program.nodes[frame.state]
    return context_object(execution, frame, node, execution.frames.__getitem__, token=token)


def _stimuli(answer: Answer | Pending | None, request: RunTask, at: int) -> Sequence[Posted]:
    """What an integration's answer means: where the task's own answer comes later, that the request was submitted."""
    token = request.token
    if isinstance(answer, Failed):
        return [TaskFailed(at, os.urandom(16), token, answer.error, answer.cause)]
    if answer is None:
        return [TaskSubmitted(at, token, "null")]
    if isinstance(answer, Pending):
        return [TaskPending(at, token, at + round(answer.poll_after * 1000))]
    text = encode(answer.output) if answer.text is None else answer.text
    if isinstance(answer, Submitted):
        return [TaskSubmitted(at, token, text, encode(answer.job), at + round(answer.poll_after * 1000))]
    submitted = [TaskSubmitted(at, token, text)] if request.submits else []
    return submitted if request.later else [*submitted, TaskSucceeded(at, os.urandom(16), token, text)]


def must_last(commit: Commit) -> bool:
    """Whether a commit holds what must survive a loss of power: an effect, a start, a post, an execution's end."""
    if commit.posts or commit.begun or commit.sends or (commit.steps and commit.steps[-1].head.status != "RUNNING"):
        return True
    return any(_is_effect(step) for step in commit.steps if step.commands or step.values)


def _is_effect(step: Step) -> bool:
    """Whether a step asks for something that cannot be undone, or holds what a job that was begun is known by."""
    if step.commands and any(isinstance(command, (RunTask, StopTask)) for command in step.commands):
        return True
    if not step.values:
        return False
    return any(getattr(frame.waiting, "job", None) in step.values for frame in step.frames.values())
