"""What is told of suites: text for people, JSON, and JUnit's XML for build servers.

Rule: all three are made from the same verdicts and coverages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from statelang.core.context import iso
from statelang.testing.coverage import Coverage, Kind, percent_of
from statelang.testing.durations import in_words
from statelang.testing.expectations import around, state_at
from statelang.testing.suite import Suite, Verdict
from statelang.testing.trial import Happened
from statelang.values import Json

PLURAL: Final[dict[Kind, str]] = {
    "state": "states",
    "transition": "transitions",
    "rule": "rules",
    "retrier": "retriers",
    "catcher": "catchers",
}
LONGEST: Final = 600
"""How many characters of a state's input are shown."""

TOLD: Final = ("name", "error", "resource", "index", "length")


def failure_lines(verdict: Verdict) -> Iterator[str]:
    """The first difference of a case, the state it shows in with its input, and the history around it."""
    first, *others = verdict.differences
    yield str(first)
    yield from context_lines(verdict.happened, first.event)
    for other in others:
        yield f"also {other}"


def context_lines(happened: Happened, event: int) -> Iterator[str]:
    """The state in which an event fell, and the events around it."""
    entered = state_at(happened.events, event)
    if entered is not None:
        details = entered["stateEnteredEventDetails"]
        yield f"in the state {details['name']!r}, entered with {_cut(details.get('input', ''))}"
    began = happened.events[0]["timestamp"] if happened.events else 0
    for told in around(happened.events, event):
        mark = ">" if told["id"] == event else " "
        yield f"{mark} {event_text(told, began)}"


def event_text(event: dict[str, Any], began: int) -> str:
    """An event as one line: its number, its time after the start, its type, and what it is about."""
    after = in_words(event["timestamp"] - began)
    return f"{event['id']:>5}  +{after:<9} {event['type']:<24} {' '.join(_about(event))}".rstrip()


def _about(event: dict[str, Any]) -> Iterator[str]:
    for details in (value for key, value in event.items() if key.endswith("EventDetails")):
        for key in TOLD:
            if key in details:
                yield str(details[key]).rpartition(":function:")[2] if key == "resource" else str(details[key])
        if details.get("cause"):
            yield f"({_cut(details['cause'], 120)})"


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def tally_text(coverage: Coverage) -> str:
    """`96 % (states 7/7, transitions 9/9, retriers 2/4)`."""
    parts = ", ".join(f"{PLURAL[kind]} {done}/{of}" for kind, (done, of) in coverage.tally().items())
    return f"{percent_text(coverage.percent)} ({parts})"


def percent_text(percent: float) -> str:
    """Rounded down, so that only all is 100 %."""
    return f"{int(percent * 10) / 10:g} %"


def missing_lines(suite: Suite) -> Iterator[str]:
    """What no case exercised, with its place."""
    for piece in suite.coverage.missing():
        line = suite.line_of(piece)
        place = "" if suite.definition is None else f"{suite.definition}:{line or 1}: "
        yield f"{place}{piece.kind} not exercised: {piece}"


def report_json(suites: Sequence[Suite], verdicts: Sequence[Verdict]) -> Json:
    """Everything as one JSON value."""
    return {
        "passed": sum(verdict.holds for verdict in verdicts),
        "failed": sum(not verdict.holds for verdict in verdicts),
        "coverage": round(percent_of(suite.coverage for suite in suites), 2),
        "cases": [_verdict(verdict) for verdict in verdicts],
        "machines": [_suite(suite) for suite in suites],
    }


def _verdict(verdict: Verdict) -> Json:
    happened = verdict.happened
    told: dict[str, Json] = {
        "file": verdict.suite,
        "line": verdict.case.line,
        "name": verdict.case.name,
        "holds": verdict.holds,
        "status": happened.status,
        "output": happened.output,
        "error": happened.error,
        "cause": happened.cause,
        "path": list(happened.path),
        "calls": [
            {"state": call.state, "resource": call.resource, "input": call.input, "attempt": call.attempt}
            for call in happened.calls
        ],
        "took": happened.took / 1000,
        "seconds": round(verdict.seconds, 4),
    }
    if not verdict.holds:
        told["differences"] = [
            {"what": one.what, "expected": one.expected, "happened": one.happened, "event": one.event}
            for one in verdict.differences
        ]
        told["events"] = [{**event, "timestamp": iso(event["timestamp"])} for event in happened.events]
    return told


def _suite(suite: Suite) -> Json:
    coverage = suite.coverage
    return {
        "definition": None if suite.definition is None else str(suite.definition),
        "cases": suite.name,
        "coverage": round(coverage.percent, 2),
        "tally": {PLURAL[kind]: {"exercised": done, "of": of} for kind, (done, of) in coverage.tally().items()},
        "parts": [
            {
                "kind": piece.kind,
                "pointer": piece.pointer,
                "state": piece.state,
                "label": piece.label,
                "to": piece.to,
                "line": suite.line_of(piece),
                "count": coverage.counts[piece.pointer],
            }
            for piece in coverage.pieces.values()
        ],
    }


def report_junit(suites: Sequence[Suite], verdicts: Sequence[Verdict]) -> str:
    """JUnit's XML: a testsuite for each file of cases, with the coverage as its properties."""
    root = Element("testsuites", name="statelang test")
    for suite in suites:
        own = [verdict for verdict in verdicts if verdict.suite == suite.name]
        failed = sum(not verdict.holds for verdict in own)
        seconds = sum(verdict.seconds for verdict in own)
        told = SubElement(
            root, "testsuite", name=suite.name, tests=str(len(own)), failures=str(failed), errors="0", skipped="0",
            time=f"{seconds:.3f}",
        )  # fmt: skip
        properties = SubElement(told, "properties")
        SubElement(properties, "property", name="coverage", value=f"{suite.coverage.percent:.2f}")
        for verdict in own:
            _junit_case(told, verdict)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _junit_case(parent: Element, verdict: Verdict) -> None:
    told = SubElement(
        parent,
        "testcase",
        classname=verdict.suite,
        name=verdict.case.name,
        file=verdict.suite,
        line=str(verdict.case.line or 1),
        time=f"{verdict.seconds:.3f}",
    )
    if not verdict.holds:
        failure = SubElement(told, "failure", message=_printable(str(verdict.differences[0])), type="difference")
        failure.text = _printable("\n".join(failure_lines(verdict)))


def _printable(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(
        c if c in "\t\n\r" or " " <= c <= "\ud7ff" or (c >= "\ue000" and c not in "\ufffe\uffff") else "?" for c in text
    )
