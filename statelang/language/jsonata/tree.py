"""The syntax tree: one kind of node with the parts that a construct of the language may have.

Rule: nodes are made by the parser, completed by `resolve`, read by the compiler, and gone afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def parts_of(node: Node) -> Iterator[Node]:
    """Every node directly inside a node."""
    for part in (node.left, node.right, node.group):
        if part is not None:
            yield part
    yield from node.parts
    yield from node.predicates
    yield from node.stages
    for pair in node.pairs:
        yield from pair


def every_node(tree: Node) -> Iterator[Node]:
    """A node and everything inside it."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(parts_of(node))


def bound_names(tree: Node) -> frozenset[str]:
    """The names that an expression binds somewhere; "eval" too where it reads that name."""
    found: set[str] = set()
    for node in every_node(tree):
        if node.kind == "bind" and node.left is not None:
            found.add(node.left.value)
        elif node.kind == "lambda":
            found.update(part.value for part in node.parts)
        elif node.kind == "index" or (node.kind == "variable" and node.value == "eval"):
            found.add(node.value)
        found.update(name for name in (node.focus, node.index) if name is not None)
    return frozenset(found)


def makes_functions(tree: Node) -> bool:
    """Whether an expression makes functions or assigns variables: its scope may then live on after it."""
    return any(node.kind in ("lambda", "transform", "bind") for node in every_node(tree))


def is_plain(step: Node, *, variable: bool = False) -> bool:
    """Whether a step is nothing but a name (or a variable): no filter, no binding, nothing else on it."""
    kind = step.kind == "name" or (variable and step.kind == "variable" and step.value != "")
    return kind and not (step.stages or step.predicates or step.tuple or step.keep_array or step.group)
