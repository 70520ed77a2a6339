"""`graph`: a state machine as a picture, coloured by what happened in an execution where one is named.

Rule: what is drawn is decided in `statelang.views`; here is only said how it is printed.
"""

from __future__ import annotations

from statelang.views.explanation import step_texts
from statelang.views.mermaid import mermaid
from statelang.views.page import notes, page
from statelang.views.picture import picture
from statelang.views.svg import svg

from .subject import Subject, view, write

ENDINGS = {".mmd": "mermaid", ".md": "mermaid", ".svg": "svg", ".html": "html"}


@view("graph", "How to draw.", ENDINGS, "mermaid")
def graph_command(shown: Subject, kind: str, to: str | None) -> None:
    """Draw the state machine FILE: Mermaid for a README, SVG, or an HTML page to look around in.

    With --execution the states are coloured by what happened. The definition need not be ready to run.
    """
    write(drawn(shown, kind, fenced=bool(to and to.endswith(".md"))), to)


def drawn(shown: Subject, kind: str, *, fenced: bool = False) -> str:
    """The picture in one of the formats."""
    box, course = shown.box, shown.course
    title = shown.title if shown.execution is None else f"{shown.title}: {shown.execution}"
    if kind == "mermaid":
        text = mermaid(box, course, now=shown.now)
        return f"```mermaid\n{text}```\n" if fenced else text
    if kind == "svg":
        return svg(picture(box, notes(box, course, shown.now)), course, title=title, description=box.comment or "")
    return page(box, title, step_texts(box, shown.glossary), course, shown.now)
