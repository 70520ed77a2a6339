"""Path: a compiled path, for reading.

Most real paths only name properties and indexes. Those become closures that look the value up; whenever the look-up
does not succeed at once, the tokens say what Jayway would answer.

Rule: the quick closures give a value or nothing; every error comes from the tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from statelang.language.jsonpath.errors import InvalidPath, PathNotFound
from statelang.language.jsonpath.filters import parse_filter
from statelang.language.jsonpath.parser import parse
from statelang.language.jsonpath.tokens import Array, Evaluation, Property, Token
from statelang.values import Json

Read = Callable[[Json], Json]

LONGEST: Final = 100_000
"""A longer text is not tried."""

_TOO_DEEP: Final = "the path is nested too deeply"


class Path:
    """A path that can be read from any document, by any number of threads at once.

    `text` is as written. `definite`: it names one place, so that reading gives the value there; else it gives the list
    of all that was found. `read(document)` raises PathNotFound and InvalidPath with Jayway's text.
    """

    __slots__ = ("definite", "read", "text")

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.definite = tokens[0].rest_definite
        self.read: Read = _reader(tokens)

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


def compile_path(text: str) -> Path:
    """The path of a text. Raises InvalidPath, with the offset of what is wrong."""
    if not text:
        raise InvalidPath("Path may not be null empty", 0)
    if len(text) > LONGEST:
        raise InvalidPath(f"a path of more than {LONGEST} characters", LONGEST)
    try:
        return Path(text, parse(text, parse_filter))
    except RecursionError:
        raise InvalidPath(_TOO_DEEP, 0) from None


def _reader(tokens: list[Token]) -> Read:
    slow = _evaluator(tokens)
    steps = [_step(token) for token in tokens[1:]]
    keys = [step for step in steps if step is not None]
    if len(keys) != len(steps):
        return slow
    if not keys:
        return lambda document: document
    if len(keys) == 1 and isinstance(keys[0], str):
        return _one(keys[0], slow)
    if len(keys) == 2 and isinstance(keys[0], str) and isinstance(keys[1], str):
        return _two(keys[0], keys[1], slow)
    return _chain(keys, slow)


def _step(token: Token) -> str | int | None:
    """What a token looks up, if it is a plain name or index."""
    if isinstance(token, Property) and len(token.names) == 1:
        return token.names[0]
    if isinstance(token, Array) and token.kind == "index" and token.numbers[0] >= 0:
        return token.numbers[0]
    return None


def _one(name: str, slow: Read) -> Read:
    def read(document: Json) -> Json:
        try:
            return document[name]
        except (KeyError, TypeError):
            return slow(document)

    return read


def _two(first: str, second: str, slow: Read) -> Read:
    def read(document: Json) -> Json:
        try:
            return document[first][second]
        except (KeyError, TypeError):
            return slow(document)

    return read


def _chain(keys: list[str | int], slow: Read) -> Read:
    def read(document: Json) -> Json:
        value = document
        try:
            for key in keys:
                if type(key) is int and type(value) is not list:
                    return slow(document)
                value = value[key]
        except (KeyError, TypeError, IndexError):
            return slow(document)
        return value

    return read


def _evaluator(tokens: list[Token]) -> Read:
    """Reading by the tokens themselves."""
    first, definite = tokens[0], tokens[0].rest_definite

    def read(document: Json) -> Json:
        run = Evaluation(document)
        try:
            first.evaluate((), document, run)
        except RecursionError:
            raise InvalidPath(_TOO_DEEP) from None
        if not definite:
            return run.found
        if not run.found:
            raise PathNotFound(f"No results for path: {first}")
        return run.found[0]

    return read
