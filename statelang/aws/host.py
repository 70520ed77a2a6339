"""The Lambda host: what one function does with each event, for as long as its invocation has time.

Rule: nothing here decides what an execution does. Everything that is left for later is in the store before a wake-up
for it is sent, and a wake-up does nothing that doing it twice would spoil.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from statelang.aws import web
from statelang.aws.answers import answer, described, execution_arn
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
    read_message,
    read_request,
)
from statelang.aws.wakes import Wakes
from statelang.config import open_store
from statelang.core.machine import execution_of
from statelang.errors import ExecutionNotFound, InvalidInput, InvalidSettings, TaskEnded, UnknownToken
from statelang.names import new_name
from statelang.ports import Store
from statelang.result import Result
from statelang.state_machine import StateMachine, load
from statelang.tasks import Bindings
from statelang.values import Json, encode
from statelang.worker import Policy

STORE: Final = "STATELANG_STORE"
RESERVE_MS: Final = 3_000
SWEEP_LIMIT: Final = 1_000
NEAR_MS: Final = 1_000
"""What is due this soon is driven at once."""

Definition = str | Path | Mapping[str, Json] | StateMachine
Event = Json


@uncollected()
def handler(
    definition: Definition | Sequence[Definition],
    *,
    store: str | Store | None = None,
    tasks: Mapping[str, object] | None = None,
    bindings: str | Path | Bindings | None = None,
    queue: str | None = None,
    policy: Policy = "effect",
    reserve_ms: int = RESERVE_MS,
    expected_ms: int = TASK_MS,
    substitutions: Mapping[str, Json] | None = None,
) -> Callable[[Event, Any], Json]:
    """A Lambda handler that runs one state machine, or several, each under its file's name.

    `store` is an address or a Store (default: STATELANG_STORE), `queue` the URL of the SQS queue for wake-ups (default:
    STATELANG_QUEUE; without one a schedule has to send `{"sweep": true}`). `tasks` and `bindings` as for `Engine`.
    `reserve_ms`: how much of the invocation's time is kept for giving back. `expected_ms`: how long a task without
    TimeoutSeconds is expected to take; one that would not fit is put off to a fresh invocation. Raises
    InvalidDefinition, InvalidSettings and UnboundResource.
    """
    many = [definition] if isinstance(definition, (str, Path, Mapping, StateMachine)) else list(definition)
    machines = [one if isinstance(one, StateMachine) else load(one, substitutions=substitutions) for one in many]
    address = store or os.environ.get(STORE)
    if address is None:
        raise InvalidSettings(f'the handler needs a store: store="dynamodb://TABLE", or {STORE} in the environment')
    opened = open_store(address) if isinstance(address, str) else address
    host = Host({machine.name: machine for machine in machines}, opened, queue, reserve_ms)
    host.options = {"tasks": tasks, "bindings": bindings, "policy": policy, "expected_ms": expected_ms}
    host.warm()
    return host


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
            return self._handle(engine, event)
        except BaseException:
            engine.drop()
            raise

    def _handle(self, engine: ByHand, event: Event) -> Json:
        if isinstance(event, dict) and "Records" in event:
            return self._batch(engine, event["Records"])
        if web.is_request(event):
            return web.answer(event, lambda request: self._perform(engine, request))
        return self._perform(engine, read_request(event))

    def _of(self, context: Any) -> ByHand:
        if self._engine is None:
            parts = str(getattr(context, "invoked_function_arn", "")).split(":")
            where: dict[str, Any] = {"region": parts[3], "account": parts[4]} if len(parts) > 5 else {}
            self._engine = ByHand(self._store, **where, **self.options)
            for machine in self.machines.values():
                self._engine.bindings.check(machine.program.uses)
        return self._engine

    def _perform(self, engine: ByHand, request: Request) -> Json:
        """One request, and what follows from it; what went wrong with its execution is raised."""
        told = self._begin(engine, request)
        self._settle(engine)
        for wrong in engine.problems.values():
            raise wrong
        return told()

    def _batch(self, engine: ByHand, records: Sequence[Mapping[str, Any]]) -> Json:
        """An SQS batch: all of it driven together; what failed is told by its message, and comes again."""
        failed: set[str] = set()
        names: dict[str, str] = {}
        for record in records:
            id = str(record.get("messageId"))
            try:
                request = read_message(record)
                names[id] = getattr(request, "name", None) or ""
                self._begin(engine, request)
            except Exception as problem:
                _say(f"message {id}: {type(problem).__name__}: {problem}")
                failed.add(id)
        self._settle(engine)
        for name, wrong in engine.problems.items():
            _say(f"execution {name}: {type(wrong).__name__}: {wrong}")
        failed |= {id for id, name in names.items() if name in engine.problems}
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
        if isinstance(request, (TaskSuccess, TaskFailure, TaskHeartbeat)):
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
            return {"events": list(engine.history(request.name, after=request.after))}
        found = engine.executions(machine=request.machine, status=request.status, limit=request.limit)
        return {"executions": [{"name": one.id, "machine": one.machine, "status": one.status} for one in found]}

    def _start(self, engine: ByHand, request: Start) -> Callable[[], Json]:
        machine = self._machine(request.machine)
        name, engine.callback = request.name or new_name(), request.callback
        if request.callback:  # should this invocation end before it leaves a wake-up of its own
            self.wakes.send(name, _now() + 900_000, _now())
        engine.start(machine, request.input, name=name, drive=request.drive)
        engine.callback = ""
        if not request.drive:
            self.wakes.send(name, 0, 0)
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
        if self.wakes.queue is not None:
            self.wakes.send_many(due)
        else:
            for name in due:
                if engine.time_left() > 0:
                    self._wake(engine, name)
        told = {"due": len(due), "oldestDueMs": age}
        _say(encode({"_aws": _metrics(now), "Due": len(due), "OldestDue": age / 1000}))
        return told

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

    def _settle(self, engine: ByHand) -> None:
        """Drive what is held; then leave wake-ups for what is not at its end, and tell whoever waits for an end."""
        engine.drive()
        now = _now()
        for name in engine.unfinished:
            self.wakes.send(name, now, now)
        for name, due in engine.asleep.items():
            if due is not None and name not in engine.ended and name not in engine.unfinished:
                self.wakes.send(name, due, now)
        for execution, result in list(engine.ended.values()):
            self._tell_caller(engine, execution.started.callback, result)

    def _call_back(self, engine: ByHand, name: str) -> None:
        """An execution that had ended: whoever waits for its end may not have been told."""
        execution = self._store.read(name)
        if execution.started.callback:
            self._tell_caller(engine, execution.started.callback, engine.result(name))

    def _tell_caller(self, engine: ByHand, token: str, result: Result) -> None:
        """Answer the task that waits for an execution: one of ours, or of Step Functions."""
        if not token:
            return
        try:
            ours = bool(execution_of(token)) and engine.describe(execution_of(token)) is not None
        except ExecutionNotFound:
            ours = False
        if ours:
            self._answer_ours(engine, token, result)
        else:
            self._answer_theirs(token, result)

    def _answer_ours(self, engine: ByHand, token: str, result: Result) -> None:
        try:
            if result.succeeded:
                engine.send_task_success(token, result.output)
            else:
                engine.send_task_failure(token, result.error, result.cause)
        except (TaskEnded, UnknownToken):
            return
        self.wakes.send(execution_of(token), 0, 0)

    def _answer_theirs(self, token: str, result: Result) -> None:
        client = self._client("stepfunctions")
        try:
            if result.succeeded:
                client.send_task_success(taskToken=token, output=encode(result.output))
            else:
                cause = (result.cause or "")[:32_768]
                client.send_task_failure(taskToken=token, error=result.error or result.status, cause=cause)
        except Exception as problem:
            code = getattr(problem, "response", {}).get("Error", {}).get("Code")
            if code not in ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken"):
                raise
            _say(f"execution {result.name}: nobody waits for it any more ({code})")

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            from botocore.session import get_session  # boto3 would load much besides, for the same client

            self._session = self._session or get_session()
            self._clients[service] = self._session.create_client(service)
        return self._clients[service]


def _now() -> int:
    return time.time_ns() // 1_000_000


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)


def _metrics(now: int) -> Json:
    metrics = [{"Name": "Due", "Unit": "Count"}, {"Name": "OldestDue", "Unit": "Seconds"}]
    told = {"Namespace": "Statelang", "Dimensions": [["Function"]], "Metrics": metrics}
    return {"Timestamp": now, "CloudWatchMetrics": [told], "Function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")}
