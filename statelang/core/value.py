"""Value: one JSON value of an execution with its exact text, written once and referred to by number.

Rule: a Value never changes. Its text is kept as it came where it came as text (AWS keeps the spelling of untouched
input), else it is made once; its JSON is read from the text once. Frames and records hold Values, checkpoints hold
their numbers.
"""

from __future__ import annotations

from typing import Final

from statelang.language.scope import ABSENT
from statelang.values import Json, decode, encode

UNKNOWN: Final = -1
"""The number of a value that belongs to no execution yet."""


class Value:
    """A JSON value, its text, and its number within the execution."""

    __slots__ = ("_json", "_text", "id")

    def __init__(self, id: int, json: object = ABSENT, text: str | None = None) -> None:
        self.id = id
        self._json = json
        self._text = text

    @property
    def json(self) -> Json:
        """The value as Python has it. Not to be mutated."""
        if self._json is ABSENT:
            self._json = decode(self.text)
        return self._json

    @property
    def text(self) -> str:
        """The JSON text."""
        if self._text is None:
            if self._json is ABSENT:
                raise LookupError(f"value {self.id} was not loaded")
            self._text = encode(self._json)
        return self._text

    def apart(self) -> Value:
        """The same value, whose JSON is not the very same as any other's: so it is where it was read from a store."""
        return Value(self.id, text=self.text)

    @property
    def loaded(self) -> bool:
        """False for the number of a value whose text has yet to be read from the store."""
        return self._text is not None or self._json is not ABSENT

    def load(self, text: str) -> None:
        """Give a value that was read by number its text."""
        if not self.loaded:
            self._text = text

    @property
    def size(self) -> int:
        """The length of the text in bytes of UTF-8, as AWS counts payloads."""
        text = self.text
        return len(text) if text.isascii() else len(text.encode())

    def __repr__(self) -> str:
        return f"Value({self.id}, {self.text if self.loaded else '…'})"
