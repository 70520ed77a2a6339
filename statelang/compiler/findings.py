"""Findings: the problems of one definition while it is looked through, each with its place.

Rule: whoever finds something wrong says it here and goes on; nothing stops at the first problem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from statelang.compiler.fields import Fields
from statelang.compiler.problems import SCHEMA, Problem, Severity, did_you_mean
from statelang.compiler.source import escape
from statelang.compiler.substitutions import PLACEHOLDER, is_open
from statelang.language.problems import Malformed
from statelang.values import Json

Made = TypeVar("Made")


class Place(str):
    """Where a value stands: a JSON Pointer that also knows AWS's way to write it."""

    __slots__ = ("location",)

    location: str

    def __new__(cls, pointer: str = "", location: str = "") -> Place:
        place = super().__new__(cls, pointer)
        place.location = location
        return place

    def __truediv__(self, key: str | int) -> Place:
        if isinstance(key, int):
            return Place(f"{self}/{key}", f"{self.location}[{key}]")
        return Place(f"{self}/{escape(key)}", f"{self.location}/{key}")


NOTHING_OPEN: Final[Mapping[str, str]] = {}


class Findings:
    """Collects problems. `open_names` says how the placeholders were written that are read as variables.

    `complete`: the definition is to run, and nothing may stand in it for a value that is not there yet.
    """

    def __init__(self, open_names: Mapping[str, str] = NOTHING_OPEN, *, complete: bool = False) -> None:
        self.problems: list[Problem] = []
        self._complete = complete
        self._open_names = open_names

    def say(
        self,
        message: str,
        place: Place,
        *,
        code: str = SCHEMA,
        severity: Severity = "ERROR",
        hint: str | None = None,
        pointer: str | None = None,
        on_key: bool = False,
        character: int | None = None,
    ) -> None:
        """Something is wrong at a place: with the value, its key, or one character of it."""
        for read_as, written in self._open_names.items():
            message = message.replace(read_as, written)
        location = place.location or "/"
        pointer = str(place) if pointer is None else pointer
        problem = Problem(code, message, location, pointer, severity, hint, on_key=on_key, character=character)
        self.problems.append(problem)

    def open(self, value: Json) -> bool:
        """Whether a value is left for later: nothing but a placeholder; in a complete definition only one of those that
        are told by their names."""
        named = isinstance(value, str) and PLACEHOLDER.fullmatch(value) is not None
        return is_open(value) and (named or not self._complete)

    def fields(self, value: Mapping[str, Json], known: Fields, place: Place) -> dict[str, Json]:
        """Say which fields are not known, and which values are not of their shape; the others are given back."""
        good: dict[str, Json] = {}
        for key, item in value.items():
            shape = known.get(key)
            if shape is None:
                self.say("Field is not supported", place / key, hint=did_you_mean(key, list(known)), on_key=True)
                continue
            wrong = shape(item)
            if wrong is None or self.open(item):
                good[key] = item
            else:
                self.say(wrong.replace("The field should", f"The field '{key}' should"), place / key)
        return good

    def required(self, value: Mapping[str, Json], names: tuple[str, ...], place: Place) -> None:
        """Say which fields are missing."""
        missing = [name for name in names if name not in value]
        if missing:
            self.say(f"These fields are required: [{', '.join(missing)}]", place)

    def compiled(self, make: Callable[[], Made], place: Place) -> Made | None:
        """What `make` gives; where it cannot, say why, and give None."""
        try:
            return make()
        except Malformed as problem:
            self.malformed(problem, place)
        return None

    def malformed(self, problem: Malformed, place: Place) -> None:
        """Say what is wrong with a text, and from which character on."""
        hint = problem.hint
        if problem.offset:
            hint = f"{hint + ', ' if hint else ''}at character {problem.offset + 1}"
        pointer = f"{place}{problem.pointer}"
        self.say(problem.message, place, hint=hint, pointer=pointer, character=problem.offset)
