"""From the text of a path to its tokens: Jayway's PathCompiler.

Rule: what Java would throw while it reads the text becomes InvalidPath with Java's text, as Jayway wraps it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from statelang.language.jsonpath.errors import JAVA, InvalidPath, PathError
from statelang.language.jsonpath.tokens import Array, Filter, Indexing, Property, Root, Scan, Test, Token, Wildcard

ParseFilter = Callable[[str], Test]

DEEPEST: Final = 100
"""How deep brackets may nest in one another."""

BLANKS: Final = "".join(map(chr, range(33)))
"""What Java trims."""

_ENDS = ".[ "
_INTEGERS = range(-(2**31), 2**31)


def parse(text: str, parse_filter: ParseFilter) -> list[Token]:
    """The tokens of a path, linked. `parse_filter` reads what stands between `[` and `]` of a filter.

    Raises InvalidPath.
    """
    path = text.strip(BLANKS)
    path = path if path[:1] in ("$", "@") else f"$.{path}"
    reader = _Reader(path, parse_filter)
    try:
        tokens = reader.tokens()
    except (PathError, IndexError, ValueError, NotImplementedError) as problem:
        kind = next(name for python, name in JAVA.items() if isinstance(problem, python))
        raise InvalidPath(f"{kind}: {problem}", min(reader.at, len(path)) - len(path) + len(text)) from None
    for index in reversed(range(len(tokens))):
        tokens[index].next = tokens[index + 1] if index + 1 < len(tokens) else None
        tokens[index].link(tokens[index - 1] if index else None)
    return tokens


class _Reader:
    """Reads one path from left to right."""

    def __init__(self, path: str, parse_filter: ParseFilter) -> None:
        self.path = path
        self.at = 0
        self._parse_filter = parse_filter

    def tokens(self) -> list[Token]:
        """All tokens of the path."""
        path = self.path
        if path.endswith(".."):
            raise InvalidPath("A path can not end with a scan.")
        if len(path) > 1 and path[1] not in ".[":
            raise InvalidPath(f"Invalid path ${path[1:]}")
        tokens: list[Token] = [Root()]
        self.at = 1
        while self.at < len(path):
            token = self._token()
            if token is not None:
                tokens.append(token)
        if isinstance(tokens[-1], Scan):
            raise InvalidPath("A path can not end with a scan.")
        return tokens

    def _token(self) -> Token | None:
        current = self.path[self.at]
        if current == " ":
            raise InvalidPath("Space not allowed in path")
        if current == "[":
            return self._bracket()
        if current == ".":
            return self._period()
        if current == "*":
            self.at += 1
            return Wildcard()
        return self._name()

    def _period(self) -> Token | None:
        self.at += 1
        if char_at(self.path, self.at) == ".":
            self.at += 1
            return Scan()
        if self.path[self.at] in _ENDS:
            return None
        return self._name()

    def _name(self) -> Token:
        start = self.at
        while self.at < len(self.path) and self.path[self.at] not in _ENDS:
            self.at += 1
        name = self.path[start : self.at]
        return Wildcard() if name == "*" else Property(_names(f"['{name}']", 1))

    def _bracket(self) -> Token:
        start, depth = self.at, 0
        while self.at < len(self.path):
            current = self.path[self.at]
            self.at += 1
            depth += (current == "[") - (current == "]")
            if depth == 0:
                break
            if depth > DEEPEST:
                raise InvalidPath("the brackets nest too deep")
        return component(self.path[start : self.at], self._parse_filter)


def char_at(text: str, index: int) -> str:
    """A character, or what Java throws when there is none."""
    if not 0 <= index < len(text):
        raise IndexError(f"String index out of range: {index}")
    return text[index]


def component(fragment: str, parse_filter: ParseFilter) -> Token:
    """The token of a bracket with all that is in it."""
    if fragment == "[*]":
        return Wildcard()
    for index, current in enumerate(fragment):
        if current == "?":
            return Filter(parse_filter(_filter_text(fragment, index)))
        if current == "'":
            return Property(_names(fragment, index))
        if current.isdigit() or current in ":-@":
            return _Sequence(fragment, index).token()
    raise InvalidPath(f"Could not analyze path component: {fragment}")


def _filter_text(fragment: str, index: int) -> str:
    start = fragment.rindex("[", 0, index)
    at, quoted, round, square, before = start, False, 0, 0, " "
    while True:
        current = char_at(fragment, at)
        if current == "'" and before != "\\":
            quoted = not quoted
        elif not quoted:
            round += (current == "(") - (current == ")")
            square += (current == "[") - (current == "]")
            if current == "]" and round == 0:
                break
        before = current
        at += 1
    if square != 0:
        raise InvalidPath("Filter brackets are not balanced")
    return fragment[start : at + 1]


def _names(fragment: str, index: int) -> list[str]:
    names, name, quoted = [], "", False
    while (current := char_at(fragment, index)) != "]":
        if current == "'":
            if quoted:
                names.append(name)
                name = ""
            quoted = not quoted
        elif quoted:
            name += current
        index += 1
    return names


def _integer(text: str) -> int:
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not digits.isdecimal() or int(text) not in _INTEGERS:
        raise ValueError(f'For input string: "{text}"')
    return int(text)


class _Sequence:
    """Reads what stands in the brackets of an array step."""

    def __init__(self, fragment: str, at: int) -> None:
        self.fragment = fragment
        self.at = at
        self.numbers: list[int] = []
        self.buffer = ""
        self.kinds: set[Indexing] = set()

    @property
    def current(self) -> str:
        return char_at(self.fragment, self.at)

    def token(self) -> Array:
        """The step."""
        if self.current == "@":
            self._size()
        else:
            self._indexes()
        if self.buffer:
            self.numbers.append(_integer(self.buffer))
        order: tuple[Indexing, ...] = ("indexes", "from", "to", "between", "size")
        kind: Indexing = next((kind for kind in order if kind in self.kinds), "index")
        if len(self.numbers) == 1 and not self.kinds & {"from", "to", "size"}:
            kind = "index"
        if not self.numbers:
            raise InvalidPath(f"Could not analyze path component: {self.fragment}")
        return Array(kind, self.numbers)

    def _size(self) -> None:
        self.at += 2
        function = self._until("-", " ()")
        if function not in ("size", "length"):
            supported = "[(@.length - n)] and [(@.size() - n)]"
            raise InvalidPath(f"Invalid function: @.{function}. Supported functions are: {supported}")
        self.buffer = self._until(")", " ")
        self.kinds.add("size")

    def _until(self, end: str, skipped: str) -> str:
        read = ""
        while self.current != end:
            if self.current not in skipped:
                read += self.current
            self.at += 1
        return read

    def _indexes(self) -> None:
        while self.current.isdigit() or self.current in ", :-":
            if self.current == ":":
                self._slice()
                if self.current != "]":  # what begins a step, which is ignored as all that follows
                    self.at += 1
            elif self.current == ",":
                self.numbers.append(_integer(self.buffer))
                self.buffer = ""
                self.kinds.add("indexes")
                self.at += 1
            else:
                self.buffer += self.current.strip()
                self.at += 1
            if self.current == "]":
                break

    def _slice(self) -> None:
        begun = bool(self.buffer)
        if begun:
            self.numbers.append(_integer(self.buffer))
            self.buffer = ""
        self.at += 1
        while self.current.isdigit() or self.current in " -":
            self.buffer += self.current.strip()
            self.at += 1
        if begun and not self.buffer:
            self.kinds.add("from")
            return
        self.kinds.add("between" if begun else "to")
        self.numbers.append(_integer(self.buffer))
        self.buffer = ""
