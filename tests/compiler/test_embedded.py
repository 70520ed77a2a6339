"""Definitions inside templates: found wherever a template may hold one, each problem on the right character."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest

from statelang.compiler import Problem, validate

SAM = dedent(
    """\
    Resources:
      Order:
        Type: {type}
        Properties:
    {properties}
    """
)


def told(text: str, name: str = "template.yaml", **options: Any) -> list[Problem]:
    return validate(text, name=name, **options)


def pointed_at(text: str, problem: Problem) -> str:
    """The rest of the line from where a problem points."""
    assert problem.line is not None
    assert problem.column is not None
    return text.split("\n")[problem.line - 1][problem.column - 1 :]


def sam(properties: str, type: str = "AWS::Serverless::StateMachine") -> str:
    lines = (f"      {line}" for line in dedent(properties).strip().split("\n"))
    return SAM.format(type=type, properties="\n".join(lines))


DEFINITION = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x.$": "$.a b"}, "End": True}}}
AT = " b"
"""What follows the character at fault in DEFINITION."""


def test_a_definition_as_an_object_with_short_forms() -> None:
    text = sam(
        """
        Definition:
          StartAt: A
          States:
            A:
              Type: Task
              Resource: !GetAtt Charge.Arn
              TimeoutSeconds: !If [Long, 60, 5]
              Parameters:
                name: !Sub "${AWS::StackName}-orders"
                x.$: $.a b
              End: true
        """
    )
    (problem,) = told(text)
    assert pointed_at(text, problem).startswith(AT)
    assert problem.pointer == "/Resources/Order/Properties/Definition/States/A/Parameters/x.$"


@pytest.mark.parametrize("style", ["|", ">", "!Sub |", "!Sub |-"])
def test_a_definition_as_a_block_of_text(style: str) -> None:
    body = "\n".join(f"  {line}" for line in json.dumps(DEFINITION, indent=2).split("\n"))
    text = sam(f"DefinitionString: {style}\n{body}", "AWS::StepFunctions::StateMachine")
    (problem,) = told(text)
    assert pointed_at(text, problem).startswith(AT)


def test_a_definition_as_an_escaped_text_in_json() -> None:
    properties = {"DefinitionString": json.dumps(DEFINITION, indent=1)}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    text = json.dumps({"Resources": {"Order": resource}}, indent=2)
    (problem,) = told(text, "stack.template.json")
    assert pointed_at(text, problem).startswith(AT)


def test_a_definition_joined_by_the_cdk() -> None:
    whole = json.dumps({**DEFINITION, "Comment": "é😀 ARN"})
    first, last = whole.split("ARN")
    first, rest = first[: first.index("$.a")], first[first.index("$.a") :]
    join = {"Fn::Join": ["", [first, rest, {"Fn::GetAtt": ["Charge", "Arn"]}, last]]}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": join}}
    for ascii in (True, False):
        text = json.dumps({"Resources": {"Order": resource}}, ensure_ascii=ascii)
        (problem,) = told(text, "stack.template.json")
        assert pointed_at(text, problem).startswith(AT)


def test_a_definition_in_a_file_of_its_own_with_substitutions() -> None:
    text = sam(
        """
        DefinitionUri: machines/order.asl.json
        DefinitionSubstitutions:
          Limit: 0
          Charge: !GetAtt Charge.Arn
          Old: 5
        """
    )
    machine = '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Charge}",\n"TimeoutSeconds": ${Limit}, '
    machine += '"Comment": "${Missing}", "End": true}}}'
    found = told(text, "stacks/template.yaml", read={"stacks/machines/order.asl.json": machine}.get)
    assert {(problem.code, problem.file) for problem in found} == {
        ("SL015", "stacks/template.yaml"),
        ("SL014", "stacks/machines/order.asl.json"),
        ("SCHEMA_VALIDATION_FAILED", "stacks/machines/order.asl.json"),
    }
    by_code = {problem.code: problem for problem in found}
    assert pointed_at(text, by_code["SL015"]).startswith("Old")
    assert pointed_at(machine, by_code["SL014"]).startswith("${Missing}")
    assert pointed_at(machine, by_code["SCHEMA_VALIDATION_FAILED"]).startswith("${Limit}")


def test_a_file_that_is_not_there_is_said_where_it_is_named() -> None:
    text = sam("DefinitionUri: none.asl.json")
    (problem,) = told(text)
    assert (problem.code, problem.severity) == ("SL013", "INFO")
    assert pointed_at(text, problem).startswith("DefinitionUri")


def test_the_type_of_the_machine_is_the_templates() -> None:
    wait = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 600, "End": True}}}
    express = sam("Type: EXPRESS\nDefinition: " + json.dumps(wait))
    assert [problem.code for problem in told(express)] == ["SL023"]
    assert not told(sam("Type: STANDARD\nDefinition: " + json.dumps(wait)))


def test_the_serverless_framework() -> None:
    text = dedent(
        """\
        service: shop
        stepFunctions:
          stateMachines:
            order:
              name: ${self:service}-order
              type: EXPRESS
              definition:
                StartAt: A
                States:
                  A:
                    Type: Task
                    Resource:
                      Fn::GetAtt: [charge, Arn]
                    TimeoutSeconds: ${opt:limit, 5}
                    ResultPath: $.a.*
                    End: true
        """
    )
    (problem,) = told(text, "serverless.yml")
    assert pointed_at(text, problem).startswith(("*", ".*"))


def test_every_machine_of_a_template_is_checked_and_nothing_else() -> None:
    template = json.loads(json.dumps({"Resources": {"Function": {"Type": "AWS::Serverless::Function"}}}))
    for name in ("One", "Two"):
        template["Resources"][name] = {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {"Definition": DEFINITION},
        }
    assert len(told(json.dumps(template), "template.json")) == 2


@pytest.mark.parametrize("properties", [{}, [], None, {"Definition": 5}, {"DefinitionString": {"Fn::Join": []}}])
def test_a_template_of_any_shape_is_no_crash(properties: Any) -> None:
    resource = {"Type": "AWS::Serverless::StateMachine", "Properties": properties}
    assert told(json.dumps({"Resources": {"Order": resource}}))
