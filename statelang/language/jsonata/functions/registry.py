"""The table of built-ins.

Rule: the name that a user writes is the one that the decorator is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from statelang.language.jsonata.calls import Native
from statelang.language.jsonata.signatures import parse_signature

BUILTINS: Final[dict[str, Native]] = {}
"""Name -> function, of the language as published."""

Perform = Callable[..., Any]


class Enter(Protocol):
    """Enters a function into a table: it gets the run, and its arguments as the signature lets them through.

    `arity` is how many arguments it takes from a higher-order function; all where nothing is said.
    """

    def __call__(self, name: str, signature: str, *, arity: int | None = None) -> Callable[[Perform], Perform]: ...


def entering(table: dict[str, Native]) -> Enter:
    """The decorator of a table."""

    def builtin(name: str, signature: str, *, arity: int | None = None) -> Callable[[Perform], Perform]:
        def enter(perform: Perform) -> Perform:
            parsed = parse_signature(signature)
            table[name] = Native(name, parsed, perform, len(parsed.parameters) if arity is None else arity)
            return perform

        return enter

    return builtin


builtin = entering(BUILTINS)
