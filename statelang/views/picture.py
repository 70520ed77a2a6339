"""The picture: where every state of a chart stands and how every way runs, in units of one pixel.

Each box is laid out by graphlay on its own, from the inside out: a Parallel or Map is one big node of the box around
it. Sizes come from a table of letter widths, so that the picture is the same on every machine.

Rule: graphlay is used here alone, and only here are lengths known; what is drawn of it is for `svg` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from statelang.errors import StatelangError
from statelang.views.chart import START, Box, Edge, Node, backward, hopeful, reading_order
from statelang.views.letters import text_width, wrapped

TITLE: Final = 13
DETAIL: Final = 11
LABEL: Final = 11
"""Sizes of letters."""

LINE: Final = 16
"""The height of a line."""

SIDE: Final = 16
"""What is left free to the left and right of a node's text."""

WIDEST: Final = 230
"""How wide a node's text may be before it is broken."""

LABEL_WIDEST: Final = 150
LABEL_LINES: Final = 4

GAP: Final = 18
"""What is left free around what a Parallel or Map holds."""

MARGIN: Final = 20
CLEAR: Final = 7
"""What is left free to the left and right of a label."""

DOT: Final = 14
"""The start."""

WEIGHTS: Final[Mapping[str, float]] = {"start": 8.0, "next": 6.0, "rule": 3.0, "default": 3.0, "catch": 0.4}
"""How straight a way is drawn: the main path before the branches, those before what only a failure takes."""

ASIDE: Final = 0.5
"""The weight of a way from which no good end can be reached, that leads back, or that only a failure leads to."""

OPTIONS: Final[Mapping[str, Any]] = {
    "direction": "topbottom",
    "spacing": {"layer_gap": 34.0, "node_gap": 30.0, "self_loop_gap": 12.0},
    "routing": {"style": "orthogonal", "port_sides": "facing_preferred"},
    "coords": {"branch_style": "straight_main"},
    "effort": "thorough",
}

Point = tuple[float, float]


class NoLayout(StatelangError):
    """Pictures need the extra 'graph': pip install 'statelang[graph]' (Mermaid needs nothing)"""


@dataclass(frozen=True, slots=True)
class Placed:
    """A node at its place: the corner at the top left, and the lines of its texts.

    `frames` are the boxes it holds, as corner and size; START is the dot where a box begins.
    """

    node: Node
    x: float
    y: float
    width: float
    height: float
    title: tuple[str, ...]
    detail: tuple[str, ...]
    frames: tuple[tuple[float, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """An edge as a line through its points, and its label's lines around a centre."""

    edge: Edge
    points: tuple[Point, ...]
    label: tuple[str, ...] = ()
    centre: Point | None = None
    size: tuple[float, float] = (0, 0)


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything of a box, outermost first, with the size of the whole."""

    width: float
    height: float
    placed: tuple[Placed, ...]
    drawn: tuple[Drawn, ...]


def picture(box: Box, notes: Mapping[str, str] | None = None) -> Picture:
    """The picture of a chart; `notes` are further lines under the titles, by state. Raises NoLayout."""
    inner = _laid_out(box, notes or {})
    moved = _moved(inner, MARGIN, MARGIN)
    return Picture(inner.width + 2 * MARGIN, inner.height + 2 * MARGIN, moved.placed, moved.drawn)


def _laid_out(box: Box, notes: Mapping[str, str]) -> Picture:
    main, troubled = reading_order(box)
    nodes = [Node(START, START, ""), *main, *troubled] if box.start else [*main, *troubled]
    measured = [_measured(node, notes) for node in nodes]
    layout = _graphlay([size for size, _ in measured], box)
    placed: list[Placed] = []
    drawn = _drawn(box.edges, layout, len(nodes))
    for (size, inside), at in zip(measured, layout["nodes"]):
        x, y = at["center"]["x"] - size.width / 2, at["center"]["y"] - size.height / 2
        own = _moved(Picture(size.width, size.height, (size, *inside.placed), inside.drawn), x, y)
        placed += own.placed
        drawn += own.drawn
    return _fitted(placed, drawn)


def _fitted(placed: list[Placed], drawn: list[Drawn]) -> Picture:
    """The picture moved to where nothing of it is cut off."""
    if not placed:
        return Picture(0, 0, (), ())
    corners = [corner for p in placed for corner in ((p.x, p.y), (p.x + p.width, p.y + p.height))]
    corners += [point for d in drawn for point in d.points]
    for d in drawn:
        if d.centre is not None:
            (x, y), (width, height) = d.centre, d.size
            corners += [(x - width / 2, y - height / 2), (x + width / 2, y + height / 2)]
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    right, bottom = max(x for x, _ in corners), max(y for _, y in corners)
    return _moved(Picture(right - left, bottom - top, tuple(placed), tuple(drawn)), -left, -top)


def _measured(node: Node, notes: Mapping[str, str]) -> tuple[Placed, Picture]:
    """A node's size, its corner at 0, 0, and what is inside it."""
    if node.type == START:
        return Placed(node, 0, 0, DOT, DOT, (), ()), Picture(0, 0, (), ())
    title = tuple(wrapped(node.title, TITLE, WIDEST, bold=True))
    detail = [*wrapped(node.detail, DETAIL, WIDEST), *wrapped(notes.get(node.name, ""), DETAIL, WIDEST)]
    widths = [text_width(line, TITLE, bold=True) for line in title] + [text_width(line, DETAIL) for line in detail]
    width = max([96.0, *widths]) + 2 * SIDE + (28 if node.tries else 0)
    height = 18.0 + LINE * (len(title) + len(detail))
    if not node.boxes:
        return Placed(node, 0, 0, width, height, title, tuple(detail)), Picture(0, 0, (), ())
    return _holding(node, width, height, title, tuple(detail), notes)


def _holding(
    node: Node, width: float, head: float, title: tuple[str, ...], detail: tuple[str, ...], notes: Mapping[str, str]
) -> tuple[Placed, Picture]:
    """A Parallel or Map: its boxes side by side under its head."""
    inner = [_laid_out(box, notes) for box in node.boxes]
    row = sum(each.width + 2 * GAP for each in inner) + GAP * (len(inner) - 1)
    tall = max(each.height for each in inner) + 2 * GAP
    whole = max(width, row + 2 * GAP)
    placed: list[Placed] = []
    drawn: list[Drawn] = []
    frames = []
    x = (whole - row) / 2
    for each in inner:
        moved = _moved(each, x + GAP, head + GAP)
        frames.append((x, head, each.width + 2 * GAP, tall))
        placed += moved.placed
        drawn += moved.drawn
        x += each.width + 3 * GAP
    own = Placed(node, 0, 0, whole, head + tall + GAP, title, detail, tuple(frames))
    return own, Picture(whole, own.height, tuple(placed), tuple(drawn))


def _graphlay(sizes: list[Placed], box: Box) -> dict[str, Any]:
    """The layout of the nodes and, after them, of the labels: a label is a node on its way, so that it is never off it.

    The routes of a labelled edge are two: to its label and on from there.
    """
    try:
        import graphlay
    except ImportError:
        raise NoLayout from None
    graph = graphlay.Graph()
    for size in sizes:
        graph.node(size.node.name, width=size.width, height=size.height)
    good, back = hopeful(box), backward(box)
    main = {START, *(node.name for node in reading_order(box)[0])}
    ways: list[tuple[Any, Any, float, bool]] = []
    for number, edge in enumerate(box.edges):
        straight = edge.source in main and edge.target in good and edge not in back
        weight = WEIGHTS[edge.kind] if straight else min(ASIDE, WEIGHTS[edge.kind])
        if edge.label:
            width, height = _label_size(_label(edge))
            graph.node(number, width=width + 2 * CLEAR, height=height)
            ways += [(edge.source, number, weight, edge in back), (number, edge.target, weight, edge in back)]
        else:
            ways.append((edge.source, edge.target, weight, edge in back))
    for source, target, weight, upward in ways:
        graph.edge(source, target, weight=weight, reverse_for_ranking=upward)
    laid: dict[str, Any] = graphlay.layout(graph, preset="process_map", options=OPTIONS).to_dict()
    return laid


def _label(edge: Edge) -> tuple[str, ...]:
    return tuple(wrapped(edge.label, LABEL, LABEL_WIDEST, most=LABEL_LINES))


def _label_size(lines: tuple[str, ...]) -> tuple[float, float]:
    return max(text_width(line, LABEL) for line in lines) + 12, 14.0 * len(lines) + 6


def _drawn(edges: tuple[Edge, ...], layout: Mapping[str, Any], first: int) -> list[Drawn]:
    routes, labels = iter(layout["edges"]), iter(layout["nodes"][first:])
    drawn = []
    for edge in edges:
        points = [(point["x"], point["y"]) for point in next(routes)["points"]]
        if not edge.label:
            drawn.append(Drawn(edge, tuple(points)))
            continue
        points += [(point["x"], point["y"]) for point in next(routes)["points"]]
        at, lines = next(labels)["center"], _label(edge)
        drawn.append(Drawn(edge, tuple(points), lines, (at["x"], at["y"]), _label_size(lines)))
    return drawn


def _moved(whole: Picture, x: float, y: float) -> Picture:
    placed = tuple(
        replace(p, x=p.x + x, y=p.y + y, frames=tuple((a + x, b + y, w, h) for a, b, w, h in p.frames))
        for p in whole.placed
    )
    drawn = tuple(
        replace(
            d,
            points=tuple((a + x, b + y) for a, b in d.points),
            centre=None if d.centre is None else (d.centre[0] + x, d.centre[1] + y),
        )
        for d in whole.drawn
    )
    return Picture(whole.width, whole.height, placed, drawn)
