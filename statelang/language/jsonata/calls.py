"""Functions as values, and what it means to call them.

Rule: a call in tail position never adds a level of Python's stack: it comes back as a TailCall and is done in a loop.
Every other call is counted in depth, which is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.regexes import Match, Regex, join_pairs, split_pairs
from statelang.language.jsonata.run import Frame, Run
from statelang.language.jsonata.signatures import Signature
from statelang.language.jsonata.text import script_text
from statelang.language.jsonata.values import UNDEFINED, Function, Value

Evaluate = Callable[[Value, Frame], Value]

CALL: Final = 3
"""How many steps a call of a lambda is worth."""


@dataclass(eq=False, slots=True)
class Native(Function):
    """A built-in: `perform(run, *arguments)`, which gets checked arguments."""

    name: str | None
    signature: Signature | None
    perform: Callable[..., Value]
    arity: int
    contextual: bool = False
    """Whether it wants to know the context: as `input`."""

    @property
    def required(self) -> int:
        """How many arguments there are."""
        return 0 if self.signature is None else len(self.signature.parameters)


@dataclass(frozen=True, slots=True)
class Body:
    """What is known of a lambda before it runs.

    `height` is how deep its body is certain to go. `keeps`: it may keep its frame after it is done, because it makes
    functions or assigns variables.
    """

    parameters: tuple[str, ...]
    evaluate: Evaluate
    height: int
    signature: Signature | None
    keeps: bool


@dataclass(eq=False, slots=True)
class Lambda(Function):
    """A function of the expression, with the scope it was made in."""

    body: Body
    frame: Frame
    input: Value
    arity: int = field(init=False)

    def __post_init__(self) -> None:
        self.arity = len(self.body.parameters)


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

    first: Value
    second: Value
    arity: int = 1


@dataclass(eq=False, slots=True)
class Unwrapped(Function):
    """A built-in among the arguments of a call in tail position, or of a built-in that is applied partially: jsonata-js
    forgets there to make it callable.
    """

    function: Function
    arity: int


@dataclass(eq=False, slots=True)
class TailCall:
    """A call that is left to whoever called the function which ends with it."""

    function: Value
    arguments: list[Value]
    token: str | None
    position: int


def unwrapped(argument: Value, target: Value) -> Value:
    """An argument as a built-in gets it in tail position: `$sort` cannot even call lambdas there."""
    callable = isinstance(argument, Lambda) and not (type(target) is Native and target.name == "sort")
    if callable or not isinstance(argument, (Native, Partial, Lambda)):
        return argument
    return Unwrapped(argument, argument.arity)


def named(problem: JsonataError, token: str | None, position: int | None) -> None:
    """Let an error say where it happened, if it does not yet."""
    if problem.position is None:
        problem.position = position
    if token is not None:
        problem.told.setdefault("token", token)


def call(run: Run, function: Value, arguments: Sequence[Value], input: Value = None, depth: int | None = None) -> Value:
    """What a function gives, called by a built-in or with `~>`: there is no context then. Raises JsonataError."""
    depth = run.depth if depth is None else depth
    if type(function) is Native:
        try:
            return perform(run, function, list(arguments), input, depth)
        except JsonataError as problem:
            named(problem, function.name, None)
            raise
    return finished(run, begun(run, function, list(arguments), input, depth), input, depth)


def finished(run: Run, result: Value, input: Value, depth: int) -> Value:
    """What is left after the tail calls that a result stands for."""
    while type(result) is TailCall:
        run.step()
        try:
            result = begun(run, result.function, result.arguments, input, depth)
        except JsonataError as problem:
            named(problem, result.token, result.position)
            raise
    return result


def perform(run: Run, function: Native, arguments: list[Value], input: Value, depth: int) -> Value:
    """What a built-in gives."""
    run.depth = depth
    if function.signature is not None:
        arguments = function.signature.checked(arguments, input)
    if function.contextual:
        return function.perform(run, *arguments, input=input)
    return function.perform(run, *arguments)


def begun(run: Run, function: Value, arguments: list[Value], input: Value, depth: int) -> Value:
    """What a function gives, or the call that it ends with."""
    kind = type(function)
    if kind is Lambda:
        return _lambda(run, function, arguments, input, depth)
    if kind is Native:
        return perform(run, function, arguments, input, depth)
    if kind is Partial:
        return _filled(run, function, arguments, depth)
    if kind is Composed:
        given = _link(run, function.first, arguments, depth, "f", 39)
        return _link(run, function.second, [given], depth, "g", 35)
    if kind is Regex:
        text = script_text(arguments[0] if arguments else UNDEFINED, run)
        start = arguments[1] if len(arguments) > 1 and type(arguments[1]) is int else 0
        return matched(function.matches(split_pairs(text), run.step, max(0, start)))
    if kind is Unwrapped:
        raise JsonataError("JS:TypeError", template="func.apply is not a function")
    raise JsonataError("T1006")


def _link(run: Run, function: Value, arguments: list[Value], depth: int, token: str, position: int) -> Value:
    """One of two functions that are chained: in jsonata-js they are the `$f` and `$g` of a lambda of its own."""
    try:
        return finished(run, begun(run, function, arguments, None, depth), None, depth)
    except JsonataError as problem:
        named(problem, token, position)
        raise


def _filled(run: Run, function: Partial, arguments: list[Value], depth: int) -> Value:
    """A partial application with the rest of its arguments; nobody checks them then, as in jsonata-js."""
    rest = iter(arguments)
    filled = [next(rest, UNDEFINED) if item is None else item[0] for item in function.given]
    target = function.function
    if type(target) is Lambda:
        return _lambda(run, replace(target, body=replace(target.body, signature=None)), filled, None, depth)
    if type(target) is Partial:
        return _filled(run, target, filled, depth)
    if type(target) is not Native:
        return begun(run, target, filled, None, depth)
    run.depth = depth
    given = [*filled, *[UNDEFINED] * target.required][: target.required]
    if target.signature is not None and given and given[0] is not UNDEFINED:
        for parameter, value in zip(target.signature.parameters, given):
            if parameter.kind == "s" and not isinstance(value, str) and value is not UNDEFINED:
                raise JsonataError("JS:TypeError", template="a string is wanted")
    try:
        return target.perform(run, *given, **({"input": None} if target.contextual else {}))
    except (TypeError, ValueError, AttributeError) as problem:
        raise JsonataError("JS:TypeError", template=str(problem)) from None


def _lambda(run: Run, function: Lambda, arguments: list[Value], input: Value, depth: int) -> Value:
    body = function.body
    if body.signature is not None:
        arguments = body.signature.checked(arguments, input)
    run.step(CALL)
    if depth + body.height > run.bounds.depth:
        raise JsonataError("U1001")
    given = len(arguments)
    names = {name: arguments[index] if index < given else UNDEFINED for index, name in enumerate(body.parameters)}
    return body.evaluate(function.input, Frame(run, function.frame, names, depth))


def applied(run: Run, function: Value, most: int = 3) -> Callable[..., Value]:
    """A function as higher-order functions call it, again and again: with as many arguments as it looks at."""
    if type(function) is Lambda and function.body.signature is None and not function.body.keeps:
        return _repeated(run, function, most)
    count = min(most, max(1, function.arity)) if isinstance(function, Function) else 2
    depth = run.depth
    return lambda *arguments: call(run, function, arguments[:count], None, depth)


def _repeated(run: Run, function: Lambda, most: int) -> Callable[..., Value]:
    """A lambda that keeps nothing: one frame serves all calls, one after the other."""
    body, depth, input = function.body, run.depth, function.input
    if depth + body.height > run.bounds.depth:
        raise JsonataError("U1001")
    evaluate, names = body.evaluate, dict.fromkeys(body.parameters, UNDEFINED)
    frame = Frame(run, function.frame, names, depth)
    if len(body.parameters) == 1 and most > 0:
        (name,) = body.parameters

        def one(value: Value, index: Value = None, values: Value = None) -> Value:
            names[name] = value
            result = evaluate(input, frame)
            return result if type(result) is not TailCall else finished(run, result, None, depth)

        return one
    parameters = body.parameters[:most]

    def many(*arguments: Value) -> Value:
        names.update(zip(parameters, arguments))
        result = evaluate(input, frame)
        return result if type(result) is not TailCall else finished(run, result, None, depth)

    return many


def matched(found: Iterator[Match]) -> Value:
    """The next match of a regular expression, as a matcher function gives it."""
    match = next(found, None)
    return UNDEFINED if match is None else answer(match, found)


def answer(match: Match, found: Iterator[Match]) -> Value:
    """A match as a matcher function answers with it; `found` are those that follow."""
    return {
        "match": join_pairs(match.text),
        "start": match.start,
        "end": match.end,
        "groups": [UNDEFINED if group is None else join_pairs(group) for group in match.groups],
        "next": Native("next", None, lambda run, *rest: matched(found), 0),
    }
