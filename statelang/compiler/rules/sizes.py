"""Sizes: what a literal already breaks (asl.md 9.1).

Rule: bytes are those of the compact JSON text in UTF-8, as AWS counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from statelang.compiler.rules.rule import Found, Rule, machine, one, state
from statelang.compiler.scopes import Scope, StateAt
from statelang.values import encode

PAYLOAD: Final = 262_144
"""Bytes of an input, a result or an output."""

ERROR: Final = 256
CAUSE: Final = 32_768
DEFINITION: Final = 1_048_576
"""Bytes of a definition."""

_PAYLOADS: Final = ("Result", "Parameters", "Arguments", "Output", "ResultSelector", "ItemSelector", "Assign", "Items")


def payloads(at: StateAt) -> Iterator[Found]:
    """What is written out fits a payload."""
    for key in _PAYLOADS:
        value = at.value.get(key)
        if isinstance(value, (dict, list, str)):
            size = len(encode(value).encode())
            if size > PAYLOAD:
                yield Found(f"{size:,} bytes are written out here, and a payload holds {PAYLOAD:,}", at.place / key)


def errors(at: StateAt) -> Iterator[Found]:
    """Error and Cause have lengths of their own."""
    for key, most in (("Error", ERROR), ("Cause", CAUSE)):
        value = at.value.get(key) if at.kind == "Fail" else None
        if isinstance(value, str) and len(value) > most:
            yield Found(f"{key} has {len(value):,} characters, and holds {most:,}", at.place / key)


def definition(scope: Scope) -> Iterator[Found]:
    """A definition has at most 1 MiB."""
    if scope.parent is None:
        size = len(encode(scope.machine).encode())
        if size > DEFINITION:
            yield Found(f"The definition has {size:,} bytes, and AWS takes {DEFINITION:,}", scope.place)


ROWS: Final = (
    Rule(
        "SL070",
        "WARNING",
        "Inputs, results and outputs hold 262,144 bytes. More fails the execution with States.DataLimitExceeded; keep "
        "such data in a file and pass its name.",
        one("Pass", Result="x" * PAYLOAD),
        one("Pass", Result="x" * 1000),
        state=payloads,
    ),
    Rule(
        "SL071",
        "WARNING",
        "Error holds 256 characters and Cause 32,768.",
        one("Fail", Error="x" * 257),
        one("Fail", Error="x" * 256),
        state=errors,
    ),
    Rule(
        "SL072",
        "WARNING",
        "AWS takes definitions of at most 1 MiB.",
        machine({"Work": state("Pass", Comment="x" * DEFINITION)}),
        machine({"Work": state("Pass", Comment="x")}),
        scope=definition,
    ),
)
"""The rows of this subject."""
