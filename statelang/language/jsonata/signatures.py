"""Signatures of functions: `<s-nn?:s>`, what they accept, and what they make of arguments.

Rule: an argument that is missing may be taken from the context where the signature says so (`-`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.values import UNDEFINED, Value, is_array, is_number

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


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a function."""

    text: str
    parameters: tuple[Parameter, ...]
    pattern: re.Pattern[str]

    def checked(self, arguments: list[Value], context: Value) -> list[Value]:
        """The arguments as the function gets them. Raises JsonataError T0410, T0411, T0412."""
        symbols = "".join(map(symbol, arguments))
        match = self.pattern.fullmatch(symbols)
        if match is None:
            raise self._refused(arguments, symbols)
        checked: list[Value] = []
        at = 0
        for number, parameter in enumerate(self.parameters, start=1):
            taken = match[number]
            if taken == "":
                if parameter.context is not None:
                    if not re.fullmatch(parameter.context, symbol(context)):
                        raise JsonataError("T0411", value=context, index=at + 1)
                    checked.append(context)
                else:
                    checked.append(arguments[at] if at < len(arguments) else UNDEFINED)
                    at += 1
                continue
            for single in taken:
                checked.append(self._array(parameter, arguments[at], single, taken, at))
                at += 1
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


def symbol(value: Value) -> str:
    """The one-letter type of a value; `m` is missing."""
    if value is UNDEFINED:
        return "m"
    if isinstance(value, str):
        return "s"
    if is_number(value):
        return "n"
    if value is True or value is False:
        return "b"
    if value is None:
        return "l"
    if is_array(value):
        return "a"
    return "o" if isinstance(value, dict) else "f"


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
    return Signature(text, tuple(parameters), re.compile("".join(f"({p.pattern})" for p in parameters)))


def _closing(text: str, at: int, opening: str, closing: str) -> int:
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] == opening) - (text[end] == closing)
        if depth == 0:
            return end
    return len(text)
