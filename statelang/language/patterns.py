"""Regular expressions that users wrote, on an engine that can be stopped: for both query languages.

Rule: no pattern is compiled that is too large, and no search runs without a time-out; what it costs is told in steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

MOST_PARTS: Final = 100_000
"""How large a pattern may be, its repetitions written out, as the engine does: beyond that it takes long to compile."""

ATTEMPTS: Final = ((0.00005, 20), (0.0005, 200), (0.005, 2_000), (0.05, 20_000), (0.4, 160_000))
"""A search begins anew with more time, in seconds of the processor, each time that it ran out of it; and the steps that
this costs. Most searches end at once: a step is as long for them as for everything else, and so slow ones are few.
"""

CHARACTERS: Final = 100_000_000
"""How many characters of a text are worth a second more at each attempt."""

_PIECE: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{([0-9]+)(?:,[0-9]*)?\}|.", re.S)

Spend = Callable[[int], None]


class TooSlow(Exception):
    """A search that did not end within the last attempt."""


def compile_pattern(pattern: str, options: Any) -> Any:
    """A pattern as `regex`, the engine, spells it. Raises ValueError for what is none, or is too large."""
    import regex

    if size(pattern) > MOST_PARTS:
        raise ValueError("Regular expression too large")
    try:
        return regex.compile(pattern, options)
    except RecursionError:
        raise ValueError("Regular expression nested too deep") from None
    except (regex.error, OverflowError) as problem:
        raise ValueError(str(problem)) from None


def size(pattern: str) -> int:
    """How many parts a pattern has; what is repeated counts as often as it has to match at least."""
    sizes, last = [0], 0  # of the pattern and of every group that is open; of what was read last
    for piece in _PIECE.finditer(pattern):
        text = piece[0]
        if text == "(":
            sizes.append(0)
            continue
        if piece[1] is not None:
            last *= max(int(piece[1][:9]), 1) - 1
        elif text in "*+?":
            continue
        else:
            last = sizes.pop() if text == ")" and len(sizes) > 1 else 1
        sizes[-1] += last
        if sizes[-1] > MOST_PARTS:
            return sizes[-1]
    return sum(sizes)


def attempt(search: Callable[..., Any], text: str, *arguments: int, spend: Spend) -> Any:
    """What a method of a compiled pattern gives for a text. Raises TooSlow."""
    more = len(text) / CHARACTERS
    for seconds, steps in ATTEMPTS:
        spend(steps + (len(text) >> 11))
        try:
            return search(text, *arguments, timeout=seconds + more)
        except TimeoutError:
            continue
    raise TooSlow
