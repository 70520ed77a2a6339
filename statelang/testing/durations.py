"""Durations as cases write them: seconds as a number, or a text such as `90s`, `1h 30m`, `2d`, `500ms`.

Rule: inside, every time is whole milliseconds.
"""

from __future__ import annotations

import re
from typing import Final

from statelang.values import Json

UNITS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
PATTERN: Final = r"\d+(\.\d+)?(ms|s|m|h|d|w)( ?\d+(\.\d+)?(ms|s|m|h|d|w))*"
"""What a duration in words looks like, as a regular expression that JSON Schema understands too."""

_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")


def milliseconds(value: Json) -> int | None:
    """The milliseconds of a duration; None for what is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return round(value * 1000) if 0 <= value < 1e12 else None
    if isinstance(value, str) and re.fullmatch(PATTERN, value):
        return round(sum(float(number) * UNITS[unit] for number, unit in _PART.findall(value)))
    return None


def in_words(ms: int) -> str:
    """A duration as a case would write it: `0s`, `1.5s`, `1h 30m`, `7d`."""
    words, rest = [], ms
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, UNITS[unit])
        if count:
            words.append(f"{count}{unit}")
    if rest or not words:
        words.append(f"{rest / 1000:g}s")
    return " ".join(words)
