"""Strings: casting, parts, joining, encodings.

Rule: lengths and positions count code points, but splitting into characters counts UTF-16 units, as jsonata-js does.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.registry import builtin
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.text import text_of
from statelang.language.jsonata.values import UNDEFINED, Value, Wrapped


@builtin("string", "<x-b?:s>", arity=1)
def string(run: Run, value: Value, prettify: Value = UNDEFINED) -> Value:
    if value is UNDEFINED:
        return UNDEFINED
    return text_of(value[0] if type(value) is Wrapped else value, run, pretty=prettify is True)


@builtin("substring", "<s-nn?:s>")
def substring(run: Run, text: Value, start: Value, length: Value = UNDEFINED) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    count = len(text)
    if start is UNDEFINED:
        return text if length is UNDEFINED else ""
    begin = start if count + start >= 0 else 0
    if length is UNDEFINED:
        return text[_place(begin, count) :]
    if length <= 0:
        return ""
    end = begin + length if begin >= 0 else count + begin + length
    return text[_place(begin, count) : _place(end, count)]


def _place(position: float, count: int) -> int:
    """A position as Array.slice takes it."""
    whole = 0 if position != position else int(max(-count, min(count, position)))
    return whole + count if whole < 0 else whole


@builtin("substringBefore", "<s-s:s>")
def substring_before(run: Run, text: Value, characters: Value) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    at = text.find(_shown(characters))
    return text[:at] if at > -1 else text


@builtin("substringAfter", "<s-s:s>")
def substring_after(run: Run, text: Value, characters: Value) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    at = text.find(_shown(characters))
    if at > -1 and characters is UNDEFINED:
        raise JsonataError("JS:TypeError", template="Cannot read properties of undefined (reading 'length')")
    return text[at + len(characters) :] if at > -1 else text


def _shown(characters: Value) -> str:
    """What JavaScript looks for where nothing is given."""
    return "undefined" if characters is UNDEFINED else str(characters)


@builtin("lowercase", "<s-:s>")
def lowercase(run: Run, text: Value) -> Value:
    return UNDEFINED if text is UNDEFINED else text.lower()


@builtin("uppercase", "<s-:s>")
def uppercase(run: Run, text: Value) -> Value:
    return UNDEFINED if text is UNDEFINED else text.upper()


@builtin("length", "<s-:n>", constant=True)
def length(run: Run, text: Value) -> Value:
    return UNDEFINED if text is UNDEFINED else len(text)


@builtin("trim", "<s-:s>")
def trim(run: Run, text: Value) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    return re.sub(r"[ \t\n\r]+", " ", text).strip(" ")


@builtin("pad", "<s-ns?:s>", constant=True)
def pad(run: Run, text: Value, width: Value, character: Value = UNDEFINED) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    if width is UNDEFINED:
        return text
    filler = " " if character is UNDEFINED or character == "" else character
    missing = abs(width) - len(text)
    if missing <= 0:
        return text
    if missing != int(missing):
        raise JsonataError("JS:RangeError", template="Invalid array length")
    missing = int(missing)
    run.allocate(2 * (len(text) + missing))
    padding = (filler * (missing // len(filler) + 1))[:missing]
    return text + padding if width > 0 else padding + text


@builtin("join", "<a<s>s?:s>", constant=True)
def join(run: Run, texts: Value, separator: Value = UNDEFINED) -> Value:
    if texts is UNDEFINED:
        return UNDEFINED
    between = "" if separator is UNDEFINED else separator
    run.step(len(texts) >> 6)
    run.allocate(2 * (sum(map(len, texts)) + len(between) * len(texts)))
    return between.join(texts)


@builtin("base64encode", "<s-:s>")
def base64encode(run: Run, text: Value) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    run.allocate(2 * len(text))
    return base64.b64encode(text.encode("utf-16-le", "surrogatepass")[::2]).decode()  # the low byte of each unit


@builtin("base64decode", "<s-:s>")
def base64decode(run: Run, text: Value) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    try:
        run.step(len(text) >> 8)
        text = text.encode("utf-16-le", "surrogatepass")[::2].decode("latin-1")  # the low byte of each unit
        clean = re.sub(r"[^A-Za-z0-9+/]", "", text.replace("-", "+").replace("_", "/").partition("=")[0])
        clean = clean[:-1] if len(clean) % 4 == 1 else clean
        return base64.b64decode(clean + "=" * (-len(clean) % 4)).decode("latin-1")
    except binascii.Error:
        return ""


MARKS: Final = "-_.!~*'()"
"""What encodeURIComponent leaves as it is, beside letters and digits."""

RESERVED: Final = ";/?:@&=+$,#"
"""What encodeURI leaves as well, and decodeURI does not decode."""


def _encoded(run: Run, text: Value, safe: str, name: str) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    run.allocate(2 * len(text))
    run.step(len(text) >> 7)
    try:
        return _UNSAFE[safe].sub(lambda found: "%" + found[0].encode().hex("%").upper(), text)
    except UnicodeEncodeError:
        raise JsonataError("D3140", value=text, functionName=name) from None


_UNSAFE: Final = {safe: re.compile(f"[^A-Za-z0-9{re.escape(safe)}]+") for safe in (MARKS, MARKS + RESERVED)}


@builtin("encodeUrlComponent", "<s-:s>")
def encode_url_component(run: Run, text: Value) -> Value:
    return _encoded(run, text, MARKS, "encodeUrlComponent")


@builtin("encodeUrl", "<s-:s>")
def encode_url(run: Run, text: Value) -> Value:
    return _encoded(run, text, MARKS + RESERVED, "encodeUrl")


@builtin("decodeUrlComponent", "<s-:s>")
def decode_url_component(run: Run, text: Value) -> Value:
    return _decoded(run, text, "", "decodeUrlComponent")


@builtin("decodeUrl", "<s-:s>")
def decode_url(run: Run, text: Value) -> Value:
    return _decoded(run, text, RESERVED, "decodeUrl")


_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
_ESCAPES: Final = re.compile("(?:%[0-9A-Fa-f]{2})+")


def _decoded(run: Run, text: Value, reserved: str, name: str) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    run.step(len(text) >> 7)
    kept = {f"%{ord(character):02X}" for character in reserved}
    try:
        if re.search("%(?![0-9A-Fa-f]{2})", text):
            raise ValueError(text)
        guarded = _ESCAPE.sub(lambda found: f"%25{found[0][1:]}" if found[0].upper() in kept else found[0], text)
        return _ESCAPES.sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode(), guarded)
    except ValueError:
        raise JsonataError("D3140", value=text, functionName=name) from None
