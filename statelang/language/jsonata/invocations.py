"""Calls: of functions, of functions with some arguments left open, and with `~>`.

Rule: a built-in that is called by its own name costs no more than the check of its arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statelang.language.jsonata.calls import (
    Composed,
    Evaluate,
    Lambda,
    Native,
    Partial,
    TailCall,
    begun,
    call,
    finished,
    named,
    perform,
    unwrapped,
)
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.regexes import Regex
from statelang.language.jsonata.run import Frame
from statelang.language.jsonata.tree import Node
from statelang.language.jsonata.values import UNDEFINED, Function, Value

if TYPE_CHECKING:
    from statelang.language.jsonata.compiler import Compiler


def _procedure(node: Node) -> tuple[Node, str | None]:
    """What is called, and its name where it has one."""
    procedure = node.left
    assert procedure is not None
    if procedure.kind in ("lambda", "block"):
        return procedure, None
    name = procedure.parts[0].value if procedure.kind == "path" else procedure.value
    return procedure, name if isinstance(name, str) else None


def compile_call(compiler: Compiler, node: Node, applied: Evaluate | None = None) -> Evaluate:
    """A call; `applied` gives a first argument (`~>`)."""
    procedure, name = _procedure(node)
    find = compiler.node(procedure)
    arguments, reached = compiler.arguments(node)
    if applied is not None:
        arguments = [applied, *arguments]
    depth, position, bare = compiler.depth, node.position, procedure.kind == "path"
    if node.thunk and applied is None:
        return _tail_call(find, arguments, name, position, depth, reached)
    dynamic, deepest = compiler.dynamic, max(reached, depth)

    def function(input: Value, frame: Frame) -> Value:
        target = find(input, frame)
        run = frame.run
        if frame.depth + deepest > run.bounds.depth:
            raise JsonataError("U1001", position)
        if type(target) is not Native and target is UNDEFINED and bare and frame.lookup(str(name)) is not UNDEFINED:
            raise JsonataError("T1005", position, token=name)
        given = [argument(input, frame) for argument in arguments]
        if dynamic:
            run.frame = frame
        try:
            if type(target) is Native:
                return perform(run, target, given, input, frame.depth + depth)
            return finished(run, begun(run, target, given, input, frame.depth + depth), input, frame.depth + depth)
        except JsonataError as problem:
            named(problem, name, None)
            problem.position = position  # that of the outermost call, as jsonata-js tells it
            raise

    return function


def _tail_call(
    find: Evaluate, arguments: list[Evaluate], name: str | None, position: int, depth: int, reached: int
) -> Evaluate:
    """The call that a lambda ends with."""

    def tail_call(input: Value, frame: Frame) -> Value:
        target = find(input, frame)
        run = frame.run
        if frame.depth + reached > run.bounds.depth:
            raise JsonataError("U1001", position)
        given = [argument(input, frame) for argument in arguments]
        if type(target) is not Lambda:
            run.frame = frame
            given = [unwrapped(argument, target) for argument in given]
        return TailCall(target, given, name, position)

    return tail_call


def compile_partial(compiler: Compiler, node: Node) -> Evaluate:
    """A call with placeholders: a function of what is left open."""
    procedure, name = _procedure(node)
    find, position, bare = compiler.node(procedure), node.position, procedure.kind == "path"
    parts = [None if part.kind == "placeholder" else compiler.node(part) for part in node.parts]

    def partial(input: Value, frame: Frame) -> Value:
        given = tuple(None if part is None else (part(input, frame),) for part in parts)
        target = find(input, frame)
        if target is UNDEFINED and bare and frame.lookup(str(name)) is not UNDEFINED:
            raise JsonataError("T1007", position, token=name)
        if not isinstance(target, Function):
            raise JsonataError("T1008", position, token=name)
        if type(target) is Native:
            given = tuple(item and (unwrapped(item[0], target),) for item in given)
        return Partial(target, given)

    return partial


def compile_apply(compiler: Compiler, node: Node) -> Evaluate:
    """`~>`: what stands on the left as the first argument; two functions make one."""
    assert node.left is not None
    assert node.right is not None
    left = compiler.node(node.left)
    if node.right.kind == "function":  # as jsonata-js does, without looking at its predicates
        return compile_call(compiler, node.right, left)
    right, position, depth, dynamic = compiler.node(node.right), node.position, compiler.depth, compiler.dynamic

    def apply(input: Value, frame: Frame) -> Value:
        value, target = left(input, frame), right(input, frame)
        if not isinstance(target, (Function, Regex)):
            raise JsonataError("T2006", position, value=target)
        if isinstance(value, (Function, Regex)):
            return Composed(value, target)
        if dynamic:
            frame.run.frame = frame
        return call(frame.run, target, [value], None, frame.depth + depth)

    return apply
