"""The chart: a definition as boxes of nodes and edges, which pictures draw and explanations tell.

A definition need not be valid: what is missing is shown as missing, what cannot be read is left out.

Rule: the shape of a definition is read here and nowhere else in the views; a chart holds what is written, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from statelang.values import Json, escape
from statelang.views.conditions import condition
from statelang.views.deeds import deed
from statelang.views.glossary import Glossary
from statelang.views.maps import grouped, items, noun_of, together
from statelang.views.words import duration, error_clauses, quoted, shortened

EdgeKind = Literal["start", "next", "rule", "default", "catch"]

MISSING: Final = "Missing"
"""The type of a node that a state leads to and that is not there."""

START: Final = ""
"""The name of the place where a box begins: no state is called so."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from a state to the next one. `label` says when it is taken, in words; empty: always."""

    source: str
    target: str
    kind: EdgeKind
    label: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A state: its `title` (the glossary's word or its name), what it does in short, and how often it is tried again.

    `ends`: after it nothing comes. `boxes` are what it holds: the branches of a Parallel, the processor of a Map.
    """

    name: str
    type: str
    title: str
    detail: str = ""
    tries: str = ""
    ends: bool = False
    boxes: tuple[Box, ...] = ()
    pointer: str = ""
    definition: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Box:
    """A States object: the machine itself, a branch or an item processor; `pointer` is its place."""

    start: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    pointer: str = ""
    comment: str | None = None

    def node(self, name: str) -> Node:
        """The node of this name, which an edge of the box names."""
        return next(node for node in self.nodes if node.name == name)

    def out(self, name: str) -> list[Edge]:
        """The edges that leave a state, in the order in which they are written."""
        return [edge for edge in self.edges if edge.source == name]


def chart(definition: Mapping[str, Json], glossary: Glossary | None = None) -> Box:
    """The chart of a whole definition."""
    return _box(definition, "", glossary or Glossary())


def every_node(box: Box) -> Iterator[Node]:
    """All nodes of a box, and of the boxes inside them."""
    for node in box.nodes:
        yield node
        for inner in node.boxes:
            yield from every_node(inner)


def _box(scope: Mapping[str, Json], pointer: str, glossary: Glossary) -> Box:
    given = scope.get("States")
    states = (
        {name: state for name, state in given.items() if isinstance(state, dict)} if isinstance(given, dict) else {}
    )
    start = scope.get("StartAt")
    edges = [edge for name, state in states.items() for edge in _merged(_edges(name, state, glossary))]
    if isinstance(start, str) and start:
        edges.insert(0, Edge(START, start, "start"))
    nodes = [_node(name, state, f"{pointer}/States/{escape(name)}", glossary) for name, state in states.items()]
    missing = [name for name in dict.fromkeys(edge.target for edge in edges) if name not in states]
    nodes += [Node(name, MISSING, name, "not defined") for name in missing]
    comment = scope.get("Comment")
    return Box(start if isinstance(start, str) else None, tuple(nodes), tuple(edges), pointer,
               comment if isinstance(comment, str) and comment.strip() else None)  # fmt: skip


def _list(value: Json) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _edges(name: str, state: Mapping[str, Json], glossary: Glossary) -> Iterator[Edge]:
    if isinstance(state.get("Next"), str):
        yield Edge(name, state["Next"], "next")
    for rule in _list(state.get("Choices")):
        if isinstance(rule.get("Next"), str):
            yield Edge(name, rule["Next"], "rule", _said(rule, glossary))
    if isinstance(state.get("Default"), str):
        yield Edge(name, state["Default"], "default", "otherwise")
    for position, catcher in enumerate(_list(state.get("Catch"))):
        if isinstance(catcher.get("Next"), str):
            yield Edge(name, catcher["Next"], "catch", f"if {caught(catcher, glossary, other=position > 0)}")


def _said(rule: Mapping[str, Json], glossary: Glossary) -> str:
    """The words of a rule; of a formula that has none, the comment its author gave the rule."""
    words, comment = condition(rule, glossary.values.get), rule.get("Comment")
    return comment if words.startswith("the formula “") and isinstance(comment, str) and comment.strip() else words


def caught(catcher: Mapping[str, Json], glossary: Glossary, *, other: bool = False) -> str:
    """What must happen for a Catcher or a Retrier: `it takes too long or it reports “CardDeclined”`.

    `other`: there are some before it, which come first.
    """
    names = catcher.get("ErrorEquals")
    said = error_clauses(names if isinstance(names, list) else ["States.ALL"], glossary.errors.get)
    return said.replace("anything goes wrong", "anything else goes wrong", 1) if other else said


def _merged(edges: Iterator[Edge]) -> list[Edge]:
    """Rules that lead to the same state become one edge, as do catchers."""
    merged: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        kind = "rule" if edge.kind == "default" else edge.kind
        known = merged.get((edge.target, kind))
        if known is None:
            merged[edge.target, kind] = edge
        else:
            label = f"{known.label}, or {edge.label.removeprefix('if ')}"
            merged[edge.target, kind] = Edge(edge.source, edge.target, known.kind, label)
    return list(merged.values())


def _node(name: str, state: Mapping[str, Json], pointer: str, glossary: Glossary) -> Node:
    kind = str(state.get("Type"))
    boxes = tuple(_box(scope, inner, glossary) for scope, inner in _scopes(state, pointer))
    ends = kind in ("Succeed", "Fail") or state.get("End") is True
    return Node(name, kind, glossary.state(name), _detail(state, kind, glossary), _tries(state), ends, boxes,
                pointer, state)  # fmt: skip


def _scopes(state: Mapping[str, Json], pointer: str) -> Iterator[tuple[Mapping[str, Json], str]]:
    branches = state.get("Branches")
    for number_, branch in enumerate(branches if isinstance(branches, list) else []):
        if isinstance(branch, dict):
            yield branch, f"{pointer}/Branches/{number_}"
    for key in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(key), dict):
            yield state[key], f"{pointer}/{key}"
            return


def _tries(state: Mapping[str, Json]) -> str:
    """How often a state is tried again at most: `3×`; empty: never."""
    most = max((tries(retrier) for retrier in _list(state.get("Retry"))), default=0)
    return f"{most}×" if most else ""


def tries(retrier: Mapping[str, Json]) -> int:
    """MaxAttempts, which is 3 where it is not written."""
    most = retrier.get("MaxAttempts", 3)
    return most if isinstance(most, int) and not isinstance(most, bool) else 3


def _detail(state: Mapping[str, Json], kind: str, glossary: Glossary) -> str:
    if kind == "Task":
        done = deed(state, glossary)
        return shortened(done.short, 48) + (", waits for an answer" if done.waits == "answer" else "")
    if kind == "Wait":
        return shortened(waits(state, glossary), 48)
    if kind == "Map":
        said = ", ".join(filter(None, (f"for each of {items(state, glossary)}", grouped(state), together(state))))
        return shortened(said, 72)
    if kind == "Parallel":
        return "all at the same time"
    if kind == "Fail":
        return shortened(failure(state), 48)
    return {"Choice": "decides", "Succeed": "succeeds", "Pass": "prepares data"}.get(kind, kind)


def failure(state: Mapping[str, Json]) -> str:
    """The error a Fail state ends with, as a name or where it comes from."""
    error = state.get("Error")
    if isinstance(error, str) and error.strip() and "{%" not in error:
        return f"fails with {quoted(error)}"
    return "fails"


def waits(state: Mapping[str, Json], glossary: Glossary) -> str:
    """How long a Wait state waits, without its verb: `for 10 seconds`, `until the due date`."""
    seconds, moment = state.get("Seconds"), state.get("Timestamp")
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool):
        return f"for {duration(seconds)}"
    if seconds is not None and str(seconds).startswith("${"):
        return f"for {noun_of(seconds, glossary)} seconds"
    if seconds is not None:
        return f"for as many seconds as {noun_of(seconds, glossary)} says"
    if isinstance(state.get("SecondsPath"), str):
        return f"for as many seconds as {noun_of(state['SecondsPath'], glossary)} says"
    if isinstance(state.get("TimestampPath"), str):
        return f"until {noun_of(state['TimestampPath'], glossary)}"
    return f"until {noun_of(moment, glossary)}" if moment is not None else "for a while"


def reading_order(box: Box) -> tuple[list[Node], list[Node]]:
    """The nodes as a reader meets them: those of the way itself, then those that only a failure leads to.

    Either part is in such an order that a state comes after those that lead to it, save for ways back.
    """
    main = _order(box, [START], catches=False)
    rest = [edge.target for name in main for edge in box.out(name) if edge.kind == "catch"]
    troubled = [name for name in _order(box, list(dict.fromkeys(rest)), catches=True) if name not in main]
    left = [node.name for node in box.nodes if node.name not in {*main, *troubled}]
    return [box.node(name) for name in main if name != START], [box.node(name) for name in [*troubled, *left]]


def hopeful(box: Box) -> set[str]:
    """The states from which a good end can be reached without a failure."""
    found = {node.name for node in box.nodes if node.ends and node.type != "Fail"}
    while True:
        more = {edge.source for edge in box.edges if edge.kind != "catch" and edge.target in found} - found
        if not more:
            return found
        found |= more


def backward(box: Box) -> set[Edge]:
    """The ways that lead back to where a run has been."""
    place = {name: number for number, name in enumerate(_order(box, [START], catches=True))}
    last = len(place)
    return {edge for edge in box.edges if place.get(edge.target, last) <= place.get(edge.source, last - 1)}


def _order(box: Box, roots: list[str], *, catches: bool) -> list[str]:
    """Reverse post-order of a walk along the edges; without recursion."""
    done: list[str] = []
    seen: set[str] = set()
    for root in reversed(roots):
        stack = [(root, False)]
        while stack:
            name, left = stack.pop()
            if left:
                done.append(name)
            elif name not in seen:
                seen.add(name)
                stack.append((name, True))
                ways = [edge.target for edge in box.out(name) if catches or edge.kind != "catch"]
                stack += [(target, False) for target in ways]
    return done[::-1]
