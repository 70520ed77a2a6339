"""`graph` and `explain` as users run them: definitions with placeholders, executions, what is wrong."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.cli.test_cli import APPROVAL, BIND, LEAVES, QUOTE, Run, run, write  # noqa: F401
from tests.machines import DEFINITIONS
from tests.views.parcel import GOLDEN, PARCEL

ORDER = DEFINITIONS / "order" / "order.asl.json"
DECLINED = {"orderId": 10, "amount": 1, "card": "declined", "to": "Hamburg", "items": []}


def test_graph_prints_mermaid_and_writes_the_format_the_ending_says(run: Run, tmp_path: Path) -> None:  # noqa: F811
    assert run("graph", str(PARCEL)).stdout == (GOLDEN / "parcel.mmd").read_text(encoding="utf-8")
    for name in ("order.svg", "order.html", "order.md"):
        made = run("graph", str(ORDER), "--to", name)
        assert (made.returncode, made.stdout, made.stderr) == (0, "", f"written: {name}\n")
    ElementTree.parse(tmp_path / "order.svg")
    assert "<svg" in (tmp_path / "order.html").read_text(encoding="utf-8")
    assert (tmp_path / "order.md").read_text(encoding="utf-8").startswith("```mermaid\nflowchart TD\n")
    refused = run("graph", str(ORDER), "--to", "order.png")
    assert refused.returncode == 2
    assert "end it with .mmd, .md, .svg, .html" in refused.stderr


def test_placeholders_may_be_left_or_filled(run: Run) -> None:  # noqa: F811
    left = run("graph", str(QUOTE))
    assert "for “AbandonedAfterSeconds” seconds" in left.stdout
    filled = run("explain", str(QUOTE), "--set", "AbandonedAfterSeconds=90")
    assert "it waits for 1 minute and 30 seconds." in filled.stdout


def test_explain_prints_markdown_and_a_page_of_its_own(run: Run, tmp_path: Path) -> None:  # noqa: F811
    golden = (GOLDEN / "parcel.md").read_text(encoding="utf-8")
    assert run("explain", str(PARCEL)).stdout == golden
    assert run("explain", str(PARCEL), "--to", "parcel.html").returncode == 0
    text = (tmp_path / "parcel.html").read_text(encoding="utf-8")
    assert "<svg" in text
    assert "<li>" in text


def test_an_execution_is_shown_with_what_happened(run: Run) -> None:  # noqa: F811
    assert run("run", str(ORDER), "-i", json.dumps(DECLINED), "--name", "o10", "-q").returncode == 1
    for words in (("--execution", "o10"), (str(ORDER), "--execution", "o10")):
        told = run("explain", *words)
        assert told.stderr == ""
        assert "**o10** **failed**" in told.stdout
        assert "**Charge card** failed: “CardDeclined”: insufficient funds." in told.stdout
        assert "So it came to its end at **Cancelled**." in told.stdout
    drawn = run("graph", "--execution", "o10", "-o", "svg").stdout
    assert 'data-state="Charge card" data-pointer="/States/Charge card" data-outcome="caught"' in drawn
    assert 'data-state="Book transport" data-pointer="/States/Book transport" data-outcome="never"' in drawn
    assert 'class="way catch taken"' in drawn


def test_a_running_one_says_where_it_stands(run: Run) -> None:  # noqa: F811
    started = run("start", str(APPROVAL), "-i", '{"who": "ada", "amount": 42000}', "--name", "a")
    assert started.returncode == 0, started.stderr
    told = run("explain", "--execution", "a").stdout
    assert "**a** **has not finished**" in told
    assert "## Where it stands now" in told
    assert "**Small enough?** is about to begin" in told


def test_another_version_of_the_file_is_named(run: Run, tmp_path: Path) -> None:  # noqa: F811
    ran = run("run", str(QUOTE), "-i", json.dumps(LEAVES), "--name", "q", "-q", "--bind", str(BIND))
    assert ran.returncode == 0, ran.stderr
    assert run("graph", str(QUOTE), "--execution", "q").stderr == ""
    other = run("graph", str(ORDER), "--execution", "q")
    assert "q runs another version of" in other.stderr
    assert "Score intent" in other.stdout


def test_the_glossary_beside_the_file_is_used(run: Run, tmp_path: Path) -> None:  # noqa: F811
    write(tmp_path, "p.asl.json", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    (tmp_path / "p.glossary.yaml").write_text("title: The plan\nstates: {A: Begin here}\n", encoding="utf-8")
    assert "# The plan\n" in run("explain", "p.asl.json").stdout
    assert "Begin here" in run("graph", "p.asl.json").stdout
    (tmp_path / "bad.yaml").write_text("titel: x\n", encoding="utf-8")
    refused = run("explain", "p.asl.json", "--glossary", "bad.yaml")
    assert refused.returncode == 2
    assert refused.stderr == "error: bad.yaml: unknown key 'titel'; did you mean 'title'?\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("graph",), "name a FILE, or an execution with --execution"),
        (("graph", "none.asl.json"), "none.asl.json: No such file or directory"),
        (("explain", "list.json"), "list.json: is no state machine: it has no object 'States'"),
        (("explain", "broken.json"), "broken.json:1:"),
        (("graph", "--execution", "nobody"), "nobody"),
        (("graph", "pass.json", "--to", "no/such/folder.svg"), "no/such/folder.svg: No such file or directory"),
        (("explain", "pass.json", "--glossary", "none.yaml"), "none.yaml"),
    ],
)
def test_what_is_wrong_is_said_and_ends_with_2(run: Run, tmp_path: Path, words: tuple[str, ...], told: str) -> None:  # noqa: F811
    write(tmp_path, "list.json", "[]")
    write(tmp_path, "broken.json", '{"StartAt": }')
    write(tmp_path, "pass.json", '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}')
    run("run", "pass.json")
    ran = run(*words)
    assert ran.returncode == 2
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
