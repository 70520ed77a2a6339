"""Every case of every machine in `definitions/`: on the engine with each store, and on the simulation in each way."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from statelang import Engine, Failed, Pending, Submitted, TaskCall
from statelang.core.execution import Execution
from statelang.core.stimulus import RunTask
from statelang.tasks import Bindings
from statelang.testing.clock import VirtualClock
from statelang.testing.simulation import WAYS, Reply, Simulation, Way, start
from statelang.values import encode
from tests.machines import Case, bindings_of, entered, every_case, file_of, hold, machine_of, machines


class Person:
    """Performs the request that carries a token as it is bound, and answers as the case says."""

    def __init__(self, case: Case, bindings: Bindings) -> None:
        self.case = case
        self.bindings = bindings
        self.engine: Engine | None = None

    def perform(self, call: TaskCall) -> Any:
        integration = self.bindings.find(call.resource, call.input)
        assert integration is not None
        assert self.engine is not None
        answer = integration.perform(call)
        state = call.context["State"]["Name"]
        if state in dict(self.case.answers):
            self.engine.send_task_success(call.token, dict(self.case.answers)[state])
        return answer


@every_case
@pytest.mark.parametrize("store", ["memory:", "sqlite"])
def test_on_the_engine(case: Case, store: str, tmp_path: Path) -> None:
    address = store if store == "memory:" else f"sqlite:///{tmp_path}/store.db"
    person = Person(case, bindings_of(case.machine))
    tasks: Mapping[str, object] = {pattern: person for pattern in person.bindings.bound if "sendMessage" in pattern}
    with Engine(address, bindings=person.bindings, tasks=tasks, clock=VirtualClock()) as engine:
        person.engine = engine
        result = engine.run(machine_of(case.machine), case.input, name="case", timeout=30)
        history = list(engine.history("case"))
    hold(case, result.status, result.output, result.error, result.cause)
    assert [event["id"] for event in history] == list(range(1, len(history) + 1))
    if case.path is not None:
        assert entered(history) == case.path


@every_case
def test_the_same_in_three_ways(case: Case) -> None:
    histories = []
    for way in WAYS:
        simulation = _simulation(case, way)
        head = simulation.run().head
        hold(case, head.status, None if head.output is None else head.output.json, head.error, head.cause)
        histories.append(list(simulation.events()))
    assert histories[0] == histories[1] == histories[2]
    if case.path is not None:
        assert entered(histories[0]) == case.path


def _simulation(case: Case, way: Way) -> Simulation:
    bindings = bindings_of(case.machine)

    def reply(request: RunTask, execution: Execution) -> Reply:
        state = execution.frames[request.frame].state
        integration = bindings.find(request.resource, request.input.json)
        assert integration is not None
        answer = integration.perform(_call(request))
        if isinstance(answer, Failed):
            return Reply(failed=True, error=answer.error, cause=answer.cause)
        assert answer is not None
        if isinstance(answer, Submitted):
            return _job(integration, _call(request), answer)
        text = encode(answer.output) if answer.text is None else answer.text
        if not request.later:
            return Reply(output=text, after=10)
        if state not in dict(case.answers):
            return Reply(submitted=text, silent=True)
        return Reply(submitted=text, output=encode(dict(case.answers)[state]), after=60_000)

    program = machine_of(case.machine).program
    return Simulation(program, start(program, encode(case.input)), reply, way)


def _job(integration: Any, call: TaskCall, begun: Submitted) -> Reply:
    """A job asked to its end at once; the simulation then tells it in its own time."""
    polls, ended = 1, integration.poll(call, begun.job, 1)
    while isinstance(ended, Pending):
        polls += 1
        ended = integration.poll(call, begun.job, polls)
    job: dict[str, Any] = {"submitted": encode(begun.output), "job": encode(begun.job), "polls": polls - 1, "after": 5}
    if isinstance(ended, Failed):
        return Reply(failed=True, error=ended.error, cause=ended.cause, **job)
    return Reply(output=encode(ended.output), **job)


def _call(request: RunTask) -> TaskCall:
    return TaskCall(
        resource=request.resource,
        input=request.input.json,
        token=request.token,
        idempotency_key=request.key,
        attempt=request.attempt,
        deadline=None,
        context={},
        cancel=threading.Event(),
    )


def test_there_are_seven_machines_and_each_can_be_read_by_a_stranger() -> None:
    assert set(machines()) == {"approval", "export", "media", "order", "polling", "quote", "settlement"}
    for name in machines():
        assert machine_of(name).program.comment, f"{file_of(name)} says nothing about itself"
