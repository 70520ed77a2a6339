"""The machines of `definitions/`, with their bindings and cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from statelang.compiler.yaml import read_yaml
from statelang.state_machine import StateMachine, load
from statelang.tasks import Bindings, read_bindings
from statelang.values import Json
from tests.shared import ROOT

DEFINITIONS = ROOT / "definitions"
NOTHING: Any = object()


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
    """The cases of some machines, or of all."""
    found = []
    for name in names or machines():
        value, _, problems = read_yaml((DEFINITIONS / name / f"{name}.cases.yaml").read_text(encoding="utf-8"))
        assert not problems
        for title, case in value["cases"].items():
            path = case.pop("path", None)
            found.append(Case(name, title, path=None if path is None else tuple(path), **case))
    return found


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
