"""Every case of every machine in `definitions/`: on the engine with each store, and on the simulation in each way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from statelang import Engine, TaskCall
from statelang.tasks import Bindings
from statelang.testing.clock import VirtualClock
from statelang.testing.expectations import differences
from statelang.testing.simulation import WAYS
from statelang.testing.suite import open_suite
from statelang.testing.trial import try_case
from tests.machines import DEFINITIONS, Case, bindings_of, entered, every_case, file_of, hold, machine_of, machines


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


@pytest.mark.parametrize("name", machines())
def test_every_case_holds_and_is_the_same_in_three_ways(name: str) -> None:
    suite = open_suite(DEFINITIONS / name / f"{name}.cases.yaml")
    for case in suite.cases:
        tried = [
            try_case(suite.machine.program, case, suite.integrations, folder=suite.folder, way=way) for way in WAYS
        ]
        assert [str(difference) for difference in differences(case, tried[0])] == []
        assert tried[0].events == tried[1].events == tried[2].events


@pytest.mark.parametrize("name", machines())
def test_the_cases_cover_all_of_their_machine(name: str) -> None:
    """What the public command says of it."""
    command = [str(Path(sys.executable).with_name("statelang")), "test", str(DEFINITIONS / name), "--fail-under", "100"]
    done = subprocess.run([*command, "-o", "json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (machine,) = json.loads(done.stdout)["machines"]
    assert [part["pointer"] for part in machine["parts"] if not part["count"]] == []
    assert {"states", "transitions"} <= set(machine["tally"])


def test_there_are_seven_machines_and_each_can_be_read_by_a_stranger() -> None:
    assert set(machines()) == {"approval", "export", "media", "order", "polling", "quote", "settlement"}
    for name in machines():
        assert machine_of(name).program.comment, f"{file_of(name)} says nothing about itself"
