"""What is wrong with a picture to look at: things that overlap, ways that run through states or labels."""

from __future__ import annotations

from collections.abc import Iterator

from statelang.views.picture import Drawn, Picture, Placed

Rect = tuple[float, float, float, float]


def faults(picture: Picture) -> list[str]:
    """Every overlap, in words; none: nothing overlaps and nothing is cut off."""
    return [*_cut_off(picture), *_nodes(picture), *_labels(picture), *_ways(picture)]


def node_rect(placed: Placed) -> Rect:
    return (placed.x, placed.y, placed.x + placed.width, placed.y + placed.height)


def label_rect(drawn: Drawn) -> Rect:
    assert drawn.centre is not None
    (x, y), (width, height) = drawn.centre, drawn.size
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _meet(a: Rect, b: Rect, slack: float = 0.5) -> bool:
    return a[0] + slack < b[2] and b[0] + slack < a[2] and a[1] + slack < b[3] and b[1] + slack < a[3]


def _within(a: Rect, b: Rect, slack: float = 0.5) -> bool:
    return a[0] >= b[0] - slack and a[1] >= b[1] - slack and a[2] <= b[2] + slack and a[3] <= b[3] + slack


def _cut_off(picture: Picture) -> Iterator[str]:
    whole = (0.0, 0.0, picture.width, picture.height)
    for placed in picture.placed:
        if not _within(node_rect(placed), whole):
            yield f"{placed.node.name} is cut off"
    for drawn in picture.drawn:
        if not all(_within((x, y, x, y), whole) for x, y in drawn.points):
            yield f"the way to {drawn.edge.target} is cut off"


def _nodes(picture: Picture) -> Iterator[str]:
    for number, a in enumerate(picture.placed):
        for b in picture.placed[number + 1 :]:
            held = (a.frames and _framed(b, a)) or (b.frames and _framed(a, b))
            if _meet(node_rect(a), node_rect(b)) and not held:
                yield f"{a.node.name} and {b.node.name} overlap"


def _framed(inner: Placed, outer: Placed) -> bool:
    return any(_within(node_rect(inner), (x, y, x + w, y + h)) for x, y, w, h in outer.frames)


def _labels(picture: Picture) -> Iterator[str]:
    labelled = [drawn for drawn in picture.drawn if drawn.centre is not None]
    for number, a in enumerate(labelled):
        for b in labelled[number + 1 :]:
            if _meet(label_rect(a), label_rect(b)):
                yield f"the labels {a.edge.label!r} and {b.edge.label!r} overlap"
        for placed in picture.placed:
            rect, node = label_rect(a), node_rect(placed)
            if _meet(rect, node) and not (placed.frames and _within(rect, node)):
                yield f"the label {a.edge.label!r} lies on {placed.node.name}"


def _ways(picture: Picture) -> Iterator[str]:
    for drawn in picture.drawn:
        for a, b in zip(drawn.points, drawn.points[1:]):
            line = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
            for placed in picture.placed:
                node = node_rect(placed)
                if _meet(line, node, 1.5) and not (placed.frames and _within(line, node)):
                    yield f"the way {drawn.edge.source} -> {drawn.edge.target} runs through {placed.node.name}"
            for other in picture.drawn:
                if other is not drawn and other.centre is not None and _meet(line, label_rect(other), 1.5):
                    yield f"the way {drawn.edge.source} -> {drawn.edge.target} runs through {other.edge.label!r}"
