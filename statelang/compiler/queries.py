"""Queries: which names a JSONata text reads, told from its tokens alone.

Rule: this needs no JSONata engine, and errs on the side of silence: what is bound anywhere in an expression counts as
bound everywhere in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_NOT_CODE: Final = re.compile(
    r"""/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|(?<=[(,=:\[{])\s*/(?![*/\s])(?:[^/\\\n]|\\.)+/[a-z]*""",
    re.DOTALL,
)
_VARIABLE: Final = re.compile(r"(?<![\w$])\$([^\W\d]\w*)")
_BOUND: Final = re.compile(r"\$(\w+)\s*:=|[@#]\s*\$(\w+)")
_PARAMETERS: Final = re.compile(r"(?:\bfunction|λ)\s*\(([^)]*)\)")
_ASKED: Final = re.compile(r"\$exists\s*\(\s*\$(\w+)")
"""An expression that asks whether a variable exists knows what to do without it."""

_STATES: Final = re.compile(r"(?<![\w$])\$states\s*\.\s*(\w+)")

FUNCTIONS: Final = frozenset((
    "abs", "append", "assert", "average", "base64decode", "base64encode", "boolean", "ceil", "clone", "contains",
    "count", "decodeUrl", "decodeUrlComponent", "distinct", "each", "encodeUrl", "encodeUrlComponent", "error",
    "eval", "exists", "filter", "floor", "formatBase", "formatInteger", "formatNumber", "fromMillis", "hash", "join",
    "keys", "length", "lookup", "lowercase", "map", "match", "max", "merge", "millis", "min", "not", "now", "number",
    "pad", "parse", "parseInteger", "partition", "power", "random", "range", "reduce", "replace", "reverse", "round",
    "shuffle", "sift", "single", "sort", "split", "spread", "sqrt", "string", "substring", "substringAfter",
    "substringBefore", "sum", "toMillis", "trim", "type", "uppercase", "uuid", "zip",
))  # fmt: skip
"""JSONata's library and what Step Functions adds to it (asl.md 3.3)."""


def asked(text: str) -> frozenset[str]:
    """The variables that a JSONata text asks for with $exists."""
    return frozenset(_ASKED.findall(_code(text)))


class Name(NamedTuple):
    """A name that an expression reads: where it stands in the text, and whether it is called."""

    name: str
    offset: int
    called: bool


def _code(text: str) -> str:
    """The text with what is no code (texts, comments, patterns) made blank."""
    return _NOT_CODE.sub(lambda match: " " * len(match[0]), text)


def free_names(text: str) -> Iterator[Name]:
    """The variables that a JSONata text reads or calls and does not bind itself, library functions left out."""
    code = _code(text)
    bound = {name for pair in _BOUND.findall(code) for name in pair if name} | {"states", *_ASKED.findall(code)}
    for parameters in _PARAMETERS.findall(code):
        bound.update(re.findall(r"\$(\w+)", parameters))
    for match in _VARIABLE.finditer(code):
        if match[1] not in bound and match[1] not in FUNCTIONS:
            yield Name(match[1], match.start(), code[match.end() :].lstrip()[:1] == "(")


def states_fields(text: str) -> Iterator[Name]:
    """The fields of `$states` that a JSONata text reads."""
    for match in _STATES.finditer(_code(text)):
        yield Name(match[1], match.start(1), False)
