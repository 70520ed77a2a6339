"""JSON with unquoted placeholders: read into a tree that keeps every spelling, and laid out again.

What was written over several lines stays so; what stands on one line stays there while it fits. Keys keep their order,
numbers and texts their spelling, single empty lines stay: the smallest difference to what people wrote.

Rule: laying out twice gives the same as once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from statelang.compiler.problems import DEEPEST
from statelang.errors import InvalidInput
from statelang.notation.tree import Mapping, Node, Scalar, Sequence, Unreadable, place
from statelang.values import decode

WIDTH: Final = 120

_TOKEN: Final = re.compile(
    r"(?P<space>\s*)(?:(?P<open>\$\{[^{}\s\"]+\}|__\w+__)|(?P<punctuation>[{}\[\],:])"
    r'|(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-]))'
    r"|(?P<word>(?:true|false|null)\b)|(?P<wrong>\S))",
    re.DOTALL | re.ASCII,
)


class _Token(NamedTuple):
    kind: str
    text: str
    at: int
    lines: int
    """How many lines end in the white space before it."""


def read_json(text: str, name: str) -> Node:
    """The tree of a JSON text. Raises Unreadable with file, line and column."""
    return _Reader(text, name).read()


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.tokens = self._tokens()
        self.token = next(self.tokens)

    def read(self) -> Node:
        node = self._value(0)
        if self.token.kind != "end":
            raise self._wrong("there is more after the value")
        return node

    def _tokens(self) -> Iterator[_Token]:
        at, end = 0, len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            assert match is not None
            kind = str(match.lastgroup)
            yield _Token(kind, match[kind], match.start(kind), match["space"].count("\n"))
            at = match.end()
        yield _Token("end", "", end, 0)

    def _next(self) -> _Token:
        token = self.token
        self.token = next(self.tokens)
        return token

    def _value(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self._wrong(f"nested deeper than {DEEPEST} levels")
        if self.token.text == "{":
            return self._mapping(depth)
        if self.token.text == "[":
            return self._sequence(depth)
        return self._scalar()

    def _scalar(self) -> Scalar:
        token = self.token
        if token.kind not in ("text", "number", "word", "open"):
            raise self._wrong("a value was expected")
        if token.kind == "text":
            return self._text()
        self._next()
        kind = "number" if token.kind == "number" else "word" if token.kind == "word" else "open"
        return Scalar(kind, token.text, blank=token.lines > 1)  # type: ignore[arg-type]

    def _text(self) -> Scalar:
        token = self.token
        try:
            value = str(decode(token.text))
        except InvalidInput:
            raise self._wrong("this text cannot be read") from None
        self._next()
        return Scalar("text", value, token.text, token.lines > 1)

    def _mapping(self, depth: int) -> Mapping:
        opened, pairs, seen = self._next(), [], set()
        spread = self.token.lines > 0 and self.token.text != "}"
        while self.token.text != "}":
            if self.token.kind != "text":
                raise self._wrong("a key in double quotes was expected")
            at, key = self.token, self._text()
            if key.value in seen:
                raise self._wrong(f"the key {key.value!r} is there twice", at)
            seen.add(key.value)
            if self.token.text != ":":
                raise self._wrong("a colon was expected")
            self._next()
            pairs.append((key, self._value(depth + 1)))
            self._comma("}")
        self._next()
        return Mapping(pairs, spread, opened.lines > 1)

    def _sequence(self, depth: int) -> Sequence:
        opened, items = self._next(), []
        spread = self.token.lines > 0 and self.token.text != "]"
        while self.token.text != "]":
            items.append(self._value(depth + 1))
            self._comma("]")
        self._next()
        return Sequence(items, spread, opened.lines > 1)

    def _comma(self, closing: str) -> None:
        if self.token.text == ",":
            self._next()
            if self.token.text == closing:
                raise self._wrong("there is a comma, but nothing after it")
        elif self.token.text != closing:
            raise self._wrong(f"a comma or {closing} was expected")

    def _wrong(self, message: str, token: _Token | None = None) -> Unreadable:
        token = token or self.token
        found = f", not {token.text[:20]!r}" if token.text and "expected" in message else ""
        ended = ", but the text ends" if token.kind == "end" else ""
        return Unreadable(f"{self.name}:{place(self.text, token.at)}: {message}{found}{ended}")


def write_json(node: Node) -> str:
    """A tree as JSON text, laid out, with a line end at its end."""
    return _written(node, 0, 0) + "\n"


def _written(node: Node, level: int, before: int) -> str:
    """A value whose line has `before` characters already."""
    flat = _flat(node)
    if flat is not None and before + len(flat) < WIDTH:
        return flat
    if isinstance(node, Scalar):
        return _spelled(node)
    inner = "  " * (level + 1)
    lines = []
    for number, (head, value, blank) in enumerate(_parts(node)):
        gap = "\n" if blank and number else ""
        lines.append(f"{gap}{inner}{head}{_written(value, level + 1, len(inner) + len(head))}")
    opening, closing = ("{", "}") if isinstance(node, Mapping) else ("[", "]")
    body = ",\n".join(lines)
    return f"{opening}\n{body}\n{'  ' * level}{closing}"


def _parts(node: Mapping | Sequence) -> Iterator[tuple[str, Node, bool]]:
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            yield f"{_spelled(key)}: ", value, key.blank
    else:
        for item in node.items:
            yield "", item, item.blank


def _flat(node: Node) -> str | None:
    """A value on one line; None where it was written over several, or is too long anyway."""
    if isinstance(node, Scalar):
        return _spelled(node)
    parts = list(_parts(node))
    if not parts:
        return "{}" if isinstance(node, Mapping) else "[]"
    if node.spread:
        return None
    written = []
    for head, value, _ in parts:
        flat = _flat(value)
        if flat is None or len(flat) > WIDTH:
            return None
        written.append(head + flat)
    return f"{{ {', '.join(written)} }}" if isinstance(node, Mapping) else f"[{', '.join(written)}]"


def _spelled(scalar: Scalar) -> str:
    if scalar.kind != "text":
        return scalar.value
    return json.dumps(scalar.value, ensure_ascii=False) if scalar.raw is None else scalar.raw
