"""The command `statelang` and the table of its commands.

Rule: a command's module is imported when the command is used; `--help` reads the table alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Any, Final

from statelang import __version__
from statelang.errors import StatelangError

try:
    import click
except ModuleNotFoundError:
    print("error: the command needs the extra 'cli': pip install 'statelang[cli]'", file=sys.stderr)
    raise SystemExit(2) from None

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("run", "Run a state machine to its end, showing it live."),
    "start": ("run", "Start an execution and leave it to a worker."),
    "worker": ("run", "Drive every execution of a store, until it is stopped."),
    "deploy": ("deploy", "Write what it takes to deploy: a Lambda function, or AWS Step Functions."),
    "resume": ("run", "Drive one execution on from where it stands."),
    "redrive": ("run", "Let a failed, stopped or timed-out execution go on."),
    "stop": ("executions", "Stop an execution, whoever drives it."),
    "list": ("executions", "List executions, the newest first."),
    "show": ("executions", "Show one execution, and where it stands."),
    "history": ("executions", "Show the history of an execution, event by event."),
    "map-run": ("map_run", "Look at a Distributed Map's Map Runs, or change their limits."),
    "activity": ("activity", "Take tasks of an activity."),
    "task": ("task", "Answer a task by its token."),
    "validate": ("validate", "Check definitions and tell every problem."),
    "graph": ("graph", "Draw a state machine: Mermaid, SVG, or a page to look around in."),
    "explain": ("explain", "Tell in plain sentences what a state machine does."),
    "test": ("test", "Run the cases of state machines in virtual time."),
    "fmt": ("fmt", "Lay definitions out, JSON and YAML."),
    "convert": ("convert", "Turn a definition from JSON into YAML, or back."),
    "schema": ("schema", "Print the JSON Schema of definitions, for editors."),
    "store": ("store", "Look after a store: create, info, check, backup, prune."),
}
"""Command -> (module in this package, what it does in one line)."""

USAGE: Final = 2
INTERRUPTED: Final = 130
UNREAD: Final = 141
"""Exit status, as shells know it, of who was ended by Ctrl-C, or by a pipe that nobody reads any more."""


class Unread(Exception):
    """Nobody reads what the command writes."""


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # of which click itself would make status 1
            raise Unread from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        row = COMMANDS.get(name)
        if row is None:
            return None
        attribute = f"{name.replace('-', '_')}_command"
        command: click.Command = getattr(import_module(f".{row[0]}", __package__), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as problem:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if not near:
                raise
            raise click.UsageError(f"{problem.message} Did you mean {near[0]!r}?", ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="statelang")
def statelang() -> None:
    """Run Amazon States Language state machines durably, anywhere.

    Exit status: 0 succeeded, 1 failed or findings, 2 wrong usage or input, 3 still running; 130 Ctrl-C, 141 nobody
    reads the output any more.
    """


def main() -> None:
    """The entry point: everything a user can do wrong ends in one sentence and status 2."""
    sys.exit(_status())


def _status() -> int:
    """Run the command; returns its exit status."""
    try:
        _carry_everything()
        try:
            colour = False if os.environ.get("NO_COLOR") else None  # None: colours on a terminal alone
            status = statelang.main(prog_name="statelang", standalone_mode=False, color=colour)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except click.ClickException as problem:
        problem.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (Unread, BrokenPipeError):
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except (StatelangError, OSError) as problem:
        with suppress(OSError):
            click.echo(f"error: {problem if isinstance(problem, StatelangError) else _words(problem)}", err=True)
        return USAGE
    return status if isinstance(status, int) else 0


def _carry_everything() -> None:
    """Let no text end a command: what a terminal cannot show is escaped, and what is piped is UTF-8, as JSON is."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            encoding = None if stream.isatty() or "PYTHONIOENCODING" in os.environ else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _words(problem: OSError) -> str:
    place = f"{problem.filename}: " if problem.filename else "what was to be written could not be: "
    return f"{place}{problem.strerror or problem}"
