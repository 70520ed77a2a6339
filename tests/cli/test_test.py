"""`statelang test` as users run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from tests.machines import DEFINITIONS
from tests.testing.test_mock_config import CONFIG, DEFINITION
from tests.testing.test_plugin import CASES, MACHINE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "m.asl.json").write_text(json.dumps(MACHINE, indent=2))
    (tmp_path / "m.cases.yaml").write_text(CASES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    from statelang_cli.test import test_command

    return CliRunner().invoke(test_command, words)


@pytest.mark.parametrize("file", ["m.cases.yaml", "m.asl.json", "."])
def test_a_file_of_cases_its_definition_or_a_folder(folder: Path, file: str) -> None:
    result = run(file)
    assert result.exit_code == 1
    assert "ok    it works  (SUCCEEDED after 0s)" in result.output
    assert "state 2 of the path: expected 'Done', but 'Sorry' was entered" in result.output
    assert "2 case(s), 1 failed; coverage 100 %" in result.output


def test_one_case_and_what_it_leaves_out(folder: Path) -> None:
    result = run("m.cases.yaml", "--case", "it w*", "--fail-under", "90")
    assert result.exit_code == 1
    assert "m.asl.json:8: catcher not exercised: Do Catch 1 (States.ALL)" in result.output
    assert "the coverage is below 90 %" in result.output
    assert run("m.cases.yaml", "--case", "it works", "--fail-under", "42").exit_code == 0


def test_json(folder: Path) -> None:
    told = json.loads(run("m.cases.yaml", "-o", "json", "--junit", "out.xml").stdout)
    assert (told["passed"], told["failed"], told["coverage"]) == (1, 1, 100.0)
    fine, sorry = told["cases"]
    assert (fine["status"], fine["output"], fine["path"], fine["line"]) == ("SUCCEEDED", 1, ["Do"], 3)
    assert sorry["differences"][0] == {
        "what": "state 2 of the path",
        "expected": "'Done'",
        "happened": "'Sorry' was entered",
        "event": 7,
    }
    parts: dict[str, Any] = {part["pointer"]: part for part in told["machines"][0]["parts"]}
    assert parts["/States/Do/Catch/0"] | {"kind": "catcher", "line": 8, "count": 1} == parts["/States/Do/Catch/0"]
    assert ElementTree.parse(folder / "out.xml").getroot().tag == "testsuites"


def test_junit(folder: Path) -> None:
    root = ElementTree.fromstring(run("m.cases.yaml", "-o", "junit").stdout)
    suite = root.find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite.find("testcase[@name='it is sorry']/failure")
    assert failure is not None
    assert failure.text is not None
    assert "FailStateEntered" not in failure.text
    assert "PassStateEntered" in failure.text
    prop = suite.find("properties/property")
    assert prop is not None
    assert (prop.get("name"), prop.get("value")) == ("coverage", "100.00")


def test_the_mock_config_of_aws(folder: Path) -> None:
    (folder / "Order.asl.json").write_text(json.dumps(DEFINITION))
    (folder / "MockConfigFile.json").write_text(json.dumps(CONFIG))
    words = ("Order.asl.json", "--mock-config", "MockConfigFile.json")
    assert run(*words, "--case", "Order#Happy", "-i", '{"n": 1}').exit_code == 0
    assert run(*words, "--case", "SecondAttempt").exit_code == 0
    result = run(*words)
    assert result.exit_code == 1
    assert "FAIL  Order#Declined  (FAILED after 0s)" in result.output


def test_what_cannot_be_read_is_wrong_usage(folder: Path) -> None:
    from statelang.errors import StatelangError

    (folder / "alone.asl.json").write_text("{}")
    for words, message in (
        (("n.asl.json",), "n.asl.json: No such file or directory"),
        (("alone.asl.json",), "there is no alone.cases.yaml beside it"),
        (("m.cases.yaml", "--case", "none"), "no case is called none"),
        (("m.cases.yaml", "-i", "{}"), "--input belongs to --mock-config"),
        (("m.cases.yaml", "--junit", "no/where.xml"), "No such file or directory"),
    ):
        result = run(*words)
        assert isinstance(result.exception, StatelangError)
        assert message in str(result.exception)


def test_the_history_of_every_case(folder: Path) -> None:
    assert "ExecutionSucceeded" in run("m.cases.yaml", "--case", "it works", "-v").output


def test_our_own_machines_are_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(str(DEFINITIONS / "approval"), "--fail-under", "100")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("file", "begins"), [("out.mmd", "flowchart TD"), ("out.md", "```mermaid"), ("out.svg", "<svg")]
)
def test_a_picture_of_what_no_case_exercises(folder: Path, file: str, begins: str) -> None:
    if file.endswith(".svg"):
        pytest.importorskip("graphlay")
    assert run("m.cases.yaml", "--case", "it works", "--picture", file).exit_code == 0
    drawn = (folder / file).read_text()
    assert drawn.startswith(begins)
    assert "no case comes here" in drawn
    assert "not exercised: Catch 1 (States.ALL)" in drawn


def test_a_picture_of_a_machine_that_is_covered(folder: Path) -> None:
    (folder / "m.cases.yaml").write_text(CASES.replace("[Do, Done]", "[Do, Sorry]"))
    assert run("m.cases.yaml", "--picture", "out.mmd").exit_code == 0
    drawn = (folder / "out.mmd").read_text()
    assert "exercised" not in drawn
    assert "linkStyle 0,1 stroke" in drawn
