"""`fmt`: definitions laid out in one way, as small a change as can be.

Rule: a file is written as a whole or not at all, and only where something changes.
"""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from statelang.errors import InvalidDefinition, InvalidSettings
from statelang.notation import format_text

from .files import STDIN, find, read_text
from .options import stdin_name_option
from .output import say


@click.command("fmt")
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where something would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@stdin_name_option
def fmt_command(files: tuple[str, ...], check: bool, diff: bool, stdin_name: str) -> None:
    """Lay definitions out: JSON and YAML, in place; FILE - reads stdin and writes stdout.

    FILE may be a pattern, or a folder in which to search for definitions.

    Keys keep their order, numbers and texts their spelling; comments, anchors and placeholders stay. What was written
    over several lines stays so, what stands on one line stays there while it fits in 120 characters.
    """
    named, changed, refused = list(find(files, templates=False)), [], 0
    for file in named:
        try:
            text = read_text(file, encoding="utf-8")
            made = format_text(text, stdin_name if file == STDIN else file)
        except InvalidDefinition as problem:
            click.echo(f"error: {problem}", err=True)
            refused += 1
            continue
        if made != text:
            changed.append(file)
        _give(file, text, made, check=check, diff=diff)
    if STDIN not in files:
        words = "would change" if check or diff else "changed"
        say(f"{len(named)} file(s): {len(changed)} {words}" + (f", {refused} cannot be read" if refused else ""))
    sys.exit(2 if refused else 1 if check and changed else 0)


def _give(file: str, text: str, made: str, *, check: bool, diff: bool) -> None:
    if diff:
        for line in _difference(file, text, made):
            click.echo(line)
    elif check:
        if made != text:
            click.echo(file)
    elif file == STDIN:
        sys.stdout.buffer.write(made.encode())
    elif made != text:
        write_whole(Path(file), made)


def _difference(file: str, text: str, made: str) -> Iterator[str]:
    old, new = text.splitlines(keepends=True), made.splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, file, file):
        yield line.rstrip("\r\n") + ("" if line.endswith("\n") else "\n\\ No newline at end of file")


def write_whole(file: Path, text: str) -> None:
    """Write a file as a whole or not at all; it keeps its mode. Raises InvalidSettings."""
    target = file.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(text.encode())
            os.chmod(name, target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask())
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise InvalidSettings(f"{file}: {problem.strerror or problem}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
