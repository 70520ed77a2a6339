"""CSV (asl.md 7.3): every cell is text; missing cells are empty, cells beyond the headers dropped.

Quotes are doubled within quotes (RFC 4180). A backslash makes the character after it plain and is itself left out; the
end of a line is none of those characters.

Rule: a row costs what it is long; its mark is the offset of the next one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO, Final

from statelang.items.item import Item, failed
from statelang.items.lines import BOM, Opener, lines
from statelang.values import Json

DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
LARGEST_HEADERS: Final = 10 * 1024
LARGEST_CELL: Final = 8 * 1024 * 1024

csv.field_size_limit(max(csv.field_size_limit(), LARGEST_CELL))


class _Rows:
    """The rows of a file, and the offset after the last one given."""

    def __init__(self, file: BinaryIO, start: int, delimiter: str) -> None:
        self.place = start
        self._lines = lines(file, start)
        self._first = start == 0
        self._reader = csv.reader(self._texts(), delimiter=delimiter, escapechar="\\", strict=True)

    def _texts(self) -> Iterator[str]:
        for line, place in self._lines:
            text = line.removeprefix(BOM) if self._first else line
            self._first, self.place = False, place
            yield _ended(text.decode())

    def __iter__(self) -> Iterator[list[str]]:
        count, reader = 0, self._reader
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except UnicodeDecodeError as problem:
                raise failed(
                    f"The CSV is not UTF-8 text: byte {problem.object[problem.start]:#04x} in the {self._where(count)}."
                ) from None
            except csv.Error as problem:
                raise failed(f"The CSV is malformed: {problem} in the {self._where(count)}.") from None
            count += 1
            yield row

    def _where(self, count: int) -> str:
        return f"line that ends at byte {self.place}, {count + 1} rows after where reading began"


def _ended(text: str) -> str:
    """A line without the backslash before its end, unless that is plain itself."""
    body = text.rstrip("\r\n")
    if not body.endswith("\\") or (len(body) - len(body.rstrip("\\"))) % 2 == 0:
        return text
    return body[:-1] + text[len(body) :]


def csv_rows(open_at: Opener, config: Json, mark: Json) -> Iterator[Item]:
    """The rows as objects. `open_at` opens the text at an offset. Raises Fault."""
    delimiter = DELIMITERS.get(config.get("CSVDelimiter", "COMMA"))
    if delimiter is None:
        raise failed(f"CSVDelimiter must be one of {', '.join(DELIMITERS)}.")
    headers, start = _headers(open_at, config, delimiter)
    start = start if mark is None else mark
    with open_at(start) as file:
        rows, width = _Rows(file, start, delimiter), len(headers)
        for row in rows:
            if len(row) < width:
                row += [""] * (width - len(row))
            yield Item(dict(zip(headers, row)), rows.place)


def _headers(open_at: Opener, config: Json, delimiter: str) -> tuple[list[str], int]:
    """The names of the columns, and where the rows begin."""
    location = config.get("CSVHeaderLocation")
    if location == "GIVEN":
        headers, start = config.get("CSVHeaders"), 0
        if not isinstance(headers, list) or not all(isinstance(name, str) for name in headers):
            raise failed("CSVHeaders must be an array of strings where CSVHeaderLocation is GIVEN.")
    elif location in ("FIRST_ROW", None):
        with open_at(0) as file:
            rows = _Rows(file, 0, delimiter)
            headers = next(iter(rows), [])
            start = rows.place
    else:
        raise failed("CSVHeaderLocation must be FIRST_ROW or GIVEN.")
    if len(set(headers)) != len(headers):
        raise failed("CSV headers cannot contain duplicates.")
    if sum(len(name.encode()) for name in headers) > LARGEST_HEADERS:
        raise failed(f"CSV headers cannot be longer than {LARGEST_HEADERS} bytes.")
    return headers, start
