"""Conversion between JSON and YAML, and what the other notation cannot hold.

Rule: what came out is read again and must be the tree that went in; else nothing comes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from statelang.compiler import fields
from statelang.compiler.source import is_yaml
from statelang.notation.json_text import read_json, write_json
from statelang.notation.tree import Node, Unreadable, scalars
from statelang.notation.yaml_text import anchors, comments, read_yaml, write_yaml

Notation = Literal["json", "yaml"]

PAYLOADS: Final = (
    "Parameters", "Arguments", "ItemSelector", "ResultSelector", "Result", "Assign", "Output", "BatchInput",
)  # fmt: skip
"""Fields whose content is the author's own: nothing is known of its types."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A definition in the other notation. `losses` says what of it that notation cannot hold, a line each."""

    text: str
    losses: tuple[str, ...] = ()


def convert(text: str, name: str, *, to: Notation | None = None) -> Converted:
    """A definition in another notation: JSON becomes YAML and YAML becomes JSON where `to` does not say.

    Raises Unreadable with file, line and column.
    """
    plain = text.replace("\r\n", "\n").removeprefix("\ufeff")
    from_yaml = is_yaml(plain, name)
    target = to or ("json" if from_yaml else "yaml")
    tree = read_yaml(plain, name) if from_yaml else read_json(plain, name)
    if target == "yaml":
        made = write_yaml(tree)
        _check(tree, read_yaml(made, name), name)
        return Converted(made, tuple(_lost_in_yaml(tree)) if not from_yaml else tuple(_lost(plain, name)))
    _quote(tree, "", payload=False)
    made = write_json(tree)
    _check(tree, read_json(made, name), name)
    return Converted(made, tuple(_lost(plain, name)) if from_yaml else ())


def _check(tree: Node, again: Node, name: str) -> None:
    if tree != again:
        raise Unreadable(f"{name}: cannot be written in the other notation without changing it")


def _lost(text: str, name: str) -> Iterator[str]:
    """What is not in the tree of a YAML text."""
    for line, comment in comments(text):
        yield f"{name}:{line}: the comment {comment}"
    for anchor in anchors(text):
        yield f"{name}: the anchor &{anchor}: what it holds is written out wherever it was used"


def _lost_in_yaml(tree: Node) -> Iterator[str]:
    """Placeholders without quotes of which YAML cannot tell that they stand for a number."""
    for pointer, scalar in scalars(tree):
        if scalar.kind == "open" and not is_number_field(pointer):
            yield f"{pointer}: that {scalar.value} has no quotes: YAML writes a text so too, which JSON will quote"


def _quote(node: Node, pointer: str, *, payload: bool) -> None:
    """Make a text of every placeholder that does not stand where a number must be: YAML writes both without quotes."""
    for place, scalar in scalars(node, pointer):
        if scalar.kind == "open" and not is_number_field(place):
            scalar.kind = "text"


def is_number_field(pointer: str) -> bool:
    """Whether a value at a pointer of a definition must be a number, true or false."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")]
    return parts[-1] in _number_fields() and not any(part in PAYLOADS for part in parts[:-1])


@lru_cache(maxsize=1)
def _number_fields() -> frozenset[str]:
    """The fields that take a number or a boolean and no text."""
    tables = (
        *fields.JSONPATH.values(),
        *fields.JSONATA.values(),
        fields.MACHINE,
        fields.RETRIER,
        fields.JSONPATH_RULE,
    )
    takes = {name: shape for table in tables for name, shape in table.items()}
    known = (name for name, shape in takes.items() if shape("text") is not None)
    typed = {name for name in known if any(takes[name](value) is None for value in (1, 1.5, True))}
    return frozenset({*typed, "MaxItemsPerBatch", "MaxInputBytesPerBatch", "MaxItems"})
