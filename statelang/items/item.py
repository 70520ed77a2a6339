"""One item of a source, and how a source fails.

Rule: a mark is JSON and says everything: a source that is opened again with it goes on after that item.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final, NamedTuple

from statelang.errors import Fault
from statelang.values import Json

READER_FAILED: Final = "States.ItemReaderFailed"


class Item(NamedTuple):
    """An item, and the mark after which the next one follows.

    `key` is its name where it is a member of an object, `source` what the Context object calls the object it is from,
    where that is not the one that the ItemReader names.
    """

    value: Json
    mark: Json
    key: str | None = None
    source: str | None = None


def check_parameters(given: Json, known: Sequence[str], error: str = READER_FAILED) -> None:
    """Raises Fault for a parameter that would be passed over, and so mean other items than somebody wants."""
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f", which are {', '.join(known)}"
            raise Fault(error, f"The field '{name}' is none of the parameters{hint}")


def failed(cause: str) -> Fault:
    """What a source raises when it cannot go on."""
    return Fault(READER_FAILED, cause)
