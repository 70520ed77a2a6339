"""Signatures of functions: `<s-nn?:s>`, what they accept, and what they make of arguments.

Rule: an argument that is missing may be taken from the context where the signature says so (`-`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.values import UNDEFINED, Constructed, Sequence, Tuples, Value, Wrapped

ARRAYS: Final = {"a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings"}

_ACCEPTED: Final = {
    **{symbol: f"{symbol}m" for symbol in "snblo"},
    "a": "asnblfom",
    "f": "f",
    "j": "asnblom",
    "x": "asnblfom",
}

MOST_KNOWN: Final = 64
"""Of how many combinations of types a signature remembers that they pass."""


@dataclass(slots=True)
class Parameter:
    """`accepted` are the symbols of arguments that it takes; `quantifier` is how many, as in a regular expression: one,
    `?` or `+`, and with another `?` as few as possible. `context`: what may come from the context.
    """

    kind: str
    accepted: str
    quantifier: str = ""
    context: str | None = None
    items: str | None = None

    def before(self, symbols: str, after: list[bool]) -> list[bool]:
        """Where it can begin, given where what follows can."""
        found = [False] * len(after)
        for at in range(len(symbols) - 1, -1, -1):
            more = self.quantifier[:1] == "+" and found[at + 1]
            found[at] = symbols[at] in self.accepted and (after[at + 1] or more)
        return [one or other for one, other in zip(found, after)] if self.quantifier[:1] == "?" else found

    def end(self, symbols: str, at: int, after: list[bool]) -> int:
        """Where it ends, of all places where what follows can begin: the last, or the first if it takes few."""
        ends = [at] if self.quantifier[:1] == "?" and after[at] else []
        most = len(symbols) if self.quantifier[:1] == "+" else min(at + 1, len(symbols))
        while at < most and symbols[at] in self.accepted:
            at += 1
            if after[at]:
                ends.append(at)
        return ends[0 if len(self.quantifier) == 2 else -1]


def _shares(parameters: tuple[Parameter, ...], symbols: str, *, whole: bool) -> list[str] | None:
    """What each parameter takes of the symbols, from the left; None where they do not fit. `whole`: all are taken."""
    ways = [[not whole] * len(symbols) + [True]]
    for parameter in reversed(parameters):
        ways.append(parameter.before(symbols, ways[-1]))
    if not ways.pop()[0]:
        return None
    shares, at = [], 0
    for parameter, after in zip(parameters, reversed(ways)):
        end = parameter.end(symbols, at, after)
        shares.append(symbols[at:end])
        at = end
    return shares


class Signature:
    """The parameters of a function."""

    __slots__ = ("_passing", "parameters", "text")

    def __init__(self, text: str, parameters: tuple[Parameter, ...]) -> None:
        self.text = text
        self.parameters = parameters
        self._passing: dict[str, tuple[tuple[int, frozenset[type]], ...]] = {}

    def checked(self, arguments: list[Value], context: Value) -> list[Value]:
        """The arguments as the function gets them. Raises JsonataError T0410, T0411, T0412."""
        if len(arguments) == 1:
            symbols = SYMBOLS.get(type(arguments[0])) or symbol(arguments[0])
        else:
            symbols = "".join([SYMBOLS.get(type(argument)) or symbol(argument) for argument in arguments])
        passing = self._passing.get(symbols)
        if passing is None:
            return self._checked(arguments, context, symbols)
        for index, kinds in passing:
            if not kinds.issuperset(map(type, arguments[index])):
                return self._checked(arguments, context, symbols)
        return arguments

    def _checked(self, arguments: list[Value], context: Value, symbols: str) -> list[Value]:
        shares = _shares(self.parameters, symbols, whole=True)
        if shares is None:
            raise self._refused(arguments, symbols)
        checked: list[Value] = []
        passing: list[tuple[int, frozenset[type]]] = []
        at, whole = 0, True
        for parameter, taken in zip(self.parameters, shares):
            if taken == "" and parameter.context is not None:
                if symbol(context) not in parameter.context:
                    raise JsonataError("T0411", value=context, index=at + 1)
                checked.append(context)
                whole = False
            elif taken == "":
                checked.append(_at(arguments, at))
                whole = whole and at >= len(arguments)
                at += 1
            first = at  # what is not an array is taken once for all that a `+` takes, as in jsonata-js
            for single in taken:
                given = _at(arguments, at if parameter.kind == "a" else first)
                made = self._array(parameter, given, single, taken, at)
                checked.append(made)
                whole = whole and at < len(arguments) and made is arguments[at]
                if parameter.items is not None and single == "a":
                    passing.append((at, KINDS.get(parameter.items, frozenset())))
                at += 1
        if whole and at >= len(arguments) and len(self._passing) < MOST_KNOWN:
            self._passing[symbols] = tuple(passing)
        return checked

    def _array(self, parameter: Parameter, argument: Value, single: str, taken: str, at: int) -> Value:
        if parameter.kind != "a":
            return argument
        if single == "m":
            return UNDEFINED
        wanted = parameter.items
        if wanted is not None:
            if single != "a":
                fits = taken == wanted
            else:
                found = {symbol(item) for item in argument}
                fits = not found or found == {wanted[0]}
            if not fits:
                raise JsonataError("T0412", value=argument, index=at + 1, type=ARRAYS.get(wanted, wanted))
        return argument if single == "a" else [argument]

    def _refused(self, arguments: list[Value], symbols: str) -> JsonataError:
        good = 0
        for count in range(1, len(self.parameters) + 1):
            shares = _shares(self.parameters[:count], symbols, whole=False)
            if shares is None:
                break
            good = sum(map(len, shares))
        return JsonataError("T0410", value=_at(arguments, good), index=good + 1)


def _at(arguments: list[Value], index: int) -> Value:
    return arguments[index] if index < len(arguments) else UNDEFINED


SYMBOLS: Final[dict[type, str]] = {
    str: "s",
    int: "n",
    float: "n",
    bool: "b",
    type(None): "l",
    type(UNDEFINED): "m",
    list: "a",
    range: "a",
    Sequence: "a",
    Constructed: "a",
    Wrapped: "a",
    Tuples: "a",
    dict: "o",
}
"""Type -> the one-letter type of its values."""

KINDS: Final[dict[str, frozenset[type]]] = {
    "n": frozenset((int, float)),
    "s": frozenset((str,)),
    "b": frozenset((bool,)),
    "o": frozenset((dict,)),
}
"""What the items of an array may be, where it says so."""


def symbol(value: Value) -> str:
    """The one-letter type of a value; `m` is missing."""
    return SYMBOLS.get(type(value), "f")


@lru_cache(maxsize=512)
def parse_signature(text: str, start: int = 0) -> Signature:
    """A signature in its angle brackets. Raises JsonataError S0401, S0402."""
    parameters: list[Parameter] = []
    at = 1
    while at < len(text):
        character = text[at]
        if character == ":":
            break
        if character in _ACCEPTED:
            parameters.append(Parameter(character, _ACCEPTED[character]))
        elif character in "-?+" and parameters:
            _quantify(parameters[-1], character)
        elif character == "(":
            end = _closing(text, at, "(", ")")
            choice = text[at + 1 : end]
            if "<" in choice:
                raise JsonataError("S0402", start + at, value=choice)
            parameters.append(Parameter(f"({choice})", f"{choice}m"))
            at = end
        elif character == "<" and parameters:
            if parameters[-1].kind not in ("a", "f"):
                raise JsonataError("S0401", start + at, value=parameters[-1].kind)
            end = _closing(text, at, "<", ">")
            parameters[-1].items = text[at + 1 : end]
            at = end
        at += 1
    return Signature(text, tuple(parameters))


def _quantify(parameter: Parameter, character: str) -> None:
    """Raises JsonataError for a quantifier of which JavaScript could make no regular expression."""
    if character == "-":
        parameter.context = _ANY if "?" in parameter.quantifier else parameter.accepted
    parameter.quantifier += character.replace("-", "?")
    if parameter.quantifier not in ("?", "+", "??", "+?"):
        raise JsonataError("JS:SyntaxError", template="Invalid regular expression: Nothing to repeat")


_ANY: Final = "asnblfom"


def _closing(text: str, at: int, opening: str, closing: str) -> int:
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] == opening) - (text[end] == closing)
        if depth == 0:
            return end
    return len(text)
