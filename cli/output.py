"""What commands print: JSON on stdout, tables and words for people, times as people read them.

Rule: what `-o json` prints is made here from the same data as the text, so that both tell the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import click

from statelang.compiler.problems import Problem, Severity
from statelang.core.context import iso
from statelang.core.map_run import MapRun, Tally
from statelang.errors import InvalidSettings
from statelang.ports import Summary
from statelang.positions import Position
from statelang.result import Result
from statelang.values import Json, encode

STATUS_COLOURS: Mapping[str, str] = {
    "SUCCEEDED": "green",
    "FAILED": "red",
    "TIMED_OUT": "red",
    "ABORTED": "yellow",
    "RUNNING": "cyan",
}
SEVERITY_COLOURS: Mapping[Severity, str] = {"ERROR": "red", "WARNING": "yellow", "INFO": "cyan"}
EXIT: Mapping[str, int] = {"SUCCEEDED": 0, "RUNNING": 3}
"""Exit status by execution status; every other is 1."""


def say(text: str) -> None:
    """A line for people, on stderr. Nobody need be there to read it: that ends nothing."""
    with suppress(OSError):
        click.echo(text, err=True)


def coloured(problem: Problem, *, lines: bool = True) -> str:
    """A problem of a definition for people; `lines`: with its line and a caret. Colours go where nobody sees them."""
    word = f"{problem.severity.lower()} {problem.code}"
    text = str(problem) if lines else str(replace(problem, source_line=None))
    return text.replace(word, click.style(word, fg=SEVERITY_COLOURS[problem.severity], bold=True), 1)


def time_text(at: int | None) -> str | None:
    """Milliseconds since 1970 as ISO 8601 in UTC."""
    return None if at is None else iso(at)


def clock_text(at: int) -> str:
    """Milliseconds since 1970 as the time of day here."""
    return datetime.fromtimestamp(at / 1000).strftime("%H:%M:%S")


def span_text(milliseconds: int) -> str:
    """A duration as people say it: 0.4 s, 12 s, 3 min 5 s, 2 h 10 min, 3 d 4 h."""
    seconds = max(0, milliseconds) / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes} min {rest} s"
    days, hours = divmod(hours, 24)
    return f"{hours} h {minutes} min" if days == 0 else f"{days} d {hours} h"


def print_json(value: Json, query: str | None = None) -> None:
    """JSON on stdout: indented, or what a JSONPath picks, a compact line for each."""
    if query is None:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    for found in _picked(value, query):
        click.echo(encode(found))


def _picked(value: Json, query: str) -> list[Json]:
    try:
        from jsonpath_ng.exceptions import JSONPathError
        from jsonpath_ng.ext.parser import parse
    except ImportError:
        raise InvalidSettings("--query needs the extra 'cli': pip install 'statelang[cli]'") from None
    try:
        path = parse(query)
    except (JSONPathError, AttributeError, TypeError, ValueError) as problem:
        raise InvalidSettings(f"--query {query!r} is no JSONPath: {problem}") from None
    return [match.value for match in path.find(value)]


def result_json(result: Result) -> dict[str, Json]:
    """A Result as `-o json` shows it."""
    told: dict[str, Json] = {"name": result.name, "status": result.status}
    if result.status == "SUCCEEDED":
        told["output"] = result.output
    for key, value in (("error", result.error), ("cause", result.cause)):
        if value is not None:
            told[key] = value
    return told


def summary_json(summary: Summary) -> dict[str, Json]:
    """A Summary as `-o json` shows it."""
    told = {
        "name": summary.id,
        "machine": summary.machine,
        "status": summary.status,
        "startDate": time_text(summary.started_at),
        "stopDate": time_text(summary.stopped_at),
        "driven": summary.driven,
        "due": time_text(summary.due or None),
        "redriveCount": summary.redrives or None,
        "error": summary.error,
        "cause": summary.cause,
    }
    return {key: value for key, value in told.items() if value is not None}


def child_json(index: int, child: Summary) -> dict[str, Json]:
    """A child of a Map Run, and which it is."""
    return {"index": index, "name": child.id, "status": child.status, "error": child.error, "cause": child.cause}


def position_json(position: Position) -> dict[str, Json]:
    """A Position as `-o json` shows it."""
    told = {
        "state": position.state,
        "path": list(position.path),
        "doing": position.doing,
        "since": time_text(position.since),
        "attempt": position.attempt,
        "until": time_text(position.until),
        "token": position.token,
        "done": position.done,
        "count": position.count,
    }
    return {key: value for key, value in told.items() if value is not None}


def position_text(position: Position, now: int) -> str:
    """A Position as one line."""
    words = [f"{position.place}: {position.doing}"]
    if position.count is not None:
        words.append(f"({position.done} of {position.count} done)")
    if position.attempt > 1:
        words.append(f"(attempt {position.attempt})")
    words.append(f"for {span_text(now - position.since)}")
    if position.until is not None:
        words.append(f"until {time_text(position.until)}")
    return " ".join(words)


def map_run_json(run: MapRun, tally: Tally) -> dict[str, Json]:
    """A Map Run as DescribeMapRun tells it. Items that have not been read yet are not counted."""
    ended = tally.items_succeeded + tally.items_failed + tally.items_timed_out + tally.items_aborted
    told: dict[str, Json] = {
        "mapRunArn": run.arn,
        "executionName": run.execution,
        "state": run.state,
        "status": run.status,
        "startDate": time_text(run.at),
        "stopDate": time_text(run.stopped_at),
        "error": run.error,
        "cause": run.cause,
        "maxConcurrency": run.max_concurrency,
        "toleratedFailureCount": run.tolerated_count or 0,
        "toleratedFailurePercentage": float(run.tolerated_percentage or 0),
        "redriveCount": run.redrives,
        "itemCounts": {
            "pending": max(run.total or 0, run.read) - run.read,
            "running": run.read - ended,
            "succeeded": tally.items_succeeded,
            "failed": tally.items_failed,
            "timedOut": tally.items_timed_out,
            "aborted": tally.items_aborted,
            "total": max(run.total or 0, run.read),
        },
        "executionCounts": {
            "running": run.running(tally),
            "succeeded": tally.succeeded,
            "failed": tally.failed,
            "timedOut": tally.timed_out,
            "aborted": tally.aborted,
            "total": run.made,
            "resultsWritten": run.written.next,
        },
    }
    return {key: value for key, value in told.items() if value is not None}


def counts_text(run: MapRun, tally: Tally) -> str:
    """How the children of a Map Run stand, in a few words."""
    told = [f"{tally.succeeded:,} of {run.made:,}{'' if run.exhausted else ' so far'} succeeded"]
    unsuccessful = ((tally.failed, "failed"), (tally.timed_out, "timed out"), (tally.aborted, "stopped"))
    return ", ".join([*told, *(f"{count:,} {word}" for count, word in unsuccessful if count)])


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], colour: int | None = None) -> None:
    """Columns of text on stdout; `colour` is the column whose statuses are coloured."""
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for number, line in enumerate(lines):
        cells: list[Any] = [cell.ljust(width) for cell, width in zip(line, widths)]
        if number and colour is not None:
            cells[colour] = click.style(cells[colour], fg=STATUS_COLOURS.get(line[colour]))
        click.echo("  ".join(cells).rstrip())
