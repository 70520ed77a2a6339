"""Operators in an expression: `+ - * / %`, comparisons, `&`, `in`, `..`, `and`, `or`, and the sign.

Rule: two numbers of the usual size are computed on the spot; every other case is the operator's own function in
`operators`.
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from statelang.language.jsonata.calls import Evaluate, named
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.operators import OPERATORS, range_of
from statelang.language.jsonata.run import Frame
from statelang.language.jsonata.tree import Node, is_plain
from statelang.language.jsonata.values import EXACT, UNDEFINED, Value, boolean, is_numeric

if TYPE_CHECKING:
    from statelang.language.jsonata.compiler import Compiler

QUICK: Final[dict[str, Callable[[Any, Any], Any]]] = {"+": python.add, "-": python.sub, "*": python.mul}
"""What gives an exact result for integers of the usual size."""

COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}


def compile_binary(compiler: Compiler, node: Node) -> Evaluate:
    """An operator of two values."""
    assert node.left is not None
    assert node.right is not None
    left = compiler.node(node.left)
    operator, position = node.value, node.position
    if operator in ("and", "or"):
        with compiler.perhaps():
            right = compiler.node(node.right)
        return _logical(left, right, operator, position)
    right = compiler.node(node.right)
    perform = range_of if operator == ".." else OPERATORS[operator]

    def binary(one: Value, other: Value, frame: Frame) -> Value:
        try:
            return perform(one, other, frame.run)
        except JsonataError as problem:
            named(problem, operator, position)
            raise

    bare = node.right.kind == "number" and not (
        node.right.predicates or node.right.group or abs(node.right.value) >= EXACT
    )
    literal = node.right.value if bare else None
    if operator in QUICK:
        return _quick(QUICK[operator], left, right, binary, literal)
    if operator in COMPARISONS and literal is not None and node.left.kind == "path":
        return _field_comparison(COMPARISONS[operator], node.left, left, binary, literal)
    if operator in COMPARISONS:
        return _comparison(COMPARISONS[operator], left, right, binary, literal)
    return lambda input, frame: binary(left(input, frame), right(input, frame), frame)


Slow = Callable[[Value, Value, Frame], Value]


def _quick(
    perform: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate, slow: Slow, literal: int | float | None
) -> Evaluate:
    if type(literal) is int:

        def against(input: Value, frame: Frame) -> Value:
            one = left(input, frame)
            if type(one) is int and -EXACT <= one <= EXACT:
                result = perform(one, literal)
                if result and -EXACT <= result <= EXACT:
                    return result
            return slow(one, literal, frame)

        return against

    def quick(input: Value, frame: Frame) -> Value:
        one, other = left(input, frame), right(input, frame)
        if type(one) is int and type(other) is int and -EXACT <= one <= EXACT and -EXACT <= other <= EXACT:
            result = perform(one, other)
            if result and -EXACT <= result <= EXACT:
                return result
        return slow(one, other, frame)

    return quick


def _comparison(
    holds: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate, slow: Slow, literal: int | float | None
) -> Evaluate:
    if literal is not None:

        def against(input: Value, frame: Frame) -> Value:
            one = left(input, frame)
            kind = type(one)
            return holds(one, literal) if kind is int or kind is float else slow(one, literal, frame)

        return against

    def comparison(input: Value, frame: Frame) -> Value:
        one, other = left(input, frame), right(input, frame)
        kind, second = type(one), type(other)
        if (kind is int or kind is float) and (second is int or second is float) and -EXACT < one < EXACT:
            return holds(one, other)
        return slow(one, other, frame)

    return comparison


def _field_comparison(
    holds: Callable[[Any, Any], Any], path: Node, left: Evaluate, slow: Slow, literal: int | float
) -> Evaluate:
    """`price > 10`, as predicates have it."""
    if len(path.parts) > 1 or not is_plain(path.parts[0]) or path.group is not None or path.keep_array:
        return _comparison(holds, left, left, slow, literal)
    key = path.parts[0].value

    def field_against(input: Value, frame: Frame) -> Value:
        if type(input) is dict:
            one = input.get(key)
            kind = type(one)
            if kind is int or kind is float:
                return holds(one, literal)
        return slow(left(input, frame), literal, frame)

    return field_against


def _logical(left: Evaluate, right: Evaluate, operator: str, position: int) -> Evaluate:
    """`and` and `or`; an error of the right side is told as theirs, as jsonata-js does."""
    decisive = operator == "or"

    def logical(input: Value, frame: Frame) -> Value:
        if boolean(left(input, frame), frame.run.step) is decisive:
            return decisive
        try:
            return boolean(right(input, frame), frame.run.step)
        except JsonataError as problem:
            problem.position = position
            problem.told["token"] = operator
            raise

    return logical


def compile_negation(compiler: Compiler, node: Node) -> Evaluate:
    """A sign before something that is no literal."""
    assert node.right is not None
    operand, position = compiler.node(node.right), node.position

    def negation(input: Value, frame: Frame) -> Value:
        value = operand(input, frame)
        if value is UNDEFINED:
            return UNDEFINED
        if not is_numeric(value):
            raise JsonataError("D1002", position, token="-", value=value)
        return -value if value else -float(value)

    return negation
