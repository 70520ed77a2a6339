"""Pictures: nothing overlaps, the main path is straight, every state and way is drawn, whatever the definition is."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from statelang.compiler.source import read_source
from statelang.views.chart import START, chart, every_node
from statelang.views.explanation import explanation
from statelang.views.letters import text_width, wrapped
from statelang.views.mermaid import mermaid
from statelang.views.page import page
from statelang.views.picture import picture
from statelang.views.svg import svg
from tests.machines import file_of, machines
from tests.shared import shared
from tests.views.clear import faults
from tests.views.parcel import definition


def machine(name: str) -> dict[str, Any]:
    value: dict[str, Any] = read_source(file_of(name).read_text(encoding="utf-8"), file_of(name).name).value
    return value


@pytest.mark.parametrize("name", machines())
def test_nothing_overlaps_and_all_is_drawn(name: str) -> None:
    box = chart(machine(name))
    drawn = picture(box)
    assert faults(drawn) == []
    nodes = {node.name for node in every_node(box)}
    assert {placed.node.name for placed in drawn.placed} - {START} == nodes
    text = svg(drawn)
    ElementTree.fromstring(text)
    for node in nodes:
        assert f'data-state="{node}"' in text


@pytest.mark.parametrize(
    ("name", "main"),
    [
        ("order", ["Reserve stock", "Charge card", "Book transport", "Ordered"]),
        (
            "settlement",
            ["Start counting", "Is the file there?", "Control totals", "Transform", "Distribute", "Settled"],
        ),
        ("polling", ["Order the report", "Wait", "Ask for it", "Ready?"]),
        ("media", ["Probe", "Produce", "Publish"]),
        ("quote", ["Identify customer", "Score intent", "Price the cover", "What becomes of it"]),
    ],
)
def test_the_main_path_is_straight_and_what_is_caught_stands_aside(name: str, main: list[str]) -> None:
    box = chart(machine(name))
    start, *rest = picture(box).placed
    places = {placed.node.name: placed for placed in rest}
    middle = {state: placed.x + placed.width / 2 for state, placed in places.items()}
    assert max(middle[state] for state in main) - min(middle[state] for state in main) < 1
    assert [places[state].y for state in main] == sorted(places[state].y for state in main)
    assert start.node.type == START
    assert start.y < min(placed.y for placed in rest)
    aside = [edge.target for edge in box.edges if edge.kind == "catch"]
    assert all(abs(middle[state] - middle[main[0]]) > 50 for state in aside)


def test_the_check_itself_sees_what_is_wrong() -> None:
    drawn = picture(chart(machine("order")))
    first, second, *rest = [placed for placed in drawn.placed if placed.node.type != START]
    on_top = dataclasses.replace(second, x=first.x, y=first.y)
    assert any("overlap" in fault for fault in faults(dataclasses.replace(drawn, placed=(first, on_top, *rest))))
    (x, y), *_ = next(way.points for way in drawn.drawn if way.edge.source == first.node.name)
    across = dataclasses.replace(second, x=x - 5, y=y + 2, width=10, height=10)
    assert any("runs through" in fault for fault in faults(dataclasses.replace(drawn, placed=(first, across, *rest))))
    assert any("cut off" in fault for fault in faults(dataclasses.replace(drawn, width=10)))


def test_a_definition_that_is_not_valid_is_drawn_as_far_as_it_goes() -> None:
    box = chart(
        {
            "StartAt": "A",
            "States": {"A": {"Type": "Choice", "Choices": [{}, {"Next": "Gone"}], "Comment": None}, "B": 3},
        }
    )
    text = svg(picture(box))
    assert "not defined" in text
    assert 'data-state="Gone"' in text
    for empty in ({}, {"States": {}}, {"StartAt": "A", "States": None}, {"StartAt": 1, "States": {"A": {}}}):
        svg(picture(chart(empty)))
        mermaid(chart(empty))
        explanation(empty, "x").markdown()


def test_markup_in_names_is_text() -> None:
    nasty = '</script><!-- "quoted" <b>&amp;'
    value = {"StartAt": nasty, "States": {nasty: {"Type": "Pass", "End": True, "Comment": nasty, "Result": nasty}}}
    text = page(chart(value), nasty, {})
    assert text.count("</script>") == 2
    assert text.count("<!--") == 0
    data = text.partition('id="states">')[2].partition("</script>")[0]
    assert json.loads(data)[nasty]["definition"]["Result"] == nasty
    ElementTree.fromstring(svg(picture(chart(value)), title=nasty, description=nasty))
    assert nasty not in explanation(value, nasty).html(nasty)


def test_the_page_loads_nothing() -> None:
    text = page(chart(definition()), "Parcel", {})
    assert set(_addresses(text)) <= {
        "http://www.w3.org/2000/svg",
        "https://sqs.eu-west-1.amazonaws.com/111122223333/packers",
    }
    assert "@import" not in text
    assert "src=" not in text


def _addresses(text: str) -> list[str]:
    import re

    return re.findall(r"https?://[^\s\"'<>)]+", text)


def test_mermaid_needs_no_layout() -> None:
    code = (
        "import sys; sys.modules['graphlay'] = None\n"
        "from statelang.views.chart import chart\nfrom statelang.views.mermaid import mermaid\n"
        "from statelang.views.picture import NoLayout, picture\n"
        "box = chart({'StartAt': 'A', 'States': {'A': {'Type': 'Succeed'}}})\n"
        "print(mermaid(box))\n"
        "try: picture(box)\n"
        "except NoLayout as problem: print(problem)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "flowchart TD" in ran.stdout
    assert "pip install 'statelang[graph]'" in ran.stdout


def test_lines_are_no_wider_than_asked() -> None:
    long = "CloudFormation.NameAlreadyExistsException" * 3 + " and 読みやすい"
    for line in wrapped(long, 11, 150, most=20):
        assert text_width(line, 11) <= 150 * 1.25
    assert "".join(wrapped(long, 11, 150, most=99)).replace(" ", "") == long.replace(" ", "")
    assert wrapped("one two three", 11, 20, most=2)[-1].endswith("…")


NAMES = some.sampled_from(["A", "B", "C", "D", "E", "F"])


@some.composite
def _machines(draw: Any, depth: int = 2) -> dict[str, Any]:
    names = draw(some.lists(NAMES, min_size=1, max_size=6, unique=True))
    states = {}
    for name in names:
        kind = draw(
            some.sampled_from(["Task", "Choice", "Fail", "Map", "Parallel"] if depth else ["Task", "Choice", "Fail"])
        )
        state: dict[str, Any] = {"Type": kind, "Next": draw(NAMES)}
        if kind == "Choice":
            state["Choices"] = [
                {"Variable": "$.x", "IsNull": True, "Next": draw(NAMES)} for _ in range(draw(some.integers(0, 3)))
            ]
        elif kind != "Fail":
            state["Catch"] = [{"ErrorEquals": ["E"], "Next": draw(NAMES)} for _ in range(draw(some.integers(0, 2)))]
        if kind == "Map":
            state["ItemProcessor"] = draw(_machines(depth - 1))
        if kind == "Parallel":
            state["Branches"] = draw(some.lists(_machines(depth - 1), max_size=2))
        states[name] = state
    return {"StartAt": draw(NAMES), "States": states}


@settings(deadline=None, max_examples=50)
@given(_machines())
def test_no_machine_breaks_a_view(value: dict[str, Any]) -> None:
    box = chart(value)
    drawn = picture(box)
    ElementTree.fromstring(svg(drawn))
    assert mermaid(box) == mermaid(chart(value))
    assert explanation(value, "x").markdown() == explanation(value, "x").markdown()
    nodes = [fault for fault in faults(drawn) if "overlap" in fault and "labels" not in fault]
    assert nodes == []


def test_the_machines_of_others_can_be_drawn_and_told() -> None:
    wrong = []
    for line in shared("definitions", "real.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        value = json.loads(row["definition"])
        box = chart(value)
        drawn = picture(box)
        wrong += [f"{row['id']}: {fault}" for fault in faults(drawn)]
        ElementTree.fromstring(svg(drawn))
        ElementTree.fromstring(f"<r>{svg(drawn)}</r>")
        mermaid(box)
        assert explanation(value, row["id"]).html(row["id"])
    assert wrong == []
