"""The syntax tree: one kind of node with the parts that a construct of the language may have.

Rule: nodes are made by the parser, completed by `resolve`, read by the compiler, and gone afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False, slots=True)
class Slot:
    """Where a `%` gets its parent from: the variable `label`, bound `level` steps further out."""

    label: str
    level: int = 1


@dataclass(eq=False, slots=True)
class Node:
    """`kind` names the construct; `position` is the offset after its token.

    A step of a path may have `stages` (filters and indexes), `focus` (`@$x`), `index` (`#$i`), `ancestor` (a parent
    somebody asks for), and is a `tuple` step if any of these bind something. Elsewhere filters are `predicates`.
    """

    kind: str
    value: Any = None
    position: int = 0
    left: Node | None = None
    right: Node | None = None
    parts: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    descending: bool = False
    signature: Any = None
    thunk: bool = False
    keep_array: bool = False
    keep_singleton: bool = False
    constructs: bool = False
    predicates: list[Node] = field(default_factory=list)
    stages: list[Node] = field(default_factory=list)
    group: Node | None = None
    focus: str | None = None
    index: str | None = None
    ancestor: Slot | None = None
    slot: Slot | None = None
    seeking: list[Slot] = field(default_factory=list)
    tuple: bool = False
    height: int = 1
