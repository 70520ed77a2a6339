"""The compiler: a definition's text -> its places -> its problems -> a Program.

    compile_definition(text, name="order.asl.yaml")     a Program, or InvalidDefinition with every problem
    validate(text, name="order.asl.yaml")               the problems alone

Rule: nothing invalid reaches the core, and every problem is told at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from statelang.compiler import fields
from statelang.compiler.build import Builder
from statelang.compiler.findings import Findings, Place
from statelang.compiler.problems import UNRESOLVED, Problem, error_message
from statelang.compiler.references import all_assigned, variable_references
from statelang.compiler.rules import check
from statelang.compiler.source import Source, read_source
from statelang.compiler.substitutions import substitute, unresolved
from statelang.errors import InvalidDefinition
from statelang.program import Program, QueryLanguage, States
from statelang.values import Json, encode

__all__ = ["Problem", "compile_definition", "error_message", "validate"]


def compile_definition(
    text: str, *, name: str = "definition", substitutions: Mapping[str, Json] | None = None, type: str = "STANDARD"
) -> Program:
    """The Program of a definition in JSON or YAML.

    `name` is the file's name, for messages and to tell YAML from JSON; `substitutions` are the values of
    `${Placeholders}`, of which none may be left. Raises InvalidDefinition, whose `problems` are all of them.
    """
    source = read_source(substitute(text, substitutions or {}), name)
    problems, program = _compile(source, type, placeholders=False)
    errors = [problem for problem in problems if problem.severity == "ERROR"]
    if errors or program is None:
        raise InvalidDefinition("\n".join(map(str, errors)), tuple(problems))
    return program


def validate(
    text: str, *, name: str = "definition", substitutions: Mapping[str, Json] | None = None, type: str = "STANDARD"
) -> list[Problem]:
    """Everything that is wrong with a definition; placeholders without a value are taken as they stand."""
    source = read_source(substitute(text, substitutions or {}), name)
    return _compile(source, type, placeholders=True)[0]


def _compile(source: Source, type: str, *, placeholders: bool) -> tuple[list[Problem], Program | None]:
    findings = Findings()
    program = None
    if not any(problem.severity == "ERROR" for problem in source.problems) or source.value is not None:
        if isinstance(source.value, dict):
            program = _machine(source.value, source.text, findings, express=type == "EXPRESS")
            if not placeholders:
                _unresolved(source.value, findings)
        elif not source.problems:
            findings.say("Definition must be a valid JSON object", Place())
    return [source.locate(problem) for problem in (*source.problems, *findings.problems)], program


def _machine(value: Mapping[str, Json], text: str, findings: Findings, *, express: bool) -> Program:
    top = Place()
    findings.fields(value, fields.MACHINE, top)
    findings.required(value, ("States", "StartAt"), top)
    if value.get("States") == {}:
        findings.say("Value cannot be empty", top / "States")
    language: QueryLanguage = "JSONata" if value.get("QueryLanguage") == "JSONata" else "JSONPath"
    builder = Builder(findings, language, express=express)
    main = builder.states(value, top)
    check(value, findings)
    return _program(value, main, builder)


def _program(value: Mapping[str, Json], main: States, builder: Builder) -> Program:
    canonical = encode(value)
    limit = value.get("TimeoutSeconds")
    return Program(
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
        source=canonical,
        main=main,
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
