"""JSONata as AWS runs it in states (asl.md 3): `$states` and variables are bound, there is no implicit context, `$eval`
is gone, six functions are added, and a result is JSON or an error.

Rule: what differs from the language as published stands here and in `functions.states`; all else is one engine.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final

from statelang.errors import QUERY_ERROR, Fault
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.expression import Program, parse
from statelang.language.jsonata.functions import BUILTINS
from statelang.language.jsonata.functions.states import ADDED
from statelang.language.jsonata.tree import Node, bound_names, every_node, is_plain
from statelang.language.jsonata.values import EXACT, UNDEFINED, Function, Value, number_text
from statelang.language.problems import Malformed
from statelang.language.scope import ABSENT, Scope
from statelang.values import Json

FUNCTIONS: Final[Mapping[str, Function]] = {
    **BUILTINS,
    **ADDED,
}
"""What a state can call."""

NO_CONTEXT: Final = "there is no implicit context here: {} does not stand for the state's input"


def compile_expression(text: str) -> Callable[[Scope], Json]:
    """The expression of a field.

    What it gives is JSON, or raises Fault, whose cause is the end of AWS's sentence. Raises Malformed for a text that
    is no JSONata, and for one that reads what is not there.
    """
    try:
        tree = parse(text)
        for problem, position in _without_context(tree):
            raise Malformed(problem, position, hint="use $states.input")
        if "states" in bound_names(tree):
            raise Malformed("'$states' cannot be assigned", text.find("$states"), hint="choose another name")
        program = Program(tree, FUNCTIONS)
    except JsonataError as error:
        at = None if error.position is None else max(0, min(error.position, len(text)) - 1)
        raise Malformed(f"The JSONata expression is not valid: {error.message}", at, hint=error.code) from None
    parts = _parts_of_states(tree)

    def expression(scope: Scope) -> Json:
        return _told(program, scope, parts)

    return _direct(tree, expression)


PARTS: Final[Mapping[str, Callable[[Scope], Any]]] = {
    "input": attrgetter("data"),
    "context": attrgetter("context"),
    "result": attrgetter("result"),
    "errorOutput": attrgetter("error_output"),
}
"""What `$states` has: the last two are ABSENT in most fields."""


def _parts_of_states(tree: Node) -> tuple[str, ...]:
    """The parts of `$states` that an expression may read: all, where it takes `$states` as a whole."""
    whole = {id(node) for node in every_node(tree) if node.kind == "variable" and node.value == "states"}
    read: set[str] = set()
    for node in every_node(tree):
        if node.kind == "path" and id(node.parts[0]) in whole and len(node.parts) > 1:
            name = node.parts[1]
            if is_plain(node.parts[0], variable=True) and name.kind == "name":
                whole.discard(id(node.parts[0]))
                read.add(name.value)
    return tuple(PARTS) if whole else tuple(name for name in PARTS if name in read)


def _direct(tree: Node, expression: Callable[[Scope], Json]) -> Callable[[Scope], Json]:
    """A literal, and a path of names from a part of `$states`, without the machinery of an evaluation."""
    if tree.predicates or tree.group is not None or tree.keep_array:
        return expression
    if tree.kind in ("string", "number", "value"):
        value = plain(tree.value)
        return lambda scope: value
    first = tree.parts[0] if tree.kind == "path" else tree
    names = all(map(is_plain, tree.parts[1:])) and not (tree.tuple or tree.keep_singleton)
    if first.kind != "variable" or not first.value or not is_plain(first, variable=True) or not names:
        return expression
    keys = tuple(step.value for step in tree.parts[1:])
    if first.value != "states":
        name = first.value
        return _reading(lambda scope: scope.variables[name], keys, expression)
    if not keys or keys[0] not in PARTS:
        return expression
    if keys[0] == "input":
        return _reading_input(keys[1:], expression)
    return _reading(PARTS[keys[0]], keys[1:], expression)


def _reading_input(keys: tuple[str, ...], expression: Callable[[Scope], Json]) -> Callable[[Scope], Json]:
    """`_reading` for the most common of all: it must cost no more than a path of JSONPath."""
    if len(keys) == 2:
        return _reading_two(*keys, expression)

    def direct(scope: Scope) -> Json:
        value = scope.data
        try:
            for key in keys:
                value = value[key]
        except (KeyError, TypeError):
            return expression(scope)
        return value if type(value) is str else plain(value)

    return direct


def _reading_two(first: str, second: str, expression: Callable[[Scope], Json]) -> Callable[[Scope], Json]:
    """Two names, which JSONPath reads without a loop as well (`jsonpath.path`): a quarter less than with one."""

    def direct(scope: Scope) -> Json:
        try:
            value = scope.data[first][second]
        except (KeyError, TypeError):
            return expression(scope)
        return value if type(value) is str else plain(value)

    return direct


def _reading(
    read: Callable[[Scope], Any], keys: tuple[str, ...], expression: Callable[[Scope], Json]
) -> Callable[[Scope], Json]:
    """A path of names; whatever is not simply there is left to the expression. Only objects take a text as index."""

    def direct(scope: Scope) -> Json:
        try:
            value = read(scope)
            for key in keys:
                value = value[key]
        except (KeyError, TypeError):
            return expression(scope)
        kind = type(value)
        if kind is str or kind is bool or (kind is int and -EXACT <= value <= EXACT):
            return value
        return expression(scope) if value is ABSENT else plain(value)

    return direct


def _told(program: Program, scope: Scope, parts: tuple[str, ...]) -> Json:
    """The value of an expression in a scope, or a Fault that says how it went wrong."""
    states = {name: value for name in parts if (value := PARTS[name](scope)) is not ABSENT}
    variables = {**scope.variables, "states": states}
    try:
        value = program.evaluate(UNDEFINED, variables, bounds=scope.bounds, millis=scope.now, chance=scope.entropy)
        if value is not UNDEFINED:
            return plain(value, _Allowance(scope.bounds.memory // 24))
    except JsonataError as error:
        code = error.code.removeprefix("JS:")
        raise Fault(QUERY_ERROR, f"threw an error during evaluation. {code}: {error.message}") from None
    except TypeError:
        raise Fault(QUERY_ERROR, "returned an unsupported result type.") from None
    except RecursionError:
        raise Fault(QUERY_ERROR, "returned a value that is nested too deep.") from None
    raise Fault(QUERY_ERROR, "returned nothing (undefined).")


class _Allowance:
    """How many items a result may still have: one that shares its parts has more than it takes memory."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, count: int) -> None:
        """Take some. Raises JsonataError U1003 where none is left."""
        self.left -= count
        if self.left < 0:
            raise JsonataError("U1003")


def plain(value: Value, allowance: _Allowance | None = None) -> Json:
    """A value as JSON, the same object where it is JSON already: numbers as JavaScript has them, no infinities.

    Raises TypeError for a function or regular expression, JsonataError for more items than are allowed.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -EXACT <= value <= EXACT else _plain_float(float(value))
    if kind is float:
        return _plain_float(value)
    allowance = allowance or _Allowance(sys.maxsize)
    left = allowance.left
    if (kind is dict and _all_plain(value.values(), allowance)) or (kind is list and _all_plain(value, allowance)):
        return value
    allowance.left = left  # what the quick look has seen is seen again
    return _made_plain(value, allowance)


def _made_plain(value: Value, allowance: _Allowance) -> Json:
    kind = type(value)
    if kind is dict:
        allowance.spend(len(value))
        return {key: _made_plain(item, allowance) for key, item in value.items() if item is not UNDEFINED}
    if isinstance(value, (list, range)):
        allowance.spend(len(value))
        return [_made_plain(item, allowance) for item in value]
    if value is UNDEFINED:
        return None
    if kind is int or kind is float or kind is str or kind is bool or value is None:
        return plain(value)
    raise TypeError


def _all_plain(items: Collection[Value], allowance: _Allowance) -> bool:
    """Whether values are JSON already. Most of what comes out was given as it is: this is the quick look."""
    allowance.spend(len(items))
    for item in items:
        kind = type(item)
        if kind is str or kind is bool or item is None:
            continue
        if kind is int:
            if not -EXACT <= item <= EXACT:
                return False
        elif kind is dict:
            if not _all_plain(item.values(), allowance):
                return False
        elif kind is list:
            if not _all_plain(item, allowance):
                return False
        elif kind is not float or _plain_float(item) is not item:
            return False
    return True


def _plain_float(value: float) -> Json:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if not value.is_integer() or abs(value) >= 1e21:
        return value
    return int(value) if -EXACT <= value <= EXACT else int(number_text(value))


def _without_context(tree: Node) -> Iterator[tuple[str, int]]:
    """Where an expression reads a context that nobody gave it.

    Within the steps and predicates of a path, and within a function, there is a context.
    """
    if tree.kind in ("name", "wildcard", "descendant", "parent"):
        yield NO_CONTEXT.format(f"'{tree.value}'"), tree.position - 1
    elif tree.kind == "variable" and tree.value in ("", "$"):
        yield NO_CONTEXT.format(f"'${tree.value}'"), tree.position - 1
    for part in _outer_parts(tree):
        yield from _without_context(part)


def _outer_parts(tree: Node) -> Iterator[Node]:
    """The parts of a construct that are evaluated in its own context."""
    if tree.kind == "path":
        yield tree.parts[0]
    elif tree.kind == "function" or tree.kind == "partial":
        if tree.left is not None and tree.left.kind != "path":
            yield tree.left
        yield from tree.parts
    elif tree.kind not in ("lambda", "transform", "bind"):
        yield from (part for part in (tree.left, tree.right, *tree.parts) if part is not None)
        yield from (part for pair in tree.pairs for part in pair)
    elif tree.kind == "bind" and tree.right is not None:
        yield tree.right
