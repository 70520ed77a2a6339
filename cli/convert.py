"""`convert`: a definition from JSON to YAML, and back.

Rule: what the other notation cannot hold is named; nothing that exists is overwritten unless somebody says so.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from statelang.errors import InvalidSettings
from statelang.notation import convert

from .files import STDIN, read_text
from .fmt import write_whole
from .options import stdin_name_option
from .output import say


@click.command("convert")
@click.argument("file", metavar="FILE")
@click.option("-o", "--output", "output", type=click.Choice(["json", "yaml"]), help="[default: the other one]")
@click.option("--to", metavar="FILE", help="Write into this file, whose ending says JSON or YAML.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--strict", is_flag=True, help="Write nothing where something cannot be held, and exit 1.")
@stdin_name_option
def convert_command(
    file: str, output: Literal["json", "yaml"] | None, to: str | None, force: bool, strict: bool, stdin_name: str
) -> None:
    """Turn the definition FILE from JSON into YAML or from YAML into JSON, on stdout or into a file.

    Every number keeps its spelling, every text stays a text. What JSON cannot hold (comments, anchors) is named on
    stderr.
    """
    if to is not None and Path(to).exists() and not force:
        raise InvalidSettings(f"{to} is there already; --force writes over it")
    made = convert(read_text(file), stdin_name if file == STDIN else file, to=output or _notation(to))
    for loss in made.losses:
        say(f"lost: {loss}")
    if made.losses and strict:
        say(f"{len(made.losses)} thing(s) would be lost; nothing was written")
        sys.exit(1)
    if to is None:
        sys.stdout.buffer.write(made.text.encode())
    else:
        write_whole(Path(to), made.text)
        say(f"written: {to}")


def _notation(to: str | None) -> Literal["json", "yaml"] | None:
    if to is None:
        return None
    if to.endswith((".yaml", ".yml")):
        return "yaml"
    if not to.endswith((".json", ".asl")):
        raise click.UsageError(f"--to {to}: say with -o what it is to be, or end it with .json, .asl, .yaml, .yml")
    return "json"
