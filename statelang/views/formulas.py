"""Formulas: a JSONata condition in words, as far as words are honest.

What is said: comparisons of paths and literals, `and`, `or`, `in`, `$exists`, `$count`, `$not`, `X ? true : false`.
Any other formula is quoted, with the comment its author put in front of it.

Rule: a formula is said whole or quoted whole; half of one would be a lie.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from statelang.values import Json, decode
from statelang.views.words import CONTEXT, chain, count, listing, literal, noun, parts_of, quoted, shortened

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

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<path>\$\{[\w.:]+\}|\$?[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*|\[-?\d+\])*)|(?P<sign>!=|<=|>=|[=<>()\[\],?:]))"
)
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)

Named = Callable[[str], str | None]


class _Unsaid(Exception):
    """No words fit."""


def formula(text: Json, named: Named = lambda path: None) -> str:
    """The words of a condition `{% … %}`, without `if`."""
    if isinstance(text, bool):
        return "always" if text else "never"
    inner = re.sub(r"^\s*\{%|%\}\s*$", "", str(text)).strip()
    try:
        parser = _Parser(inner, named)
        return parser.whole()
    except _Unsaid:
        return _quoted(inner)


def _quoted(inner: str) -> str:
    comments = [" ".join(match[2:-2].split()) for match in _COMMENT.findall(inner)]
    told = [comment for comment in comments if comment and "://" not in comment]
    bare = _COMMENT.sub(" ", inner)
    said = f"the formula {quoted(shortened(bare, LONGEST))} holds"
    return f"{said} ({shortened('; '.join(told), LONGEST)})" if told else said


class _Parser:
    """Recursive descent over the few forms that have words."""

    def __init__(self, text: str, named: Named) -> None:
        self.tokens = list(_tokens(_COMMENT.sub(" ", text)))
        self.at = 0
        self.named = named

    def whole(self) -> str:
        said = self.either()
        if self.at != len(self.tokens):
            raise _Unsaid
        return _bare(said)

    def next(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, *wanted: str) -> bool:
        if self.next()[1] in wanted and self.next()[0] != "text":
            self.at += 1
            return True
        return False

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise _Unsaid

    def either(self) -> str:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        said = listing(parts, "or") if len(parts) > 1 else parts[0]
        return self.turned(said) if self.next()[1] == "?" else said

    def turned(self, said: str) -> str:
        """`X ? true : false` is X, the other way round its opposite."""
        self.need("?")
        yes = self.truth()
        self.need(":")
        if self.truth() == yes:
            raise _Unsaid
        return said.replace(" holds", " is given") if yes else f"it is not so that {said}"

    def truth(self) -> bool:
        if self.take("true"):
            return True
        self.need("false")
        return False

    def both(self) -> str:
        parts = [self.comparison()]
        while self.take("and"):
            parts.append(self.comparison())
        return listing(parts, "and") if len(parts) > 1 else parts[0]

    def comparison(self) -> str:
        if self.take("("):
            said = self.either()
            self.need(")")
            return f"({_bare(said)})" if " or " in said or " and " in said else said
        if self.next()[1] in ("$exists", "$not", "$count"):
            return self.call()
        left = self.path()
        if self.take("in"):
            return f"{left} is {listing(self.array(), 'or')}"
        for sign, words in OPERATORS.items():
            if self.take(sign):
                return f"{left} {words.format(self.value())}"
        return f"{left} holds"

    def call(self) -> str:
        name = self.next()[1]
        self.at += 1
        self.need("(")
        if name == "$not":
            said = self.either()
            self.need(")")
            return f"it is not so that {said}"
        subject = self.path()
        self.need(")")
        if name == "$exists":
            return f"{subject} is given"
        return self.counted(subject)

    def counted(self, subject: str) -> str:
        for sign, words in COUNTS.items():
            if self.take(sign):
                kind, text = self.next()
                self.at += 1
                if kind != "number":
                    raise _Unsaid
                if (sign, text) in ((">", "0"), (">=", "1"), ("!=", "0")):
                    return f"{subject} has at least one item"
                if (sign, text) in (("=", "0"), ("<", "1")):
                    return f"{subject} has no items"
                many = count(int(text), "item") if text.isdecimal() else f"{text} items"
                return f"{subject} has {words.format(many)}"
        raise _Unsaid

    def array(self) -> list[str]:
        self.need("[")
        items = [self.value()]
        while self.take(","):
            items.append(self.value())
        self.need("]")
        return items

    def value(self) -> str:
        kind, text = self.next()
        if self.take("["):
            self.need("]")
            return "an empty list"
        if kind == "text":
            self.at += 1
            return literal(decode(text) if text[0] == '"' else text[1:-1])
        if kind == "number":
            self.at += 1
            return text
        for word, said in (("true", "yes"), ("false", "no"), ("null", "empty")):
            if self.take(word):
                return said
        return self.path()

    def path(self) -> str:
        kind, text = self.next()
        if kind != "path" or text in ("and", "or", "in", "true", "false", "null"):
            raise _Unsaid
        self.at += 1
        if self.next()[1] == "(":
            raise _Unsaid
        return self.named(text) or _path(text)


def _bare(said: str) -> str:
    """Without the brackets around the whole of it."""
    if not (said.startswith("(") and said.endswith(")")):
        return said
    depth = 0
    for at, character in enumerate(said):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and at < len(said) - 1:
            return said
    return said[1:-1]


def _path(text: str) -> str:
    if text.startswith("${"):
        return quoted(text)
    for prefix in ("$states.input", "$states.result"):
        if text == prefix:
            return "the data" if prefix.endswith("input") else "the result"
        if text.startswith((f"{prefix}.", f"{prefix}[")):
            return _noun(text[len(prefix) :], text)
    if text.startswith("$states.context."):
        for context, words in CONTEXT.items():
            if text == f"$states.context{context[2:]}":
                return words
        return _noun(text[len("$states.context") :], text)
    return _noun(f".{text.removeprefix('$')}", text)


def _noun(rest: str, text: str) -> str:
    parts = parts_of(rest)
    if not parts or any(not chain([part]) for part in parts):
        return quoted(text)
    return noun(parts)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, text = [], 0, text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _Unsaid
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return tokens
