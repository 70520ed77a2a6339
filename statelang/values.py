"""JSON values: plain Python values that nobody mutates, and the one way they become text and back.

Rule: all JSON text of states passes through `encode` and `decode`. Integers are exact up to 4,300 digits; NaN,
infinities and lone surrogates cannot enter (`decode` refuses them in text, `admit` in Python values).
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from statelang.errors import InvalidInput

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys. Treated as immutable everywhere."""

MAX_DEPTH = 300
"""How deep a value may nest: well within what encoder, decoder and our own recursion take on every Python."""

LONGEST_POINTER = 100
"""How much of the way to a wrong value a message shows."""

TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def encode(value: Json) -> str:
    """The compact JSON text of a value: no spaces, key order kept, non-ASCII characters as they are.

    Raises InvalidInput for a value that nests deeper than the encoder can follow.
    """
    try:
        return _encode(value).decode()
    except RecursionError:
        raise InvalidInput(TOO_DEEP) from None


def decode(text: str | bytes) -> Json:
    """The value of a JSON text.

    Raises InvalidInput, with the byte at fault, for what is not JSON: broken text, NaN and infinities, numbers beyond
    a float's range, integers of more than 4,300 digits, lone surrogates; and for nesting deeper than MAX_DEPTH.
    """
    try:
        value = _decode(text)
    except RecursionError:
        raise InvalidInput(TOO_DEEP) from None
    except (msgspec.MsgspecError, UnicodeError) as problem:
        raise InvalidInput(f"not valid JSON: {problem}") from None
    if isinstance(text, str):
        check_depth(value, text)
    return value


def check_depth(value: Json, text: str) -> None:
    """Raises InvalidInput where a value, whose JSON text is at hand, nests deeper than MAX_DEPTH."""
    if len(text) <= MAX_DEPTH or text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            item
            for parent in level
            for item in (parent.values() if type(parent) is dict else parent if type(parent) is list else ())
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return
    raise InvalidInput(TOO_DEEP)


def escape(key: str) -> str:
    """A key as a part of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def admit(value: object) -> Json:
    """A Python value from outside (a task's result, a caller's input) as a JSON value, tuples as arrays.

    Containers are copied. Raises InvalidInput with the JSON Pointer of what JSON cannot hold: NaN, infinities, lone
    surrogates, huge integers, keys that are not text, other types.
    """
    return _admit(value, "", 0)


def _admit(value: object, pointer: str, depth: int) -> Json:
    if value is None or value is True or value is False:
        return value
    kind = type(value)
    if kind is str:
        return _admit_text(value, pointer)
    if kind is int:
        return _admit_integer(value, pointer)
    if kind is float:
        if not math.isfinite(value):  # type: ignore[arg-type]
            raise InvalidInput(f"{_place(pointer)}: JSON has no {value}")
        return value
    if depth >= MAX_DEPTH:
        raise InvalidInput(f"{_place(pointer)}: {TOO_DEEP}")
    if isinstance(value, (list, tuple)):
        return [_admit(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {_admit_key(key, pointer): _admit(item, f"{pointer}/{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, (str, int, float)):  # subclasses: enums of text and numbers
        return _admit(_plain(value), pointer, depth)
    raise InvalidInput(f"{_place(pointer)}: JSON cannot hold a {kind.__name__}")


def _plain(value: str | int | float) -> str | int | float:
    if isinstance(value, str):
        return str.__str__(value)
    return int(value) if isinstance(value, int) else float(value)


def _admit_key(key: object, pointer: str) -> str:
    if not isinstance(key, str):
        raise InvalidInput(f"{_place(pointer)}: the key {key!r} is not text")
    return str(_admit_text(key, pointer))


def _admit_text(value: Any, pointer: str) -> Json:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput(f"{_place(pointer)}: the text holds a lone surrogate, which JSON cannot carry") from None
    return value


def _admit_integer(value: Any, pointer: str) -> Json:
    if value.bit_length() > 14_280 and abs(value) >= 10**4300:
        raise InvalidInput(f"{_place(pointer)}: an integer of more than 4,300 digits")
    return value


def _place(pointer: str) -> str:
    if len(pointer) > LONGEST_POINTER:
        pointer = f"{pointer[:LONGEST_POINTER]}…"
    return f"at {pointer}" if pointer else "at the top"
