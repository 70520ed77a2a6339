"""`schema`: the JSON Schema of definitions, for editors and for whoever checks by schema alone.

Rule: what is printed is the file that is shipped.
"""

from __future__ import annotations

from importlib.resources import files

import click

FILE = "asl.schema.json"


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema (2020-12) of definitions in both query languages.

    In an editor it completes fields, says what they are for, and marks what cannot be: see the README.
    """
    click.echo(files("statelang_schemas").joinpath(FILE).read_text(encoding="utf-8"), nl=False)
