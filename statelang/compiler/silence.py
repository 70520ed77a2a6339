"""Silence: codes that the author of a definition does not want to be told, by a comment or by the settings.

    "Comment": "Waits for the auditor, however long. statelang: ignore SL020"

holds for the object that the comment stands in and for everything inside it; a comment of the machine for the whole.

Rule: what is silenced stays valid ASL, and what would not run still does not run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from statelang.compiler.findings import Findings, Place
from statelang.compiler.problems import UNKNOWN_CODE, Problem, did_you_mean
from statelang.values import Json

_IGNORE: Final = re.compile(r"statelang:\s*ignore\s+([A-Za-z_0-9]+(?:\s*,\s*[A-Za-z_0-9]+)*)")


class Silence(NamedTuple):
    """The codes that a comment silences below a place."""

    place: Place
    codes: frozenset[str]


def silences(value: Json, findings: Findings, known: Collection[str]) -> list[Silence]:
    """What the comments of a definition silence; a code that there is not is said."""
    found: list[Silence] = []
    for place, comment in _comments(value, Place()):
        codes = [code for match in _IGNORE.findall(comment) for code in re.split(r"\s*,\s*", match)]
        if codes:
            found.append(Silence(place, frozenset(codes)))
        for code in codes:
            if code not in known:
                hint = did_you_mean(code, sorted(known))
                findings.say(
                    f"There is no code {code} to ignore",
                    place / "Comment",
                    code=UNKNOWN_CODE,
                    severity="WARNING",
                    hint=hint,
                )
    return found


def _comments(value: Json, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        comment = value.get("Comment")
        if isinstance(comment, str) and "statelang:" in comment:
            yield place, comment
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                yield from _comments(item, place / key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, (dict, list)):
                yield from _comments(item, place / index)


def heard(problems: Sequence[Problem], silenced: Sequence[Silence], ignored: Collection[str] = ()) -> list[Problem]:
    """The problems that are left."""
    return [
        problem
        for problem in problems
        if problem.code not in ignored
        and not any(
            problem.code in silence.codes and f"{problem.pointer}/".startswith(f"{silence.place}/")
            for silence in silenced
        )
    ]
