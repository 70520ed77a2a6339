"""An expression: compiled once, evaluated as often as one likes, by any number of threads at once.

Rule: the compiled expression never changes, and what an evaluation needs of the outside it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from statelang.language.bounds import WIDE, Bounds
from statelang.language.jsonata.calls import Evaluate, Function, Native
from statelang.language.jsonata.compiler import compile_tree
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions import BUILTINS
from statelang.language.jsonata.parser import Parser
from statelang.language.jsonata.resolve import resolve
from statelang.language.jsonata.run import Frame, Run
from statelang.language.jsonata.signatures import parse_signature
from statelang.language.jsonata.tree import Node
from statelang.language.jsonata.values import UNDEFINED, Sequence, Value, Wrapped, is_array
from statelang.language.scope import Entropy


def parse(text: str) -> Node:
    """The resolved tree of an expression. Raises JsonataError."""
    try:
        return resolve(Parser(text).parse())
    except RecursionError:
        raise JsonataError("U1001") from None


class Program:
    """A tree, compiled, and the functions that it can call; `$eval` too, where it `evaluates_text`."""

    __slots__ = ("_evaluate", "_evaluates_text", "_functions", "_height")

    def __init__(self, tree: Node, functions: Mapping[str, Function], *, evaluates_text: bool = False) -> None:
        self._evaluate, self._height = compile_tree(tree)
        self._functions = functions
        self._evaluates_text = evaluates_text

    def evaluate(
        self, input: Value, bindings: Mapping[str, Any], *, bounds: Bounds, millis: int, chance: Entropy
    ) -> Value:
        """What the expression gives, UNDEFINED where it gives nothing. Raises JsonataError, and nothing else.

        `millis` is the time since 1970.
        """
        run = Run(bounds, millis, chance)
        frame = Frame(run, Frame(run, None, dict(self._functions), 0), dict(bindings), 0)
        if self._evaluates_text:
            frame.names["eval"] = Native("eval", _EVAL, partial(_eval, frame=frame), 2, contextual=True)
        frame.names["$"] = _wrapped(input)
        return evaluated(self._evaluate, self._height, _wrapped(input), frame)


class Expression:
    """A JSONata expression in the language as published, with `$eval`."""

    def __init__(self, text: str) -> None:
        self._program = Program(parse(text), BUILTINS, evaluates_text=True)

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


def _wrapped(input: Value) -> Value:
    return Wrapped([input]) if is_array(input) and not isinstance(input, Sequence) else input


def evaluated(evaluate: Evaluate, height: int, input: Value, frame: Frame) -> Value:
    """Evaluate a body; whatever goes wrong in it is a JsonataError."""
    if frame.depth + height > frame.run.bounds.depth:
        raise JsonataError("U1001")
    try:
        return evaluate(input, frame)
    except RecursionError:
        raise JsonataError("U1001") from None
    except (MemoryError, OverflowError):
        raise JsonataError("U1003") from None


_EVAL = parse_signature("<sx?:x>")


def _eval(run: Run, text: Value, focus: Value = UNDEFINED, *, input: Value, frame: Frame) -> Value:
    """`$eval`: an expression in an expression."""
    if text is UNDEFINED:
        return UNDEFINED
    if focus is not UNDEFINED:
        input = _wrapped(focus)
    try:
        evaluate, height = compile_tree(parse(text))
    except JsonataError as problem:
        raise JsonataError("D3120", value=problem.message) from None
    try:
        return evaluated(evaluate, height, input, frame)
    except JsonataError as problem:
        raise JsonataError("D3121", value=problem.message) from None
