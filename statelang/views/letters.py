"""Letters: how wide a text is in Helvetica, Arial or Liberation Sans, and where its lines break.

Rule: widths come from this table and never from a font of the machine: a picture is the same everywhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_WIDTHS: Final[dict[int, str]] = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[]\\ft",
    333: "()-`r",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jckvxysz",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1015: "@",
}
"""Thousandths of the letter size -> the letters of that width."""

_WIDTH: Final = {letter: width for width, letters in _WIDTHS.items() for letter in letters}

TOLERANCE: Final = 1.25
"""How much wider than a line a single word may be before it is broken."""

BOLD: Final = 1.07
"""How much wider a bold letter is, at most about."""


@lru_cache(maxsize=4_096)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a line in pixels."""
    wide = sum(_WIDTH.get(letter) or _other(letter) for letter in text)
    return round(wide * size / 1000 * (BOLD if bold else 1), 1)


def _other(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 1000 if unicodedata.east_asian_width(letter) in "WF" or ord(letter) > 0xFFFF else 620


def wrapped(text: str, size: float, widest: float, *, bold: bool = False, most: int = 6) -> list[str]:
    """The lines of a text, none wider than `widest`; what is more than `most` lines ends with an ellipsis."""
    lines: list[str] = []
    line = ""
    for word in _pieces(text, size, widest, bold):
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, size, bold=bold) > widest:
            lines.append(line)
            line = word
        else:
            line = longer
    lines += [line] if line else []
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(lines[most - 1], size, widest, bold)]
    return lines


def _pieces(text: str, size: float, widest: float, bold: bool) -> Iterator[str]:
    """The words of a text; a word that is far too wide is broken, at a seam where it has one."""
    for word in text.split():
        while text_width(word, size, bold=bold) > widest * TOLERANCE:
            end = max(1, next(n for n in range(1, len(word) + 1) if text_width(word[:n], size, bold=bold) > widest) - 1)
            seam = max((at for at in range(1, end) if _seam(word[at - 1], word[at])), default=0)
            end = seam if seam > end // 2 else end
            yield word[:end]
            word = word[end:]
        yield word


def _seam(before: str, after: str) -> bool:
    return before in ".-_/:,;=&" or (before.islower() and after.isupper())


def _cut(line: str, size: float, widest: float, bold: bool) -> str:
    while line and text_width(f"{line}…", size, bold=bold) > widest:
        line = line[:-1]
    return f"{line.rstrip()}…"
