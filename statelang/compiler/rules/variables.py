"""Variables: their names, what hides them, and reads of what was never assigned (asl.md 1.6).

Rule: names and hiding are refused, as the specification says; a read of what is not there fails only when it runs, and
is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from statelang.compiler.flow import known_at
from statelang.compiler.problems import did_you_mean
from statelang.compiler.references import all_assigned, asked, reads
from statelang.compiler.rules.rule import Found, Rule, machine, state
from statelang.compiler.scopes import Scope, assignments, scopes
from statelang.compiler.substitutions import PLACEHOLDER

LONGEST_NAME: Final = 80


def bad_names(scope: Scope) -> Iterator[Found]:
    """Variables have names that expressions can use."""
    for name, value in scope.states.items():
        for given, place in assignments(value, scope.place_of(name)):
            for key in given:
                variable = key.removesuffix(".$")
                valid = variable.isidentifier() and len(variable) <= LONGEST_NAME and variable != "states"
                if not valid and not PLACEHOLDER.search(variable):
                    yield Found(f"'{variable}' is not a valid variable name", place / key, on_key=True)


def hiding(scope: Scope) -> Iterator[Found]:
    """An inner scope does not assign what an outer one has."""
    for name, value in scope.states.items():
        for given, place in assignments(value, scope.place_of(name)):
            for key in given:
                variable = key.removesuffix(".$")
                if variable in scope.outer:
                    message = f"The variable '{variable}' is assigned in an outer scope and cannot be assigned here"
                    yield Found(message, place / key, on_key=True)


def never_assigned(scope: Scope) -> Iterator[Found]:
    """What is read was assigned on some way there."""
    entering = known_at(scope)
    for name, known in entering.items():
        for read in reads(scope.states[name], scope.place_of(name)):
            if read.variable in known.maybe:
                continue
            if read.called:
                message = f"There is no function ${read.variable}"
                yield Found(message, read.place, _spelling(read.variable), character=read.character)
                continue
            assigned = all_assigned(scope.machine)
            hint = _where(read.variable, assigned, scope) or did_you_mean(read.variable, sorted(assigned))
            message = f"The variable ${read.variable} is never assigned before it is read here"
            yield Found(message, read.place, hint, character=read.character)


def _spelling(name: str) -> str | None:
    from statelang.compiler.queries import FUNCTIONS

    return did_you_mean(name, sorted(FUNCTIONS))


def _where(variable: str, assigned: frozenset[str], scope: Scope) -> str | None:
    if variable == "state":
        return "did you mean '$states'?"
    if variable not in assigned:
        return None
    if scope.distributed:
        return "a Distributed Map's executions do not see the variables outside: pass it in with ItemSelector"
    return "it is assigned in another scope, or only on a way that does not lead here"


def maybe_assigned(scope: Scope) -> Iterator[Found]:
    """What is read was assigned on every way there."""
    entering = known_at(scope)
    guarded = {variable for value in scope.states.values() for variable in asked(value)}
    for name, known in entering.items():
        told: set[str] = set(guarded)
        for read in reads(scope.states[name], scope.place_of(name)):
            unsure = read.variable in known.maybe and read.variable not in known.surely
            if unsure and read.variable not in told:
                told.add(read.variable)
                message = f"The variable ${read.variable} is not assigned on every way to this state"
                yield Found(message, read.place, character=read.character)


def never_read(scope: Scope) -> Iterator[Found]:
    """What is assigned is read somewhere."""
    if scope.parent is not None:
        return
    read = {
        one.variable
        for inner in scopes(scope.machine, scope.place)
        for name, value in inner.states.items()
        for one in reads(value, inner.place_of(name))
    }
    for inner in scopes(scope.machine, scope.place):
        for name, value in inner.states.items():
            for given, place in assignments(value, inner.place_of(name)):
                for key in given:
                    if key.removesuffix(".$") not in read:
                        yield Found(f"Nothing reads the variable '{key.removesuffix('.$')}'", place / key, on_key=True)


def _two(second: str, **fields: object) -> dict[str, object]:
    """An example: a variable is assigned, and another state reads one."""
    return machine({
        "Remember": state("Pass", Assign={"order.$": "$.id"}, Next="Use"),
        "Use": state("Pass", Parameters={"id.$": second}),
    }, **fields)  # fmt: skip


def _branch(variable: str) -> dict[str, object]:
    inner = machine({"Inner": state("Pass", Assign={variable: 2}, Next="Read"),
                     "Read": state("Pass", Parameters={"it.$": f"${variable}"})})  # fmt: skip
    return machine({
        "Remember": state("Pass", Assign={"order": 1}, Next="Both"),
        "Both": state("Parallel", Branches=[inner], Parameters={"it.$": "$order"}),
    })  # fmt: skip


_MAYBE: Final = {
    "Which": state("Choice", Choices=[{"Variable": "$.known", "BooleanEquals": True, "Next": "Remember"}],
                   Default="Use"),
    "Remember": state("Pass", Assign={"order.$": "$.id"}, Next="Use"),
    "Use": state("Pass", Parameters={"id.$": "$order"}),
}  # fmt: skip

ROWS: Final = (
    Rule(
        "SL050",
        "ERROR",
        "A variable's name is a letter followed by letters, digits and underscores, at most 80 characters, and not "
        "'states'.",
        machine({"Remember": state("Pass", Assign={"order-id.$": "$.id"})}),
        machine({"Remember": state("Pass", Assign={"order_id.$": "$.id"})}),
        scope=bad_names,
    ),
    Rule(
        "SL051",
        "ERROR",
        "A branch or an iteration reads the variables around it and cannot assign them: each has variables of its own, "
        "which end with it. Choose another name.",
        _branch("order"),
        _branch("part"),
        scope=hiding,
    ),
    Rule(
        "SL052",
        "WARNING",
        "On no way to this state the variable has been assigned (or there is no such function): reading it fails the "
        "execution. What a state assigns can be read from the next state on.",
        _two("$ordr"),
        _two("$order"),
        scope=never_assigned,
    ),
    Rule(
        "SL053",
        "WARNING",
        "Some ways to this state assign the variable and others do not: on those reading it fails the execution. "
        "Assign a default early, or ask with IsPresent or $exists.",
        machine(_MAYBE),
        machine({"First": state("Pass", Assign={"order": None}, Next="Which"), **_MAYBE}),
        scope=maybe_assigned,
    ),
    Rule(
        "SL054",
        "INFO",
        "The variable is assigned and never read: it can go, or its reader is misspelled.",
        _two("$.id"),
        _two("$order"),
        scope=never_read,
    ),
)
"""The rows of this subject."""
