"""Regular expressions as Java means them, for `=~` in filters.

Rule: what Java does not know is refused, also where the engine would know what to do with it; every search is one of
`patterns`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from statelang.language.patterns import compile_pattern

_PIECE: Final = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|\Z)"
    r"|\\(?:[pPx]\{[^}]*\}|k<(?P<name>\w+)>|(?P<escaped>.?))"
    r"|(?P<group>\(\?)(?:[:=!>]|<[=!]|<[A-Za-z][A-Za-z0-9]*>|[imsdux]*(?:-[imsdux]+)?[:)])?"
    r"|(?P<brace>\{)(?:[0-9]+(?:,[0-9]*)?\})?"
    r"|(?P<operator>--|\|\||~~)"
    r"|.",
    re.S,
)
_PROPERTY: Final = re.compile(r"\\[pP]")
_LINE_ENDS: Final = r"\n\r\u0085\u2028\u2029"
_CLASSES: Final = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": "[A-Za-z0-9_]",
    "W": "[^A-Za-z0-9_]",
    "s": r"[ \t\n\x0b\f\r]",
    "S": r"[^ \t\n\x0b\f\r]",
}
_ESCAPES: Final = {
    **_CLASSES,
    "z": r"\Z",
    "Z": rf"(?=(?:\r\n|[{_LINE_ENDS}])?\Z)",
    "h": r"[ \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]",
    "e": r"\x1b",
}


def compile_regex(source: str, *, ignore_case: bool) -> Any:
    """A regular expression as written between slashes. Raises ValueError for what is none."""
    import regex

    options = regex.VERSION1 | (regex.IGNORECASE if ignore_case else 0)  # the first: a class may hold classes
    if not _PROPERTY.search(source):
        options |= regex.ASCII
    return compile_pattern(_translated(source), options)


def _translated(source: str) -> str:
    """Java's spelling as `regex` reads it."""
    parts: list[str] = []
    depth = 0  # of brackets: a class may hold classes
    for piece in _PIECE.finditer(source):
        text = piece[0]
        if piece["quoted"] is not None:
            text = re.escape(piece["quoted"])
        elif piece["escaped"] is not None:
            text = (_CLASSES if depth else _ESCAPES).get(piece["escaped"], text)
        elif piece["name"] is not None:
            text = f"(?P={piece['name']})"
        elif depth == 0:
            text = _outside(piece)
        elif piece["operator"] is not None:
            text = re.escape(text)
        depth += (text == "[") - (text == "]" and depth > 0)
        parts.append(text)
    return "".join(parts)


def _outside(piece: re.Match[str]) -> str:
    """A piece that is not between brackets. Raises ValueError for a group or a count that Java does not know."""
    text = piece[0]
    if piece["group"] is not None:
        if text == "(?":
            raise ValueError("Unknown inline modifier")
        return text.replace("d", "").replace("u", "") if text[-1:] in ":)" and "<" not in text else text
    if text == "{":
        raise ValueError("Illegal repetition")
    return f"[^{_LINE_ENDS}]" if text == "." else text
