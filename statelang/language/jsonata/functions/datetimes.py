"""Times: milliseconds since 1970 as text and back.

Rule: the time of an evaluation is one and the same from its beginning to its end.
"""

from __future__ import annotations

from statelang.language.jsonata.functions.date_pictures import formatted, iso_millis, parsed
from statelang.language.jsonata.functions.registry import builtin
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.values import UNDEFINED, Value, number


@builtin("millis", "<:n>")
def millis(run: Run) -> Value:
    return run.millis


@builtin("now", "<s?s?:s>")
def now(run: Run, picture: Value = UNDEFINED, timezone: Value = UNDEFINED) -> Value:
    return from_millis(run, run.millis, picture, timezone)


@builtin("fromMillis", "<n-s?s?:s>")
def from_millis(run: Run, value: Value, picture: Value = UNDEFINED, timezone: Value = UNDEFINED) -> Value:
    if value is UNDEFINED:
        return UNDEFINED
    return formatted(value, None if picture is UNDEFINED else picture, None if timezone is UNDEFINED else timezone)


@builtin("toMillis", "<s-s?:n>")
def to_millis(run: Run, text: Value, picture: Value = UNDEFINED) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    if picture is UNDEFINED:
        return number(iso_millis(text))
    return parsed(text, picture, run.millis)
