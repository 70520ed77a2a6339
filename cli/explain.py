"""`explain`: a state machine, or one execution of it, in plain sentences.

Rule: what is said is decided in `statelang.views`; here is only said how it is printed.
"""

from __future__ import annotations

import sys

from statelang.views.account import account
from statelang.views.explanation import explanation
from statelang.views.picture import NoLayout

from .graph import drawn
from .subject import Subject, view, write

ENDINGS = {".md": "markdown", ".html": "html"}


@view("explain", "How to print.", ENDINGS, "markdown")
def explain_command(shown: Subject, kind: str, to: str | None) -> None:
    """Tell in plain sentences what the state machine FILE does, for those who will never read JSON.

    With --execution it tells what happened in that run: did it finish, and if not, where did it stall?
    """
    if shown.course is None:
        document = explanation(shown.definition, shown.title, shown.glossary)
    else:
        assert shown.execution is not None
        document = account(shown.definition, shown.course, shown.execution, shown.now, shown.glossary)
    text = document.markdown()
    if kind == "html":
        write(document.html(shown.title, _picture(shown)), to)
    elif to is None and sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        write(text, to)


def _picture(shown: Subject) -> str:
    """The picture that goes with the sentences; none where pictures are not installed."""
    try:
        return drawn(shown, "svg")
    except NoLayout:
        return ""
