"""The page: a picture as one HTML file to look around in: drag, zoom, click a state to read it.

Rule: it is self-contained. Nothing is loaded from anywhere, and what is embedded cannot end its own element.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from importlib import resources

from statelang.values import Json
from statelang.views.chart import Box, every_node
from statelang.views.course import Course
from statelang.views.picture import picture
from statelang.views.svg import svg


def page(box: Box, title: str, told: Mapping[str, str], course: Course | None = None, now: int | None = None) -> str:
    """The HTML text. `told` is what is said of each state, as HTML, by name. Raises NoLayout."""
    drawing = svg(picture(box, notes(box, course, now)), course, title=title)
    states = {
        node.name: {"type": node.type, "title": node.title, "pointer": node.pointer, "told": told.get(node.name, ""),
                    "note": course.note(node.name, now) if course else "", "definition": node.definition}
        for node in every_node(box)
    }  # fmt: skip
    template = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    before, drawn, rest = template.partition("<!--picture-->")
    assert drawn
    between, data, after = rest.partition("<!--states-->")
    assert data
    head = before.replace("<!--title-->", escape(title)).replace("<!--comment-->", escape(box.comment or ""))
    return f"{head}{drawing}{between}{_embedded(states)}{after}"


def notes(box: Box, course: Course | None, now: int | None = None) -> dict[str, str]:
    """What a picture says of each state's course."""
    if course is None:
        return {}
    visited = [node.name for node in every_node(box) if course.outcome(node.name) != "never"]
    return {name: course.note(name, now) for name in visited}


def _embedded(value: Json) -> str:
    """JSON inside a script element."""
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/").replace("<!--", "<\\u0021--")
