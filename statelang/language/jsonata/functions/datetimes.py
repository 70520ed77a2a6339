"""Times: milliseconds since 1970 as text and back.

Rule: the time of an evaluation is one and the same from its beginning to its end.
"""

from __future__ import annotations

from statelang.language.jsonata.functions.date_pictures import formatted, iso_millis, parsed
from statelang.language.jsonata.functions.registry import builtin
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.values import UNDEFINED, Value, number


@builtin("millis", "<:n>", constant=True)
def millis(run: Run) -> Value:
    return run.millis


@builtin("now", "<s?s?:s>", constant=True)
def now(run: Run, picture: Value = UNDEFINED, timezone: Value = UNDEFINED) -> Value:
    return from_millis(run, run.millis, picture, timezone)


@builtin("fromMillis", "<n-s?s?:s>", steps=2)
def from_millis(run: Run, value: Value, picture: Value = UNDEFINED, timezone: Value = UNDEFINED) -> Value:
    if value is UNDEFINED:
        return UNDEFINED
    picture_steps(run, picture)
    return formatted(value, None if picture is UNDEFINED else picture, None if timezone is UNDEFINED else timezone)


@builtin("toMillis", "<s-s?:n>", constant=True)
def to_millis(run: Run, text: Value, picture: Value = UNDEFINED) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    if picture is UNDEFINED:
        run.step(len(text) >> 9)
        return number(iso_millis(text))
    picture_steps(run, picture)
    return parsed(text, picture, run)


def picture_steps(run: Run, picture: Value) -> None:
    """A picture is gone through by character, and each of its parts is shown or read."""
    if isinstance(picture, str):
        run.step(2 + len(picture) // 2 + (len(picture) ** 2 >> 10))
