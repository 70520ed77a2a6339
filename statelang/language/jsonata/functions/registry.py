"""The table of built-ins.

Rule: the name that a user writes is the one that the decorator is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from statelang.language.jsonata.calls import Native
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.signatures import parse_signature
from statelang.language.jsonata.values import Sequence, is_array

BUILTINS: Final[dict[str, Native]] = {}
"""Name -> function, of the language as published."""

Perform = Callable[..., Any]

TEXT: Final = 11
"""2**TEXT characters of an argument are worth a step."""

ITEMS: Final = 5
"""2**ITEMS items of an argument are worth a step."""


class Enter(Protocol):
    """Enters a function into a table: it gets the run, and its arguments as the signature lets them through.

    `arity` is how many arguments it takes from a higher-order function; all where nothing is said. `steps` is what it
    costs beyond a call. `constant`: it neither looks through its arguments nor makes anything of their size, or sees to
    the bounds itself; every other function takes steps for its arguments and memory for its result.
    """

    def __call__(
        self, name: str, signature: str, *, arity: int | None = None, steps: int = 0, constant: bool = False
    ) -> Callable[[Perform], Perform]: ...


def entering(table: dict[str, Native]) -> Enter:
    """The decorator of a table."""

    def builtin(
        name: str, signature: str, *, arity: int | None = None, steps: int = 0, constant: bool = False
    ) -> Callable[[Perform], Perform]:
        def enter(perform: Perform) -> Perform:
            parsed = parse_signature(signature)
            bounded = perform if constant else _bounded(perform, steps)
            table[name] = Native(name, parsed, bounded, len(parsed.parameters) if arity is None else arity)
            return perform

        return enter

    return builtin


def _bounded(perform: Perform, steps: int) -> Perform:
    """A function that takes steps for what it is given, and memory for what it makes."""

    def bounded(run: Run, *arguments: Any, **context: Any) -> Any:
        spent = steps
        for argument in arguments:
            kind = type(argument)
            if kind is str:
                spent += len(argument) >> TEXT
            elif kind is not int and is_array(argument):
                spent += len(argument) >> ITEMS
        if spent:
            run.step(spent)
        result = perform(run, *arguments, **context)
        kind = type(result)
        if kind is str:
            run.allocate(2 * len(result))
        elif kind is list or kind is Sequence:
            run.allocate(8 * len(result))
        return result

    return bounded


builtin = entering(BUILTINS)
