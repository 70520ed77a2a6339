"""The rules: everything that can be wrong with a definition, as one table that the linter, `--explain` and the tests
read.

Rule: a new rule is one function and one row, in the module whose subject it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from statelang.compiler.findings import Findings, Place
from statelang.compiler.rules import (
    expressions,
    failures,
    flow,
    maps,
    portability,
    reading,
    resources,
    sizes,
    timeouts,
    variables,
)
from statelang.compiler.rules.rule import Found, Rule, TargetName
from statelang.compiler.scopes import Given, MachineType, scopes, states_of

__all__ = ["RULES", "Found", "Rule", "check"]

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        row.code: row
        for module in (
            reading, flow, failures, timeouts, resources, expressions, variables, maps, sizes, portability,
        )
        for row in module.ROWS
    }
)  # fmt: skip
"""Code -> its row."""


def check(
    value: Given, findings: Findings, *, type: MachineType = "STANDARD", target: TargetName = "statelang"
) -> None:
    """Apply every rule to every States object and every state."""
    rows = [row for row in RULES.values() if row.type in ("STANDARD", type) and row.target in ("statelang", target)]
    for scope in scopes(value, Place()):
        states = list(states_of(scope))
        for row in rows:
            if row.scope is not None:
                for found in row.scope(scope):
                    _say(row, found, findings)
            if row.state is not None:
                for state in states:
                    for found in row.state(state):
                        _say(row, found, findings)


def _say(row: Rule, found: Found, findings: Findings) -> None:
    findings.say(
        found.message,
        found.place,
        code=row.code,
        severity=row.severity,
        hint=found.hint,
        on_key=found.on_key,
        character=found.character,
    )
