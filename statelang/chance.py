"""Chance for the worker: 16 bytes a stimulus, from the operating system.

Rule: nobody else draws for a stimulus; a test that wants the same again gives its own stimuli.
"""

from __future__ import annotations

import os
from typing import Final

BLOCK: Final = 16
AT_ONCE: Final = 256
"""How many blocks are fetched at once: a system call costs more than a transition's own work."""


class Chance:
    """Gives blocks of 16 random bytes."""

    def __init__(self) -> None:
        self._bytes = b""
        self._used = 0

    def draw(self) -> bytes:
        """16 bytes nobody has had before."""
        start = self._used
        if start >= len(self._bytes):
            self._bytes, start = os.urandom(BLOCK * AT_ONCE), 0
        self._used = start + BLOCK
        return self._bytes[start : start + BLOCK]
