"""The compiler: a definition's text -> its places -> its problems -> a Program.

    compile_definition(text, name="order.asl.yaml")     a Program, or InvalidDefinition with every problem
    compiled(text, name="order.asl.yaml")               the Program, and what is worth a look all the same
    validate(text, name="order.asl.yaml")               the problems alone, of every definition in a file

Rule: nothing invalid reaches the core, and every problem is told at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from statelang.compiler import fields
from statelang.compiler.build import Builder
from statelang.compiler.embedded import Read, definitions, read_value
from statelang.compiler.findings import Findings, Place
from statelang.compiler.problems import UNRESOLVED, Problem, error_message
from statelang.compiler.references import all_assigned, variable_references
from statelang.compiler.rules import RULES, Rule, check
from statelang.compiler.rules.rule import TargetName
from statelang.compiler.scopes import MachineType
from statelang.compiler.silence import Silence, heard, silences
from statelang.compiler.source import Source
from statelang.compiler.substitutions import open_names, unresolved
from statelang.errors import InvalidDefinition
from statelang.program import Program, QueryLanguage
from statelang.values import Json, encode

__all__ = ["RULES", "Compiled", "Problem", "Rule", "compile_definition", "compiled", "error_message", "validate"]


class Compiled(NamedTuple):
    """A definition that can run, and its warnings and notes, but for those that its comments silence."""

    program: Program
    problems: tuple[Problem, ...]


def compile_definition(
    text: str, *, name: str = "definition", substitutions: Mapping[str, Json] | None = None, type: str = "STANDARD"
) -> Program:
    """The Program of a definition in JSON or YAML: see `compiled`."""
    return compiled(text, name=name, substitutions=substitutions, type=type).program


def compiled(
    text: str, *, name: str = "definition", substitutions: Mapping[str, Json] | None = None, type: str = "STANDARD"
) -> Compiled:
    """The Program of a definition in JSON or YAML, and what is worth a look though it runs.

    `name` is the file's name, for messages and to tell YAML from JSON; `substitutions` are the values of
    `${Placeholders}`, of which none may be left. Raises InvalidDefinition, whose `problems` are all of them.
    """
    source = read_value(text, name, substitutions or {})
    findings = Findings(complete=True)
    builder, silenced = _built(source, findings, type, placeholders=False), list[Silence]()
    if builder is not None:
        _unresolved(source.value, findings)
        silenced = silences(source.value, findings, RULES)
    problems = _located(source, findings)
    errors = [problem for problem in problems if problem.severity == "ERROR"]
    if errors or builder is None:
        raise InvalidDefinition("\n".join(map(str, errors)), tuple(problems))
    return Compiled(_program(source.value, builder), tuple(heard(problems, silenced)))


def validate(
    text: str,
    *,
    name: str = "definition",
    substitutions: Mapping[str, Json] | None = None,
    type: str = "STANDARD",
    target: TargetName = "statelang",
    ignore: Collection[str] = (),
    read: Read = lambda path: None,
) -> list[Problem]:
    """Everything that is wrong in a file: a definition, or a template (CloudFormation, SAM, Serverless Framework).

    Placeholders without a value are taken as they stand. `type` is STANDARD or EXPRESS (a template says it itself),
    `target` "aws" asks for what AWS would not take, `ignore` names codes that are not told, and `read` gives the text
    of a file that a template names, or None.
    """
    told: list[Problem] = []
    for found in definitions(text, name, values=substitutions or {}, type=type, read=read):
        told += heard(found.problems, (), ignore)
        if found.source is not None:
            told += _checked(found.source, found.type, target, ignore)
    return told


def _checked(source: Source, type: str, target: TargetName, ignore: Collection[str]) -> list[Problem]:
    findings = Findings(open_names(source.text))
    _built(source, findings, type, placeholders=True, target=target)
    if isinstance(source.value, dict) and not any(problem.severity == "ERROR" for problem in findings.problems):
        from statelang.compiler.schema import strays

        for stray in strays(source.value):
            place = Place()
            for part in stray.path:
                place = place / part
            findings.say("The value is not as the schema asks", place, hint=stray.message[:200])
    silenced = silences(source.value, findings, RULES)
    findings.problems[:] = heard(findings.problems, silenced, ignore)
    return _located(source, findings)


def _located(source: Source, findings: Findings) -> list[Problem]:
    return [source.locate(problem) for problem in (*source.problems, *findings.problems)]


def _built(
    source: Source, findings: Findings, type: str, *, placeholders: bool, target: TargetName = "statelang"
) -> Builder | None:
    """Build the nodes of a definition and apply the rules; None where there is nothing to build."""
    if source.value is None and any(problem.severity == "ERROR" for problem in source.problems):
        return None
    if not isinstance(source.value, dict):
        if not source.problems:
            findings.say("Definition must be a valid JSON object", Place())
        return None
    return _machine(source.value, findings, type, placeholders=placeholders, target=target)


def _machine(
    value: Mapping[str, Json], findings: Findings, type: str, *, placeholders: bool, target: TargetName
) -> Builder:
    top = Place()
    findings.fields(value, fields.MACHINE, top)
    findings.required(value, ("States", "StartAt"), top)
    if value.get("States") == {}:
        findings.say("Value cannot be empty", top / "States")
    language: QueryLanguage = "JSONata" if value.get("QueryLanguage") == "JSONata" else "JSONPath"
    kind: MachineType = "EXPRESS" if type == "EXPRESS" else "STANDARD"
    builder = Builder(findings, language, express=kind == "EXPRESS", placeholders=placeholders)
    builder.main = builder.states(value, top)
    check(value, findings, type=kind, target=target)
    return builder


def _program(value: Mapping[str, Json], builder: Builder) -> Program:
    canonical = encode(value)
    limit = value.get("TimeoutSeconds")
    return Program(
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
        source=canonical,
        main=builder.main,
        nodes=MappingProxyType(builder.nodes),
        comment=value.get("Comment") if isinstance(value.get("Comment"), str) else None,
        query_language=builder.language,
        timeout_seconds=limit if isinstance(limit, int) else None,
        uses=tuple(builder.uses),
        variables=MappingProxyType(variable_references(value, all_assigned(value))),
    )


def _unresolved(value: Mapping[str, Json], findings: Findings) -> None:
    for pointer, name in unresolved(value):
        message = f"the placeholder ${{{name}}} has no value"
        hint = f"give one with --set {name}=VALUE or in the bindings file"
        findings.say(message, Place(pointer, pointer), code=UNRESOLVED, hint=hint)
