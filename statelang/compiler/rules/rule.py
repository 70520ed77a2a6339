"""Rule: one row of the table of everything that can be wrong with a definition.

Rule: a new rule is one function and one row. The function gets a scope or a state and yields what it found; the row
says how grave that is, what it means, and shows it wrong and right. A row without a function is found while a
definition is read and built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from statelang.compiler.findings import Place
from statelang.compiler.problems import Severity
from statelang.compiler.scopes import MachineType, Scope, StateAt
from statelang.values import Json

TargetName = Literal["statelang", "aws"]


class Found(NamedTuple):
    """What a rule found: a message for the author, and the place (its key, or one character of a text)."""

    message: str
    place: Place
    hint: str | None = None
    on_key: bool = False
    character: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `wrong` yields the code and `right` does not, for a machine of `type` that is checked for `target`.

    An example is a definition, or the text of one where it cannot be read.
    """

    code: str
    severity: Severity
    means: str
    wrong: Mapping[str, Json] | str
    right: Mapping[str, Json] | str
    scope: Callable[[Scope], Iterable[Found]] | None = None
    state: Callable[[StateAt], Iterable[Found]] | None = None
    type: MachineType = "STANDARD"
    target: TargetName = "statelang"


def machine(states: Mapping[str, Json], **fields: Json) -> dict[str, Json]:
    """An example: a machine that starts with the first of some states."""
    return {"StartAt": next(iter(states)), "States": dict(states), **fields}


def state(type: str, **fields: Json) -> dict[str, Json]:
    """An example's state; it ends the machine where it says nothing else."""
    ends = type in ("Choice", "Succeed", "Fail") or "Next" in fields or "End" in fields
    return {"Type": type, **fields, **({} if ends else {"End": True})}


def one(type: str, **fields: Json) -> dict[str, Json]:
    """An example: a machine of one state."""
    return machine({"Work": state(type, **fields)})


LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:work"
"""The Resource of a task in an example."""
