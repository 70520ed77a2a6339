"""Intrinsic functions: `States.Format('{}', $.name)` from text to closure (asl.md 2.4).

Rule: this is the grammar; what each function does is one row in `intrinsic_functions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from statelang.errors import Fault, InvalidInput
from statelang.language import paths
from statelang.language.intrinsic_functions import FUNCTIONS, Intrinsic
from statelang.language.problems import Malformed
from statelang.language.scope import Scope
from statelang.values import Json, decode

DEEPEST: Final = 10
"""How deep calls may nest (AWS's limit)."""

LONGEST: Final = 100_000
"""A longer text is not tried."""

_NAME: Final = re.compile(r"States\.(\w+)")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD: Final = re.compile(r"(?:null|true|false)(?=[\s,)])")
_WORDS: Final = {"null": None, "true": True, "false": False}
_ESCAPED: Final = "'{}\\"

Expression = Callable[[Scope], Json]


def is_intrinsic(text: str) -> bool:
    """Whether a text is meant as an intrinsic call."""
    return text.startswith("States.")


def compile_intrinsic(text: str, *, field: str) -> Expression:
    """The closure of a call; it raises Fault: States.IntrinsicFailure, or States.Runtime for a path without a value."""
    if len(text) > LONGEST:
        raise Malformed(f"an intrinsic function call of more than {LONGEST} characters", LONGEST)
    reader = _Reader(text, field)
    expression = reader.call(1)
    reader.blanks()
    if reader.at != len(text):
        raise Malformed(f"unexpected {text[reader.at]!r} after the call", reader.at)
    return expression


def references(text: str) -> Iterator[str]:
    """The variables that a path or an intrinsic call reads."""
    if paths.is_path(text):
        variable = paths.variable_of(text)
        if variable is not None:
            yield variable
        return
    for part in re.split(r"'(?:[^'\\]|\\.)*'", text):
        yield from re.findall(r"(?<![\w$.])\$([^\W\d]\w*)", part)


class _Reader:
    """Reads one call from left to right."""

    def __init__(self, text: str, field: str) -> None:
        self.text = text
        self.field = field
        self.at = 0

    def blanks(self) -> None:
        """Skip white space."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def call(self, depth: int) -> Expression:
        """A call with its arguments."""
        start = self.at
        match = _NAME.match(self.text, start)
        if match is None:
            raise Malformed("an intrinsic function call begins with States. and a name", start)
        function = FUNCTIONS.get(match[1])
        if function is None:
            raise Malformed(f"there is no intrinsic function States.{match[1]}", start)
        if depth > DEEPEST:
            raise Malformed(f"intrinsic functions nest deeper than {DEEPEST} levels", start)
        self.at = match.end()
        arguments = self._arguments(depth)
        self._check_count(match[1], function, len(arguments), start)
        return _calling(f"States.{match[1]}", function, arguments)

    def _check_count(self, name: str, function: Intrinsic, count: int, start: int) -> None:
        least, most = function.arguments
        if count < least or (most is not None and count > most):
            wanted = str(least) if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            raise Malformed(f"States.{name} takes {wanted} arguments, not {count}", start)

    def _arguments(self, depth: int) -> list[Expression]:
        self._expect("(")
        found: list[Expression] = []
        self.blanks()
        if self._peek() == ")":
            self.at += 1
            return found
        while True:
            self.blanks()
            found.append(self._argument(depth))
            self.blanks()
            if self._peek() == ")":
                self.at += 1
                return found
            self._expect(",")

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _expect(self, character: str) -> None:
        self.blanks()
        if self._peek() != character:
            raise Malformed(f"expected {character!r}", self.at)
        self.at += 1

    def _argument(self, depth: int) -> Expression:
        current = self._peek()
        if current == "'":
            return _constant(self._string())
        if current == "$":
            return self._path()
        if current == "S":
            return self.call(depth + 1)
        for pattern, read in ((_WORD, _WORDS.__getitem__), (_NUMBER, decode)):
            match = pattern.match(self.text, self.at)
            if match is not None:
                try:
                    value = read(match[0])
                except InvalidInput as problem:
                    raise Malformed(str(problem), self.at) from None
                self.at = match.end()
                return _constant(value)
        raise Malformed("expected an argument: text in single quotes, a number, a path or a call", self.at)

    def _string(self) -> str:
        start, read = self.at, ""
        self.at += 1
        while (current := self._peek()) != "'":
            if not current:
                raise Malformed("a text is not closed by '", start)
            if current == "\\":
                self.at += 1
                if self._peek() not in _ESCAPED or not self._peek():
                    raise Malformed("a backslash may only stand before ', {, } and \\", self.at - 1)
                current = "\\" + self._peek()
            read += current
            self.at += 1
        self.at += 1
        return read

    def _path(self) -> Expression:
        """A path ends at a comma or closing parenthesis that is not inside its brackets or quotes."""
        start, depth, quoted = self.at, 0, False
        while (current := self._peek()) and not (depth == 0 and not quoted and current in ",)"):
            quoted ^= current == "'"
            depth += 0 if quoted else (current in "[(") - (current in "])")
            self.at += 1
        try:
            return paths.compile_value(self.text[start : self.at].rstrip(), field=self.field)
        except Malformed as problem:
            raise Malformed(problem.message, start + (problem.offset or 0)) from None


class Template(str):
    """A text argument as it was written, its escapes not yet taken away: States.Format tells `{}` from `\\{\\}`."""

    __slots__ = ()


def _constant(value: Any) -> Expression:
    if isinstance(value, str):
        value = Template(value) if "\\" in value else value
    return lambda scope: value


def unescape(text: str) -> str:
    """A text without the backslashes of its escapes."""
    return re.sub(r"\\(.)", r"\1", text)


def _calling(name: str, function: Intrinsic, arguments: list[Expression]) -> Expression:
    perform, raw = function.perform, function.raw

    def call(scope: Scope) -> Json:
        values = [argument(scope) for argument in arguments]
        if not raw:
            values = [unescape(value) if type(value) is Template else value for value in values]
        try:
            return perform(scope, *values)
        except (ValueError, TypeError, OverflowError, RecursionError) as problem:
            raise Fault("States.IntrinsicFailure", f"The intrinsic function {name} failed: {problem}") from None

    return call
