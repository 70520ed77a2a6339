"""The engine: what a Python program holds. It starts executions, waits for them, and reaches them while they run.

Rule: the engine decides nothing that the core or the worker decides. Every method may be called from any thread; one
thread of its own runs the worker.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Final, Self, get_args

from statelang.clock import Clock, RealClock
from statelang.compiler import compile_definition
from statelang.config import open_store
from statelang.core.execution import Answers, Execution, Started, Step
from statelang.core.history import expand
from statelang.core.limits import AWS, Limits
from statelang.core.machine import begin
from statelang.core.stimulus import Stopped
from statelang.core.token import execution_of
from statelang.errors import (
    ExecutionNotRedrivable,
    InvalidSettings,
    JobLeft,
    StatelangError,
    StoreError,
)
from statelang.messages import Begin, Message, Take, Wake, Why
from statelang.names import check_name, new_name
from statelang.nested import Nested
from statelang.ports import Begins, NewExecution, Store, Summary
from statelang.positions import Position, positions
from statelang.program import Program
from statelang.reach import Reach
from statelang.result import JsonText, Result, check_size, input_text, result_of
from statelang.state_machine import StateMachine
from statelang.tasks import Bindings, read_bindings
from statelang.values import Json, decode, encode
from statelang.waiters import Waiter, Waiters
from statelang.worker import Policy, Worker

GRACE_MS: Final = 10_000
"""How long `close` waits for tasks under way, in milliseconds."""

POLL_SECONDS: Final = 0.05


Watcher = Callable[[Execution, Sequence[Step]], None]

Answered = bool | Sequence[str] | BaseException


class Engine(Reach):
    """Runs state machines durably. Use it as a context manager, or `close` it.

    `store` is an address (`sqlite:///runs.db`, `memory:`) or a Store. `tasks` binds Resources, with `*` patterns, to
    Python callables, targets like `python:shop.tasks:charge` or integrations; `bindings` is a bindings file, or what
    `read_bindings` made of one, over which `tasks` wins. `aws` (True, or options: region, endpoint, endpoints, profile,
    role) lets AWS itself perform its Resources that are not bound. `policy` says what shares a checkpoint. `serve`:
    drive every execution of the store that nobody drives, not only those begun here. `watch` is told of every commit,
    `trouble` of every execution that cannot be driven here, or left a job running (its name, and why; JobLeft: the
    latter), both on the worker's thread.
    """

    def __init__(
        self,
        store: str | Store = "memory:",
        *,
        tasks: Mapping[str, object] | None = None,
        bindings: str | Path | Bindings | None = None,
        aws: bool | Mapping[str, Json] | None = None,
        policy: Policy = "transition",
        limits: Limits = AWS,
        threads: int = 32,
        serve: bool = False,
        clock: Clock | None = None,
        account: str = "000000000000",
        region: str = "us-east-1",
        role_arn: str = "",
        watch: Watcher | None = None,
        trouble: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        if policy not in get_args(Policy):
            raise InvalidSettings(f"the policy {policy!r} is none of {', '.join(get_args(Policy))}")
        if threads < 1:
            raise InvalidSettings(f"with {threads} threads no task would ever be performed; at least 1 is needed")
        self.bindings = _bindings(bindings, tasks, aws)
        self.store = open_store(store) if isinstance(store, str) else store
        self.limits = limits
        self._arn = f"arn:aws:states:{region}:{account}"
        self._region = region
        self._role_arn = role_arn
        self._watch = watch
        self._trouble = trouble
        self._clock = clock or RealClock()
        self._waiters = Waiters()
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._broken: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._grace = GRACE_MS
        self._nested = Nested(self.bindings, self)
        self._worker = Worker(
            self.store,
            compile_pinned,
            self._nested,
            self,
            self._clock,
            policy=policy,
            threads=threads,
            adopts=serve,
        )
        if serve:
            self._work()

    def run(
        self, machine: StateMachine, input: Json = None, *, name: str | None = None, timeout: float | None = None
    ) -> Result:
        """Start an execution, or find the one of this name and input again, and wait for its end.

        `timeout` in seconds; when it is over the Result says RUNNING and the execution goes on.
        """
        name = new_name() if name is None else name
        with self._waiters.waiting(name) as waiter:  # from before the start: when that returns, the end may have come
            self.start(machine, input, name=name)
            return self._await(name, waiter, timeout, None, drive=True)

    def start(self, machine: StateMachine, input: Json = None, *, name: str | None = None, drive: bool = True) -> str:
        """Start an execution and return its name, once the start is on disk.

        The same name with the same machine and input is the same execution, whatever became of it. `input` None is
        `{}`; a `JsonText` keeps its spelling. Without `drive` it is left to whoever serves the store. Raises
        ExecutionExists, UnboundResource, InvalidInput.
        """
        return self.start_many(machine, {new_name() if name is None else name: input}, drive=drive)[0]

    def start_many(self, machine: StateMachine, inputs: Mapping[str, Json], *, drive: bool = True) -> Sequence[str]:
        """Start many executions (name -> input) in one transaction; returns their names."""
        self._nested.check(machine.program.uses)
        begun = [self._begin(machine, name, input) for name, input in inputs.items()]
        existing = self._ask(lambda answer: Begin(begun, drive, answer))
        assert isinstance(existing, Sequence)
        for name in existing if drive else ():
            self._take(name, "resume")
        return list(inputs)

    def nest(self, machine: StateMachine, name: str, input: str, *, token: str, answers: Answers) -> Begins:
        """An execution for a task of another one, whose `token` it holds: to be begun with the task's answer.

        Raises UnboundResource, InvalidInput, InvalidSettings.
        """
        self._nested.check(machine.program.uses)
        parent = execution_of(token)
        return Begins(*self._begin(machine, name, JsonText(input), parent=parent, token=token, answers=answers))

    def _begin(
        self, machine: StateMachine, name: str, input: Json, **link: Any
    ) -> tuple[NewExecution, Execution, Program]:
        program, text = machine.program, input_text(input)
        check_size(text, self.limits)
        meaning = f"{machine.name}\n{program.digest}\n{encode(decode(text))}"
        started = Started(
            id=check_name(name),
            arn=f"{self._arn}:execution:{machine.name}:{name}",
            machine=machine.name,
            machine_arn=f"{self._arn}:stateMachine:{machine.name}",
            digest=program.digest,
            input=text,
            at=self._clock.now(),
            fingerprint=hashlib.sha256(meaning.encode()).hexdigest(),
            role_arn=self._role_arn,
            region=self._region,
            limits=self.limits,
            **link,
        )
        execution, step = begin(program, started)
        return NewExecution(started, program.source, step), execution, program

    def resume(self, name: str) -> bool:
        """Drive an execution here, if it runs and nobody else drives it; returns whether it is driven here now.

        Raises ExecutionNotFound, and UnboundResource: then it is left as it was.
        """
        return self._take(name, "resume")

    def _take(self, name: str, why: Why) -> bool:
        return bool(self._ask(lambda answer: Take(name, why, answer)))

    def wait(
        self,
        name: str,
        *,
        timeout: float | None = None,
        unless: threading.Event | None = None,
        drive: bool = False,
    ) -> Result:
        """Wait for an execution to end, whoever drives it, or until `unless` is set.

        `timeout` as for `run`. `drive`: where nobody drives it (any more), it is driven here. Raises
        ExecutionNotFound, and what made this engine's worker give it up.
        """
        with self._waiters.waiting(name) as waiter:
            return self._await(name, waiter, timeout, unless, drive)

    def _await(
        self, name: str, waiter: Waiter, timeout: float | None, unless: threading.Event | None, drive: bool
    ) -> Result:
        if waiter.done.is_set():
            return waiter.outcome()
        result, end = self._stands(name), None if timeout is None else time.monotonic() + timeout
        while result.status == "RUNNING" and not (unless and unless.is_set()):
            left = POLL_SECONDS if end is None else end - time.monotonic()
            if left <= 0:
                break
            if waiter.done.wait(min(POLL_SECONDS, left)):
                return waiter.outcome()
            self.check()
            if self._closing.is_set() and not self._lives():
                raise StatelangError("the engine is closed")
            if name not in self._worker.live:
                result = self.result(name)
                if drive and result.status == "RUNNING" and not self.store.summary(name).driven:
                    self._take(name, "resume")
        return result

    def _stands(self, name: str) -> Result:
        """As `result`, without asking the store for what is driven here: whoever waits is told of its end."""
        return Result(name, "RUNNING", None, None, None) if name in self._worker.live else self.result(name)

    def result(self, name: str) -> Result:
        """How an execution stands now. Raises ExecutionNotFound."""
        summary = self.store.summary(name)
        output = None
        if summary.status == "SUCCEEDED":
            output = result_of(self.store.read(name)).output
        return Result(name, summary.status, output, summary.error, summary.cause)

    def describe(self, name: str) -> Summary:
        """What lists show of an execution. Raises ExecutionNotFound."""
        return self.store.summary(name)

    def executions(
        self, *, machine: str | None = None, status: str | None = None, limit: int = 100, map_run: str | None = None
    ) -> Sequence[Summary]:
        """The newest executions first; of a Map Run (its id or ARN) its children, in order."""
        run = None if map_run is None else map_run.rpartition(":")[2]
        return self.store.summaries(machine=machine, status=status, limit=limit, map_run=run)

    def history(self, name: str, *, after: int = 0) -> Iterator[dict[str, Json]]:
        """AWS's history events after event number `after`; `timestamp` in milliseconds since 1970."""
        records, text = self.store.records(name, after)
        return (event for event in expand(records, text) if event["id"] > after)

    def positions(self, name: str) -> list[Position]:
        """Where an execution stands now; of one that has ended, where it ended. Raises ExecutionNotFound."""
        return list(positions(self.store.read(name)))

    def stop(self, name: str, *, error: str | None = None, cause: str | None = None) -> None:
        """Stop an execution, whoever drives it; one that has ended stays as it is. Raises ExecutionNotFound."""
        self.post(name, Stopped(self._clock.now(), error, cause))
        self._take(name, "settle")

    def redrive(self, name: str) -> None:
        """Let an execution that ended without success go on from where it stood, driven here.

        Raises ExecutionNotFound and ExecutionNotRedrivable.
        """
        status, execution = self.store.summary(name).status, self.store.read(name)
        if status in ("RUNNING", "SUCCEEDED"):
            raise ExecutionNotRedrivable(f"Execution is {status} and cannot be redriven: {name}")
        limit = execution.started.limits.history_events
        if limit is not None and execution.head.events >= limit - 1:
            raise ExecutionNotRedrivable(f"Execution history event limit exceeded.: {name}")
        if not self._take(name, "redrive"):
            raise ExecutionNotRedrivable(f"another worker is redriving the execution: {name}")

    def _execution(self, name: str) -> Execution:
        live = self._worker.live.get(name)  # what is driven here need not be read, however large it is
        return self.store.read(name) if live is None else live.execution

    def _wake(self) -> None:
        self._worker.tell(Wake())

    def check(self) -> None:
        """Raises what broke the worker, where something did."""
        if self._broken is not None:
            raise self._broken

    def close(self, *, grace_ms: int = GRACE_MS) -> None:
        """Let tasks under way end for up to `grace_ms`, cancel the rest, give every execution back."""
        with self._guard:  # else a thread that begins meanwhile would find the store closed
            if self._closing.is_set():
                return
            self._grace = grace_ms
            self._closing.set()
            thread = self._thread
        if thread is None:
            self.store.close()
            return
        self._worker.tell(Wake())
        thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, message: Callable[[Callable[[Answered], None]], Message]) -> Answered:
        """Put a question to the worker's thread and wait for its answer."""
        self._work()
        answered: SimpleQueue[Answered] = SimpleQueue()
        self._worker.tell(message(answered.put))
        while True:
            lives = self._lives()  # before the answer is looked for: the last thing it did may have been to give it
            try:
                answer = answered.get(timeout=1)
            except Empty:
                self.check()
                if not lives:
                    raise StatelangError("the engine is closed") from None
                continue
            if isinstance(answer, BaseException):
                raise answer
            return answer

    def _work(self) -> None:
        """Have the worker's thread running."""
        with self._guard:
            if self._closing.is_set():
                raise StatelangError("the engine is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_worker, name="statelang-worker", daemon=True)
                self._thread.start()

    def _lives(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run_worker(self) -> None:
        try:
            while not self._closing.is_set():
                self._worker.round()
            self._worker.drain(self._grace)
        except BaseException as problem:
            self._broken = problem
            self._worker.fall()
        finally:
            with suppress(StoreError):  # what cannot be given back now is free once this process has ended
                self.store.close()

    def committed(self, execution: Execution, steps: Sequence[Step]) -> None:
        """The worker's word that steps are in the store."""
        if self._watch is not None:
            self._watch(execution, steps)
        if execution.head.status != "RUNNING" and execution.started.id in self._waiters:
            self._waiters.tell(execution.started.id, result=result_of(execution))

    def released(self, execution: str, due: int | None) -> None:
        """The worker's word that it has given an execution back."""

    def left(self, execution: str, problem: JobLeft) -> None:
        """The worker's word that a job of an execution may go on without anybody waiting for it."""
        if self._trouble is not None:
            self._trouble(execution, problem)

    def gave_up(self, execution: str, problem: BaseException) -> None:
        """The worker's word that it cannot drive an execution on."""
        if self._trouble is not None:
            self._trouble(execution, problem)
        self._waiters.tell(execution, problem=problem)


def _bindings(bindings: str | Path | Bindings | None, tasks: Mapping[str, object] | None, aws: object) -> Bindings:
    found = bindings if isinstance(bindings, Bindings) else Bindings() if bindings is None else read_bindings(bindings)
    return found | Bindings.of(tasks or {}, aws=aws) if tasks or aws else found


def compile_pinned(source: str) -> Program:
    """The Program of a definition that an execution pins; it compiled before."""
    return compile_definition(source, name="pinned definition")
