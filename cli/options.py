"""Options that several commands share, and what they are turned into: settings, stores, machines, bindings, inputs.

Rule: the command line wins over `statelang.toml`, which wins over the defaults.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from statelang.compiler.problems import TOO_DEEP
from statelang.compiler.source import read_source
from statelang.config import Settings, open_store, read_settings
from statelang.errors import InvalidInput, InvalidSettings
from statelang.ports import Store
from statelang.result import JsonText
from statelang.state_machine import StateMachine, load, machine_name
from statelang.tasks import Bindings, read_bindings
from statelang.values import Json, decode

from .output import coloured, say

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

BINDINGS: Final = (".bindings.yaml", ".bindings.yml", ".bindings.json")
"""How the bindings file beside a definition is called: `order.asl.yaml` has `order.bindings.yaml`."""

AWS: Final = "aws:"
"""What `--bind` takes for AWS itself."""

store_option: Final[Decorator] = click.option(
    "--store",
    "store",
    metavar="URL",
    help="Where executions live: FILE, sqlite:///FILE or dynamodb://TABLE?region=…. [default: sqlite:///statelang.db]",
)
bind_option: Final[Decorator] = click.option(
    "--bind",
    "bind",
    multiple=True,
    metavar="FILE",
    help="A bindings file: which Resource is performed by what; `aws:` for AWS itself.",
)
set_option: Final[Decorator] = click.option(
    "--set", "sets", multiple=True, metavar="NAME=VALUE", help="The value of a ${Placeholder}; JSON, or else a text."
)
output_option: Final[Decorator] = click.option(
    "-o", "--output", "output", type=click.Choice(["text", "json"]), help="How to print. [default: text]"
)
query_option: Final[Decorator] = click.option(
    "--query", "query", metavar="JSONPATH", help="Print what this path picks from the JSON, a line each."
)
stdin_name_option: Final[Decorator] = click.option(
    "--stdin-name", default="stdin", metavar="NAME", help="What FILE - is called, for its ending."
)
policy_option: Final[Decorator] = click.option(
    "--policy",
    type=click.Choice(["transition", "effect", "strict"]),
    help="What shares a checkpoint. [default: transition]",
)


def settings() -> Settings:
    """The settings of the folder the command runs in."""
    return read_settings(Path.cwd())


def shared_store(address: str | None, *, existing: bool = True) -> Store:
    """The store of `--store`, else of the settings, for a command that shares it with other processes.

    Raises InvalidSettings for `memory:`, which no other process sees; StoreNotFound where it must be `existing`.
    """
    chosen = address or settings().store
    if chosen.partition(":")[0] == "memory":
        raise InvalidSettings(
            f"the store {chosen} ends with this command, and no other one sees it: name a file that lasts "
            "(--store sqlite:///runs.db); only `statelang run` makes sense of memory:"
        )
    return open_store(chosen, existing=existing)


def machine_and_bindings(file: str, bind: tuple[str, ...], sets: tuple[str, ...]) -> tuple[StateMachine, Bindings]:
    """A definition with its bindings, from options, settings or the file beside it."""
    found = bindings(bind, beside=file)
    return load(file, substitutions={**found.substitutions, **values_of(sets)}), found


def bindings(bind: tuple[str, ...], *, beside: str | None = None) -> Bindings:
    """The bindings of the files named, in order; else those of the settings, else those beside the definition.

    What a Resource itself names is looked for beside the definition, or in the folder one is in.
    """
    found = Bindings(folder=Path.cwd() if beside is None else Path(beside).resolve().parent)
    for file in bindings_files(bind, beside=beside):
        found = found | (Bindings.of({}, aws=True) if file == AWS else read_bindings(file))
    chosen = settings().aws
    return found if chosen is None else Bindings.of({}, aws=chosen) | found


def bindings_files(bind: tuple[str, ...], *, beside: str | None = None) -> tuple[str, ...]:
    """The bindings files that count; `aws:` among them stands for AWS itself, and leaves the default ones in place."""
    files = tuple(file for file in bind if file != AWS)
    default = settings().bind
    if not files:
        files = (default,) if default is not None else tuple(str(f) for f in _beside(beside) if f.is_file())[:1]
    return (*files, *(file for file in bind if file == AWS))


def _beside(definition: str | None) -> list[Path]:
    if definition is None:
        return []
    path = Path(definition)
    if not path.name:
        return []
    return [path.with_name(machine_name(path) + suffix) for suffix in BINDINGS]


def warn(machine: StateMachine) -> None:
    """Tell on stderr what of a machine that runs is worth a look all the same: its warnings."""
    ignored = settings().ignore
    for problem in machine.problems:
        if problem.severity == "WARNING" and problem.code not in ignored:
            say(coloured(problem, lines=False))


def values_of(sets: tuple[str, ...]) -> Mapping[str, Json]:
    """The values of `--set NAME=VALUE`. Raises InvalidSettings."""
    values: dict[str, Json] = {}
    for pair in sets:
        name, found, text = pair.partition("=")
        if not found or not name:
            raise InvalidSettings(f"--set {pair!r} must be written NAME=VALUE")
        try:
            values[name] = decode(text)
        except InvalidInput:
            values[name] = text
    return values


def read_input(given: str | None) -> JsonText | None:
    """The JSON text of `-i`: itself, the content of @FILE, or stdin for `-`. Raises InvalidInput with its place."""
    if given is None:
        return None
    if given == "-":
        return json_text(stdin_bytes(), "stdin")
    if given == "@":
        raise InvalidInput("-i @ names no file: write -i @FILE")
    if given.startswith("@"):
        try:
            return json_text(Path(given[1:]).read_bytes(), given[1:])
        except OSError as problem:
            raise InvalidInput(f"{given[1:]}: {problem.strerror or problem}") from None
    try:
        return json_text(given.encode(errors="surrogateescape"), "--input")  # the bytes, where the locale is not UTF-8
    except InvalidInput as problem:
        if os.path.isfile(given):
            raise InvalidInput(f"--input {given} is no JSON, but a file: write -i @{given}") from problem
        raise


def stdin_bytes() -> bytes:
    """All of stdin; nothing where it is closed."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read()


def json_text(data: bytes, name: str) -> JsonText:
    """Bytes as JSON text. Raises InvalidInput with file, line and column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise InvalidInput(f"{name}:{line}: is not UTF-8 text (byte {problem.start})") from None
    if not text.strip():
        raise InvalidInput(f"{name}: is empty, and must be JSON")
    try:
        decode(text)
    except InvalidInput as problem:
        raise InvalidInput(_located(text, name) or f"{name}: {problem}") from None
    return JsonText(text)


def _located(text: str, name: str) -> str:
    """What is wrong with a JSON text, with line and column; empty where only `decode` can tell."""
    found = read_source(text, f"{name}.json")
    problems = (one for one in found.problems if one.severity == "ERROR" and one.code != TOO_DEEP)
    return "\n".join(str(found.locate(one)).replace(f"{name}.json", name, 1) for one in problems)
