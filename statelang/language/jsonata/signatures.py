"""Signatures of functions: `<s-nn?:s>`, what they accept, and what they make of arguments.

Rule: an argument that is missing may be taken from the context where the signature says so (`-`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.values import UNDEFINED, Constructed, Sequence, Tuples, Value, Wrapped

ARRAYS: Final = {"a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings"}

_PATTERNS: Final = {
    **{symbol: f"[{symbol}m]" for symbol in "snblo"},
    "a": "[asnblfom]",
    "f": "f",
    "j": "[asnblom]",
    "x": "[asnblfom]",
}


@dataclass(slots=True)
class Parameter:
    """`pattern` matches the symbols of arguments; `context`: it may come from the context."""

    kind: str
    pattern: str
    context: str | None = None
    items: str | None = None


class Signature:
    """The parameters of a function."""

    __slots__ = ("_passing", "_pattern", "parameters", "text")

    def __init__(self, text: str, parameters: tuple[Parameter, ...]) -> None:
        self.text = text
        self.parameters = parameters
        self._pattern: re.Pattern[str] | None = None
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
        if self._pattern is None:  # made when first needed: most signatures never are
            self._pattern = re.compile("".join(f"({parameter.pattern})" for parameter in self.parameters))
        match = self._pattern.fullmatch(symbols)
        if match is None:
            raise self._refused(arguments, symbols)
        checked: list[Value] = []
        passing: list[tuple[int, frozenset[type]]] = []
        at, whole = 0, True
        for number, parameter in enumerate(self.parameters, start=1):
            taken = match[number]
            if taken == "" and parameter.context is not None:
                if not re.fullmatch(parameter.context, symbol(context)):
                    raise JsonataError("T0411", value=context, index=at + 1)
                checked.append(context)
                whole = False
            elif taken == "":
                checked.append(arguments[at] if at < len(arguments) else UNDEFINED)
                whole = whole and at >= len(arguments)
                at += 1
            for single in taken:
                made = self._array(parameter, arguments[at], single, taken, at)
                checked.append(made)
                whole = whole and made is arguments[at]
                if parameter.items is not None and single == "a":
                    passing.append((at, KINDS.get(parameter.items, frozenset())))
                at += 1
        if whole and at >= len(arguments):
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
        pattern, good = "", 0
        for parameter in self.parameters:
            pattern += parameter.pattern
            match = re.match(pattern, symbols)
            if match is None:
                return JsonataError("T0410", value=_at(arguments, good), index=good + 1)
            good = match.end()
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
        if character in _PATTERNS:
            parameters.append(Parameter(character, _PATTERNS[character]))
        elif character == "-" and parameters:
            parameters[-1].context = parameters[-1].pattern
            parameters[-1].pattern += "?"
        elif character in "?+" and parameters:
            parameters[-1].pattern += character
        elif character == "(":
            end = _closing(text, at, "(", ")")
            choice = text[at + 1 : end]
            if "<" in choice:
                raise JsonataError("S0402", start + at, value=choice)
            parameters.append(Parameter(f"({choice})", f"[{choice}m]"))
            at = end
        elif character == "<" and parameters:
            if parameters[-1].kind not in ("a", "f"):
                raise JsonataError("S0401", start + at, value=parameters[-1].kind)
            end = _closing(text, at, "<", ">")
            parameters[-1].items = text[at + 1 : end]
            at = end
        at += 1
    return Signature(text, tuple(parameters))


def _closing(text: str, at: int, opening: str, closing: str) -> int:
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] == opening) - (text[end] == closing)
        if depth == 0:
            return end
    return len(text)
