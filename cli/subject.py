"""What `graph` and `explain` look at: a definition, or the one an execution is pinned to, with its glossary.

Rule: a definition need not be ready to run: placeholders may stand for values, and it may have problems, which
`validate` tells; only what cannot be read at all is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from statelang.compiler.embedded import RESOURCES, definitions
from statelang.compiler.problems import Problem
from statelang.compiler.source import read_source
from statelang.errors import InvalidDefinition, InvalidSettings
from statelang.state_machine import machine_name
from statelang.values import Json, decode, encode
from statelang.views.chart import Box, chart
from statelang.views.course import Course, course
from statelang.views.glossary import Glossary, glossary_of
from statelang.views.words import split_name

from .executions import reader
from .files import read_beside, read_text
from .options import Decorator, bindings_files, set_option, store_option, values_of
from .output import say

GLOSSARIES: Final = (".glossary.yaml", ".glossary.yml", ".glossary.json")
"""How the glossary beside a definition is called: `order.asl.yaml` has `order.glossary.yaml`."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a view is made of. `course` is None where no execution was asked for; `now` in milliseconds since 1970."""

    title: str
    definition: Mapping[str, Json]
    glossary: Glossary
    execution: str | None = None
    course: Course | None = None
    now: int = 0

    @property
    def box(self) -> Box:
        """The chart of the definition."""
        return chart(self.definition, self.glossary)


def subject(
    file: str | None, sets: tuple[str, ...], glossary: str | None, execution: str | None, store: str | None
) -> Subject:
    """What the options name. Raises InvalidDefinition, InvalidSettings, ExecutionNotFound."""
    if file is None and execution is None:
        raise click.UsageError("name a FILE, or an execution with --execution")
    words = _glossary(glossary, file)
    definition = None if file is None else _definition(file, values_of(sets))
    title = words.title or ("" if file is None else titled(stem(file)))
    if execution is None:
        assert definition is not None
        return Subject(title, definition, words)
    with reader(store) as engine:
        summary = engine.describe(execution)
        pinned = decode(engine.store.definition(engine.store.read(execution).started.digest))
        told = course(engine.history(execution), engine.positions(execution))
    if file is not None and not _same(file, sets, pinned):
        say(f"{execution} runs another version of {file}: that version is shown")
    return Subject(title or titled(summary.machine), pinned, words, execution, told, time.time_ns() // 1_000_000)


def stem(file: str) -> str:
    """The name of a definition's file without its ending."""
    if "#" in file and not Path(file).is_file():
        return file.partition("#")[2]
    return machine_name(Path(file))


def titled(name: str) -> str:
    """A name as a title: `order-intake` is `Order intake`."""
    words = split_name(name)
    return words[:1].upper() + words[1:] if words else name


def _definition(file: str, values: Mapping[str, Json]) -> Mapping[str, Json]:
    """The definition in a file, or of the machine NAME of a template where FILE#NAME was given."""
    place, _, wanted = (file, "", "") if Path(file).is_file() else file.partition("#")
    text = read_text(place)
    found = list(definitions(text, place, values=values, type="STANDARD", read=read_beside))
    names = list(_machines(read_source(text, place).value))
    if len(found) > 1 and wanted not in names:
        told = f"{place}: holds {len(found)} state machines; name one as {place}#NAME: {', '.join(names)}"
        raise InvalidDefinition(told)
    source = found[names.index(wanted) if wanted in names else 0].source
    if source is None or not isinstance(source.value, dict) or not isinstance(source.value.get("States"), dict):
        problems = found[0].problems if source is None else [source.locate(problem) for problem in source.problems]
        raise _refused([problem for problem in problems if problem.severity == "ERROR"], place)
    return source.value


def _machines(value: Json) -> Iterator[str]:
    """The names of the state machines of a template, in the order in which they stand there."""
    if not isinstance(value, dict):
        return
    resources = value.get("Resources")
    for name, resource in resources.items() if isinstance(resources, dict) else ():
        if isinstance(resource, dict) and resource.get("Type") in RESOURCES:
            yield name
    framework = value.get("stepFunctions")
    machines = framework.get("stateMachines") if isinstance(framework, dict) else None
    yield from machines if isinstance(machines, dict) else ()


def _refused(problems: list[Problem], file: str) -> InvalidDefinition:
    told = "\n".join(map(str, problems)) or f"{file}: is no state machine: it has no object 'States'"
    return InvalidDefinition(told, tuple(problems))


def _same(file: str, sets: tuple[str, ...], pinned: Json) -> bool:
    """Whether the file, with the values an execution of it gets here, is the definition that was pinned."""
    from statelang.tasks.bindings import read_substitutions

    values: dict[str, Json] = {}
    for name in bindings_files((), beside=file):
        values.update(read_substitutions(name))
    return encode(_definition(file, {**values, **values_of(sets)})) == encode(pinned)


def _glossary(given: str | None, file: str | None) -> Glossary:
    place = Path(given) if given is not None else _beside(file)
    if place is None:
        return Glossary()
    try:
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidSettings(f"{place}: {problem}") from None
    name = str(place)
    source = read_source(text, name if place.suffix == ".json" else f"{place.with_suffix('')}.yaml")
    if source.value is None and source.problems:
        raise InvalidSettings("\n".join(str(source.locate(problem)) for problem in source.problems))
    return glossary_of(source.value, name)


def _beside(file: str | None) -> Path | None:
    if file is None:
        return None
    folder = Path(file).parent
    return next((place for suffix in GLOSSARIES if (place := folder / f"{stem(file)}{suffix}").is_file()), None)


def write(text: str, to: str | None) -> None:
    """The text on stdout, or into a file. Raises InvalidSettings where the file cannot be written."""
    if to is None:
        click.echo(text, nl=False)
        return
    try:
        Path(to).write_text(text, encoding="utf-8")
    except OSError as problem:
        raise InvalidSettings(f"{to}: {problem.strerror or problem}") from None
    say(f"written: {to}")


def format_of(given: str | None, to: str | None, endings: Mapping[str, str], default: str) -> str:
    """The format that was asked for, else the one the file's ending says, else the default."""
    if given is not None:
        return given
    if to is None:
        return default
    found = endings.get(Path(to).suffix.lower())
    if found is None:
        raise click.UsageError(f"--to {to}: say with -o what it is to be, or end it with {', '.join(endings)}")
    return found


OPTIONS: Final[tuple[Decorator, ...]] = (
    click.option("--to", "to", metavar="FILE", help="Write into this file, whose ending says in which format."),
    click.option("--execution", metavar="NAME", help="Show what happened in this execution; FILE may be left out."),
    store_option,
    click.option(
        "--glossary", metavar="FILE", help="Your own words for states and resources. [default: the file beside FILE]"
    ),
    set_option,
)
"""What every view takes beside its file and its formats."""

Show = Callable[[Subject, str, str | None], None]
"""Shows a subject in a format, on stdout or into a file."""


def view(name: str, verb: str, endings: Mapping[str, str], default: str) -> Callable[[Show], click.Command]:
    """The command of a view. `endings`: how a file is called -> the format it gets; `default`: that of stdout."""

    def made(show: Show) -> click.Command:
        def command(
            file: str | None,
            output: str | None,
            to: str | None,
            execution: str | None,
            store: str | None,
            glossary: str | None,
            sets: tuple[str, ...],
        ) -> None:
            kind = format_of(output, to, endings, default)
            show(subject(file, sets, glossary, execution, store), kind, to)

        for option in reversed(OPTIONS):
            command = option(command)
        formats = click.Choice(list(dict.fromkeys(endings.values())))
        command = click.option("-o", "--output", type=formats, help=f"{verb} [default: {default}]")(command)
        command = click.argument("file", metavar="[FILE]", required=False)(command)
        return click.command(name, help=show.__doc__)(command)

    return made
