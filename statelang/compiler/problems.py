"""Problem: one thing that is wrong with a definition, with its place.

Rule: problems are collected, never thrown one by one. A code means the same for ever; AWS's codes and wording where
AWS has one (asl.md 9.7), `SL…` where we go beyond.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from unicodedata import east_asian_width

Severity = Literal["ERROR", "WARNING", "INFO"]

SCHEMA: Final = "SCHEMA_VALIDATION_FAILED"
INVALID_JSON: Final = "INVALID_JSON_DESCRIPTION"
TOO_DEEP: Final = "TOO_DEEPLY_NESTED"
DUPLICATE_STATE: Final = "DUPLICATE_STATE_NAME"
INVALID_NAME: Final = "INVALID_STATE_NAME"
NO_TARGET: Final = "MISSING_TRANSITION_TARGET"
NO_END: Final = "MISSING_END_STATE"
INVALID_LABEL: Final = "INVALID_LABEL_NAME"
DUPLICATE_LABEL: Final = "DUPLICATE_LABEL_NAME"
NO_DOLLAR: Final = "NO_DOLLAR"
STATIC_RESULT: Final = "PASS_RESULT_IS_STATIC"
UNREACHABLE: Final = "SL001"
DUPLICATE_KEY: Final = "SL002"
UNRESOLVED: Final = "SL003"
SHADOWED: Final = "SL005"
NUMBER: Final = "SL006"
NO_PATH: Final = "NO_PATH"
EMBEDDED: Final = "SL013"
NO_SUBSTITUTION: Final = "SL014"
UNUSED_SUBSTITUTION: Final = "SL015"
UNKNOWN_CODE: Final = "SL016"

DEEPEST: Final = 100
"""How deep a definition may nest."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`location` is AWS's way to say where (`/States/X/Next`), `pointer` the JSON Pointer of the very value.

    `line` and `column` count from 1; None where the definition is no text. `hint` says more, or what may be meant.
    To find the line: the key is at fault where `on_key`, else the value, or its character number `character` (from 0);
    `offset` is a place in the text that no pointer names. `source_line` is the line, or a part of a long
    one, and `caret` the character of it to point at.
    """

    code: str
    message: str
    location: str = ""
    pointer: str = ""
    severity: Severity = "ERROR"
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    source_line: str | None = None
    caret: int = 0
    on_key: bool = field(default=False, repr=False, compare=False)
    character: int | None = field(default=None, repr=False, compare=False)
    offset: int | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        where = f" at {self.location}" if self.location and not self.message.endswith(self.location) else ""
        text = f"{place + ': ' if place else ''}{self.severity.lower()} {self.code}: {self.message}{where}"
        if self.hint:
            text += f" ({self.hint})"
        if self.source_line is not None:
            text += f"\n    {self.source_line}\n    {_blank(self.source_line[: self.caret])}^"
        return text


def _blank(text: str) -> str:
    """White space as wide as a text is in a terminal."""
    return "".join("\t" if c == "\t" else "  " if east_asian_width(c) in "WF" else " " for c in text)


def aws_code(problem: Problem) -> str:
    """The code that AWS gives: whatever of ours is an error is against its schema."""
    return SCHEMA if problem.code.startswith("SL") else problem.code


def error_message(problems: Iterable[Problem]) -> str:
    """What AWS's CreateStateMachine answers: every error in one line."""
    told = [_told(problem) for problem in problems if problem.severity == "ERROR"]
    return f"Invalid State Machine Definition: '{', '.join(told)}'"


def _told(problem: Problem) -> str:
    return f"{aws_code(problem)}: {problem.message}" + (f" at {problem.location}" if problem.location else "")


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """A hint naming what is spelled alike."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else None
