"""SVG: a picture as a file of its own, readable on light and on dark backgrounds.

Rule: all colours and shapes are here; every text is escaped; nothing is loaded from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from statelang.views.chart import MISSING, START, Edge
from statelang.views.course import Course, Outcome
from statelang.views.letters import text_width
from statelang.views.picture import DETAIL, LABEL, LINE, TITLE, Drawn, Picture, Placed, Point

COLOURS: Final = {
    "Task": "#0a58ca",
    "Choice": "#8a4b08",
    "Wait": "#6f42c1",
    "Pass": "#57606a",
    "Succeed": "#1a7f37",
    "Fail": "#cf222e",
    "Parallel": "#0b7285",
    "Map": "#0b7285",
    MISSING: "#cf222e",
}
"""The colour of each type of state."""

FILLS: Final[dict[Outcome, tuple[str, str]]] = {
    "succeeded": ("#dafbe1", "#1a7f37"),
    "caught": ("#fff1c2", "#9a6700"),
    "failed": ("#ffd8d3", "#cf222e"),
    "stopped": ("#eaeef2", "#57606a"),
    "running": ("#d3e8ff", "#0a58ca"),
    "never": ("#ffffff", "#afb8c1"),
}
"""What happened -> fill and line."""

STYLE: Final = """
.sl text{font-family:Helvetica,Arial,'Liberation Sans',sans-serif;fill:#1f2328}
.sl .title{font-size:13px;font-weight:600}
.sl .detail{font-size:11px;fill:#57606a}
.sl .label{font-size:11px;fill:#3b434b}
.sl .way{fill:none;stroke:#7d8793;stroke-width:1.5}
.sl .catch{stroke:#c2453c;stroke-dasharray:5 4}
.sl .taken{stroke:#1a7f37;stroke-width:3}
.sl .catch.taken{stroke:#b35900}
.sl .unused{opacity:.45}
.sl .paper{fill:#ffffff;stroke:#d0d7de;stroke-width:.75}
.sl .frame{fill:#8796a5;fill-opacity:.1;stroke:#8c959f;stroke-width:1;stroke-dasharray:4 3}
.sl .inner{fill:none;stroke-width:1}
.sl .dim text{fill:#6e7781}
"""

ROUND: Final = 7
"""How round the corners of ways and nodes are."""


def svg(picture: Picture, course: Course | None = None, *, title: str = "", description: str = "") -> str:
    """The SVG text of a picture, coloured by a course where there is one."""
    width, height = _number(picture.width), _number(picture.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sl" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>" if title else "",
        f"<desc>{escape(description)}</desc>" if description else "",
        f"<style>{STYLE}</style>",
        f"<defs>{''.join(_arrows())}</defs>",
        *(line for placed in picture.placed if placed.node.boxes for line in _node(placed, course)),
        *(line for drawn in picture.drawn for line in _way(drawn, course)),
        *(line for placed in picture.placed if not placed.node.boxes for line in _node(placed, course)),
        *(line for drawn in picture.drawn for line in _label(drawn, course)),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


ARROWS: Final = {"plain": "#7d8793", "catch": "#c2453c", "taken": "#1a7f37", "catch-taken": "#b35900"}


def _arrows() -> Iterator[str]:
    for name, colour in ARROWS.items():
        yield (
            f'<marker id="sl-{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9"'
            f' markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 10 5 0 10z" fill="{colour}"/></marker>'
        )


def taken(edge: Edge, course: Course | None) -> bool:
    """Whether an execution went this way."""
    return course is not None and course.ways[edge.source, edge.target, edge.kind == "catch"] > 0


def _way(drawn: Drawn, course: Course | None) -> Iterator[str]:
    edge = drawn.edge
    kinds = ["way", *(["catch"] if edge.kind == "catch" else [])]
    arrow = "catch" if edge.kind == "catch" else "plain"
    if taken(edge, course):
        kinds.append("taken")
        arrow = "catch-taken" if edge.kind == "catch" else "taken"
    elif course is not None:
        kinds.append("unused")
    yield (
        f'<path class="{" ".join(kinds)}" d="{_line(drawn.points)}" marker-end="url(#sl-{arrow})"'
        f' data-from="{escape(edge.source)}" data-to="{escape(edge.target)}"/>'
    )


def _line(points: tuple[Point, ...]) -> str:
    """The points as a path, its corners rounded."""
    (x, y), *rest = points
    path = [f"M{_number(x)} {_number(y)}"]
    for at, (cx, cy) in enumerate(rest[:-1]):
        (ax, ay), (bx, by) = points[at], points[at + 2]
        before, after = abs(cx - ax) + abs(cy - ay), abs(bx - cx) + abs(by - cy)
        r = min(ROUND, before / 2, after / 2)
        if r <= 0:
            continue
        fx, fy = cx + (ax - cx) * r / before, cy + (ay - cy) * r / before
        tx, ty = cx + (bx - cx) * r / after, cy + (by - cy) * r / after
        path.append(f"L{_number(fx)} {_number(fy)}Q{_number(cx)} {_number(cy)} {_number(tx)} {_number(ty)}")
    path.append(f"L{_number(rest[-1][0])} {_number(rest[-1][1])}")
    return "".join(path)


def _label(drawn: Drawn, course: Course | None) -> Iterator[str]:
    if drawn.centre is None:
        return
    (x, y), (width, height) = drawn.centre, drawn.size
    dim = "" if course is None or taken(drawn.edge, course) else ' class="dim"'
    yield f"<g{dim}><title>{escape(drawn.edge.label)}</title>"
    yield _rect(x - width / 2, y - height / 2, width, height, 4, 'class="paper"')
    top = y - height / 2 + 14
    for number, line in enumerate(drawn.label):
        yield _text(line, x, top + 14 * number, LABEL, "label", "middle")
    yield "</g>"


def _rect(x: float, y: float, width: float, height: float, round_: float, rest: str) -> str:
    at = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
    return f'<rect {at} rx="{_number(round_)}" {rest}/>'


def _text(line: str, x: float, y: float, size: float, kind: str, anchor: str = "start") -> str:
    length = text_width(line, size, bold=kind == "title")
    fixed = (
        f' textLength="{_number(length)}" lengthAdjust="spacingAndGlyphs"' if line.isascii() and len(line) > 1 else ""
    )
    middle = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text class="{kind}" x="{_number(x)}" y="{_number(y)}"{middle}{fixed}>{escape(line)}</text>'


def _node(placed: Placed, course: Course | None) -> Iterator[str]:
    node = placed.node
    if node.type == START:
        r = placed.width / 2
        yield f'<circle cx="{_number(placed.x + r)}" cy="{_number(placed.y + r)}" r="{_number(r)}" fill="#7d8793"/>'
        return
    outcome = course.outcome(node.name) if course is not None else None
    fill, line = FILLS[outcome] if outcome else ("#ffffff", COLOURS.get(node.type, "#57606a"))
    dim = " dim" if outcome == "never" else ""
    yield (
        f'<g class="state{dim}" data-state="{escape(node.name)}" data-pointer="{escape(node.pointer)}"'
        f' data-outcome="{outcome or ""}">'
    )
    yield f"<title>{escape(node.name)} ({escape(node.type)})</title>"
    yield from _shape(placed, fill, line)
    for frame in placed.frames:
        yield _rect(*frame, 6, 'class="frame"')
    yield from _texts(placed)
    yield "</g>"


def _shape(placed: Placed, fill: str, line: str) -> Iterator[str]:
    kind, broken = placed.node.type, ' stroke-dasharray="4 3"' if placed.node.type == MISSING else ""
    paint = f'fill="{fill}" stroke="{line}" stroke-width="1.5"{broken}'
    x, y, width, height = placed.x, placed.y, placed.width, placed.height
    if kind == "Choice":
        yield f'<path d="{_hexagon(x, y, width, height)}" {paint}/>'
        return
    round_ = min(20, height / 2) if kind in ("Succeed", "Fail") else ROUND
    if placed.node.boxes:
        yield _rect(x, y, width, height, round_, 'fill="#ffffff"')
        paint += ' fill-opacity=".35"'
    yield _rect(x, y, width, height, round_, paint)
    if placed.node.ends and not placed.node.boxes:
        yield _rect(x + 3, y + 3, width - 6, height - 6, max(0, round_ - 3), f'class="inner" stroke="{line}"')


def _hexagon(x: float, y: float, width: float, height: float) -> str:
    cut = 12
    points = (
        (x + cut, y), (x + width - cut, y), (x + width, y + height / 2),
        (x + width - cut, y + height), (x + cut, y + height), (x, y + height / 2),
    )  # fmt: skip
    return f"M{'L'.join(f'{_number(a)} {_number(b)}' for a, b in points)}Z"


def _texts(placed: Placed) -> Iterator[str]:
    middle, y = placed.x + placed.width / 2, placed.y + 22
    shift = -12 if placed.node.tries else 0
    for line in placed.title:
        yield _text(line, middle + shift, y, TITLE, "title", "middle")
        y += LINE
    for line in placed.detail:
        yield _text(line, middle + shift, y, DETAIL, "detail", "middle")
        y += LINE
    if placed.node.tries:
        yield f"<g><title>tried again up to {escape(placed.node.tries.rstrip('×'))} times</title>"
        yield (
            _text(f"↻ {placed.node.tries}", placed.x + placed.width - 9, placed.y + 20, DETAIL, "detail", "end")
            + "</g>"
        )
