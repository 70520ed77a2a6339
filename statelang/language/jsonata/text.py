"""Values as text: `$string`, and what `&` joins.

Rule: numbers have at most 15 significant digits here, as jsonata-js writes them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from statelang.language.jsonata.errors import JsonataError, quoted
from statelang.language.jsonata.values import UNDEFINED, Value, is_array, is_number, members, number_text

if TYPE_CHECKING:
    from statelang.language.jsonata.run import Run


def text_of(value: Value, run: Run | None = None, *, pretty: bool = False) -> str:
    """A value as text; `run` counts what is written. Raises JsonataError D3001 for what is no number."""
    if isinstance(value, str):
        return value
    if is_number(value):
        return _number(value)
    if value is UNDEFINED or not (is_array(value) or isinstance(value, dict) or value is None or type(value) is bool):
        return ""
    parts: list[str] = []
    _write(value, parts, 0 if pretty else None, run)
    return "".join(parts)


def script_text(value: Value, run: Run | None = None) -> str:
    """A value as text where JavaScript itself wants one, and JSONata has no say."""
    if isinstance(value, str):
        return value
    if is_number(value):
        return number_text(value)
    if is_array(value):
        if run is not None:
            run.step(len(value))
        texts = ["" if item is None or item is UNDEFINED else script_text(item, run) for item in value]
        if run is not None:
            run.allocate(2 * sum(map(len, texts)))
        return ",".join(texts)
    if value is None or type(value) is bool:
        return {None: "null", True: "true", False: "false"}[value]
    return "undefined" if value is UNDEFINED else "[object Object]"


def _number(value: int | float) -> str:
    if type(value) is float and not math.isfinite(value):
        raise JsonataError("D3001", value=value)
    if type(value) is int and -(10**15) < value < 10**15:
        return str(value)
    return number_text(float(f"{value:.15g}"))


def _write(value: Value, parts: list[str], level: int | None, run: Run | None) -> None:
    """JSON text as JSON.stringify writes it; `level` of indentation, None: compact."""
    if isinstance(value, str):
        if run is not None:
            run.allocate(2 * len(value))
        parts.append(quoted(value))
    elif is_number(value):
        if type(value) is float and not math.isfinite(value):
            if math.isinf(value):
                raise JsonataError("D1001", value=value)
            parts.append("null")
        else:
            parts.append(_number(value))
    elif value is None or type(value) is bool:
        parts.append({None: "null", True: "true", False: "false"}[value])
    elif is_array(value):
        if run is not None:
            run.step(8 + 2 * len(value))
        _items(parts, "[]", [("", None if item is UNDEFINED else item) for item in value], level, run)
    elif isinstance(value, dict):
        if run is not None:
            run.step(8 + 2 * len(value))
        colon = ":" if level is None else ": "
        known = [(key, item) for key, item in members(value) if item is not UNDEFINED]
        _items(parts, "{}", [(quoted(key) + colon, item) for key, item in known], level, run)
    else:
        parts.append('""')


def _items(parts: list[str], brackets: str, items: list[tuple[str, Value]], level: int | None, run: Run | None) -> None:
    parts.append(brackets[0])
    inner = None if level is None else level + 1
    for index, (label, item) in enumerate(items):
        if index:
            parts.append(",")
        if inner is not None:
            parts.append("\n" + "  " * inner)
        parts.append(label)
        _write(item, parts, inner, run)
    if items and level is not None:
        parts.append("\n" + "  " * level)
    parts.append(brackets[1])
