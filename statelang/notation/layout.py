"""Layout: one way to lay a definition out, in the notation it is written in.

Rule: the text means the same before and after, and laying out twice gives the same as once.
"""

from __future__ import annotations

from statelang.compiler.source import is_yaml
from statelang.notation.json_text import read_json, write_json
from statelang.notation.yaml_text import format_yaml


def format_text(text: str, name: str) -> str:
    """A definition laid out; its line ends are kept. Raises Unreadable with file, line and column."""
    windows = "\r\n" in text
    plain = text.replace("\r\n", "\n").removeprefix("\ufeff")
    if not plain.strip():
        return text
    made = format_yaml(plain, name) if is_yaml(plain, name) else write_json(read_json(plain, name))
    return made.replace("\n", "\r\n") if windows else made
