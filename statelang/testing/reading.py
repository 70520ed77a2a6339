"""Reading a file of cases: a value with its place, and checks that say where something is wrong.

Rule: whatever is wrong with a file ends in one InvalidSettings that names file, line and key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statelang.compiler.source import Source, escape, read_source
from statelang.errors import InvalidSettings
from statelang.testing.durations import milliseconds
from statelang.values import Json


class Faulty(InvalidSettings):
    """A file of cases or mocks is wrong."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value of a file, and where it stands."""

    value: Any
    source: Source
    pointer: str = ""

    def __getitem__(self, key: str | int) -> Part:
        return Part(self.value[key], self.source, f"{self.pointer}/{escape(str(key))}")

    def items(self) -> Iterator[tuple[str, Part]]:
        """The parts of a mapping."""
        if not isinstance(self.value, dict):
            raise self.faulty("must be a mapping")
        return ((key, self[key]) for key in self.value)

    def elements(self) -> Iterator[Part]:
        """The parts of a list."""
        if not isinstance(self.value, list):
            raise self.faulty("must be a list")
        return (self[index] for index in range(len(self.value)))

    def keys(self, *known: str) -> None:
        """Raises Faulty for what is no mapping, or has another key."""
        if not isinstance(self.value, dict):
            raise self.faulty(f"must be a mapping of {', '.join(known)}")
        for key in self.value:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
                raise self[key].faulty(f"unknown key {key!r}; {hint}")

    def text(self, key: str) -> str | None:
        """The text of a key, None where it is not there."""
        value = self.value.get(key)
        if value is not None and not isinstance(value, str):
            raise self[key].faulty(f"{key} must be a text")
        return value

    def number(self, key: str) -> int | None:
        """The whole number of a key, None where it is not there."""
        value = self.value.get(key)
        if value is not None and (type(value) is not int or value < 0):
            raise self[key].faulty(f"{key} must be a whole number, 0 or more")
        return value

    def duration(self, key: str) -> int | None:
        """The duration of a key in milliseconds, None where it is not there."""
        if key not in self.value:
            return None
        found = milliseconds(self.value[key])
        if found is None:
            raise self[key].faulty(f"{key} must be seconds, or a duration such as 90s, 1h 30m, 7d")
        return found

    def choice(self, key: str, *known: str) -> str | None:
        """The text of a key, which is one of a few."""
        value = self.text(key)
        if value is not None and value not in known:
            raise self[key].faulty(f"{key} must be one of {', '.join(known)}, not {value!r}")
        return value

    @property
    def line(self) -> int | None:
        """The line it stands in."""
        place = self.source.place(self.pointer)
        return None if place is None else place.line

    def faulty(self, message: str) -> Faulty:
        """The error that something is wrong here."""
        place = self.source.place(self.pointer)
        where = self.source.name if place is None else f"{self.source.name}:{place.line}:{place.column}"
        at = f" (at {self.pointer})" if self.pointer else ""
        return Faulty(f"{where}: {message}{at}")


def read_file(path: Path) -> Part:
    """The value of a YAML or JSON file. Raises Faulty."""
    try:
        source = read_source(path.read_text(encoding="utf-8-sig"), str(path))
    except UnicodeDecodeError as problem:
        raise Faulty(f"{path}: is not UTF-8 text (byte {problem.start})") from None
    except OSError as problem:
        raise Faulty(f"{path}: {problem.strerror or problem}") from None
    if source.problems:
        raise Faulty("\n".join(str(source.locate(problem)) for problem in source.problems))
    return Part({} if source.value is None else source.value, source)


def part_of(value: Json, name: str) -> Part:
    """A value that stands in no file."""
    return Part(value, Source(name, "", value))
