"""A trial: one case, run to its end on the simulation, its tasks mocked or performed by bindings.

Rule: a trial lets things happen and says what happened; whether that is right is judged in `expectations`.
"""

from __future__ import annotations

import difflib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from statelang.core.context import context_object
from statelang.core.execution import Execution, Started, Status, Step
from statelang.core.frame import Frame, TaskWait
from statelang.core.limits import AWS, Limits
from statelang.core.stimulus import (
    Posted,
    Redriven,
    RunTask,
    Stopped,
    TaskFailed,
    TaskHeartbeat,
    TaskSucceeded,
)
from statelang.errors import StatelangError
from statelang.items.several import Find
from statelang.language.scope import ABSENT
from statelang.names import name_from
from statelang.nested import NestedTask
from statelang.objects import Objects
from statelang.ports import Answer, Failed, Integrations, Jobs, Pending, Submitted, Succeeded, TaskCall
from statelang.program import Program
from statelang.tasks.bindings import Bindings, matches
from statelang.tasks.lambda_function import INVOKE, LambdaTask
from statelang.tasks.objects import S3Objects
from statelang.testing.cases import Case, Happening
from statelang.testing.durations import in_words
from statelang.testing.mocks import Mock, holds
from statelang.testing.nested import DEEPEST, Children, programs
from statelang.testing.reading import Faulty
from statelang.testing.replies import Call, Trouble, Unfit, answered, mocked, short
from statelang.testing.simulation import Reply, Simulation, Watch, Way, no_buckets, start, unseen
from statelang.values import Json, encode


@dataclass(slots=True)
class Happened:
    """What became of a case. `events` are AWS's, `took` and all times are virtual milliseconds."""

    status: Status
    output: Json = None
    error: str | None = None
    cause: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    took: int = 0
    trouble: Trouble | None = None

    @property
    def entered(self) -> list[dict[str, Any]]:
        """The …StateEntered events."""
        return [event for event in self.events if "stateEnteredEventDetails" in event]

    @property
    def path(self) -> tuple[str, ...]:
        """The states in the order in which they were entered."""
        return tuple(event["stateEnteredEventDetails"]["name"] for event in self.entered)


def try_case(
    program: Program,
    case: Case,
    integrations: Integrations | None = None,
    *,
    machine: str = "machine",
    folder: Path | None = None,
    limits: Limits = AWS,
    watch: Watch | None = None,
    way: Way = "straight",
) -> Happened:
    """Run a case. `integrations` perform what nothing mocks; `folder` is where targets of mocks are relative to.

    `watch` sees every step; `way` is the simulation's.

    Raises Faulty for a mock that belongs to no state and no Resource of the program.
    """
    _check_keys(program, case, integrations)
    world = _World(case, integrations, folder, way)
    if isinstance(integrations, Bindings) and integrations.machines:
        world.children = Children(integrations, limits)
        world.integrations = world.children.integrations
    trial = _Trial(program, world)
    started = start(
        program,
        case.input,
        name=case.execution or name_from(case.name),
        machine=name_from(machine),
        at=case.at,
        limits=limits,
    )
    return trial.run(started, watch or unseen)


@dataclass(slots=True)
class _Job:
    """A job that an integration has begun, by the token of its task."""

    integration: Jobs
    job: Json
    polls: int = 0


@dataclass(slots=True)
class _World:
    """What all executions of one run of a case have in common."""

    case: Case
    integrations: Integrations | None
    folder: Path | None
    way: Way
    children: Children | None = None
    calls: list[Call] = field(default_factory=list)
    used: Counter[int] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)


class _Trial:
    """One execution of a run of a case: the one of the case itself, or one nested in it, `depth` deep."""

    def __init__(self, program: Program, world: _World, simulation: Simulation | None = None, depth: int = 0) -> None:
        self.program = program
        self.world = world
        self.case = world.case
        self.jobs: dict[str, _Job] = {}
        self.simulation = simulation
        self.depth = depth
        self.now = world.case.at

    def run(self, started: Started, watch: Watch) -> Happened:
        """From the start to the end, or to where nothing moves it any more."""
        posts = [(happening.after, self._post(happening)) for happening in self.case.meanwhile]

        def seen(execution: str, step: Step) -> None:
            self._seen(execution, step)
            watch(execution, step)

        world = self.world
        simulation = self.simulation = Simulation(
            self.program, started, self._reply, world.way, posts, find=_buckets(world.integrations), watch=seen
        )
        trouble = None
        try:
            simulation.run()
            if simulation.upcoming() is not None:
                steps = f"{len(simulation.steps):,} steps"
                trouble = Trouble(f"it goes on and on: stopped after {steps}", simulation.execution.head.events)
        except Unfit as unfit:
            trouble = unfit.trouble
        head = simulation.execution.head
        ended = simulation.now if head.stopped_at is None else head.stopped_at
        output = None if head.output is None else head.output.json
        events: list[Any] = list(simulation.events())
        took = ended - started.at
        return Happened(head.status, output, head.error, head.cause, events, world.calls, took, trouble)

    def _seen(self, execution: str, step: Step) -> None:
        if step.record is not None:
            self.now = step.record[1]

    def _reply(self, request: RunTask, execution: Execution) -> Reply:
        frame = execution.frames[request.frame]
        if request.token in self.jobs:
            return self._polled(request, execution, frame)
        whole = None if self.simulation is None else self.simulation.execution
        event = frame.previous if whole is None or execution is whole else whole.head.events
        call = Call(frame.state, request.resource, request.input.json, request.attempt, event)
        self.world.calls.append(call)
        mock = self._mock(call)
        if mock is None or mock.does == "perform":
            return self._performed(request, execution, frame, call, mock)
        return mocked(mock, request, frame, call, execution)

    def _mock(self, call: Call) -> Mock | None:
        """The mock that answers a call; None where none is meant for it."""
        key = self._key(call)
        if key is None:
            return None
        used, number = self.world.used, self.world.asked[key]
        self.world.asked[key] += 1
        for mock in self.case.mocks[key]:
            free = mock.times is None or used[id(mock)] < mock.times
            if free and mock.fits(call.input, call.attempt, number):
                used[id(mock)] += 1
                return mock
        words = f"call {number + 1} of the mocks of {key!r} (attempt {call.attempt}) fits none of them"
        raise Unfit(f"{words}: {short(call.input)}", call.event)

    def _key(self, call: Call) -> str | None:
        mocks = self.case.mocks
        if call.state in mocks:
            return call.state
        function = call.input.get("FunctionName") if isinstance(call.input, dict) else None
        named = str(function) if function is not None and INVOKE.fullmatch(call.resource) else None
        found = [key for key in mocks if key not in self.program.nodes and matches(key, call.resource, named)]
        return max(found, key=lambda key: ("*" not in key, len(key.replace("*", "")), key), default=None)

    def _performed(self, request: RunTask, execution: Execution, frame: Frame, call: Call, mock: Mock | None) -> Reply:
        """Have it done by the bindings, or by the target of a mock."""
        integrations = self.world.integrations
        if mock is not None and mock.target is not None:
            integrations = Bindings.of({request.resource: mock.target}, self.world.folder)
        if integrations is None:
            message = f"{call.state} has no mock, and the file of cases names no bindings: {short(call.input)}"
            raise Unfit(message, call.event)
        try:
            integration = integrations.find(request.resource, request.input.json)
        except StatelangError as problem:
            raise Unfit(f"{call.state} has no mock: {problem}", call.event) from None
        if integration is None:
            return answered(None, request, mock)
        if isinstance(integration, NestedTask):
            return self._nested(request, self._call(request, execution, frame), integration, mock)
        if isinstance(integration, LambdaTask):
            integration = replace(integration, at=self.now / 1000)
        answer = _perform(integration.perform, self._call(request, execution, frame))
        if isinstance(answer, Submitted) and isinstance(integration, Jobs):
            self.jobs[request.token] = _Job(integration, answer.job)
            text = encode(answer.output) if answer.text is None else answer.text
            return Reply(submitted=text, job=encode(answer.job), after=round(answer.poll_after * 1000))
        return answered(answer, request, mock)

    def _nested(self, request: RunTask, asked: TaskCall, task: NestedTask, mock: Mock | None) -> Reply:
        """Simulate the execution that a task begins."""
        children, now = self.world.children, self.now
        assert children is not None
        children.now = now
        answer = _perform(task.perform, asked)
        if isinstance(answer, (Succeeded, Submitted)) and answer.begins is not None:
            if self.depth >= DEEPEST:
                raise Unfit(f"{DEEPEST} executions have begun one another", self._event())
            inner = _Trial(answer.begins.program, self.world, self.simulation, self.depth + 1)
            world = {"replies": inner._reply, "way": self.world.way, "watch": inner._seen}
            inner.now = now
            now = children.run(answer.begins, find=_buckets(self.world.integrations), **world).now
        if not isinstance(answer, Submitted):
            return answered(answer, request, mock)
        stands, told = task.poll(asked, answer.job, 1), encode(answer.output)
        after = max(0, now - self.now) + (0 if mock is None else mock.after)
        if isinstance(stands, Pending):
            return Reply(silent=True, submitted=told)
        if isinstance(stands, Failed):
            return Reply(failed=True, error=stands.error, cause=stands.cause, after=after, submitted=told)
        return Reply(output=encode(stands.output), after=after, submitted=told)

    def _event(self) -> int:
        return 0 if self.simulation is None else self.simulation.execution.head.events

    def _polled(self, request: RunTask, execution: Execution, frame: Frame) -> Reply:
        """How the job of a task stands, asked once more."""
        job = self.jobs[request.token]
        job.polls += 1
        stands = job.integration.poll(self._call(request, execution, frame), job.job, job.polls)
        if isinstance(stands, Pending):
            return Reply(job=encode(job.job), polls=job.polls, after=round(stands.poll_after * 1000))
        if isinstance(stands, Failed):
            return Reply(failed=True, error=stands.error, cause=stands.cause)
        return Reply(output=encode(stands.output) if stands.text is None else stands.text)

    def _call(self, request: RunTask, execution: Execution, frame: Frame) -> TaskCall:
        now, node = self.now, self.program.nodes[frame.state]
        return TaskCall(
            resource=request.resource,
            input=request.input.json,
            token=request.token,
            idempotency_key=request.key,
            attempt=request.attempt,
            deadline=None if request.timeout is None else now + round(request.timeout * 1000),
            context=context_object(execution, frame, node, execution.frames.__getitem__, token=request.token),
            cancel=threading.Event(),
            credentials=None if request.credentials is None else request.credentials.json,
        )

    def _post(self, happening: Happening) -> Callable[[int, Execution], Posted | None]:
        """What a happening does when its time has come."""

        def post(at: int, execution: Execution) -> Posted:
            if happening.does == "stop":
                return Stopped(at, happening.error, happening.cause)
            if happening.does == "redrive":
                return Redriven(at, execution.head.redrives + 1)
            return self._answer(happening, at, execution)

        return post

    def _answer(self, happening: Happening, at: int, execution: Execution) -> Posted:
        assert self.simulation is not None
        token = _waiting(execution, happening)
        if token is None:
            after = in_words(happening.after)
            raise Unfit(
                f"{after} after the start nobody waits for an answer to {happening.state}", execution.head.events
            )
        if happening.does == "heartbeat":
            return TaskHeartbeat(at, token)
        if happening.does == "throw":
            return TaskFailed(at, self.simulation.chance(), token, happening.error, happening.cause)
        return TaskSucceeded(at, self.simulation.chance(), token, encode(happening.output))


def _check_keys(program: Program, case: Case, bindings: object) -> None:
    """Raises Faulty for a mock that could never answer anything."""
    answered = [happening.state for happening in case.meanwhile if happening.state]
    for key in [*case.mocks, *answered]:
        if _means_something(key, program) or any(_means_something(key, other) for other in programs(bindings)):
            continue
        near = difflib.get_close_matches(key, program.nodes, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise Faulty(f"case {case.name!r}: {key!r} is neither a state nor a Resource of the state machine{hint}")


def _means_something(key: str, program: Program) -> bool:
    if key in program.nodes or any(matches(key, use.resource, use.function) for use in program.uses):
        return True
    return "function" in key and any(use.function is None and INVOKE.fullmatch(use.resource) for use in program.uses)


def _waiting(execution: Execution, happening: Happening) -> str | None:
    """The token of the task that has waited longest for its answer."""
    for command in sorted(execution.waiting):
        frame = execution.frames[execution.waiting[command]]
        waiting = frame.waiting
        if not isinstance(waiting, TaskWait) or frame.state != happening.state:
            continue
        if happening.when is ABSENT or holds(waiting.input.json, happening.when):
            return waiting.token
    return None


def _perform(perform: Callable[[TaskCall], Answer | None], call: TaskCall) -> Answer | None:
    try:
        return perform(call)
    except Exception as problem:
        return Failed("States.TaskFailed", f"{type(problem).__name__}: {problem}")


def _buckets(integrations: Integrations | None) -> Find:
    """Where the objects of buckets are: only in folders, never in S3 itself."""

    def find(bucket: str) -> Objects:
        objects = no_buckets(bucket) if integrations is None else integrations.objects(bucket)
        return no_buckets(bucket) if isinstance(objects, S3Objects) else objects

    return find
