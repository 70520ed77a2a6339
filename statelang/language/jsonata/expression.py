"""An expression: compiled once, evaluated as often as one likes, by any number of threads at once.

Rule: the compiled expression never changes, and what an evaluation needs of the outside it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from statelang.language.bounds import WIDE, Bounds
from statelang.language.jsonata.calls import Native
from statelang.language.jsonata.compiler import compile_tree
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions import BUILTINS
from statelang.language.jsonata.parser import Parser
from statelang.language.jsonata.resolve import resolve
from statelang.language.jsonata.run import Frame, Run
from statelang.language.jsonata.signatures import parse_signature
from statelang.language.jsonata.tree import Node
from statelang.language.jsonata.values import UNDEFINED, Function, Sequence, Value, Wrapped, is_array
from statelang.language.scope import Entropy


def parse(text: str) -> Node:
    """The resolved tree of an expression. Raises JsonataError."""
    try:
        return resolve(Parser(text).parse())
    except RecursionError:
        raise JsonataError("U1001") from None


class Program:
    """A tree, compiled, and the functions that it can call."""

    __slots__ = ("_evaluate", "_functions", "_height")

    def __init__(self, tree: Node, functions: Mapping[str, Function]) -> None:
        self._evaluate, self._height = compile_tree(tree, functions)
        self._functions = functions

    def evaluate(
        self, input: Value, variables: Mapping[str, Any], *, bounds: Bounds, millis: int, chance: Entropy
    ) -> Value:
        """What the expression gives, UNDEFINED where it gives nothing. Raises JsonataError, and nothing else.

        `millis` is the time since 1970.
        """
        root = wrapped(input)
        run = Run(bounds, millis, chance, root, variables, self._functions)
        if self._height > bounds.depth:
            raise JsonataError("U1001")
        try:
            return self._evaluate(root, Frame(run, None, {}, 0))
        except RecursionError:
            raise JsonataError("U1001") from None
        except (MemoryError, OverflowError):
            raise JsonataError("U1003") from None
        except (TypeError, ValueError, AttributeError, LookupError) as problem:  # where JavaScript has its own as well
            raise JsonataError("JS:TypeError", template=str(problem)) from None


class Expression:
    """A JSONata expression in the language as published, with `$eval`."""

    def __init__(self, text: str) -> None:
        self._program = Program(parse(text), PUBLISHED)

    def evaluate(
        self,
        input: Value = UNDEFINED,
        bindings: Mapping[str, Any] | None = None,
        *,
        bounds: Bounds = WIDE,
        millis: int = 0,
        seed: bytes = b"",
    ) -> Value:
        """What the expression gives, UNDEFINED where it gives nothing. Raises JsonataError, and nothing else.

        `millis` is the time since 1970; `seed` fixes the random numbers.
        """
        return self._program.evaluate(input, bindings or {}, bounds=bounds, millis=millis, chance=Entropy(seed))


def wrapped(input: Value) -> Value:
    """An input as an expression sees it: an array is one thing until a path looks into it."""
    return Wrapped([input]) if is_array(input) and not isinstance(input, Sequence) else input


def _eval(run: Run, text: Value, focus: Value = UNDEFINED, *, input: Value) -> Value:
    """`$eval`: an expression in an expression."""
    if text is UNDEFINED:
        return UNDEFINED
    if focus is not UNDEFINED:
        input = wrapped(focus)
    run.step(20 + 4 * len(text))
    try:
        evaluate, height = compile_tree(parse(text), run.functions, evaluated=True)
    except JsonataError as problem:
        raise JsonataError("D3120", value=problem.message[:LONGEST]) from None
    around = run.frame
    assert around is not None
    try:
        if run.depth + height > run.bounds.depth:
            raise JsonataError("U1001")
        return evaluate(input, Frame(run, around.parent, around.names, run.depth))
    except JsonataError as problem:
        raise JsonataError("D3121", value=problem.message[:LONGEST]) from None


LONGEST: Final = 1000
"""How much of an error's text is told by the error around it: each `$eval` around it quotes it once more."""

PUBLISHED: Final[Mapping[str, Function]] = {
    **BUILTINS,
    "eval": Native("eval", parse_signature("<sx?:x>"), _eval, 2, contextual=True),
}
"""The functions of the language as published."""
