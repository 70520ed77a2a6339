"""The table of rules: every row's wrong example yields its code, the right one does not, and nothing else is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from statelang.compiler import RULES, Problem, Rule, compile_definition, validate
from statelang.compiler.problems import UNRESOLVED
from statelang.errors import InvalidDefinition
from statelang.values import encode

every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))


def problems(rule: Rule, example: Mapping[str, Any] | str) -> list[Problem]:
    text = example if isinstance(example, str) else encode(example)
    if rule.code == UNRESOLVED:
        try:
            compile_definition(text)
        except InvalidDefinition as refused:
            return list(refused.problems)
        return []
    return validate(text, type=rule.type, target=rule.target)


@every_rule
def test_the_wrong_example_yields_the_code_with_its_severity(rule: Rule) -> None:
    found = [problem for problem in problems(rule, rule.wrong) if problem.code == rule.code]
    assert found
    assert {problem.severity for problem in found} == {rule.severity}
    assert all(problem.line and problem.column for problem in found)


@every_rule
def test_the_right_example_does_not_and_is_good_in_every_other_way(rule: Rule) -> None:
    found = problems(rule, rule.right)
    assert not [problem for problem in found if problem.code == rule.code]
    assert not [problem for problem in found if problem.severity == "ERROR"]


@every_rule
def test_codes_keep_their_form_and_texts_are_sentences(rule: Rule) -> None:
    assert re.fullmatch(r"SL\d{3}|[A-Z]+(_[A-Z]+)+", rule.code)
    assert rule.means.endswith((".", "!"))
    assert rule.wrong != rule.right


@every_rule
def test_a_comment_silences_it_in_the_machine_and_ignore_everywhere(rule: Rule) -> None:
    if isinstance(rule.wrong, str) or "States" not in rule.wrong or rule.code == UNRESOLVED:
        return
    silenced = {**rule.wrong, "Comment": f"statelang: ignore {rule.code}"}
    assert rule.code not in {problem.code for problem in problems(rule, silenced)}
    told = validate(encode(rule.wrong), type=rule.type, target=rule.target, ignore=[rule.code])
    assert rule.code not in {problem.code for problem in told}


def test_a_comment_of_a_state_silences_that_state_alone() -> None:
    states = {
        name: {"Type": "Pass", "Parameters": {"id": "$.id"}, **({"Next": "B"} if name == "A" else {"End": True})}
        for name in "AB"
    }
    states["A"]["Comment"] = "As text, on purpose. statelang: ignore NO_DOLLAR"
    told = validate(encode({"StartAt": "A", "States": states}))
    assert [(problem.code, problem.pointer) for problem in told] == [("NO_DOLLAR", "/States/B/Parameters/id")]
