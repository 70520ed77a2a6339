"""Formulas: a JSONata condition in words, as far as words are honest.

What is said: comparisons of paths and literals, `and`, `or`, `in`, `$exists`, `$count`, `$not`, `X ? true : false`.
Any other formula is quoted, with the comment its author put in front of it.

Rule: a formula is said whole or quoted whole; half of one would be a lie.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count as count_up
from typing import Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.parser import Parser
from statelang.language.jsonata.tree import Node
from statelang.values import Json
from statelang.views.words import chain, listing, literal, noun, number, parts_of, path, quoted, shortened

LONGEST: Final = 120
"""How much of a formula is quoted, in characters."""

OPERATORS: Final = {
    "=": "is {}",
    "!=": "is not {}",
    "<": "is less than {}",
    "<=": "is at most {}",
    ">": "is more than {}",
    ">=": "is at least {}",
}
COUNTS: Final = {"=": "{}", "!=": "other than {}", "<": "fewer than {}", "<=": "at most {}", ">": "more than {}",
                 ">=": "at least {}"}  # fmt: skip

_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)

_PLACEHOLDER: Final = re.compile(r"\$\{([\w.:\-]+)\}")

Named = Callable[[str], str | None]


class _Unsaid(Exception):
    """No words fit."""


def formula(text: Json, named: Named = lambda path: None) -> str:
    """The words of a condition `{% … %}`, without `if`."""
    if isinstance(text, bool):
        return "always" if text else "never"
    inner = re.sub(r"^\s*\{%|%\}\s*$", "", str(text)).strip()
    words = _Words(named, _PLACEHOLDER.findall(inner))
    try:
        return words.condition(Parser(words.opened(inner)).parse())
    except (_Unsaid, JsonataError):
        return _quoted(inner)


def _quoted(inner: str) -> str:
    comments = [" ".join(match[2:-2].split()) for match in _COMMENT.findall(inner)]
    told = [comment for comment in comments if comment and "://" not in comment]
    bare = _COMMENT.sub(" ", inner)
    said = f"the formula {quoted(shortened(bare, LONGEST))} holds"
    return f"{said} ({shortened('; '.join(told), LONGEST)})" if told else said


class _Words:
    """Walks the tree of a formula. Raises _Unsaid at the first thing that has no words."""

    def __init__(self, named: Named, placeholders: list[str]) -> None:
        self.named = named
        self.placeholders = placeholders

    def opened(self, text: str) -> str:
        """The text with each placeholder as a variable that no author has."""
        numbers = count_up()
        return _PLACEHOLDER.sub(lambda match: f"$_placeholder_{next(numbers)}", text)

    def condition(self, node: Node, *, inside: bool = False) -> str:
        """A condition; `inside` another one, several parts stand in brackets."""
        if node.kind == "block" and len(node.parts) == 1:
            return self.condition(node.parts[0], inside=inside)
        if node.kind == "condition":
            return self.turned(node)
        if node.kind == "function":
            return self.call(node)
        if node.kind == "binary" and node.value in ("and", "or"):
            said = listing((self.condition(part, inside=True) for part in _flat(node)), str(node.value))
            return f"({said})" if inside else said
        if node.kind == "binary" and node.value in OPERATORS:
            return self.comparison(node)
        if node.kind == "binary" and node.value == "in" and node.left and node.right:
            return f"{self.subject(node.left)} is {listing(self.items(node.right), 'or')}"
        return f"{self.subject(node)} holds"

    def turned(self, node: Node) -> str:
        """`X ? true : false` is X, the other way round its opposite."""
        _, *ends = node.parts
        said = self.condition(node.parts[0])
        if [end.value for end in ends if end.kind == "value"] == [True, False]:
            return f"{said.removesuffix(' holds')} is given and not empty" if said.endswith(" holds") else said
        if [end.value for end in ends if end.kind == "value"] == [False, True]:
            return f"it is not so that {said}"
        raise _Unsaid

    def call(self, node: Node) -> str:
        name = node.left.value if node.left is not None and node.left.kind == "variable" else None
        if len(node.parts) == 1 and name == "not":
            return f"it is not so that {self.condition(node.parts[0], inside=True)}"
        if len(node.parts) == 1 and name == "exists":
            return f"{self.subject(node.parts[0])} is given"
        raise _Unsaid

    def comparison(self, node: Node) -> str:
        left, right, sign = node.left, node.right, str(node.value)
        if left is None or right is None:
            raise _Unsaid
        if left.kind == "function" and left.left is not None and left.left.value == "count" and len(left.parts) == 1:
            return self.counted(self.subject(left.parts[0]), sign, right)
        return f"{self.subject(left)} {OPERATORS[sign].format(self.value(right))}"

    def counted(self, subject: str, sign: str, right: Node) -> str:
        if right.kind != "number":
            raise _Unsaid
        if (sign, right.value) in ((">", 0), (">=", 1), ("!=", 0)):
            return f"{subject} has at least one item"
        if (sign, right.value) in (("=", 0), ("<", 1)):
            return f"{subject} has no items"
        many = "1 item" if right.value == 1 else f"{number(right.value)} items"
        return f"{subject} has {COUNTS[sign].format(many)}"

    def items(self, node: Node) -> list[str]:
        if node.kind != "array" or not node.parts:
            raise _Unsaid
        return [self.value(part) for part in node.parts]

    def value(self, node: Node) -> str:
        if node.kind == "string":
            return literal(node.value)
        if node.kind == "number":
            return number(node.value)
        if node.kind == "negation" and node.right is not None and node.right.kind == "number":
            return f"-{number(node.right.value)}"
        if node.kind == "value":
            return "empty" if node.value is None else literal(node.value)
        if node.kind == "array" and not node.parts:
            return "an empty list"
        return self.subject(node)

    def subject(self, node: Node) -> str:
        text = _path(node)
        if text.startswith("$_placeholder_"):
            return quoted(f"${{{self.placeholders[int(text.removeprefix('$_placeholder_'))]}}}")
        return self.named(text) or _noun(text)


def _flat(node: Node) -> list[Node]:
    """The parts of a chain of the same operator."""
    parts: list[Node] = []
    for part in (node.left, node.right):
        if part is None:
            raise _Unsaid
        same = part.kind == "binary" and part.value == node.value
        parts += _flat(part) if same else [part]
    return parts


def _path(node: Node) -> str:
    """A variable with keys and numbers after it, as it would be written: `$states.input.items[0]`."""
    if node.kind == "variable" and node.value not in ("", "$"):
        return f"${node.value}"
    if node.kind == "binary" and node.left is not None and node.right is not None:
        if node.value == ".":
            return f"{_path(node.left)}{_key(node.right)}"
        if node.value == "[":
            return f"{_path(node.left)}{_index(node.right)}"
    raise _Unsaid


def _key(node: Node) -> str:
    if node.kind in ("name", "string") and "'" not in str(node.value):
        return f"['{node.value}']" if re.search(r"\W", node.value) else f".{node.value}"
    if node.kind == "binary" and node.value == "[" and node.left is not None and node.right is not None:
        return f"{_key(node.left)}{_index(node.right)}"
    raise _Unsaid


def _index(node: Node) -> str:
    if node.kind == "number":
        return f"[{number(node.value)}]"
    if node.kind == "negation" and node.right is not None and node.right.kind == "number":
        return f"[-{number(node.right.value)}]"
    raise _Unsaid


def _noun(text: str) -> str:
    for prefix, words in (("$states.input", "the data"), ("$states.result", "the result")):
        if text == prefix:
            return words
        if text.startswith((f"{prefix}.", f"{prefix}[")):
            return _parts(text[len(prefix) :], text)
    if text.startswith("$states.context."):
        return path(f"$${text[len('$states.context') :]}")
    return _parts(f".{text[1:]}", text)


def _parts(rest: str, text: str) -> str:
    parts = parts_of(rest)
    if not parts or any(not chain([part]) for part in parts):
        return quoted(text)
    return noun(parts)
