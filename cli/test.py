"""`test`: the cases of state machines, in virtual time, and what of the machines they exercise.

Rule: exit 0 where every case holds and the coverage is enough, 1 where not, 2 where a file cannot be read.
"""

from __future__ import annotations

import fnmatch
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from statelang.errors import InvalidSettings
from statelang.testing.cases import Case
from statelang.testing.coverage import percent_of
from statelang.testing.durations import in_words
from statelang.testing.report import (
    event_text,
    failure_lines,
    missing_lines,
    percent_text,
    report_json,
    report_junit,
    tally_text,
)
from statelang.testing.suite import Suite, Verdict, case_files, mocked_suite, open_suite
from statelang.values import decode
from statelang.views.glossary import Glossary

from .graph import ENDINGS, drawn
from .options import bind_option, read_input, set_option, settings, values_of
from .output import say
from .subject import Subject, format_of, titled, write


@click.command("test")
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--case", "names", multiple=True, metavar="NAME", help="Only this case; `*` is allowed.")
@click.option("--mock-config", metavar="FILE", help="Run the test cases of AWS's MockConfigFile.json.")
@click.option("-i", "--input", "given", metavar="JSON|@FILE|-", help="The input of those test cases. [default: {}]")
@click.option("--fail-under", type=click.FloatRange(0, 100), metavar="PERCENT", help="Fail below this coverage.")
@click.option("--picture", metavar="FILE", help="Draw what no case exercises: .mmd, .md, .svg or .html.")
@click.option("--junit", metavar="FILE", help="Write JUnit's XML there too.")
@click.option("--json", "json_file", metavar="FILE", help="Write the JSON there too.")
@click.option(
    "-o", "--output", "output", type=click.Choice(["text", "json", "junit"]), help="How to print. [default: text]"
)
@click.option("--verbose", "-v", is_flag=True, help="Show the history of every case.")
@bind_option
@set_option
def test_command(
    files: tuple[str, ...],
    names: tuple[str, ...],
    mock_config: str | None,
    given: str | None,
    fail_under: float | None,
    picture: str | None,
    junit: str | None,
    json_file: str | None,
    output: str | None,
    verbose: bool,
    bind: tuple[str, ...],
    sets: tuple[str, ...],
) -> None:
    """Run cases in virtual time, and tell what of the state machines they exercise.

    FILE is a file of cases (order.cases.yaml), a definition beside one, or a folder of them. Tasks answer as the cases'
    mocks say; others are performed by the bindings that the file of cases names, or --bind.
    """
    suites = _suites(files, mock_config, given, bind, sets)
    kind, verdicts = output or settings().output, []
    for suite in suites:
        if kind == "text":
            click.echo(suite.name)
        for case in _chosen(suite, names):
            verdicts.append(suite.run(case))
            if kind == "text":
                _tell(verdicts[-1], verbose)
    if not verdicts:
        raise InvalidSettings(f"no case is called {' or '.join(names)}" if names else "there are no cases")
    _write(suites, verdicts, kind, {"junit": junit, "json": json_file})
    if picture is not None:
        _draw(suites, picture)
    percent = percent_of(suite.coverage for suite in suites)
    failed = sum(not verdict.holds for verdict in verdicts)
    low = fail_under is not None and percent < fail_under
    say(f"{len(verdicts)} case(s), {failed} failed; coverage {percent_text(percent)}")
    if low:
        say(click.style(f"the coverage is below {fail_under:g} %", fg="red"))
    sys.exit(1 if failed or low else 0)


def _suites(
    files: Sequence[str], config: str | None, given: str | None, bind: Sequence[str], sets: tuple[str, ...]
) -> list[Suite]:
    values = values_of(sets)
    if config is None:
        if given is not None:
            raise InvalidSettings("--input belongs to --mock-config; a case names its own input")
        return [open_suite(file, bind=bind, substitutions=values) for file in case_files(files)]
    text = str(read_input(given) or "{}")
    return [mocked_suite(file, config, input=text, bind=bind, substitutions=values) for file in files]


def _chosen(suite: Suite, names: Sequence[str]) -> list[Case]:
    if not names:
        return list(suite.cases)
    return [
        case
        for case in suite.cases
        if any(
            name in (case.name, case.name.partition("#")[2]) or fnmatch.fnmatchcase(case.name, name) for name in names
        )
    ]


def _tell(verdict: Verdict, verbose: bool) -> None:
    happened = verdict.happened
    mark = click.style("ok  ", fg="green") if verdict.holds else click.style("FAIL", fg="red", bold=True)
    click.echo(f"  {mark}  {verdict.case.name}  ({happened.status} after {in_words(happened.took)})")
    lines = [] if verdict.holds else list(failure_lines(verdict))
    if verbose and happened.events:
        lines += [event_text(event, happened.events[0]["timestamp"]) for event in happened.events]
    for line in lines:
        click.echo(f"          {line}")


def _write(suites: Sequence[Suite], verdicts: Sequence[Verdict], kind: str, files: Mapping[str, str | None]) -> None:
    """The reports: on stdout as `kind` says, and into the files that were asked for."""
    for name, file in files.items():
        if file is not None:
            _save(file, REPORTS[name](suites, verdicts))
    if kind in REPORTS:
        click.echo(REPORTS[kind](suites, verdicts), nl=False)
        return
    for suite in suites:
        click.echo(f"coverage of {suite.definition}: {tally_text(suite.coverage)}")
        for line in missing_lines(suite):
            click.echo(f"  {line}")


def _draw(suites: Sequence[Suite], file: str) -> None:
    """The picture of the one machine: what was exercised is green, what no case comes to red."""
    from statelang.testing.picture import exercised

    if len(suites) != 1:
        raise InvalidSettings("--picture draws one state machine: name one file of cases")
    kind, (suite,) = format_of(None, file, ENDINGS, "mermaid"), suites
    definition = decode(suite.machine.program.source)
    title = f"{titled(suite.machine.name)}: {percent_text(suite.coverage.percent)} exercised"
    shown = Subject(title, definition, Glossary(), course=exercised(suite.coverage))
    write(drawn(shown, kind, fenced=file.endswith(".md")), file)


def _save(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as problem:
        raise InvalidSettings(f"{file}: {problem.strerror or problem}") from None


def _json(suites: Sequence[Suite], verdicts: Sequence[Verdict]) -> str:
    return json.dumps(report_json(suites, verdicts), indent=2, ensure_ascii=False) + "\n"


REPORTS: Final[Mapping[str, Callable[[Sequence[Suite], Sequence[Verdict]], str]]] = {
    "json": _json,
    "junit": report_junit,
}
"""Kind of report -> what makes it."""
