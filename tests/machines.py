"""The machines of `definitions/`, with their bindings and cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from statelang.core.resource import classify
from statelang.language.scope import ABSENT
from statelang.program import Task
from statelang.state_machine import StateMachine, load
from statelang.tasks import Bindings, read_bindings
from statelang.testing import cases as written
from statelang.values import Json, decode
from tests.shared import ROOT

DEFINITIONS = ROOT / "definitions"
NOTHING: Any = ABSENT


@dataclass(frozen=True)
class Case:
    """One input of a machine, and what comes of it. `answers`: state -> what a person sends back for its token."""

    machine: str
    name: str
    input: Json
    status: str
    output: Json = NOTHING
    error: str | None = None
    cause: str | None = None
    path: tuple[str, ...] | None = None
    answers: Mapping[str, Json] = ()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.machine}: {self.name}"


def machines() -> list[str]:
    """The names of the folders of `definitions/`."""
    return sorted(file.parent.name for file in DEFINITIONS.glob("*/*.cases.yaml"))


def file_of(name: str) -> Path:
    """The definition of a machine."""
    return next(DEFINITIONS.glob(f"{name}/{name}.asl.*"))


def bindings_of(name: str) -> Bindings:
    return read_bindings(DEFINITIONS / name / f"{name}.bindings.yaml")


def machine_of(name: str, **values: Json) -> StateMachine:
    """A machine with its substitutions; `values` are those that a test wants otherwise."""
    return load(file_of(name), substitutions={**bindings_of(name).substitutions, **values})


def cases(*names: str) -> list[Case]:
    """The cases of some machines, or of all, that need nothing but the bindings and a person who answers tokens."""
    found = []
    for name in names or machines():
        nodes = machine_of(name).program.nodes
        later = {n for n, node in nodes.items() if isinstance(node, Task) and classify(node.resource).later}
        for case in written.read_cases(DEFINITIONS / name / f"{name}.cases.yaml").cases:
            if not case.meanwhile and set(case.mocks) <= later:
                found.append(_plain(name, case))
    return found


def _plain(machine: str, case: written.Case) -> Case:
    expected = case.expected
    answers = {state: mocks[0].output for state, mocks in case.mocks.items() if mocks[0].does == "return"}
    return Case(
        machine,
        case.name,
        decode(case.input),
        str(expected.status),
        expected.output,
        expected.error,
        expected.cause,
        expected.path,
        answers,
    )


every_case = pytest.mark.parametrize("case", cases(), ids=str)


def hold(case: Case, status: str, output: Json, error: str | None, cause: str | None) -> None:
    """Assert that an execution ended as its case says."""
    assert (status, error) == (case.status, case.error), cause
    if case.cause is not None:
        assert cause == case.cause
    if case.output is not NOTHING:
        assert output == case.output


def entered(events: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The states of a history in the order in which they were entered."""
    return tuple(event["stateEnteredEventDetails"]["name"] for event in events if "StateEntered" in event["type"])
