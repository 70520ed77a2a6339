"""The rules about the whole of a definition: names, targets, ends, what can be reached, variables (asl.md 1.1, 1.6).

Rule: a rule is one function and one row of RULES; it gets one States object with what is around it, and says what it
finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from statelang.compiler.findings import Findings, Place
from statelang.compiler.problems import (
    DUPLICATE_LABEL,
    DUPLICATE_STATE,
    INVALID_NAME,
    NO_END,
    NO_TARGET,
    UNREACHABLE,
    did_you_mean,
)
from statelang.values import Json

LONGEST_NAME: Final = 80


@dataclass(slots=True)
class Scope:
    """One States object: its `value` (StartAt, States), where it stands, and the variables of the scopes around it."""

    value: Mapping[str, Json]
    place: Place
    outer: frozenset[str] = frozenset()
    seen: dict[str, Place] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)

    @property
    def states(self) -> Mapping[str, Mapping[str, Json]]:
        """The states that are objects."""
        states = self.value.get("States")
        return {k: v for k, v in states.items() if isinstance(v, dict)} if isinstance(states, dict) else {}

    def place_of(self, name: str) -> Place:
        """Where a state stands."""
        return self.place / "States" / name


def scopes(value: Mapping[str, Json], place: Place) -> Iterator[Scope]:
    """Every States object of a definition, the outer before the inner."""
    pending = [Scope(value, place)]
    while pending:
        scope = pending.pop(0)
        yield scope
        inner = scope.outer | frozenset(assigned(scope))
        for name, state in scope.states.items():
            for part, at in nested(state, scope.place_of(name)):
                distributed = (part.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED"
                outer = frozenset() if distributed else inner
                pending.append(Scope(part, at, outer, scope.seen, scope.labels))


def nested(state: Mapping[str, Json], place: Place) -> Iterator[tuple[Mapping[str, Json], Place]]:
    """The States objects inside a state."""
    branches = state.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else []):
        if isinstance(branch, dict):
            yield branch, place / "Branches" / index
    for key in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(key), dict):
            yield state[key], place / key


def targets(state: Mapping[str, Json], place: Place) -> Iterator[tuple[str, Json, Place]]:
    """(field, target, place) of every transition of a state."""
    for key in ("Next", "Default"):
        if key in state:
            yield key, state[key], place / key
    for key in ("Choices", "Catch"):
        rows = state.get(key)
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            if isinstance(row, dict) and "Next" in row:
                yield "Next", row["Next"], place / key / index / "Next"


def assigned(scope: Scope) -> Iterator[str]:
    """The variables that the states of a scope assign."""
    for name, state in scope.states.items():
        for variables, _ in assignments(state, scope.place_of(name)):
            yield from variables


def assignments(state: Mapping[str, Json], place: Place) -> Iterator[tuple[Mapping[str, Json], Place]]:
    """Every Assign of a state, its rules and catchers."""
    rows: list[tuple[Json, Place]] = [(state, place)]
    for key in ("Choices", "Catch"):
        listed = state.get(key)
        rows.extend((row, place / key / i) for i, row in enumerate(listed if isinstance(listed, list) else []))
    for row, at in rows:
        if isinstance(row, dict) and isinstance(row.get("Assign"), dict):
            yield row["Assign"], at / "Assign"


def names(scope: Scope, findings: Findings) -> None:
    """State names are 1 to 80 characters long and unique in the whole machine."""
    for name in scope.states:
        place = scope.place_of(name)
        if not 1 <= len(name) <= LONGEST_NAME:
            message = f"State name must be between 1 and {LONGEST_NAME} characters: {name[:90]}"
            findings.say(message, place, code=INVALID_NAME)
        if name in scope.seen:
            findings.say(f"State name '{name}' is used more than once", place, code=DUPLICATE_STATE)
        scope.seen.setdefault(name, place)


def start(scope: Scope, findings: Findings) -> None:
    """StartAt names a state of the same States object."""
    first, states = scope.value.get("StartAt"), scope.states
    if isinstance(first, str) and isinstance(scope.value.get("States"), dict) and first not in states:
        message = f"Missing 'StartAt' target: {first}"
        findings.say(message, scope.place / "StartAt", code=NO_TARGET, hint=did_you_mean(first, list(states)))


def transitions(scope: Scope, findings: Findings) -> None:
    """Next and Default name a state of the same States object."""
    states = scope.states
    for name, state in states.items():
        for key, target, place in targets(state, scope.place_of(name)):
            if isinstance(target, str) and target not in states:
                hint = did_you_mean(target, list(states))
                findings.say(f"Missing '{key}' target: {target}", place, code=NO_TARGET, hint=hint)


def ends(scope: Scope, findings: Findings) -> None:
    """Some state must be terminal."""
    states = scope.states
    if states and not any(s.get("End") is True or s.get("Type") in ("Succeed", "Fail") for s in states.values()):
        message = "No terminal state. There must be a state with End, or of type Succeed or Fail"
        findings.say(message, scope.place / "States", code=NO_END)


def reachable(scope: Scope, findings: Findings) -> None:
    """A state that nothing leads to is a warning."""
    states = scope.states
    first = scope.value.get("StartAt")
    pending: list[str] = [first] if isinstance(first, str) and first in states else list(states)
    reached: set[str] = set()
    while pending:
        name = pending.pop()
        if name in reached or name not in states:
            continue
        reached.add(name)
        pending.extend(target for _, target, _ in targets(states[name], Place()) if isinstance(target, str))
    for name in states:
        if name not in reached:
            message = "The state cannot be reached. It must be referenced by at least one other state."
            findings.say(message, scope.place_of(name), code=UNREACHABLE, severity="WARNING")


def variables(scope: Scope, findings: Findings) -> None:
    """Variables have valid names, and do not hide one of an outer scope."""
    for name, state in scope.states.items():
        for given, place in assignments(state, scope.place_of(name)):
            for key in given:
                variable = key.removesuffix(".$")
                if not variable.isidentifier() or len(variable) > LONGEST_NAME or variable == "states":
                    findings.say(f"'{variable}' is not a valid variable name", place / key)
                elif variable in scope.outer:
                    message = f"The variable '{variable}' is assigned in an outer scope and cannot be assigned here"
                    findings.say(message, place / key)


def labels(scope: Scope, findings: Findings) -> None:
    """Labels are unique in the whole machine."""
    for name, state in scope.states.items():
        label = state.get("Label")
        if isinstance(label, str):
            if label in scope.labels:
                message = f"The label '{label}' is used more than once"
                findings.say(message, scope.place_of(name) / "Label", code=DUPLICATE_LABEL)
            scope.labels.add(label)


RULES: Final[tuple[Callable[[Scope, Findings], None], ...]] = (
    names,
    start,
    transitions,
    ends,
    reachable,
    variables,
    labels,
)


def check(value: Mapping[str, Json], findings: Findings) -> None:
    """Apply every rule to every States object."""
    for scope in scopes(value, Place()):
        for rule in RULES:
            rule(scope, findings)
