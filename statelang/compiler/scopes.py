"""Scopes: every States object of a definition, with what is around it, as the rules look at it.

Rule: this reads the definition as written, right or wrong; it says nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from statelang.compiler.findings import Place
from statelang.compiler.substitutions import is_open
from statelang.program import QueryLanguage
from statelang.values import Json

Given = Mapping[str, Any]
MachineType = Literal["STANDARD", "EXPRESS"]


@dataclass(slots=True)
class Scope:
    """One States object: its `value` (StartAt, States), where it stands, and the variables of the scopes around it.

    `machine` is the whole definition; `parent` the scope around, and `within` the name of the state there; `seen` and
    `labels` are shared by every scope of a definition. `known` keeps what `flow` found; `states` are those of the
    states that are objects.
    """

    value: Given
    place: Place
    machine: Given
    outer: frozenset[str] = frozenset()
    parent: Scope | None = None
    within: str = ""
    distributed: bool = False
    seen: dict[str, Place] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    known: Any = None
    states: Mapping[str, Given] = field(init=False)
    _places: dict[str, Place] = field(init=False)

    def __post_init__(self) -> None:
        given = self.value.get("States")
        self.states = {k: v for k, v in given.items() if isinstance(v, dict)} if isinstance(given, dict) else {}
        inside = self.place / "States"
        self._places = {name: inside / name for name in self.states}

    def place_of(self, name: str) -> Place:
        """Where a state stands."""
        return self._places[name]

    def language(self, state: Given) -> QueryLanguage:
        """The query language of a state."""
        return "JSONata" if state.get("QueryLanguage", self.machine.get("QueryLanguage")) == "JSONata" else "JSONPath"


class StateAt(NamedTuple):
    """One state, where it stands, and the scope it is in."""

    name: str
    value: Given
    place: Place
    scope: Scope

    @property
    def kind(self) -> Json:
        """Its Type."""
        return self.value.get("Type")

    @property
    def language(self) -> QueryLanguage:
        """Its query language."""
        return self.scope.language(self.value)


class Target(NamedTuple):
    """One transition of a state: the field, the state it names, where, and what is assigned on the way."""

    field: str
    name: Json
    place: Place
    assigned: Given


def scopes(value: Given, place: Place) -> Iterator[Scope]:
    """Every States object of a definition, the outer before the inner."""
    pending = [Scope(value, place, value)]
    while pending:
        scope = pending.pop(0)
        yield scope
        for name, state in scope.states.items():
            for part, at in nested(state, scope.place_of(name)):
                config = part.get("ProcessorConfig")
                distributed = isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"
                inner = scope.outer | frozenset(assigned(scope, besides=name))
                outer: frozenset[str] = frozenset() if distributed else inner
                pending.append(
                    Scope(part, at, value, outer, scope, name, distributed, scope.seen, scope.labels),
                )


def states_of(scope: Scope) -> Iterator[StateAt]:
    """The states of a scope."""
    for name, state in scope.states.items():
        yield StateAt(name, state, scope.place_of(name), scope)


def nested(state: Given, place: Place) -> Iterator[tuple[Given, Place]]:
    """The States objects inside a state."""
    branches = state.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else []):
        if isinstance(branch, dict):
            yield branch, place / "Branches" / index
    for key in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(key), dict):
            yield state[key], place / key


def rows(state: Given, key: str, place: Place) -> Iterator[tuple[Given, Place]]:
    """The objects in a list that a state has: its Choices, Catch or Retry."""
    listed = state.get(key)
    for index, row in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(row, dict):
            yield row, place / key / index


def targets(state: Given, place: Place) -> Iterator[Target]:
    """Every transition of a state."""
    for key in ("Next", "Default"):
        if key in state:
            yield Target(key, state[key], place / key, _object(state.get("Assign")))
    for key in ("Choices", "Catch"):
        for row, at in rows(state, key, place):
            if "Next" in row:
                yield Target("Next", row["Next"], at / "Next", _object(row.get("Assign")))


def is_terminal(state: Given) -> bool:
    """Whether an execution of the scope may end with this state."""
    return state.get("End") is True or state.get("Type") in ("Succeed", "Fail") or is_open(state.get("End"))


def assigned(scope: Scope, *, besides: str | None = None) -> Iterator[str]:
    """The variables that the states of a scope assign, one left out.

    What a Parallel or Map itself assigns, in Catch say, its own children may assign too (recorded).
    """
    for name, state in scope.states.items():
        if name == besides:
            continue
        for variables, _ in assignments(state, scope.place_of(name)):
            yield from (key.removesuffix(".$") for key in variables)


def assignments(state: Given, place: Place) -> Iterator[tuple[Given, Place]]:
    """Every Assign of a state, its rules and catchers."""
    for row, at in ((state, place), *rows(state, "Choices", place), *rows(state, "Catch", place)):
        if isinstance(row.get("Assign"), dict):
            yield row["Assign"], at / "Assign"


def _object(value: Json) -> Given:
    return value if isinstance(value, dict) else {}
