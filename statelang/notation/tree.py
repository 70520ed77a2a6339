"""The tree of a definition as it is spelled: every scalar with its own spelling, every container with its layout.

Rule: two trees are the same where they mean the same and every scalar that is no text is spelled the same; layout does
not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from statelang.compiler.source import escape
from statelang.errors import InvalidDefinition

OPEN: Final = re.compile(r"\$\{[^{}\s\"]+\}|__\w+__")
"""A placeholder that stands for a whole value, without quotes."""

Kind = Literal["text", "number", "word", "open"]


@dataclass(slots=True)
class Scalar:
    """`value` is the content of a text, and the JSON spelling of a number, of true, false and null, of a placeholder.

    `raw` is how a text is spelled in JSON, quotes and escapes too, where it came from JSON. `blank`: an empty line
    stands before it.
    """

    kind: Kind
    value: str
    raw: str | None = field(default=None, compare=False)
    blank: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Mapping:
    """Keys and values in the order in which they are written. `spread`: over several lines."""

    pairs: list[tuple[Scalar, Node]]
    spread: bool = field(default=True, compare=False)
    blank: bool = field(default=False, compare=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and [(k.value, v) for k, v in self.pairs] == [
            (k.value, v) for k, v in other.pairs
        ]

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Sequence:
    """Elements in order."""

    items: list[Node]
    spread: bool = field(default=True, compare=False)
    blank: bool = field(default=False, compare=False)


Node = Scalar | Mapping | Sequence


class Unreadable(InvalidDefinition):
    """This is neither JSON nor YAML."""


def place(text: str, offset: int) -> str:
    """`LINE:COLUMN` of an offset."""
    return f"{text.count(chr(10), 0, offset) + 1}:{offset - text.rfind(chr(10), 0, offset)}"


def scalars(node: Node, pointer: str = "") -> Iterator[tuple[str, Scalar]]:
    """Every scalar that is a value, with its JSON Pointer."""
    if isinstance(node, Scalar):
        yield pointer, node
    elif isinstance(node, Mapping):
        for key, value in node.pairs:
            yield from scalars(value, f"{pointer}/{escape(key.value)}")
    else:
        for index, item in enumerate(node.items):
            yield from scalars(item, f"{pointer}/{index}")
