"""Regular expressions as JavaScript means them, on an engine that can be stopped.

Rule: every search is one of `patterns`. `\\w`, `\\d`, `\\b` are ASCII, `\\s` is JavaScript's, and everything
counts in UTF-16 units: a pattern and a text with characters beyond U+FFFF are split into halves of surrogate pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.values import Spend
from statelang.language.patterns import TooSlow, attempt, compile_pattern

_BEYOND: Final = re.compile("[\U00010000-\U0010ffff]")
_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Match(NamedTuple):
    """One match: its text, where it starts and ends, and its groups (None for one that took no part)."""

    text: str
    start: int
    end: int
    groups: list[str | None]


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled regular expression; `source` and `flags` as written."""

    source: str
    flags: str
    compiled: Any

    def matches(self, text: str, spend: Spend, start: int = 0) -> Iterator[Match]:
        """Every match in a text of units. Raises JsonataError for one of length zero after the first, and for one that
        runs away.
        """
        found = self.search(text, start, spend)
        while found is not None:
            yield found
            if found.end >= len(text):
                return
            found = self.search(text, found.end, spend)
            if found is not None and found.text == "":
                raise JsonataError("D1004", value=self.source)

    def search(self, text: str, at: int, spend: Spend) -> Match | None:
        """The first match from an offset on. Raises JsonataError U1004 for one that runs away."""
        try:
            found = attempt(self.compiled.search, text, at, spend=spend)
        except TooSlow:
            raise JsonataError("U1004") from None
        if found is None:
            return None
        return Match(found[0], found.start(), found.end(), list(found.groups()))


def split_pairs(text: str) -> str:
    """A text by UTF-16 units: characters beyond U+FFFF as two halves."""
    if text.isascii():
        return text
    return _BEYOND.sub(lambda found: _halves(ord(found[0]) - 0x10000), text)


def _halves(rest: int) -> str:
    return chr(0xD800 + (rest >> 10)) + chr(0xDC00 + (rest & 0x3FF))


def join_pairs(text: str) -> str:
    """Halves that belong together as the one character they are."""
    if text.isascii():
        return text
    return _PAIR.sub(lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


def compile_regex(source: str, flags: str, position: int) -> Regex:
    """A regular expression as written between slashes. Raises JsonataError for what is none."""
    import regex

    options = regex.VERSION0
    options |= regex.IGNORECASE if "i" in flags else 0
    options |= regex.MULTILINE if "m" in flags else 0
    try:
        return Regex(source, flags, compile_pattern(_Translation(split_pairs(source), "m" in flags).whole(), options))
    except ValueError as problem:
        message = f"Invalid regular expression: /{source}/: {problem}"
        raise JsonataError("JS:SyntaxError", position, template=message) from None


_BLANKS: Final = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NO_BLANKS: Final = (
    r"\x00-\x08\x0e-\x1f!-\x9f\u00a1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
    r"\u3001-\ufefe\uff00-\uffff"
)
_CLASSES: Final = {
    "d": "0-9",
    "D": r"\x00-/:-\uffff",
    "w": "A-Za-z0-9_",
    "W": r"\x00-/:-@\[-\^`{-\uffff",
    "s": _BLANKS,
    "S": _NO_BLANKS,
}
"""What a class escape stands for, inside of brackets."""

_WORD: Final = "[A-Za-z0-9_]"
_BOUNDARY: Final = f"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_NO_BOUNDARY: Final = f"(?:(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD}))"
_COUNT: Final = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_GROUP: Final = re.compile(r"\((?:\?(?::|=|!|<=|<!|<([A-Za-z_$][A-Za-z0-9_$]*)>))?")
_CAPTURING: Final = re.compile(r"\\.|\[(?:\\.|[^\]])*\]|\((?!\?)|\(\?<(?![=!])([^>]*)", re.S)
"""Finds the groups that capture, each with its name; what it finds that does not begin with a bracket is none."""

_CODE: Final = re.compile(
    r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|c([A-Za-z])|0(?![0-7])|([1-9][0-9]*|0[0-7]+)|k<([A-Za-z_$][A-Za-z0-9_$]*)>"
)
_ESCAPED: Final = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}


class _Translation:
    """JavaScript's spelling (without its `u` flag) as `regex` reads it."""

    def __init__(self, source: str, multiline: bool) -> None:
        self._source = source
        self._multiline = multiline
        self._at = 0
        self._open: list[tuple[bool, int]] = []  # of every group that is open, whether it looks behind, and its number
        self._begun = 0
        self._asserted = False
        self._names = [found[1] for found in _CAPTURING.finditer(source) if found[0][0] == "("]

    def whole(self) -> str:
        """The whole pattern. Raises ValueError for what JavaScript does not know."""
        out: list[str] = []
        while self._at < len(self._source):
            out.append(self._one(self._source[self._at]))
        return "".join(out)

    def _one(self, character: str) -> str:
        count = _COUNT.match(self._source, self._at)
        if count is not None or character in "*+?":
            return self._repeated(character if count is None else count[0])
        self._asserted = False
        if character == "(":
            return self._group()
        if character == "\\":
            return self._escape()
        if character == "[":
            return self._brackets()
        self._at += 1
        if character == ")":
            self._asserted = self._open.pop()[0] if self._open else False
        if character in "^$":
            self._asserted = True
        if character == "$" and not self._multiline:
            return r"\Z"
        if character == ".":
            return r"[^\n\r\u2028\u2029]"
        return character if character in "^$|)" else re.escape(character)

    def _repeated(self, count: str) -> str:
        """How often something is repeated; what matches no character cannot be."""
        if self._asserted:
            raise ValueError("Nothing to repeat")
        self._at += len(count)
        return count + self._lazy()

    def _lazy(self) -> str:
        """The `?` after a count; another `+` or `*` would be possessive elsewhere, and is wrong in JavaScript."""
        following = self._source[self._at : self._at + 1]
        if following == "?":
            self._at += 1
            return "?"
        if following and following in "+*":
            raise ValueError("Nothing to repeat")
        return ""

    def _group(self) -> str:
        found = _GROUP.match(self._source, self._at)
        if found is None or (found[0] == "(" and self._source.startswith("(?", self._at)):
            raise ValueError("Invalid group")
        self._at = found.end()
        counted = found[0] == "(" or found[1] is not None
        self._begun += counted
        self._open.append((found[0] in ("(?<=", "(?<!"), self._begun if counted else 0))
        if found[1] is None:
            return found[0]
        if self._names.count(found[1]) > 1:
            raise ValueError("Duplicate capture group name")
        return "("

    def _escape(self, *, inside: bool = False) -> str:
        source, at = self._source, self._at + 1
        if at >= len(source):
            raise ValueError("\\ at end of pattern")
        character = source[at]
        self._at = at + 1
        if character in _CLASSES:
            return _CLASSES[character] if inside else f"[{_CLASSES[character]}]"
        if character in "bB" and not inside:
            self._asserted = True
            return _BOUNDARY if character == "b" else _NO_BOUNDARY
        code = _CODE.match(source, at)
        if character == "k" and any(self._names) and (code is None or inside):
            raise ValueError("Invalid named reference")
        if code is not None and (code[5] is None or any(self._names)):
            return self._code(code, inside=inside)
        if character == "b":
            return r"\x08"
        return re.escape(_ESCAPED.get(character, character))

    def _code(self, code: re.Match[str], *, inside: bool) -> str:
        """An escape of a number: a character, or what a group matched."""
        two, four, control, number, name = code.groups()
        if number is not None and (inside or number[0] == "0" or int(number) > len(self._names)):
            octal = re.match("[0-3]?[0-7]{1,2}", number)
            if octal is None:
                return re.escape(number[0])
            self._at = code.start() + octal.end()
            return re.escape(chr(int(octal[0], 8)))
        self._at = code.end()
        if name is not None:
            if name not in self._names:
                raise ValueError("Invalid named capture referenced")
            number = str(self._names.index(name) + 1)
        if number is not None:
            is_open = any(int(number) == each for _, each in self._open)
            return "(?:)" if is_open else f"(?({number})\\{number}|)"  # a group that is open has matched nothing yet
        if control is not None:
            return re.escape(chr(ord(control) % 32))
        return re.escape(chr(int(two or four or "0", 16)))

    def _brackets(self) -> str:
        """A class of characters; an empty one matches nothing, `[^]` anything."""
        source = self._source
        self._at += 1
        negated = source.startswith("^", self._at)
        self._at += negated
        parts: list[str] = []
        while not source.startswith("]", self._at):
            one, classed = self._in_brackets()
            parts.append(one)
            if source.startswith("-", self._at) and not source.startswith("-]", self._at):
                self._at += 1
                other, other_classed = self._in_brackets()
                parts += [r"\-" if classed or other_classed else "-", other]
        self._at += 1
        if not parts:
            return r"[\x00-\uffff]" if negated else r"(?!)"
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def _in_brackets(self) -> tuple[str, bool]:
        """One character of a class, or (true) a class within it, which is no end of a range."""
        if self._at >= len(self._source):
            raise ValueError("Unterminated character class")
        character = self._source[self._at]
        if character == "\\":
            classed = self._source[self._at + 1 : self._at + 2] in _CLASSES
            return self._escape(inside=True), classed
        self._at += 1
        return re.escape(character), False
