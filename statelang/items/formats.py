"""The formats an object's items may have, by InputType.

Rule: a format is one function of (opener, ReaderConfig, mark), and one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from statelang.items.csv_rows import csv_rows
from statelang.items.item import Item, failed
from statelang.items.json_items import json_items, json_lines
from statelang.items.lines import Opener, open_text
from statelang.items.parquet_rows import parquet_rows
from statelang.objects import Objects
from statelang.values import Json

Format = Callable[[Opener, Json, Json], Iterator[Item]]

FORMATS: Final[Mapping[str, Format]] = {
    "CSV": csv_rows,
    "JSON": json_items,
    "JSONL": json_lines,
    "PARQUET": parquet_rows,
}
"""InputType -> what reads it."""


def items_of(
    objects: Objects, bucket: str, key: str, config: Json, mark: Json, version: str | None = None
) -> Iterator[Item]:
    """The items of one object, after a mark. Raises Fault and ObjectError."""
    kind = config.get("InputType")
    format = FORMATS.get(kind)
    if format is None:
        raise failed(f"InputType must be one of {', '.join(FORMATS)}, not {kind!r}.")
    return format(lambda start: open_text(objects, bucket, key, start, version), config, mark)
