"""The glossary: the business's own words for states, resources, errors and values.

    title: How an order is filled
    states: {Charge card: Charge the customer's card}
    resources:
      arn:aws:lambda:*:function:charge: asks the payment service for the money
      arn:aws:states:::sns:publish: {says: wakes up the operator, tells: the operator on call}
    errors: {CardDeclined: the card is declined}
    values: {$.amount: the price}

Rule: a glossary changes words, never what is told. A key that means nothing is refused with what was meant.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from statelang.errors import InvalidSettings
from statelang.values import Json

KEYS: Final = ("title", "states", "resources", "errors", "values")
ENTRY: Final = ("says", "short", "tells")


@dataclass(frozen=True, slots=True)
class Entry:
    """The words for a resource: a phrase (`asks the bank`), a short label for pictures, and who is told by it."""

    says: str | None = None
    short: str | None = None
    tells: str | None = None


@dataclass(frozen=True, slots=True)
class Glossary:
    """Words by what they stand for; resources may have `*` in them, and the longest pattern that fits wins."""

    title: str | None = None
    states: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Entry] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    def state(self, name: str) -> str:
        """The words for a state: its name where the glossary has none."""
        return self.states.get(name, name)

    def resource(self, resource: str, function: str | None = None) -> Entry | None:
        """The words for a Resource, or for the FunctionName it calls."""
        for text in (function, resource):
            fitting = [pattern for pattern in self.resources if text is not None and _fits(pattern, text)]
            if fitting:
                return self.resources[max(fitting, key=lambda pattern: len(pattern.replace("*", "")))]
        return None


@lru_cache(maxsize=1_000)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def _fits(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None


def glossary_of(value: Json, name: str) -> Glossary:
    """The Glossary of a file's value. Raises InvalidSettings, which names the file and the key."""
    if not isinstance(value, dict):
        raise InvalidSettings(f"{name}: a glossary is an object of {', '.join(KEYS)}")
    _known(value, KEYS, name)
    words = {key: _texts(value.get(key), f"{name}: {key}") for key in ("states", "errors", "values")}
    title = value.get("title")
    if title is not None and not isinstance(title, str):
        raise InvalidSettings(f"{name}: title must be a text")
    entries = value.get("resources") or {}
    if not isinstance(entries, dict):
        raise InvalidSettings(f"{name}: resources must be an object of Resource and words")
    resources = {key: _entry(entry, f"{name}: resources: {key}") for key, entry in entries.items()}
    return Glossary(title=title, resources=resources, **words)


def _entry(value: Json, name: str) -> Entry:
    if isinstance(value, str):
        return Entry(says=value)
    if not isinstance(value, dict):
        raise InvalidSettings(f"{name} must be words, or an object of {', '.join(ENTRY)}")
    _known(value, ENTRY, name)
    return Entry(**_texts(value, name))


def _texts(value: Json, name: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(words, str) for words in value.values()):
        raise InvalidSettings(f"{name} must be an object of names and words")
    return value


def _known(value: Mapping[str, Json], keys: tuple[str, ...], name: str) -> None:
    for key in value:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(keys)}"
            raise InvalidSettings(f"{name}: unknown key {key!r}; {hint}")
