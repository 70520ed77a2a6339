"""Parquet files as items: each row an object of its columns (asl.md 7.3). Needs pyarrow: install statelang[items].

Rule: one batch of rows is held at once; a mark is the number of rows before the next one.
"""

from __future__ import annotations

import base64
import datetime
import math
import shutil
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO, Final, cast

from statelang.items.item import Item, failed
from statelang.items.lines import Opener
from statelang.values import Json

BATCH: Final = 1_000


def parquet_rows(open_at: Opener, config: Json, mark: Json) -> Iterator[Item]:
    """The rows as objects. Raises Fault."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise failed("a Parquet object needs the package pyarrow: install statelang[items]") from None
    count = 0
    with open_at(0) as opened, _seekable(opened) as file:
        try:
            rows = parquet.ParquetFile(file)
            for number in range(rows.metadata.num_row_groups):
                size = rows.metadata.row_group(number).num_rows
                if count + size <= (mark or 0):
                    count += size
                    continue
                for batch in rows.iter_batches(BATCH, row_groups=[number]):
                    for row in batch.to_pylist():
                        count += 1
                        if count > (mark or 0):
                            yield Item(_row(row, count), count)
        except (pyarrow.ArrowException, OSError) as problem:
            raise failed(f"The Parquet file cannot be read: {problem}.") from None


def _seekable(file: BinaryIO) -> BinaryIO:
    if file.seekable():
        return file
    copy = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(file, copy)
    copy.seek(0)
    return cast(BinaryIO, copy)


def _row(row: dict[str, Any], number: int) -> Json:
    told = {}
    for name, value in row.items():
        try:
            told[name] = _json(value)
        except OverflowError:
            raise failed(f"The column {name} holds {value} in row {number}, which JSON has no number for.") from None
    return told


def _json(value: Any) -> Json:
    """A value of a column as JSON has it: times as ISO-8601 texts, bytes as base64."""
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        if math.isinf(value):
            raise OverflowError
        return None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
