"""The lexer: an expression's text as tokens.

Rule: a token's position is the offset after it, as jsonata-js reports positions. Whether a `/` divides or begins a
regular expression is for the parser to say, so tokens are made one by one.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final, NamedTuple

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.regexes import Regex, compile_regex, join_pairs, split_pairs
from statelang.language.jsonata.values import number

OPERATORS: Final = {
    ".": 75, "[": 80, "]": 0, "{": 70, "}": 0, "(": 80, ")": 0, ",": 0, "@": 80, "#": 80, ";": 80, ":": 80, "?": 20,
    "+": 50, "-": 50, "*": 60, "/": 60, "%": 60, "|": 20, "=": 40, "<": 40, ">": 40, "^": 40, "**": 60, "..": 20,
    ":=": 10, "!=": 40, "<=": 40, ">=": 40, "~>": 40, "and": 30, "or": 25, "in": 40, "&": 50, "!": 0, "~": 0,
}  # fmt: skip
"""Operator -> how tightly it binds to its left."""

_DOUBLE: Final = ("..", ":=", "!=", ">=", "<=", "**", "~>")
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NUMBER: Final = re.compile(r"-?(0|([1-9][0-9]*))(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
_BLANK: Final = re.compile(r"[ \t\n\r\v]*")
_HEX: Final = re.compile(r"[0-9a-fA-F]{1,4}")
_NAME_END: Final = re.compile(r"[ \t\n\r\v.\[\]{}(),@#;:?+\-*/%|=<>^&!~]")
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}


class Token(NamedTuple):
    """`kind`: operator, string, number, value, name, variable, regex."""

    kind: str
    value: Any
    position: int


class Lexer:
    """Reads one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def next(self, *, infix: bool) -> Token | None:
        """The next token, None at the end. `infix`: an operator is expected, so that `/` divides."""
        text = self.text
        self.at = _BLANK.match(text, self.at).end()  # type: ignore[union-attr]
        if self.at >= len(text):
            return None
        if text.startswith("/*", self.at):
            end = text.find("*/", self.at + 2)
            if end < 0:
                raise JsonataError("S0106", self.at)
            self.at = end + 2
            return self.next(infix=infix) if not text.startswith("/*", self.at) else self._after_comments(infix)
        character = text[self.at]
        if not infix and character == "/":
            self.at += 1
            return self._make("regex", self._regex())
        if text[self.at : self.at + 2] in _DOUBLE:
            self.at += 2
            return self._make("operator", text[self.at - 2 : self.at])
        if character in OPERATORS:
            self.at += 1
            return self._make("operator", character)
        return self._literal(character)

    def _after_comments(self, infix: bool) -> Token | None:
        """Many comments in a row, without recursion."""
        while self.text.startswith("/*", self.at):
            end = self.text.find("*/", self.at + 2)
            if end < 0:
                raise JsonataError("S0106", self.at)
            self.at = _BLANK.match(self.text, end + 2).end()  # type: ignore[union-attr]
        return self.next(infix=infix)

    def _make(self, kind: str, value: Any) -> Token:
        return Token(kind, value, self.at)

    def _literal(self, character: str) -> Token:
        if character in "\"'":
            return self._make("string", self._string(character))
        match = _NUMBER.match(self.text, self.at)
        if match is not None:
            value = float(match[0]) if match[3] or match[4] else _integer(match[0])
            if math.isinf(value):
                raise JsonataError("S0102", self.at, token=match[0])
            self.at = match.end()
            return self._make("number", number(value))
        if character == "`":
            end = self.text.find("`", self.at + 1)
            if end < 0:
                position, self.at = len(self.text), len(self.text)
                raise JsonataError("S0105", position)
            name, self.at = self.text[self.at + 1 : end], end + 1
            return self._make("name", name)
        return self._word()

    def _word(self) -> Token:
        start = self.at
        end = _NAME_END.search(self.text, start + 1)
        self.at = len(self.text) if end is None else end.start()
        name = self.text[start : self.at]
        if name[0] == "$":
            return self._make("variable", name[1:])
        if name in ("or", "in", "and"):
            return self._make("operator", name)
        return self._make("value", _WORDS[name]) if name in _WORDS else self._make("name", name)

    def _string(self, quote: str) -> str:
        self.at += 1
        parts: list[str] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == quote:
                self.at += 1
                return join_pairs("".join(parts))
            if character == "\\":
                self.at += 1
                parts.append(self._escape())
            else:
                parts.append(character)
            self.at += 1
        raise JsonataError("S0101", self.at)

    def _escape(self) -> str:
        character = self.text[self.at : self.at + 1]
        if character in _ESCAPES:
            return _ESCAPES[character]
        if character == "u":
            digits = self.text[self.at + 1 : self.at + 5]
            if not _HEX.fullmatch(digits):
                raise JsonataError("S0104", self.at)
            self.at += 4
            return chr(int(digits, 16))
        raise JsonataError("S0103", self.at, token=split_pairs(character)[:1])

    def _regex(self) -> Regex:
        start, depth = self.at, 0
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "/" and depth == 0 and not self._escaped(start):
                pattern = self.text[start : self.at]
                if not pattern:
                    raise JsonataError("S0301", self.at)
                self.at += 1
                flags = self.at
                while self.text[self.at : self.at + 1] in ("i", "m") and self.text[self.at : self.at + 1]:
                    self.at += 1
                return compile_regex(pattern, self.text[flags : self.at], start)
            if self.text[self.at - 1] != "\\":
                depth += (character in "([{") - (character in ")]}")
            self.at += 1
        raise JsonataError("S0302", self.at)

    def _escaped(self, start: int) -> bool:
        """Whether an odd number of backslashes stands before the character at hand."""
        before = self.text[start : self.at]
        return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _integer(text: str) -> int | float:
    return int(text) if len(text) < 16 else float(text)
