"""What pictures and sentences look like, in every format: held against small files that a person has read.

`python -m tests.views` writes them anew.
"""

from __future__ import annotations

import pytest

from statelang.testing.clock import START
from statelang.views.account import account
from statelang.views.chart import chart
from statelang.views.explanation import explanation
from statelang.views.glossary import Entry, Glossary
from statelang.views.mermaid import mermaid
from statelang.views.page import notes
from statelang.views.picture import picture
from statelang.views.svg import svg
from tests.views.parcel import GOLDEN, course_of, definition, halfway, unlucky

NOW = START + 3_600_000
WORDS = Glossary(
    title="A parcel on its way",
    states={"Weigh": "Put it on the scale"},
    resources={"arn:aws:states:::sns:publish": Entry(says="rings the bell in the yard", tells="the foreman")},
    errors={"ScaleBusy": "somebody else is weighing"},
    values={"$.weight.grams": "the weight in grams"},
)


def outputs() -> dict[str, str]:
    """Golden file -> its text as it is now."""
    value = definition()
    box, failed, running = chart(value), course_of(unlucky()), course_of(halfway())
    return {
        "parcel.mmd": mermaid(box),
        "parcel.svg": svg(picture(box), title="Parcel", description=box.comment or ""),
        "parcel.md": explanation(value, "Parcel").markdown(),
        "parcel.html": explanation(value, "Parcel").html("Parcel"),
        "parcel.glossary.md": explanation(value, "Parcel", WORDS).markdown(),
        "unlucky.mmd": mermaid(box, failed),
        "unlucky.svg": svg(picture(box, notes(box, failed)), failed),
        "unlucky.md": account(value, failed, "unlucky", NOW).markdown(),
        "halfway.md": account(value, running, "halfway", NOW).markdown(),
        "halfway.svg": svg(picture(box, notes(box, running, NOW)), running),
    }


@pytest.mark.parametrize("name", list(outputs()))
def test_golden(name: str) -> None:
    assert outputs()[name] == (GOLDEN / name).read_text(encoding="utf-8")
