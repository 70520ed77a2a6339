"""Bounds: how much one evaluation of JSONata may take.

Rule: plain numbers, known without the engine; the engine alone says what they count.
"""

from __future__ import annotations

import msgspec


class Bounds(msgspec.Struct, frozen=True, omit_defaults=True):
    """`depth` counts syntax nodes and calls within each other; `memory` is in bytes, 8 for an item of an array and 2
    for a character of a text; `steps` counts calls and items looked at: time, but the same on every machine.
    `lazy`: a range takes memory only where it is written out, and then what its numbers take.

    By default as AWS was measured (query-languages.md): of its time limit only that it exists is known.
    """

    depth: int = 100
    memory: int = 6_990_263
    steps: int = 400_000
    lazy: bool = False


AWS = Bounds()

WIDE = Bounds(depth=500, memory=40 * 1024 * 1024, lazy=True)
"""For the language as published, and where the limits of AWS are lifted."""
