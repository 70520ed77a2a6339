"""Files of cases: what is read, what is refused and where, and that the JSON Schema says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statelang.language.scope import ABSENT
from statelang.testing.cases import CallExpected, read_cases
from statelang.testing.durations import in_words, milliseconds
from statelang.testing.reading import Faulty
from statelang.values import encode
from tests.machines import DEFINITIONS
from tests.shared import ROOT

MACHINE = {"StartAt": "T", "States": {"T": {"Type": "Pass", "End": True}}}

GOOD: dict[str, Any] = {
    "everything": {
        "comment": "all keys",
        "input": [1],
        "at": "2026-11-24T09:00:00Z",
        "execution-name": "mine",
        "mocks": {"T": [{"return": 1, "times": 2}, {"throw": "X", "attempt": 1}, {"perform": True, "return": 2}]},
        "meanwhile": [{"after": "1h", "stop": True}, {"redrive": True}, {"answer": "T", "heartbeat": True}],
        "status": "RUNNING",
        "output": None,
        "includes": {},
        "cause": "c",
        "path": ["T"],
        "calls": ["T", {"state": "T", "input": 1, "attempt": 0}],
        "took": 1.5,
    },
    "numbered mocks": {"mocks": {"T": {"0": {"payload": 1}, "1-2": {"never": True}, "3-": {"timeout": True}}}},
    "calls by state": {"calls": {"T": 3, "U": [1, 2]}, "error": "E"},
    "beats": {"mocks": {"T": {"return": 1, "after": 10, "heartbeats": {"every": "2s"}}}},
    "performed": {"mocks": {"T": {"perform": "python:a:b", "throw": {"error": "E", "cause": "C"}}}},
    "nothing": {},
}

BAD: dict[str, Any] = {
    "unknown key": {"statsu": "FAILED"},
    "unknown status": {"status": "DONE"},
    "no duration": {"took": "soon"},
    "path no list": {"path": "T"},
    "calls of a text": {"calls": {"T": "x"}},
    "call without a state": {"calls": [{"input": 1}]},
    "mock that does nothing": {"mocks": {"T": {"after": 1}}},
    "mock that does two things": {"mocks": {"T": {"return": 1, "never": True}}},
    "payload performed": {"mocks": {"T": {"perform": True, "payload": 1}}},
    "mocks no mapping": {"mocks": ["T"]},
    "unknown happening": {"meanwhile": [{"after": 1}]},
    "answer without an answer": {"meanwhile": [{"answer": "T"}]},
    "stop and redrive": {"meanwhile": [{"stop": True, "redrive": True}]},
    "two inputs": {"input": 1, "input-file": "x.json"},
    "mock-config without a case": {"mock-config": "MockConfigFile.json"},
    "error no text": {"error": 7},
    "attempt below 0": {"mocks": {"T": {"return": 1, "attempt": -1}}},
}


def file_with(tmp_path: Path, case: Any) -> Path:
    (tmp_path / "m.asl.json").write_text(encode(MACHINE))
    file = tmp_path / "m.cases.yaml"
    file.write_text(json.dumps({"cases": {"one": case}}, indent=2))
    return file


@pytest.fixture(scope="module")
def schema() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    given = json.loads((ROOT / "schemas" / "cases.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(given)
    return jsonschema.Draft202012Validator(given)


@pytest.mark.parametrize("name", GOOD)
def test_the_reader_and_the_schema_take_it(name: str, tmp_path: Path, schema: Any) -> None:
    assert len(read_cases(file_with(tmp_path, GOOD[name])).cases) == 1
    assert [error.message for error in schema.iter_errors({"cases": {"one": GOOD[name]}})] == []


@pytest.mark.parametrize("name", BAD)
def test_the_reader_and_the_schema_refuse_it(name: str, tmp_path: Path, schema: Any) -> None:
    with pytest.raises(Faulty, match=r"m\.cases\.yaml:\d+:\d+: "):
        read_cases(file_with(tmp_path, BAD[name]))
    assert list(schema.iter_errors({"cases": {"one": BAD[name]}}))


@pytest.mark.parametrize("file", sorted(DEFINITIONS.glob("*/*.cases.yaml")), ids=lambda file: file.parent.name)
def test_the_schema_takes_our_own(file: Path, schema: Any) -> None:
    from statelang.compiler.yaml import read_yaml

    assert [error.message for error in schema.iter_errors(read_yaml(file.read_text())[0])] == []


def test_everything_is_read(tmp_path: Path) -> None:
    (case,) = read_cases(file_with(tmp_path, GOOD["everything"])).cases
    assert (case.input, case.execution, case.line) == ("[1]", "mine", 3)
    assert case.at == 1_795_510_800_000
    assert [(mock.does, mock.times) for mock in case.mocks["T"]] == [("return", 2), ("throw", 1), ("perform", 1)]
    assert case.mocks["T"][2].output == 2
    assert [happening.does for happening in case.meanwhile] == ["stop", "redrive", "heartbeat"]
    assert case.expected.calls == (CallExpected("T"), CallExpected("T", 1, None, 0))
    assert (case.expected.output, case.expected.took) == (None, 1500)
    (plain,) = read_cases(file_with(tmp_path, {})).cases
    assert (plain.expected.status, plain.expected.output, plain.expected.path) == ("SUCCEEDED", ABSENT, None)


def test_the_input_of_a_file_keeps_its_spelling(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{ "n": 1.50 }')
    (case,) = read_cases(file_with(tmp_path, {"input-file": "in.json"})).cases
    assert case.input == '{ "n": 1.50 }'
    with pytest.raises(Faulty, match="there is no file"):
        read_cases(file_with(tmp_path, {"input-file": "out.json"}))


def test_shared_mocks_stand_behind_those_of_a_case(tmp_path: Path) -> None:
    (tmp_path / "m.asl.json").write_text(encode(MACHINE))
    file = tmp_path / "m.cases.yaml"
    file.write_text("mocks: {T: {return: 1}, U: {return: 2}}\ncases: {a: {mocks: {T: {return: 3}}}}\n")
    (case,) = read_cases(file).cases
    assert {key: mocks[0].output for key, mocks in case.mocks.items()} == {"T": 3, "U": 2}


def test_a_file_without_its_definition_is_told(tmp_path: Path) -> None:
    (tmp_path / "n.cases.yaml").write_text("cases: {}\n")
    with pytest.raises(Faulty, match=r"there is no definition n\.asl\.json or n\.asl\.yaml beside it"):
        read_cases(tmp_path / "n.cases.yaml")
    (tmp_path / "n.cases.yaml").write_text("cases:\n  a: {}\n  a: {}\n")
    with pytest.raises(Faulty, match="is there twice"):
        read_cases(tmp_path / "n.cases.yaml")


@pytest.mark.parametrize(
    ("written", "ms"),
    [(0, 0), (1.5, 1500), ("500ms", 500), ("90s", 90_000), ("1h 30m", 5_400_000), ("2w", 1_209_600_000)],
)
def test_durations(written: Any, ms: int) -> None:
    assert milliseconds(written) == ms
    assert milliseconds(in_words(ms)) == ms


@pytest.mark.parametrize("written", [True, -1, "1", "h", "1 h", "-1s", None, [], "1h-2m", 1e300])
def test_what_is_no_duration(written: Any) -> None:
    assert milliseconds(written) is None
