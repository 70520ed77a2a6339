"""The compiler: from the resolved tree to closures `(input, frame) -> value`, one function per construct.

Rule: what a construct means stands in one function here; paths and their steps are in `paths`. Depth is counted as
jsonata-js counts it, a level for each node that is evaluated inside another; what is certain to be evaluated is known
before a body runs, the rest at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from statelang.language.jsonata import arithmetic, invocations, paths
from statelang.language.jsonata.calls import Body, Evaluate, Lambda
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.grouping import group
from statelang.language.jsonata.run import ARRAY, OBJECT, Frame
from statelang.language.jsonata.transform import transformer
from statelang.language.jsonata.tree import Node, bound_names, makes_functions
from statelang.language.jsonata.values import (
    UNDEFINED,
    Constructed,
    Sequence,
    Value,
    Wrapped,
    boolean,
    is_array,
)


class Compiler:
    """Compiles one expression. `depth` is that of the node at hand within its body, `height` what is certain so far.

    `bound` are the names that the expression binds, all others are given from outside or built-in (`functions`);
    `dynamic`: it may evaluate texts (`$eval`), and then any name may be bound.
    """

    def __init__(self, bound: frozenset[str], functions: Mapping[str, Any], *, dynamic: bool) -> None:
        self.depth = 0
        self.height = 0
        self.bound = bound
        self.functions = functions
        self.dynamic = dynamic

    def node(self, node: Node) -> Evaluate:
        """A node with its predicates and its group."""
        self.depth += 1
        self.height = max(self.height, self.depth)
        evaluate = COMPILE[node.kind](self, node)
        for predicate in node.predicates:
            evaluate = _filtered(evaluate, paths.filter_of(self, predicate))
        if node.group is not None and node.kind != "path":
            evaluate = _grouped(evaluate, self.pairs(node.group), node.group.position)
        if node.kind not in PLAIN or node.predicates or node.keep_array or (node.group and node.kind != "path"):
            evaluate = _unwrapped(evaluate, node.keep_array)
        self.depth -= 1
        return evaluate

    def pairs(self, node: Node) -> list[tuple[Evaluate, Evaluate]]:
        """The keys and values of an object or a group."""
        return [(self.node(key), self.node(value)) for key, value in node.pairs]

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """What is compiled here may never be evaluated."""
        height = self.height
        yield
        self.height = height

    def body(self, node: Node) -> tuple[Evaluate, int]:
        """A lambda's body, and how high it is certain to reach."""
        kept = self.depth, self.height
        self.depth = self.height = 0
        evaluate, height = self.node(node), self.height
        self.depth, self.height = kept
        return evaluate, height

    def arguments(self, node: Node) -> tuple[list[Evaluate], int]:
        """The arguments of a call, and the depth that they are certain to reach."""
        kept, self.height = self.height, self.depth
        made = [self.node(part) for part in node.parts]
        reached = self.height
        self.height = max(kept, reached)
        return made, reached


def _unwrapped(evaluate: Evaluate, keep: bool) -> Evaluate:
    """A sequence of one as that one, and an empty one as nothing."""

    def unwrapped(input: Value, frame: Frame) -> Value:
        value = evaluate(input, frame)
        if isinstance(value, Sequence):
            if keep:
                value.keep = True
            if not value:
                return UNDEFINED
            if len(value) == 1 and not value.keep:
                return value[0]
        return value

    return unwrapped


def _filtered(evaluate: Evaluate, stage: Callable[[Value, Frame], Value]) -> Evaluate:
    def filtered(input: Value, frame: Frame) -> Value:
        value = evaluate(input, frame)
        return stage(value, frame)

    return filtered


def _grouped(evaluate: Evaluate, pairs: list[tuple[Evaluate, Evaluate]], position: int) -> Evaluate:
    return lambda input, frame: group(pairs, evaluate(input, frame), frame, position)


def _literal(compiler: Compiler, node: Node) -> Evaluate:
    value = node.value
    return lambda input, frame: value


def _variable(compiler: Compiler, node: Node) -> Evaluate:
    name = node.value
    if name == "":
        return lambda input, frame: input[0] if type(input) is Wrapped else input
    if compiler.dynamic:
        return lambda input, frame: frame.lookup(name)
    if name not in compiler.bound:
        if name == "$":
            return lambda input, frame: frame.run.root
        builtin = compiler.functions.get(name, UNDEFINED)
        return lambda input, frame: frame.run.variables.get(name, builtin)

    def variable(input: Value, frame: Frame) -> Value:
        names = frame.names
        return names[name] if name in names else frame.lookup(name)

    return variable


def _parent(compiler: Compiler, node: Node) -> Evaluate:
    slot = node.slot
    assert slot is not None
    return lambda input, frame: frame.lookup(slot.label)


def _array(compiler: Compiler, node: Node) -> Evaluate:
    parts = [(compiler.node(part), part.kind == "array") for part in node.parts]
    kind: type[list[Any]] = Constructed if node.constructs else list

    def array(input: Value, frame: Frame) -> Value:
        items: list[Value] = []
        for evaluate, whole in parts:
            value = evaluate(input, frame)
            if value is UNDEFINED:
                continue
            if whole or not is_array(value):
                items.append(value)
            elif type(value) is range and len(parts) == 1:
                return value
            else:
                frame.run.copied(value)
                items.extend(value)
        frame.run.allocate(ARRAY + 8 * len(parts))
        return kind(items)

    return array


def _object(compiler: Compiler, node: Node) -> Evaluate:
    pairs, position = compiler.pairs(node), node.position
    keys = [key.value for key, _ in node.pairs if key.kind == "string" and not key.predicates]
    if len(set(keys)) < len(pairs):
        return lambda input, frame: group(pairs, input, frame, position)
    fields = [(key, evaluate) for key, (_, evaluate) in zip(keys, pairs)]
    size = OBJECT + 16 * len(fields)

    def constructor(input: Value, frame: Frame) -> Value:
        if is_array(input):
            return group(pairs, input, frame, position)
        made: dict[str, Value] = {}
        for key, evaluate in fields:
            value = evaluate(input, frame)
            if value is not UNDEFINED:
                made[key] = value
        frame.run.allocate(size)
        return made

    return constructor


def _block(compiler: Compiler, node: Node) -> Evaluate:
    parts = [compiler.node(part) for part in node.parts]

    def block(input: Value, frame: Frame) -> Value:
        inner = Frame(frame.run, frame, {}, frame.depth)
        value: Value = UNDEFINED
        for part in parts:
            value = part(input, inner)
        return value

    return block


def _condition(compiler: Compiler, node: Node) -> Evaluate:
    test = compiler.node(node.parts[0])
    with compiler.perhaps():
        then = compiler.node(node.parts[1])
        otherwise = compiler.node(node.parts[2]) if len(node.parts) > 2 else lambda input, frame: UNDEFINED
    return lambda input, frame: (
        then(input, frame) if boolean(test(input, frame), frame.run.step) else otherwise(input, frame)
    )


def _bind(compiler: Compiler, node: Node) -> Evaluate:
    assert node.left is not None
    assert node.right is not None
    name, value_of = node.left.value, compiler.node(node.right)

    def bind(input: Value, frame: Frame) -> Value:
        value = value_of(input, frame)
        frame.names[name] = value
        return value

    return bind


def _lambda(compiler: Compiler, node: Node) -> Evaluate:
    assert node.right is not None
    evaluate, height = compiler.body(node.right)
    keeps = compiler.dynamic or makes_functions(node.right)
    body = Body(tuple(part.value for part in node.parts), evaluate, height, node.signature, keeps)
    return lambda input, frame: Lambda(body, frame, input)


def _transform(compiler: Compiler, node: Node) -> Evaluate:
    pattern, update, *delete = [compiler.node(part) for part in node.parts]
    deleted = delete[0] if delete else None
    places = [None if part.kind == "path" else part.position for part in (node, *node.parts[1:])]
    return lambda input, frame: transformer(pattern, update, deleted, frame, places)


def _refuse(code: str) -> Callable[[Compiler, Node], Evaluate]:
    def refuse(compiler: Compiler, node: Node) -> Evaluate:
        raise JsonataError(code, node.position, token=node.value)

    return refuse


COMPILE: Final[dict[str, Callable[[Compiler, Node], Evaluate]]] = {
    "string": _literal,
    "number": _literal,
    "value": _literal,
    "regex": _literal,
    "variable": _variable,
    "parent": _parent,
    "path": paths.compile_path,
    "name": paths.compile_name,
    "wildcard": paths.compile_wildcard,
    "descendant": paths.compile_descendants,
    "binary": arithmetic.compile_binary,
    "negation": arithmetic.compile_negation,
    "array": _array,
    "object": _object,
    "block": _block,
    "condition": _condition,
    "bind": _bind,
    "lambda": _lambda,
    "function": invocations.compile_call,
    "partial": invocations.compile_partial,
    "apply": invocations.compile_apply,
    "transform": _transform,
    "placeholder": _refuse("S0201"),
}

PLAIN: Final = {
    "path",
    "string",
    "number",
    "value",
    "regex",
    "binary",
    "negation",
    "object",
    "lambda",
    "partial",
    "transform",
}
"""Constructs that never give a sequence of one; a path sees to it itself."""


def compile_tree(tree: Node, functions: Mapping[str, Any], *, evaluated: bool = False) -> tuple[Evaluate, int]:
    """The closure of a whole expression, and how deep it is certain to go.

    `evaluated`: it was a text in another expression, whose names it sees.
    """
    bound = bound_names(tree)
    dynamic = evaluated or ("eval" in functions and "eval" in bound)
    return Compiler(bound, functions, dynamic=dynamic).body(tree)
