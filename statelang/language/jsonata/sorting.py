"""Order-by: `^(price, >name)`.

Rule: a term is evaluated when it is first needed, and once; what is missing comes last. A stream of bindings that was
sorted is a plain array of them, as in jsonata-js.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.run import Frame
from statelang.language.jsonata.tree import Node
from statelang.language.jsonata.values import UNDEFINED, Tuples, Value, is_number, merge_sorted, units

if TYPE_CHECKING:
    from statelang.language.jsonata.compiler import Compiler


def compile_order(compiler: Compiler, node: Node) -> Callable[[Value, Frame], Value]:
    """Order-by: each term in turn, until one differs; a term is evaluated when it is first needed."""
    terms = [(compiler.node(term.right), term.descending) for term in node.parts if term.right is not None]
    position = node.position

    def sort(value: Value, frame: Frame) -> Value:
        if len(value) <= 1:
            return value
        frame.run.step(len(value) * len(value).bit_length())
        stream = isinstance(value, Tuples)
        known: dict[tuple[int, int], Value] = {}

        def key(index: int, term: int) -> Value:
            if (index, term) not in known:
                frame.run.step()
                item = value[index]
                context, inner = (item["@"], frame.inner(item)) if stream else (item, frame)
                known[index, term] = terms[term][0](context, inner)
            return known[index, term]

        def swaps(one: int, other: int) -> bool:
            for term, (_, descending) in enumerate(terms):
                mine, theirs = key(one, term), key(other, term)
                order = _order(mine, theirs, position)
                if order != 0:
                    missing = mine is UNDEFINED or theirs is UNDEFINED
                    return order == (-1 if descending and not missing else 1)
            return False

        ordered = merge_sorted(list(range(len(value))), swaps)
        return [value[index] for index in ordered]

    return sort


def _order(one: Value, other: Value, position: int) -> int:
    if one is UNDEFINED:
        return 0 if other is UNDEFINED else 1
    if other is UNDEFINED:
        return -1
    for value in (one, other):
        if not (is_number(value) or isinstance(value, str)):
            raise JsonataError("T2008", position, value=value)
    if is_number(one) != is_number(other):
        raise JsonataError("T2007", position, value=one, value2=other)
    if isinstance(one, str) and not (one.isascii() and other.isascii()):
        one, other = units(one), units(other)
    return 0 if one == other else -1 if one < other else 1
