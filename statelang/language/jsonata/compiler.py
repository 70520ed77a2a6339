"""The compiler: from the resolved tree to closures `(input, frame) -> value`, one function per construct.

Rule: what a construct means stands in one function here; paths and their steps are in `paths`. Depth is counted as
jsonata-js counts it, a level for each node that is evaluated inside another; what is certain to be evaluated is known
before a body runs, the rest at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from statelang.language.jsonata import paths
from statelang.language.jsonata.calls import (
    Composed,
    Evaluate,
    Function,
    Lambda,
    Partial,
    TailCall,
    call,
    named,
    unwrapped,
)
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.grouping import group
from statelang.language.jsonata.operators import OPERATORS, range_of
from statelang.language.jsonata.regexes import Regex
from statelang.language.jsonata.run import Frame
from statelang.language.jsonata.transform import transformer
from statelang.language.jsonata.tree import Node
from statelang.language.jsonata.values import (
    UNDEFINED,
    Constructed,
    Sequence,
    Value,
    Wrapped,
    boolean,
    is_array,
    is_numeric,
)


class Compiler:
    """Compiles one expression. `depth` is that of the node at hand within its body, `height` what is certain so far."""

    def __init__(self) -> None:
        self.depth = 0
        self.height = 0

    def node(self, node: Node) -> Evaluate:
        """A node with its predicates and its group."""
        self.depth += 1
        self.height = max(self.height, self.depth)
        evaluate = COMPILE[node.kind](self, node)
        for predicate in node.predicates:
            evaluate = _filtered(evaluate, paths.filter_of(self, predicate))
        if node.group is not None and node.kind != "path":
            evaluate = _grouped(evaluate, self.pairs(node.group), node.group.position)
        if node.kind not in PLAIN or node.predicates or node.keep_array:
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

    def variable(input: Value, frame: Frame) -> Value:
        scope: Frame | None = frame
        while scope is not None:
            names = scope.names
            if name in names:
                return names[name]
            scope = scope.parent
        return UNDEFINED

    return variable


def _parent(compiler: Compiler, node: Node) -> Evaluate:
    slot = node.slot
    assert slot is not None
    return lambda input, frame: frame.lookup(slot.label)


def _binary(compiler: Compiler, node: Node) -> Evaluate:
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

    def binary(input: Value, frame: Frame) -> Value:
        one, other = left(input, frame), right(input, frame)
        try:
            return perform(one, other, frame.run)
        except JsonataError as problem:
            named(problem, operator, position)
            raise

    return binary


def _logical(left: Evaluate, right: Evaluate, operator: str, position: int) -> Evaluate:
    """`and` and `or`; an error of the right side is told as theirs, as jsonata-js does."""
    decisive = operator == "or"

    def logical(input: Value, frame: Frame) -> Value:
        if boolean(left(input, frame)) is decisive:
            return decisive
        try:
            return boolean(right(input, frame))
        except JsonataError as problem:
            problem.position = position
            problem.told["token"] = operator
            raise

    return logical


def _negation(compiler: Compiler, node: Node) -> Evaluate:
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
                items.extend(value)
        return kind(items)

    return array


def _object(compiler: Compiler, node: Node) -> Evaluate:
    pairs, position = compiler.pairs(node), node.position
    return lambda input, frame: group(pairs, input, frame, position)


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
    return lambda input, frame: then(input, frame) if boolean(test(input, frame)) else otherwise(input, frame)


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
    body, height = compiler.body(node.right)
    parameters, signature = tuple(part.value for part in node.parts), node.signature
    return lambda input, frame: Lambda(parameters, body, height, frame, input, signature)


def _function_name(node: Node) -> tuple[Node, str | None]:
    """What is called, and its name where it has one."""
    procedure = node.left
    assert procedure is not None
    name = procedure.parts[0].value if procedure.kind == "path" else procedure.value
    if procedure.kind in ("lambda", "block"):
        name = None
    return procedure, name if isinstance(name, str) else None


def _function(compiler: Compiler, node: Node, applied: Evaluate | None = None) -> Evaluate:
    """A call; `applied` gives a first argument (`~>`)."""
    procedure, name = _function_name(node)
    find = compiler.node(procedure)
    arguments, reached = compiler.arguments(node)
    depth, position, bare = compiler.depth, node.position, procedure.kind == "path"
    thunk = node.thunk and applied is None

    def function(input: Value, frame: Frame) -> Value:
        target = find(input, frame)
        if target is UNDEFINED and bare and frame.lookup(str(name)) is not UNDEFINED:
            raise JsonataError("T1005", position, token=name)
        if frame.depth + reached > frame.run.bounds.depth:
            raise JsonataError("U1001", position)
        given = [] if applied is None else [applied(input, frame)]
        given += [argument(input, frame) for argument in arguments]
        if thunk:
            if type(target) is Lambda:
                return TailCall(target, given, name, position)
            given = [unwrapped(argument) for argument in given]
        try:
            return call(frame.run, target, given, input, frame.depth + depth)
        except JsonataError as problem:
            named(problem, name, position)
            raise

    return function


def _partial(compiler: Compiler, node: Node) -> Evaluate:
    procedure, name = _function_name(node)
    find, position, bare = compiler.node(procedure), node.position, procedure.kind == "path"
    parts = [None if part.kind == "placeholder" else compiler.node(part) for part in node.parts]

    def partial(input: Value, frame: Frame) -> Value:
        given = tuple(None if part is None else (part(input, frame),) for part in parts)
        target = find(input, frame)
        if target is UNDEFINED and bare and frame.lookup(str(name)) is not UNDEFINED:
            raise JsonataError("T1007", position, token=name)
        if not isinstance(target, Function):
            raise JsonataError("T1008", position, token=name)
        return Partial(target, given)

    return partial


def _apply(compiler: Compiler, node: Node) -> Evaluate:
    assert node.left is not None
    assert node.right is not None
    left = compiler.node(node.left)
    if node.right.kind == "function":  # as jsonata-js does, without looking at its predicates
        return _function(compiler, node.right, left)
    right, position, depth = compiler.node(node.right), node.position, compiler.depth

    def apply(input: Value, frame: Frame) -> Value:
        value, target = left(input, frame), right(input, frame)
        if not isinstance(target, (Function, Regex)):
            raise JsonataError("T2006", position, value=target)
        if isinstance(value, Function):
            return Composed(value, target)
        return call(frame.run, target, [value], None, frame.depth + depth)

    return apply


def _transform(compiler: Compiler, node: Node) -> Evaluate:
    pattern, update, *delete = [compiler.node(part) for part in node.parts]
    deleted, position = (delete[0] if delete else None), node.position
    return lambda input, frame: transformer(pattern, update, deleted, frame, position)


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
    "binary": _binary,
    "negation": _negation,
    "array": _array,
    "object": _object,
    "block": _block,
    "condition": _condition,
    "bind": _bind,
    "lambda": _lambda,
    "function": _function,
    "partial": _partial,
    "apply": _apply,
    "transform": _transform,
    "placeholder": _refuse("S0201"),
}

PLAIN: Final = {"string", "number", "value", "regex", "binary", "negation", "object", "lambda", "partial", "transform"}
"""Constructs that never give a sequence."""


def compile_tree(tree: Node) -> tuple[Evaluate, int]:
    """The closure of a whole expression, and how deep it is certain to go."""
    return Compiler().body(tree)
