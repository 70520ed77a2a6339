"""Notation: how a definition is spelled. Formatting it, and turning JSON into YAML and back.

    format_text(text, "order.asl.yaml")             the same definition, laid out; comments and anchors kept
    convert(text, "order.asl.json", to="yaml")      the other notation, and what it cannot hold

Rule: nothing is lost silently. A number is spelled as it was, a text stays a text under every YAML reader, placeholders
survive; what came out is read again and must be what went in.
"""

from __future__ import annotations

from statelang.notation.convert import Converted, convert
from statelang.notation.layout import format_text

__all__ = ["Converted", "convert", "format_text"]
