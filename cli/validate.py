"""`validate`: every problem of every definition, with its place.

Rule: exit 0 without errors, 1 with, 2 where a file cannot be read; the files that can be read are checked all the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, Final, Literal

import click

from statelang.compiler import RULES, Problem, validate
from statelang.compiler.problems import Severity, did_you_mean
from statelang.errors import InvalidDefinition, InvalidSettings
from statelang.values import Json

from .files import STDIN, find, read_beside, read_text, shown
from .options import bindings_files, set_option, settings, stdin_name_option, values_of
from .output import say
from .reports import REPORTS, Checked

TYPES: Final = ("STANDARD", "EXPRESS")
TARGETS: Final = ("statelang", "aws")


def _explain(context: click.Context, parameter: click.Parameter, code: str | None) -> None:
    if code is None or context.resilient_parsing:
        return
    click.echo(explanation(code))
    context.exit()


@click.command("validate")
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option(
    "--type", "kind", type=click.Choice(TYPES), default="STANDARD", help="Which quotas. A template says it itself."
)
@click.option("--target", type=click.Choice(TARGETS), default="statelang", help="aws: also what AWS would not take.")
@click.option("--strict", is_flag=True, help="Let warnings fail too.")
@click.option("--ignore", multiple=True, metavar="CODE", help="Do not tell this code. Also 'ignore' in statelang.toml.")
@click.option(
    "--explain",
    metavar="CODE",
    expose_value=False,
    is_eager=True,
    callback=_explain,
    help="Say what a code means, with a wrong and a right example; 'all' lists them.",
)
@set_option
@click.option("-o", "--output", type=click.Choice(list(REPORTS)), help="How to print. [default: text]")
@stdin_name_option
def validate_command(
    files: tuple[str, ...],
    kind: str,
    target: Literal["statelang", "aws"],
    strict: bool,
    ignore: tuple[str, ...],
    sets: tuple[str, ...],
    output: str | None,
    stdin_name: str,
) -> None:
    """Check definitions and tell every problem with file, line and column.

    A FILE is JSON or YAML: a definition, or a template of CloudFormation, SAM, the CDK (cdk.out) or the Serverless
    Framework with state machines in it. It may be a pattern, or a folder to search; FILE - is stdin.

    A comment silences codes for what it stands in: "Comment": "… statelang: ignore SL020, SL021"
    """
    ignored = _known(*ignore, *settings().ignore)
    named, problems, unread = list[str](), list[Problem](), 0
    for file in find(files):
        name = stdin_name if file == STDIN else shown(file)
        named.append(name)
        try:
            text = read_text(file)
        except InvalidDefinition as refused:
            say(f"error: {refused}")
            unread += 1
            continue
        values = _substitutions(file, sets)
        problems += validate(
            text, name=name, substitutions=values, type=kind, target=target, ignore=ignored, read=read_beside
        )
    failing: frozenset[Severity] = frozenset({"ERROR", "WARNING"} if strict else {"ERROR"})
    order = {file: index for index, file in enumerate(named)}
    problems.sort(key=lambda p: (order.get(p.file or "", len(order)), p.file or "", p.line or 0, p.column or 0))
    checked = Checked(named, problems, failing)
    told = REPORTS[output or settings().output](checked)
    if told:
        click.echo(told)
    _summary(checked, unread)
    sys.exit(2 if unread else 1 if checked.failures() else 0)


def _summary(checked: Checked, unread: int) -> None:
    counts = {
        word: sum(problem.severity == severity for problem in checked.problems)
        for severity, word in (("ERROR", "error"), ("WARNING", "warning"), ("INFO", "note"))
    }
    told = [f"{counts['error']} error(s)", *(f"{n} {word}(s)" for word, n in counts.items() if n and word != "error")]
    if unread:
        told.append(f"{unread} cannot be read")
    say(f"{len(checked.files)} file(s): {', '.join(told)}")


def _known(*codes: str) -> tuple[str, ...]:
    for code in codes:
        _row(code)
    return codes


def _row(code: str) -> Any:
    row = RULES.get(code)
    if row is None:
        hint = did_you_mean(code.upper(), list(RULES)) or "'--explain all' lists them"
        raise InvalidSettings(f"there is no code {code!r}: {hint}")
    return row


def _substitutions(file: str, sets: tuple[str, ...]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    names = bindings_files((), beside=file)
    if names:
        from statelang.tasks.bindings import read_substitutions

        for name in names:
            found.update(read_substitutions(name))
    return {**found, **values_of(sets)}


def explanation(code: str) -> str:
    """What a code means, with a wrong and a right example; or all codes.

    Raises InvalidSettings for a code that there is not.
    """
    if code == "all":
        width = max(map(len, RULES))
        return "\n".join(
            f"{row.code:{width}}  {row.severity.lower():7}  {row.means.partition('. ')[0]}" for row in RULES.values()
        )
    row = _row(code)
    when = [f"--type {row.type}"] if row.type != "STANDARD" else []
    when += [f"--target {row.target}"] if row.target != "statelang" else []
    head = f"{row.code} ({row.severity.lower()}{', with ' + ' '.join(when) if when else ''})"
    parts = (head, click.wrap_text(row.means, 96), "Wrong:", _example(row.wrong), "Right:", _example(row.right))
    return "\n\n".join(parts)


def _example(example: Mapping[str, Json] | str) -> str:
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    lines = (line if len(line) <= 200 else f"{line[:60]}… ({len(line):,} characters)" for line in text.splitlines())
    return "\n".join(f"    {line}" for line in lines)
