"""Nested executions: `states:startExecution` runs another local definition, where `machines` binds one (asl.md 8.1).

The child lies in the same store and is driven by the same workers. It holds its parent's token, and its last commit
posts the answer; where that was lost it is asked how it stands, as any job is.

Rule: a child begins with the commit that takes its task's answer, and so exactly once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from statelang.core.execution import Answers, Execution, Started
from statelang.description import described
from statelang.errors import ExecutionNotFound, InvalidInput, InvalidSettings, StatelangError
from statelang.objects import Objects
from statelang.ports import Answer, Begins, Failed, Integration, Pending, Submitted, Succeeded, TaskCall
from statelang.program import Use
from statelang.state_machine import StateMachine, load
from statelang.tasks import Bindings
from statelang.tasks.bindings import START_EXECUTION
from statelang.values import Json, decode, encode

ANSWERS: Final[dict[str | None, Answers]] = {".sync": "text", ".sync:2": "json"}

ASKED_AGAIN: Final = 60.0
"""Seconds after which a child is asked how it stands: its own word comes at once."""


OFTEN: Final = 1.0
"""The same of an execution that was there already and owes nobody an answer."""


class Reads(Protocol):
    """Where executions are found again."""

    def read(self, name: str) -> Execution: ...


class Nests(Protocol):
    """What executions begin others on: an engine."""

    @property
    def bindings(self) -> Bindings: ...

    @property
    def store(self) -> Reads: ...

    def nest(self, machine: StateMachine, name: str, input: str, *, token: str, answers: Answers) -> Begins: ...

    def resume(self, name: str) -> bool: ...

    def stop(self, name: str) -> None: ...


class Nested:
    """Bindings whose `machines` are run by an engine. See `statelang.ports.Integrations`."""

    def __init__(self, bindings: Bindings, engine: Nests) -> None:
        self._bindings = bindings
        self._engine = engine

    def check(self, uses: Iterable[Use]) -> None:
        self._bindings.check(uses)

    def find(self, resource: str, input: Json) -> Integration | None:
        match = START_EXECUTION.fullmatch(resource)
        if match is not None and isinstance(input, dict):
            file = self._bindings.machine(str(input.get("StateMachineArn")))
            if file is not None:
                return NestedTask(self._engine, file, match["pattern"], sdk=match["service"] != "states")
        return self._bindings.find(resource, input)

    def objects(self, bucket: str) -> Objects:
        return self._bindings.objects(bucket)


@lru_cache(maxsize=256)
def _compiled(file: Path, name: str, changed: int, substitutions: str) -> StateMachine:
    return load(file, name=name, substitutions=decode(substitutions))


def definition(bindings: Bindings, file: Path, arn: str) -> StateMachine:
    """The definition that is bound to a state machine. Raises InvalidDefinition, and what reading a file raises."""
    name = arn.rpartition(":stateMachine:")[2].partition(":")[0]
    changed = file.stat().st_mtime_ns if file.exists() else 0
    return _compiled(file, name, changed, encode(dict(bindings.substitutions)))


@dataclass(frozen=True, slots=True)
class NestedTask:
    """One task that runs a local definition. `sdk`: by the name that the AWS SDK has for it."""

    engine: Nests
    file: Path
    pattern: str | None
    sdk: bool = False

    def perform(self, call: TaskCall) -> Answer | Submitted | None:
        """Begin the child."""
        given = call.input
        machine_arn, name = str(given["StateMachineArn"]), given.get("Name") or _name(call.token)
        text = _text(given.get("Input"))
        try:
            machine = definition(self.engine.bindings, self.file, machine_arn)
            begins = self.engine.nest(machine, name, text, token=call.token, answers=ANSWERS.get(self.pattern, "no"))
        except InvalidInput as problem:
            return self._failed("InvalidExecutionInput", str(problem))
        except InvalidSettings as problem:
            return self._failed("InvalidName", str(problem))
        except StatelangError as problem:
            return Failed("States.Runtime", str(problem))
        known = self._known(name)
        if known is not None and not _same(known, begins.new.started):
            return self._exists(name, machine_arn)
        output = {"ExecutionArn": begins.new.started.arn, "StartDate": (known or begins.execution).started.at}
        new = begins if known is None else None
        if self.pattern in ANSWERS:
            return Submitted(output, name, ASKED_AGAIN if known is None else OFTEN, begins=new)
        return Succeeded(output, begins=new)

    def _known(self, name: str) -> Execution | None:
        try:
            return self.engine.store.read(name)
        except ExecutionNotFound:
            return None

    def _exists(self, name: str, machine_arn: str) -> Failed:
        arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        return self._failed("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")

    def _failed(self, kind: str, message: str) -> Failed:
        service = "Sfn" if self.sdk else "StepFunctions"
        return Failed(f"{service}.{kind}Exception", f"{message} (Service: AWSStepFunctions; Error Code: {kind})")

    def poll(self, call: TaskCall, job: Json, polls: int) -> Succeeded | Failed | Pending:
        """How the child stands, where its own word has not come."""
        execution = self.engine.store.read(job)
        status = execution.head.status
        told = described(execution.started, execution.head, parsed=self.pattern == ".sync:2")
        if status == "RUNNING":
            with suppress(StatelangError):  # whoever can drive it does
                self.engine.resume(job)
            return Pending(ASKED_AGAIN if execution.started.token == call.token else OFTEN)
        return Succeeded(told) if status == "SUCCEEDED" else Failed("States.TaskFailed", encode(told))

    def stop(self, call: TaskCall, job: Json) -> None:
        """Nobody waits for the child any more."""
        with suppress(StatelangError):
            if self.engine.store.read(job).started.token == call.token:
                self.engine.stop(job)


def _same(known: Execution, started: Started) -> bool:
    """Whether starting again finds this execution: it runs, and means the same (asl.md 9.3)."""
    return known.head.status == "RUNNING" and known.started.fingerprint == started.fingerprint


def _name(token: str) -> str:
    """The name of a child whose task gives none: always the same for one attempt."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, token))


def _text(input: Json) -> str:
    """The child's input: a text is taken as JSON text, anything else is written as it is."""
    if input is None:
        return "{}"
    return input if isinstance(input, str) else encode(input)
