"""Names, targets and ends: how states lead to one another (asl.md 1.1).

Rule: a target that is an open placeholder or missing leads nobody knows where: nothing is said of what depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from statelang.compiler.problems import (
    DUPLICATE_STATE,
    INVALID_NAME,
    NO_END,
    NO_TARGET,
    UNREACHABLE,
    did_you_mean,
)
from statelang.compiler.rules.rule import Found, Rule, machine, state
from statelang.compiler.scopes import Scope, StateAt, is_terminal, targets
from statelang.compiler.substitutions import is_open
from statelang.values import encode

LONGEST_NAME: Final = 80


def names(scope: Scope) -> Iterator[Found]:
    """State names are 1 to 80 characters long."""
    for name in scope.states:
        if not 1 <= len(name) <= LONGEST_NAME and not is_open(name):
            message = f"State name must be between 1 and {LONGEST_NAME} characters: {name[:90]}"
            yield Found(message, scope.place_of(name), on_key=True)


def duplicates(scope: Scope) -> Iterator[Found]:
    """State names are unique in the whole machine."""
    for name in scope.states:
        if name in scope.seen:
            first = scope.seen[name].location
            yield Found(
                f"State name '{name}' is used more than once", scope.place_of(name), f"it is also at {first}", True
            )
        scope.seen.setdefault(name, scope.place_of(name))


def missing_targets(scope: Scope) -> Iterator[Found]:
    """StartAt, Next and Default name a state of the same States object."""
    known = scope.value.get("States")
    known = known if isinstance(known, dict) else {}
    first = scope.value.get("StartAt")
    if isinstance(first, str) and "States" in scope.value and first not in known and not is_open(first):
        yield Found(f"Missing 'StartAt' target: {first}", scope.place / "StartAt", _elsewhere(first, scope))
    for name, value in scope.states.items():
        for target in targets(value, scope.place_of(name)):
            if isinstance(target.name, str) and target.name not in known and not is_open(target.name):
                message = f"Missing '{target.field}' target: {target.name}"
                yield Found(message, target.place, _elsewhere(target.name, scope))


def _elsewhere(name: str, scope: Scope) -> str | None:
    around = scope.parent
    while around is not None:
        if name in around.states:
            return f"'{name}' is outside: a branch or iteration ends by itself, with End"
        around = around.parent
    return did_you_mean(name, list(scope.states))


def ends(scope: Scope) -> Iterator[Found]:
    """Some state must be terminal."""
    if scope.states and not any(is_terminal(value) for value in scope.states.values()):
        message = "No terminal state. There must be a state with End, or of type Succeed or Fail"
        yield Found(message, scope.place / "States")


def _leads(scope: Scope) -> dict[str, set[str]] | None:
    """State -> the states it leads to; None where a placeholder or a slip hides it."""
    leads: dict[str, set[str]] = {}
    for name, value in scope.states.items():
        found = [target.name for target in targets(value, scope.place_of(name))]
        if not all(isinstance(target, str) and target in scope.states for target in found):
            return None
        leads[name] = set(found)
    return leads


def _reached(first: list[str], leads: dict[str, set[str]]) -> set[str]:
    pending, reached = list(first), set[str]()
    while pending:
        name = pending.pop()
        if name not in reached and name in leads:
            reached.add(name)
            pending.extend(leads[name])
    return reached


def unreachable(scope: Scope) -> Iterator[Found]:
    """Something leads to every state."""
    leads, first = _leads(scope), scope.value.get("StartAt")
    if leads is None or not isinstance(first, str) or first not in scope.states:
        return
    reached = _reached([first], leads)
    for name in scope.states:
        if name not in reached:
            message = "The state cannot be reached. It must be referenced by at least one other state."
            yield Found(message, scope.place_of(name), on_key=True)


def endless(scope: Scope) -> Iterator[Found]:
    """From every state that is reached some way leads to an end."""
    leads, first = _leads(scope), scope.value.get("StartAt")
    if leads is None or not isinstance(first, str) or first not in scope.states:
        return
    terminal = [name for name, value in scope.states.items() if is_terminal(value)]
    back: dict[str, set[str]] = {name: set() for name in leads}
    for name, after in leads.items():
        for target in after & set(leads):
            back[target].add(name)
    ending = _reached(terminal, back)
    reached = _reached([first], leads)
    for name in scope.states:
        if terminal and name in reached and name not in ending:
            yield Found(
                f"No way leads from '{name}' to an end: it goes round for ever", scope.place_of(name), None, True
            )


def no_default(at: StateAt) -> Iterator[Found]:
    """A Choice says what happens when no rule matches."""
    if at.kind == "Choice" and at.value.get("Choices") and "Default" not in at.value:
        message = "Without Default the execution fails with States.NoChoiceMatched where no rule matches"
        yield Found(message, at.place, on_key=True)


def repeated_choice(at: StateAt) -> Iterator[Found]:
    """A rule with the same test as an earlier one is never taken."""
    seen: set[str] = set()
    rules = at.value.get("Choices") if at.kind == "Choice" else None
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if not isinstance(rule, dict):
            continue
        test = encode({k: v for k, v in sorted(rule.items()) if k not in ("Next", "Assign", "Output", "Comment")})
        if test in seen and test != "{}":
            yield Found("An earlier rule has the same test, so this one is never taken", at.place / "Choices" / index)
        seen.add(test)


ROWS: Final = (
    Rule(
        INVALID_NAME,
        "ERROR",
        "A state's name has 1 to 80 characters.",
        machine({"A" * 81: state("Pass")}),
        machine({"A" * 80: state("Pass")}),
        scope=names,
    ),
    Rule(
        DUPLICATE_STATE,
        "ERROR",
        "A state's name is unique in the whole machine, also across branches and iterations, so that a history says "
        "which state it speaks of.",
        machine({
            "Both": state("Parallel", Branches=[machine({"Work": state("Pass")}), machine({"Work": state("Pass")})]),
        }),
        machine({
            "Both": state("Parallel", Branches=[machine({"Left": state("Pass")}), machine({"Right": state("Pass")})]),
        }),
        scope=duplicates,
    ),
    Rule(
        NO_TARGET,
        "ERROR",
        "StartAt, Next and Default name a state of the same States object. Nothing leads into or out of a branch or an "
        "iteration.",
        machine({"Work": state("Pass", Next="Don")} | {"Done": state("Succeed")}),
        machine({"Work": state("Pass", Next="Done")} | {"Done": state("Succeed")}),
        scope=missing_targets,
    ),
    Rule(
        NO_END,
        "ERROR",
        "Some state must end the machine, the branch or the iteration: one with End, a Succeed or a Fail.",
        machine({"Ask": state("Pass", Next="Wait"), "Wait": state("Wait", Seconds=60, Next="Ask")}),
        machine({"Ask": state("Pass", Next="Wait"), "Wait": state("Wait", Seconds=60)}),
        scope=ends,
    ),
    Rule(
        UNREACHABLE,
        "WARNING",
        "Nothing leads to this state: it never runs. Either a transition is missing, or the state can go.",
        machine({"Work": state("Pass"), "Forgotten": state("Pass")}),
        machine({"Work": state("Pass", Next="Forgotten"), "Forgotten": state("Pass")}),
        scope=unreachable,
    ),
    Rule(
        "SL007",
        "WARNING",
        "Once here, an execution goes round until its time is up: no way leads to a state that ends.",
        machine({
            "Start": state("Choice", Choices=[{"Variable": "$.again", "BooleanEquals": True, "Next": "Ask"}],
                           Default="Done"),
            "Ask": state("Pass", Next="Pause"),
            "Pause": state("Wait", Seconds=60, Next="Ask"),
            "Done": state("Succeed"),
        }),
        machine({
            "Start": state("Choice", Choices=[{"Variable": "$.again", "BooleanEquals": True, "Next": "Pause"}],
                           Default="Done"),
            "Pause": state("Wait", Seconds=60, Next="Start"),
            "Done": state("Succeed"),
        }),
        scope=endless,
    ),
    Rule(
        "SL008",
        "INFO",
        "A Choice without Default fails the execution (States.NoChoiceMatched) when no rule matches. Where the rules "
        "cover every case, silence this; else say what is to happen.",
        machine({
            "Which": state("Choice", Choices=[{"Variable": "$.kind", "StringEquals": "a", "Next": "Done"}]),
            "Done": state("Succeed"),
        }),
        machine({
            "Which": state("Choice", Choices=[{"Variable": "$.kind", "StringEquals": "a", "Next": "Done"}],
                           Default="Unknown"),
            "Done": state("Succeed"),
            "Unknown": state("Fail", Error="UnknownKind"),
        }),
        state=no_default,
    ),
    Rule(
        "SL009",
        "WARNING",
        "Rules are tested in order and the first that is true is taken: the second of two equal ones never is.",
        machine({
            "Which": state("Choice", Default="Other", Choices=[
                {"Variable": "$.kind", "StringEquals": "a", "Next": "Done"},
                {"Variable": "$.kind", "StringEquals": "a", "Next": "Other"},
            ]),
            "Done": state("Succeed"),
            "Other": state("Succeed"),
        }),
        machine({
            "Which": state("Choice", Default="Other", Choices=[
                {"Variable": "$.kind", "StringEquals": "a", "Next": "Done"},
                {"Variable": "$.kind", "StringEquals": "b", "Next": "Other"},
            ]),
            "Done": state("Succeed"),
            "Other": state("Succeed"),
        }),
        state=repeated_choice,
    ),
)  # fmt: skip
"""The rows of this subject."""
