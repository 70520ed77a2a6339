"""Retry, Catch and Choices: the rows that states have (asl.md 4, 5).

Rule: every field of a retrier, catcher or rule is read here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from statelang.compiler import fields
from statelang.compiler.findings import Findings, Place
from statelang.compiler.substitutions import Open, is_open
from statelang.language import paths
from statelang.language.comparisons import COMBINATORS, OPERATORS, compile_rule
from statelang.language.templates import compile_jsonata_field, is_query
from statelang.program import Catcher, QueryLanguage, Retrier, Rule
from statelang.values import Json

if TYPE_CHECKING:
    from statelang.compiler.build import Builder

Given = Mapping[str, Json]


def _rows(state: Given, key: str, place: Place, findings: Findings) -> Iterator[tuple[int, Given, Place]]:
    listed = state.get(key)
    for index, row in enumerate(listed if isinstance(listed, list) else []):
        at = place / key / index
        if isinstance(row, dict):
            yield index, row, at
        elif not findings.open(row):
            findings.say("Expected value of type Object", at)


def _errors(row: Given, place: Place, findings: Findings, *, last: bool) -> tuple[str, ...]:
    """ErrorEquals: texts; States.ALL stands alone and in the last row."""
    given = row.get("ErrorEquals")
    if not isinstance(given, list):
        return ()
    at = place / "ErrorEquals"
    for index, name in enumerate(given):
        if not isinstance(name, str) and not findings.open(name):
            findings.say("Expected value of type String", at / index)
    if "States.ALL" in given:
        if len(given) > 1:
            findings.say("'States.ALL' can only appear alone in the list of 'ErrorEquals'", at)
        elif not last:
            findings.say("'States.ALL' can only appear in the last element", at)
    return tuple(str(name) for name in given)


def retriers(state: Given, place: Place, findings: Findings) -> tuple[Retrier, ...]:
    """The elements of Retry."""
    made: list[Retrier] = []
    count = len(state["Retry"]) if isinstance(state.get("Retry"), list) else 0
    for index, row, at in _rows(state, "Retry", place, findings):
        findings.required(row, ("ErrorEquals",), at)
        row = findings.fields(row, fields.RETRIER, at)
        names = _errors(row, at, findings, last=index == count - 1)
        made.append(
            Retrier(
                error_equals=names,
                interval_seconds=row.get("IntervalSeconds", 1),
                max_attempts=row.get("MaxAttempts", 3),
                backoff_rate=row.get("BackoffRate", 2.0),
                max_delay_seconds=row.get("MaxDelaySeconds"),
                full_jitter=row.get("JitterStrategy") == "FULL",
            )
        )
    return tuple(made)


def catchers(builder: Builder, state: Given, place: Place, language: QueryLanguage) -> tuple[Catcher, ...]:
    """The elements of Catch."""
    findings = builder.findings
    made: list[Catcher] = []
    count = len(state["Catch"]) if isinstance(state.get("Catch"), list) else 0
    for index, row, at in _rows(state, "Catch", place, findings):
        findings.required(row, ("ErrorEquals", "Next"), at)
        row = findings.fields(row, fields.CATCHER[language], at)
        names = _errors(row, at, findings, last=index == count - 1)
        made.append(Catcher(names, str(row.get("Next", "")), **_caught(builder, row, at, language, index)))
    return tuple(made)


def _caught(builder: Builder, row: Given, at: Place, language: QueryLanguage, index: int) -> dict[str, Any]:
    if language == "JSONata":
        return {
            key.lower(): builder.query(row[key], at / key, f"Catch[{index}]/{key}")
            for key in ("Output", "Assign")
            if key in row
        }
    made: dict[str, Any] = {}
    if "Assign" in row:
        made["assign"] = builder.template(row["Assign"], at / "Assign")
    path = row.get("ResultPath", "$")
    if path != "$" and not isinstance(path, Open) and (path is None or isinstance(path, str)):
        made["result_path"] = builder.findings.compiled(lambda: paths.compile_result_path(path), at / "ResultPath")
    return made


def choice_rules(builder: Builder, state: Given, place: Place, language: QueryLanguage) -> tuple[Rule, ...]:
    """The elements of Choices."""
    made: list[Rule] = []
    for index, row, at in _rows(state, "Choices", place, builder.findings):
        builder.findings.required(row, ("Next",), at)
        rule = _jsonata_rule(builder, row, at, index) if language == "JSONata" else _jsonpath_rule(builder, row, at)
        if rule is not None:
            made.append(rule)
    return tuple(made)


def _jsonata_rule(builder: Builder, row: Given, at: Place, index: int) -> Rule | None:
    findings = builder.findings
    findings.required(row, ("Condition",), at)
    row = findings.fields(row, fields.JSONATA_RULE, at)
    condition = row.get("Condition")
    if not is_query(condition):
        return Rule(lambda scope: bool(condition), str(row.get("Next", "")), **_chosen(builder, row, at, index))
    matches = findings.compiled(
        lambda: compile_jsonata_field(condition, location=f"Choices[{index}]/Condition", expected="boolean"),
        at / "Condition",
    )
    return None if matches is None else Rule(matches, str(row.get("Next", "")), **_chosen(builder, row, at, index))


def _chosen(builder: Builder, row: Given, at: Place, index: int) -> dict[str, Any]:
    return {
        key.lower(): builder.query(row[key], at / key, f"Choices[{index}]/{key}")
        for key in ("Output", "Assign")
        if key in row
    }


def _jsonpath_rule(builder: Builder, row: Given, at: Place) -> Rule | None:
    findings = builder.findings
    before = len(findings.problems)
    _check_rule(findings, row, at, outer=True)
    assign = builder.template(row["Assign"], at / "Assign") if isinstance(row.get("Assign"), dict) else None
    if len(findings.problems) > before or any(is_open(item) for item in row.values()):
        return None
    matches = findings.compiled(lambda: compile_rule(row), at)
    return None if matches is None else Rule(matches, str(row.get("Next", "")), assign=assign)


def _check_rule(findings: Findings, row: Given, at: Place, *, outer: bool) -> None:
    """The shape of a rule, and of the rules inside it."""
    known = {**fields.JSONPATH_RULE, "Next": fields.text, "Assign": fields.mapping} if outer else fields.JSONPATH_RULE
    findings.fields(row, known, at)
    given = [name for name in row if name in fields.RULE_KINDS]
    if len(given) != 1:
        message = (
            "Each Choice Rule can only have one comparison operator."
            if given
            else "A Choice Rule needs a comparison operator"
        )
        findings.say(message, at)
    elif given[0] in OPERATORS:
        findings.required(row, ("Variable",), at)
    for name in COMBINATORS:
        for part, place in _parts(row, name, at):
            if isinstance(part, dict):
                _check_rule(findings, part, place, outer=False)
            elif not findings.open(part):
                findings.say("Expected value of type Object", place)


def _parts(row: Given, name: str, at: Place) -> list[tuple[Json, Place]]:
    value = row.get(name)
    if name == "Not":
        return [(value, at / name)] if isinstance(value, dict) else []
    return [(part, at / name / index) for index, part in enumerate(value)] if isinstance(value, list) else []
