"""The JSON Schema: what is shipped is what the tables say, it is a schema, and it agrees with the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statelang.compiler import RULES, fields, validate
from statelang.compiler.descriptions import DESCRIPTIONS, description
from statelang.compiler.schema import definition, strays
from tests.shared import ROOT

FILE = ROOT / "schemas" / "asl.schema.json"
TASK = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:work", "End": True}


def shipped(file: Path = FILE) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def test_the_file_is_what_the_tables_say() -> None:
    assert shipped() == definition(), "python -m statelang.compiler.schema > schemas/asl.schema.json"


def test_it_is_a_schema_of_2020_12() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(shipped())
    assert shipped()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_field_is_described_and_nothing_else() -> None:
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for name, property in value.get("properties", {}).items() if "additionalProperties" in value else ():
                found.add(name)
                assert property["description"] == description(name)
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(shipped())
    assert set(DESCRIPTIONS) <= found
    for table in (*fields.JSONPATH.values(), *fields.JSONATA.values()):
        assert set(table) <= found


@pytest.mark.parametrize("rule", [r for r in RULES.values() if isinstance(r.right, dict) and "States" in r.right])
def test_the_right_examples_are_right_by_the_schema(rule: Any) -> None:
    assert not list(strays(rule.right))


@pytest.mark.parametrize(
    ("state", "machine"),
    [
        ({**TASK, "Output": 1}, {}),
        ({**TASK, "Parameters": {}}, {"QueryLanguage": "JSONata"}),
        ({**TASK, "QueryLanguage": "JSONPath"}, {"QueryLanguage": "JSONata"}),
        ({**TASK, "TimeoutSeconds": 0}, {}),
        ({**TASK, "TimeoutSeconds": 5, "TimeoutSecondsPath": "$.t"}, {}),
        ({**TASK, "Next": "A"}, {}),
        ({**TASK, "Type": "Tsak"}, {}),
        ({"Type": "Task", "End": True}, {}),
        ({"Type": "Wait", "End": True}, {}),
        ({"Type": "Choice", "Choices": [{"Variable": "$.a", "Next": "A"}]}, {}),
        ({"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": 5, "Next": "A"}]}, {}),
        ({"Type": "Map", "End": True}, {}),
        ({"Type": "Parallel", "Branches": [], "End": True}, {}),
        (
            {
                "Type": "Parallel",
                "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Pass", "Foo": 1}}}],
                "End": True,
            },
            {},
        ),
        ({**TASK, "Retry": [{"MaxAttempts": 1}]}, {}),
        ({**TASK, "Catch": [{"ErrorEquals": ["States.ALL"]}]}, {}),
    ],
)
def test_the_schema_refuses_what_the_rules_refuse(state: dict[str, Any], machine: dict[str, Any]) -> None:
    value = {"StartAt": "A", "States": {"A": state}, **machine}
    assert list(strays(value))
    assert any(problem.severity == "ERROR" for problem in validate(json.dumps(value)))


def test_the_query_language_of_a_state_chooses_its_fields_however_deep() -> None:
    inner = {"StartAt": "B", "States": {"B": {"Type": "Pass", "Output": "{% 1 %}", "End": True}}}
    outer = {"Type": "Parallel", "Branches": [inner], "End": True}
    assert list(strays({"StartAt": "A", "States": {"A": {**outer, "QueryLanguage": "JSONata"}}}))
    assert not list(strays({"StartAt": "A", "States": {"A": outer}, "QueryLanguage": "JSONata"}))


def test_placeholders_may_stand_for_anything() -> None:
    state = {**TASK, "TimeoutSeconds": "${Limit}", "Retry": "${Retry}", "Credentials": "__role__"}
    assert not list(strays({"StartAt": "A", "States": {"A": state}, "TimeoutSeconds": "${Limit}"}))
