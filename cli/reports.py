"""Reports: the problems that `validate` found, in the forms that people and their tools read.

Rule: one function and one row of REPORTS per form; each gets everything that was found and returns the whole text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from statelang import __version__
from statelang.compiler import RULES, Problem
from statelang.compiler.problems import Severity
from statelang.values import Json, encode

from .output import coloured

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class Checked(NamedTuple):
    """What was checked: the files in order, what was found, and which severities fail."""

    files: Sequence[str]
    problems: Sequence[Problem]
    failing: frozenset[Severity]

    def failures(self) -> list[Problem]:
        """The problems that fail."""
        return [problem for problem in self.problems if problem.severity in self.failing]


def text(checked: Checked) -> str:
    """For people: each problem with its line and a caret."""
    return "\n".join(coloured(problem) for problem in checked.problems)


def json_array(checked: Checked) -> str:
    """One array of objects."""
    rows = [encode(_object(problem)) for problem in checked.problems]
    return "[]" if not rows else "[\n" + ",\n".join(rows) + "\n]"


def _object(problem: Problem) -> dict[str, Json]:
    told = {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "pointer": problem.pointer,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    }
    return {key: value for key, value in told.items() if value is not None}


LEVELS: Final[Mapping[Severity, str]] = {"ERROR": "error", "WARNING": "warning", "INFO": "note"}


def sarif(checked: Checked) -> str:
    """SARIF 2.1.0, which code scanning tools read."""
    codes = sorted({problem.code for problem in checked.problems})
    driver = {
        "name": "Statelang",
        "version": __version__,
        "rules": [_sarif_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(problem, codes) for problem in checked.problems],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _sarif_rule(code: str) -> dict[str, Any]:
    row = RULES.get(code)
    if row is None:
        return {"id": code}
    sentence = row.means.partition(". ")[0].rstrip(".") + "."
    return {
        "id": code,
        "shortDescription": {"text": sentence},
        "fullDescription": {"text": row.means},
        "defaultConfiguration": {"level": LEVELS[row.severity]},
    }


def _sarif_result(problem: Problem, codes: Sequence[str]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote((problem.file or "").replace("\\", "/"), safe="/:._-~")}}
    if problem.line is not None:
        place["region"] = {"startLine": problem.line, "startColumn": problem.column or 1}
    location: dict[str, Any] = {"physicalLocation": place}
    if problem.pointer:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.pointer}]
    return {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": LEVELS[problem.severity],
        "message": {"text": _sentence(problem)},
        "locations": [location],
    }


def _sentence(problem: Problem) -> str:
    return problem.message + (f" ({problem.hint})" if problem.hint else "")


COMMANDS: Final[Mapping[Severity, str]] = {"ERROR": "error", "WARNING": "warning", "INFO": "notice"}


def github(checked: Checked) -> str:
    """GitHub's workflow commands, which become annotations on the lines of a pull request."""
    return "\n".join(map(_annotation, checked.problems))


def _annotation(problem: Problem) -> str:
    fields = {"file": problem.file, "line": problem.line, "col": problem.column, "title": problem.code}
    given = ",".join(f"{key}={_property(str(value))}" for key, value in fields.items() if value is not None)
    return f"::{COMMANDS[problem.severity]} {given}::{_escaped(_sentence(problem))}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def junit(checked: Checked) -> str:
    """JUnit XML: a test case per file, failed where a problem fails; the other problems are its output."""
    from xml.etree import ElementTree

    failed = {problem.file for problem in checked.failures()}
    counts = {"tests": str(len(checked.files)), "failures": str(len(failed)), "errors": "0"}
    suite = ElementTree.Element("testsuite", {"name": "statelang validate", **counts})
    for file in sorted({*checked.files, *filter(None, failed)}):
        case = ElementTree.SubElement(suite, "testcase", classname="statelang", name=file)
        mine = [problem for problem in checked.problems if problem.file == file]
        _case(
            case,
            [p for p in mine if p.severity in checked.failing],
            [p for p in mine if p.severity not in checked.failing],
        )
    ElementTree.indent(suite)
    suites = ElementTree.Element("testsuites", counts)
    suites.append(suite)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode")


def _case(case: Any, failing: Sequence[Problem], others: Sequence[Problem]) -> None:
    from xml.etree import ElementTree

    if failing:
        told = f"{failing[0].code}: {failing[0].message}" + (f" (and {len(failing) - 1} more)" if failing[1:] else "")
        failure = ElementTree.SubElement(case, "failure", type=failing[0].code, message=_xml(told))
        failure.text = _xml("\n".join(map(str, failing)))
    if others:
        ElementTree.SubElement(case, "system-out").text = _xml("\n".join(map(str, others)))


def _xml(text: str) -> str:
    """What XML 1.0 can carry of a text."""
    return "".join(c if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff") else "?" for c in text)


REPORTS: Final[Mapping[str, Callable[[Checked], str]]] = {
    "text": text,
    "json": json_array,
    "sarif": sarif,
    "github": github,
    "junit": junit,
}
"""Form -> what writes it."""
