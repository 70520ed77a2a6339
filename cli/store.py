"""`store`: looking after a store's file while workers use it.

Rule: nothing here drives an execution, and `prune` removes only what has ended.
"""

from __future__ import annotations

import re
import sys
import time
from typing import Final

import click

from statelang.config import open_care, table_care
from statelang.errors import InvalidSettings
from statelang.ports import Care

from .options import output_option, settings, store_option
from .output import print_json, say

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@click.group("store")
def store_command() -> None:
    """Look after a store."""


def _care(store: str | None) -> Care:
    return open_care(store or settings().store)


@store_command.command("create")
@click.option("--cloudformation", "kind", flag_value="cloudformation", help="Print the table as CloudFormation.")
@click.option("--terraform", "kind", flag_value="terraform", help="Print the table as Terraform.")
@store_option
def create_command(kind: str | None, store: str | None) -> None:
    """Make the table of a DynamoDB store, or print it as code. (A file makes itself when it is first used.)"""
    table = table_care(store or settings().store)
    if kind is not None:
        click.echo(table.described(kind), nl=False)
        return
    table.create()
    say(f"table {table.address.table} is there")


@store_command.command("info")
@store_option
@output_option
def info_command(store: str | None, output: str | None) -> None:
    """What is in the store: sizes, executions by status."""
    told = _care(store).info()
    if (output or settings().output) == "json":
        print_json(told)
        return
    for key, value in told.items():
        if isinstance(value, dict):
            value = ", ".join(f"{status} {count}" for status, count in value.items()) or "none"
        click.echo(f"{key + ':':<18}{value}")


@store_command.command("check")
@store_option
def check_command(store: str | None) -> None:
    """Read all of the store; exit 1 where something is wrong with it."""
    found = _care(store).check()
    for problem in found:
        click.echo(problem)
    say("the store is whole" if not found else f"{len(found)} problem(s)")
    sys.exit(1 if found else 0)


@store_command.command("backup")
@click.argument("target", metavar="FILE")
@store_option
def backup_command(target: str, store: str | None) -> None:
    """Copy the store to FILE as it is at one moment, while others go on using it."""
    _care(store).backup(target)
    say(f"copied to {target}")


@store_command.command("prune")
@click.option("--older-than", required=True, metavar="AGE", help="Such as 30d, 12h, 90m: since the execution ended.")
@store_option
def prune_command(older_than: str, store: str | None) -> None:
    """Remove executions that ended longer ago than AGE, with their history."""
    pruned = _care(store).prune(max(0, time.time_ns() // 1_000_000 - seconds(older_than) * 1000))
    say(f"{pruned} execution(s) removed")


def seconds(age: str) -> int:
    """An age like `30d` in seconds. Raises InvalidSettings."""
    match = re.fullmatch(r"(\d+)([smhdw])", age.strip())
    if match is None:
        raise InvalidSettings(f"--older-than {age!r} must be a number with one of {', '.join(UNITS)}: 30d")
    return int(match[1]) * UNITS[match[2]]
