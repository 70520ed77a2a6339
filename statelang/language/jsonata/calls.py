"""Functions as values, and what it means to call them.

Rule: a call in tail position never adds a level of Python's stack: it comes back as a TailCall and is done in a loop.
Every other call is counted in depth, which is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.regexes import Match, Regex, join_pairs, split_pairs
from statelang.language.jsonata.run import Frame, Run
from statelang.language.jsonata.signatures import Signature
from statelang.language.jsonata.text import text_of
from statelang.language.jsonata.values import UNDEFINED, Value

Evaluate = Callable[[Value, Frame], Value]


class Function:
    """Anything that can be called. `arity` is how many arguments it looks at."""

    __slots__ = ()
    arity: int


@dataclass(eq=False, slots=True)
class Native(Function):
    """A built-in: `perform(run, *arguments)`, which gets checked arguments."""

    name: str
    signature: Signature | None
    perform: Callable[..., Value]
    arity: int
    contextual: bool = False
    """Whether it wants to know the context: as `input`."""


@dataclass(eq=False, slots=True)
class Lambda(Function):
    """A function of the expression, with the scope it was made in."""

    parameters: tuple[str, ...]
    body: Evaluate
    height: int
    frame: Frame
    input: Value
    signature: Signature | None
    arity: int = field(init=False)

    def __post_init__(self) -> None:
        self.arity = len(self.parameters)


@dataclass(eq=False, slots=True)
class Partial(Function):
    """A function of which some arguments are given already; None stands for those that are not."""

    function: Function
    given: tuple[tuple[Value] | None, ...]
    arity: int = field(init=False)

    def __post_init__(self) -> None:
        self.arity = sum(item is None for item in self.given)


@dataclass(eq=False, slots=True)
class Composed(Function):
    """`$f ~> $g`: the second of what the first gives."""

    first: Function
    second: Value
    arity: int = 1


@dataclass(eq=False, slots=True)
class TailCall:
    """A call that is left to whoever called the function which ends with it."""

    function: Value
    arguments: list[Value]
    token: str | None
    position: int


@dataclass(eq=False, slots=True)
class Unwrapped(Function):
    """A built-in among the arguments of a call in tail position: jsonata-js forgets there to make it callable."""

    function: Function
    arity: int


def unwrapped(argument: Value) -> Value:
    """An argument as a built-in gets it in tail position."""
    return Unwrapped(argument, argument.arity) if isinstance(argument, (Native, Partial)) else argument


def call(run: Run, function: Value, arguments: Sequence[Value], input: Value = None, depth: int = 0) -> Value:
    """What a function gives. Raises JsonataError."""
    result = _call(run, function, list(arguments), input, depth)
    while type(result) is TailCall:
        run.step()
        try:
            result = _call(run, result.function, result.arguments, input, depth)
        except JsonataError as problem:
            named(problem, result.token, result.position)
            raise
    return result


def named(problem: JsonataError, token: str | None, position: int) -> None:
    """Let an error say where it happened, if it does not yet."""
    if problem.position is None:
        problem.position = position
    if token is not None:
        problem.told.setdefault("token", token)


def _call(run: Run, function: Value, arguments: list[Value], input: Value, depth: int) -> Value:
    kind = type(function)
    if kind is Native:
        if function.signature is not None:
            arguments = function.signature.checked(arguments, input)
        if function.contextual:
            return function.perform(run, *arguments, input=input)
        return function.perform(run, *arguments)
    if kind is Lambda:
        return _lambda(run, function, arguments, input, depth)
    if kind is Partial:
        rest = iter(arguments)
        filled = [next(rest, UNDEFINED) if item is None else item[0] for item in function.given]
        return _call(run, function.function, [*filled, *rest], input, depth)
    if kind is Composed:
        return call(run, function.second, [call(run, function.first, arguments, input, depth)], input, depth)
    if kind is Regex:
        text = arguments[0] if arguments else UNDEFINED
        return matched(function.matches(split_pairs(text if isinstance(text, str) else text_of(text) or "undefined")))
    if kind is Unwrapped:
        raise JsonataError("JS:TypeError", template="func.apply is not a function")
    raise JsonataError("T1006")


def matched(found: Iterator[Match]) -> Value:
    """The next match of a regular expression, as a matcher function gives it."""
    match = next(found, None)
    if match is None:
        return UNDEFINED
    return {
        "match": join_pairs(match.text),
        "start": match.start,
        "end": match.end,
        "groups": [UNDEFINED if group is None else join_pairs(group) for group in match.groups],
        "next": Native("next", None, lambda run, *rest: matched(found), 0),
    }


def _lambda(run: Run, function: Lambda, arguments: list[Value], input: Value, depth: int) -> Value:
    if function.signature is not None:
        arguments = function.signature.checked(arguments, input)
    run.step()
    if depth + function.height > run.bounds.depth:
        raise JsonataError("U1001")
    given = len(arguments)
    names = {name: arguments[index] if index < given else UNDEFINED for index, name in enumerate(function.parameters)}
    frame = Frame(run, function.frame, names, depth)
    return function.body(function.input, frame)
