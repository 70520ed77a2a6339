"""Mermaid: a chart as a flowchart for READMEs, which GitHub and others draw; it needs no layout of ours.

Rule: ids are made from places, never from names, and every text is escaped: no name can break the picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from statelang.views.chart import MISSING, START, Box, Edge, Node
from statelang.views.course import Course
from statelang.views.svg import COLOURS, FILLS, taken
from statelang.views.words import shortened

SHAPES: Final = {
    "Choice": ('{{"', '"}}'),
    "Succeed": ('(["', '"])'),
    "Fail": ('(["', '"])'),
}
PLAIN: Final = ('["', '"]')

LONGEST: Final = 90
"""How long a label may be."""


def mermaid(box: Box, course: Course | None = None, *, now: int | None = None) -> str:
    """The text of a Mermaid flowchart, coloured by a course where there is one."""
    writer = _Writer(course, now)
    lines = ["flowchart TD", *writer.box(box, "s", "  ")]
    lines += [f"  linkStyle {','.join(map(str, writer.taken))} stroke:#1a7f37,stroke-width:3px"] if writer.taken else []
    return "\n".join([*lines, *writer.styles()]) + "\n"


class _Writer:
    """Counts the links, which styles name by their number, and the classes in use."""

    def __init__(self, course: Course | None, now: int | None) -> None:
        self.course = course
        self.now = now
        self.links = 0
        self.taken: list[int] = []
        self.classes: dict[str, list[str]] = {}
        self.branches: list[str] = []

    def box(self, box: Box, prefix: str, indent: str) -> Iterator[str]:
        ids = {node.name: f"{prefix}{number}" for number, node in enumerate(box.nodes, 1)}
        if box.start is not None:
            ids[START] = f"{prefix}0"
            yield f'{indent}{prefix}0((" "))'
        for node in box.nodes:
            yield from self.node(node, ids[node.name], indent)
        for edge in box.edges:
            yield self.edge(edge, ids, indent)

    def node(self, node: Node, name: str, indent: str) -> Iterator[str]:
        outcome = self.course.outcome(node.name) if self.course is not None else node.type
        self.classes.setdefault(outcome, []).append(name)
        left, right = SHAPES.get(node.type, PLAIN)
        if not node.boxes:
            yield f"{indent}{name}{left}{self.words(node)}{right}"
            return
        yield f'{indent}subgraph {name}["{self.words(node, " · ")}"]'
        yield f"{indent}  direction TB"
        for number, inner in enumerate(node.boxes, 1):
            if len(node.boxes) == 1:
                yield from self.box(inner, f"{name}_", f"{indent}  ")
            else:
                self.branches.append(f"{name}_{number}")
                yield f'{indent}  subgraph {name}_{number}[" "]'
                yield f"{indent}    direction TB"
                yield from self.box(inner, f"{name}_{number}_", f"{indent}    ")
                yield f"{indent}  end"
        yield f"{indent}end"

    def words(self, node: Node, between: str = "<br/>") -> str:
        tries = f" ↻ {node.tries}" if node.tries else ""
        lines = [_escape(node.title) + tries, _escape(node.detail)]
        if self.course is not None and self.course.outcome(node.name) != "never":
            lines.append(_escape(self.course.note(node.name, self.now)))
        return between.join(line for line in lines if line)

    def edge(self, edge: Edge, ids: dict[str, str], indent: str) -> str:
        if taken(edge, self.course):
            self.taken.append(self.links)
        self.links += 1
        arrow = "-.->" if edge.kind == "catch" else "-->"
        label = f'|"{_escape(shortened(edge.label, LONGEST))}"|' if edge.label else ""
        return f"{indent}{ids[edge.source]} {arrow}{label} {ids[edge.target]}"

    def styles(self) -> Iterator[str]:
        for kind, names in self.classes.items():
            fill, line = FILLS[kind] if kind in FILLS else ("#fff", COLOURS.get(kind, "#57606a"))
            name = re.sub(r"\W", "", kind).lower() or "other"
            broken = ",stroke-dasharray:4 3" if kind == MISSING else ""
            yield f"  classDef {name} fill:{fill},stroke:{line},color:#1f2328{broken}"
            yield f"  class {','.join(names)} {name}"
        if self.branches:
            yield "  classDef branch fill:#8796a51a,stroke:#8c959f,stroke-dasharray:4 3"
            yield f"  class {','.join(self.branches)} branch"


def _escape(text: str) -> str:
    """A text inside quotes: what Mermaid or Markdown would read as a sign is written by its number."""
    line = " ".join(text.split())
    line = re.sub(r'["#&<>`\\]', lambda match: f"#{ord(match[0])};", line)
    return re.sub(r"^(\d+|[-*+])([.)]?) ", lambda match: f"{match[1]}{match[2]}#160;", line)
