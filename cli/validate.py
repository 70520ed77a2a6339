"""`validate`: every problem of every definition, with its place.

Rule: exit 0 without errors, 1 with, 2 where a file cannot be read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from statelang.compiler import Problem, validate
from statelang.errors import InvalidDefinition
from statelang.tasks.bindings import read_substitutions
from statelang.values import Json

from .options import bindings_files, output_option, set_option, settings, values_of
from .output import print_json, say


@click.command("validate")
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--type", "kind", type=click.Choice(["STANDARD", "EXPRESS"]), default="STANDARD", help="Which quotas.")
@click.option("--strict", is_flag=True, help="Let warnings fail too.")
@set_option
@output_option
def validate_command(
    files: tuple[str, ...], kind: str, strict: bool, sets: tuple[str, ...], output: str | None
) -> None:
    """Check definitions and tell every problem with file, line and column."""
    problems: list[Problem] = []
    for file in files:
        problems += validate(_read(file), name=file, substitutions=_substitutions(file, sets), type=kind)
    if (output or settings().output) == "json":
        print_json([_json(problem) for problem in problems])
    else:
        for problem in problems:
            click.echo(str(problem))
    errors = [problem for problem in problems if strict or problem.severity == "ERROR"]
    warnings = len(problems) - len(errors)
    say(f"{len(files)} file(s): {len(errors)} error(s)" + (f", {warnings} warning(s)" if warnings else ""))
    sys.exit(1 if errors else 0)


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InvalidDefinition(f"{file}: is not UTF-8 text (byte {problem.start})") from None
    except OSError as problem:
        raise InvalidDefinition(f"{file}: {problem.strerror or problem}") from None


def _substitutions(file: str, sets: tuple[str, ...]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name in bindings_files((), beside=file):
        found.update(read_substitutions(name))
    return {**found, **values_of(sets)}


def _json(problem: Problem) -> dict[str, Json]:
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
