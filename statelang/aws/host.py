"""The Lambda host: what one function does with each event, for as long as its invocation has time.

Rule: nothing here decides what an execution does. Everything that is left for later is in the store before a wake-up
for it is sent, and a wake-up does nothing that doing it twice would spoil.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from statelang.aws import callers, web
from statelang.aws.answers import answer, described, execution_arn, history
from statelang.aws.by_hand import TASK_MS, ByHand, Time
from statelang.aws.cold import uncollected
from statelang.aws.requests import (
    Describe,
    Executions,
    History,
    Redrive,
    Request,
    Start,
    Stop,
    Sweep,
    TaskFailure,
    TaskHeartbeat,
    TaskSuccess,
    WakeUp,
    execution_named,
    id_of,
    named,
    read_message,
    read_request,
    records_of,
)
from statelang.aws.wakes import LONGEST_MS, Wakes
from statelang.config import open_store
from statelang.core.token import execution_of
from statelang.errors import ExecutionNotFound, InvalidInput, InvalidSettings, StatelangError, StoreError, TaskEnded
from statelang.names import check_name, new_name
from statelang.ports import Store
from statelang.result import Result
from statelang.state_machine import StateMachine, load
from statelang.tasks import Bindings, read_bindings
from statelang.values import Json, encode
from statelang.worker import Policy

STORE: Final = "STATELANG_STORE"
RESERVE_MS: Final = 3_000
SWEEP_LIMIT: Final = 1_000
ANSWERS: Final = (TaskSuccess, TaskFailure, TaskHeartbeat)
"""What tells how a task went."""

NEAR_MS: Final = 1_000
"""What is due this soon is driven at once."""

TROUBLE_MS: Final = 5_000
"""When what a trouble of the store or of a caller has stopped is tried again."""

Definition = str | Path | Mapping[str, Json] | StateMachine
Bound = str | Path | Bindings
Event = Json


@uncollected()
def handler(
    definition: Definition | Sequence[Definition],
    *,
    store: str | Store | None = None,
    tasks: Mapping[str, object] | None = None,
    bindings: Bound | Sequence[Bound] | None = None,
    aws: bool | Mapping[str, Json] | None = None,
    queue: str | None = None,
    policy: Policy = "effect",
    reserve_ms: int = RESERVE_MS,
    expected_ms: int = TASK_MS,
    substitutions: Mapping[str, Json] | None = None,
) -> Callable[[Event, Any], Json]:
    """A Lambda handler that runs one state machine, or several, each under its file's name.

    `store` is an address or a Store (default: STATELANG_STORE), `queue` the URL of the SQS queue for wake-ups (default:
    STATELANG_QUEUE; without one a schedule has to send `{"sweep": true}`). `tasks`, `bindings` (also several: the last
    word counts) and `aws` as for `Engine`. `reserve_ms`: how much of the invocation's time is kept for giving back.
    `expected_ms`: how long a task without TimeoutSeconds is expected to take; one that would not fit is put off to a
    fresh invocation. Raises InvalidDefinition and InvalidSettings; the first invocation raises UnboundResource.
    """
    many = [definition] if isinstance(definition, (str, Path, Mapping, StateMachine)) else list(definition)
    machines = [one if isinstance(one, StateMachine) else load(one, substitutions=substitutions) for one in many]
    address = store or os.environ.get(STORE)
    if address is None:
        raise InvalidSettings(f'the handler needs a store: store="dynamodb://TABLE", or {STORE} in the environment')
    opened = open_store(address) if isinstance(address, str) else address
    host = Host({machine.name: machine for machine in machines}, opened, queue, reserve_ms)
    performing = {"tasks": tasks, "bindings": _together(bindings), "aws": aws}
    host.options = {**performing, "policy": policy, "expected_ms": expected_ms}
    host.warm()
    return host


def _together(bindings: Bound | Sequence[Bound] | None) -> Bindings:
    """One or several bindings as one."""
    many = [] if bindings is None else [bindings] if isinstance(bindings, Bound) else bindings
    found = Bindings()
    for one in many:
        found = found | (one if isinstance(one, Bindings) else read_bindings(one))
    return found


class Host:
    """What one Lambda environment keeps from invocation to invocation. It is the handler itself: call it."""

    def __init__(self, machines: Mapping[str, StateMachine], store: Store, queue: str | None, reserve_ms: int) -> None:
        self.machines = machines
        self.options: dict[str, Any] = {}
        self.wakes = Wakes.of(queue, self._client)
        self._store = store
        self._reserve = reserve_ms
        self._engine: ByHand | None = None
        self._clients: dict[str, Any] = {}
        self._session: Any = None

    def warm(self) -> None:
        """Make the clients while the environment starts: an invocation pays for its time, a start has more CPU."""
        warm = getattr(self._store, "warm", None)
        if warm is not None:
            warm()
        if self.wakes.queue is not None:
            self._client("sqs")

    def __call__(self, event: Event, context: Any = None) -> Json:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        engine = self._of(context)
        engine.begin(Time(remaining, self._reserve))
        try:
            return self._handle(engine, event, getattr(context, "aws_request_id", None))
        except BaseException as problem:
            engine.drop()
            if type(problem) in web.STATUS:  # the caller's own: where we found it out is none of its business
                raise problem.with_traceback(None) from None
            raise

    def _handle(self, engine: ByHand, event: Event, id: str | None) -> Json:
        if isinstance(event, dict) and "Records" in event:
            return self._batch(engine, records_of(event))
        if web.is_request(event):
            return web.answer(event, lambda request: self._perform(engine, request, id), _say)
        return self._perform(engine, read_request(event), id)

    def _of(self, context: Any) -> ByHand:
        if self._engine is None:
            parts = str(getattr(context, "invoked_function_arn", "")).split(":")
            where: dict[str, Any] = {"region": parts[3], "account": parts[4]} if len(parts) > 5 else {}
            engine = ByHand(self._store, **where, **self.options)
            for machine in self.machines.values():
                engine.bindings.check(machine.program.uses)
            self._engine = engine
        return self._engine

    def _perform(self, engine: ByHand, request: Request, id: str | None) -> Json:
        """One request, and what follows from it; what went wrong with its execution is raised.

        A start without a name has the invocation's, which is the same when Lambda tries an asynchronous one again. An
        answer of a task is in, whatever follows from it: whoever gave it is no one to be told what does.
        """
        told = self._begin(engine, named(request, id))
        for name, undone in self._settle(engine).items():
            _say(f"execution {name}: {undone}")
        for name, wrong in engine.problems.items():
            if not isinstance(request, ANSWERS):
                raise wrong
            _say(f"execution {name}: {type(wrong).__name__}: {wrong}")
        return told()

    def _batch(self, engine: ByHand, records: Sequence[Mapping[str, Any]]) -> Json:
        """An SQS batch: all of it driven together; what failed is told by its message, and comes again."""
        failed: set[str] = set()
        names: dict[str, str] = {}
        for record in records:
            id = record["messageId"]
            try:
                request = named(read_message(record), id_of(record))
                names[id] = execution_named(request)
                self._begin(engine, request)
            except TaskEnded as late:  # or a message that comes again: another time changes nothing
                _say(f"message {id}: {late}")
            except Exception as problem:
                _say(f"message {id}: {type(problem).__name__}: {problem}")
                failed.add(id)
        wrong = {**self._settle(engine), **engine.problems}
        for name, what in wrong.items():
            _say(f"execution {name}: {type(what).__name__}: {what}")
        failed |= {id for id, name in names.items() if name in wrong}
        return {"batchItemFailures": [{"itemIdentifier": id} for id in sorted(failed)]}

    def _begin(self, engine: ByHand, request: Request) -> Callable[[], Json]:
        """Do what is asked for, up to driving; the answer is made when all is driven."""
        if isinstance(request, Start):
            return self._start(engine, request)
        if isinstance(request, WakeUp):
            self._wake(engine, request.name)
            return lambda: None
        if isinstance(request, Sweep):
            told = self._sweep(engine)
            return lambda: told
        if isinstance(request, ANSWERS):
            self._answer_task(engine, request)
            return dict
        if isinstance(request, (Stop, Redrive)):
            self._change(engine, request)
            return lambda: described(engine, request.name)
        return lambda: self._tell(engine, request)

    def _tell(self, engine: ByHand, request: Describe | History | Executions) -> Json:
        if isinstance(request, Describe):
            return described(engine, request.name)
        if isinstance(request, History):
            return history(engine, request.name, request.after)
        found = engine.executions(machine=request.machine, status=request.status, limit=request.limit)
        return {"executions": [{"name": one.id, "machine": one.machine, "status": one.status} for one in found]}

    def _start(self, engine: ByHand, request: Start) -> Callable[[], Json]:
        machine = self._machine(request.machine)
        name = check_name(new_name() if request.name is None else request.name)
        engine.callback = request.callback
        if request.callback:  # should this invocation end before it leaves a wake-up of its own
            self.wakes.send(name, _now() + LONGEST_MS, _now())
        engine.start(machine, request.input, name=name, drive=request.drive)
        engine.callback = ""
        if not request.drive:
            engine.unfinished.append(name)
        else:
            self._wake(engine, name)
        return lambda: {"executionArn": execution_arn(engine, name), "name": name, **answer(engine, name)}

    def _machine(self, name: str | None) -> StateMachine:
        if name is None and len(self.machines) == 1:
            return next(iter(self.machines.values()))
        found = self.machines.get(name or "")
        if found is None:
            known = ", ".join(sorted(self.machines))
            raise InvalidInput(f"'machine' must be one of {known}" + (f", not {name!r}" if name else ""))
        return found

    def _wake(self, engine: ByHand, name: str) -> None:
        """Drive an execution on if it is due; otherwise see that it is woken when it is."""
        if engine.holds(name) or name in engine.ended or name in engine.asleep:
            return
        try:
            summary = engine.describe(name)
        except ExecutionNotFound:  # removed since
            return
        now = _now()
        if summary.status != "RUNNING":
            self._call_back(engine, name)
        elif summary.driven:
            self.wakes.send(name, now + getattr(self._store, "lease_ms", NEAR_MS), now)
        elif summary.due is not None and summary.due - now > NEAR_MS:
            self.wakes.send(name, summary.due, now)
        elif summary.due is not None and not engine.resume(name):
            self.wakes.send(name, now + NEAR_MS, now)

    def _sweep(self, engine: ByHand) -> Json:
        """Wake what is due and driven by nobody; without a queue it is driven here."""
        now = _now()
        due = list(self._store.due(now, SWEEP_LIMIT))
        oldest = self._store.next_due()
        age = 0 if not oldest or oldest > now else now - oldest
        told = {"due": len(due), "oldestDueMs": age}
        _say(encode({"_aws": _metrics(now), "Due": len(due), "OldestDue": age / 1000}))
        if self.wakes.queue is not None:
            self.wakes.send_many([(name, 0) for name in due], now)
        else:
            self._drive_due(engine, due)
        return told

    def _drive_due(self, engine: ByHand, due: Sequence[str]) -> None:
        for name in due:
            if engine.time_left() <= 0:
                return
            try:
                self._wake(engine, name)
            except StatelangError as problem:  # the others can be driven all the same
                _say(f"execution {name}: {type(problem).__name__}: {problem}")

    def _answer_task(self, engine: ByHand, request: TaskSuccess | TaskFailure | TaskHeartbeat) -> None:
        if isinstance(request, TaskSuccess):
            engine.send_task_success(request.token, request.output)
        elif isinstance(request, TaskFailure):
            engine.send_task_failure(request.token, request.error, request.cause)
        else:
            engine.send_task_heartbeat(request.token)
        self._wake(engine, execution_of(request.token))

    def _change(self, engine: ByHand, request: Stop | Redrive) -> None:
        if isinstance(request, Stop):
            engine.stop(request.name, error=request.error, cause=request.cause)
        else:
            engine.redrive(request.name)

    def _settle(self, engine: ByHand) -> dict[str, StatelangError]:
        """Drive what is held; then leave wake-ups for what is not at its end, and tell whoever waits for an end.

        Returns the executions for which that could not be done: the sweeper finds them, and their callers wait.
        """
        engine.drive()
        while engine.told:
            parents, engine.told = engine.told, {}
            for name in parents:
                self._go_on(engine, name)
            engine.drive()
        wrong: dict[str, StatelangError] = {}
        for execution, result in list(engine.ended.values()):
            if execution.started.callback:
                try:
                    self._tell_caller(engine, execution.started.callback, result)
                except StoreError as problem:
                    wrong[result.name] = problem
        self._leave_wakes(engine, wrong)
        return wrong

    def _go_on(self, engine: ByHand, name: str) -> None:
        """What has ended here has told its parent: drive that on, or see that it is driven."""
        if name in engine.ended or name in engine.unfinished:
            return
        if engine.time_left() <= 0:
            engine.unfinished.append(name)
            return
        with contextlib.suppress(ExecutionNotFound):
            summary = engine.describe(name)
            if summary.driven or (summary.due is not None and summary.due <= _now()):
                engine.asleep.pop(name, None)
                self._wake(engine, name)

    def _leave_wakes(self, engine: ByHand, wrong: dict[str, StatelangError]) -> None:
        """Wake-ups for all that sleeps, is not finished, met trouble of the store, or whose caller was not told."""
        now = _now()
        wakes = {name: due for name, due in engine.asleep.items() if due is not None and name not in engine.ended}
        wakes.update((name, now) for name in engine.unfinished)
        troubled = [name for name, problem in engine.problems.items() if isinstance(problem, StoreError)]
        wakes.update((name, now + TROUBLE_MS) for name in (*troubled, *wrong))
        try:
            self.wakes.send_many(list(wakes.items()), now)
        except StoreError as problem:
            wrong.update(dict.fromkeys(wakes, problem))

    def _call_back(self, engine: ByHand, name: str) -> None:
        """An execution that had ended: whoever waits for its end may not have been told."""
        execution = self._store.read(name)
        if execution.started.callback:
            self._tell_caller(engine, execution.started.callback, engine.result(name))

    def _tell_caller(self, engine: ByHand, token: str, result: Result) -> None:
        parent = callers.tell(engine, token, result, self._client)
        if parent is not None:
            engine.unfinished.append(parent)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            from botocore.config import Config

            from statelang.stores.dynamodb.session import new_session

            self._session = self._session or new_session()
            patience = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
            self._clients[service] = self._session.create_client(service, config=patience)
        return self._clients[service]


def _now() -> int:
    return time.time_ns() // 1_000_000


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)


def _metrics(now: int) -> Json:
    metrics = [{"Name": "Due", "Unit": "Count"}, {"Name": "OldestDue", "Unit": "Seconds"}]
    told = {"Namespace": "Statelang", "Dimensions": [["Function"]], "Metrics": metrics}
    return {"Timestamp": now, "CloudWatchMetrics": [told], "Function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")}
