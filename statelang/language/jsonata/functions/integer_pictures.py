"""Pictures of integers: decimal digits, letters, Roman numerals, words (F&O 3.1, 4.6), both ways.

Rule: what can be written with a picture can be read with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, Literal, NamedTuple

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.regexes import split_pairs
from statelang.language.jsonata.values import EXACT, number, number_text

Kind = Literal["decimal", "letters", "roman", "words", "sequence"]
Case = Literal["upper", "lower", "title"]

FEW: Final = [
    "Zero",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
    "Thirteen",
    "Fourteen",
    "Fifteen",
    "Sixteen",
    "Seventeen",
    "Eighteen",
    "Nineteen",
]
ORDINALS: Final = [
    "Zeroth",
    "First",
    "Second",
    "Third",
    "Fourth",
    "Fifth",
    "Sixth",
    "Seventh",
    "Eighth",
    "Ninth",
    "Tenth",
    "Eleventh",
    "Twelfth",
    "Thirteenth",
    "Fourteenth",
    "Fifteenth",
    "Sixteenth",
    "Seventeenth",
    "Eighteenth",
    "Nineteenth",
]
DECADES: Final = ["Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety", "Hundred"]
MAGNITUDES: Final = ["Thousand", "Million", "Billion", "Trillion"]
ROMAN: Final = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
MOST_ROMAN: Final = 5_000_000
"""Beyond this jsonata-js, which takes a call for each numeral, runs out of stack."""

ZEROS: Final = (
    0x30, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
    0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
)  # fmt: skip
"""The code points of zero in every family of decimal digits."""


@dataclass(slots=True)
class Picture:
    """An integer's picture, analysed. `groups` are (digits to the right, separator); `width` is that for parsing."""

    kind: Kind = "decimal"
    case: Case = "lower"
    ordinal: bool = False
    zero: int = 0x30
    mandatory: int = 0
    optional: int = 0
    regular: int = 0
    groups: tuple[tuple[int, str], ...] = ()
    token: str = ""
    width: int | None = None


_NAMED: Final[dict[str, tuple[Kind, Case]]] = {
    "A": ("letters", "upper"),
    "a": ("letters", "lower"),
    "I": ("roman", "upper"),
    "i": ("roman", "lower"),
    "W": ("words", "upper"),
    "Ww": ("words", "title"),
    "w": ("words", "lower"),
}


def analysed(text: str) -> Picture:
    """A picture as written. Raises JsonataError D3131."""
    if not isinstance(text, str):
        raise JsonataError("JS:TypeError", template="Cannot read properties of undefined (reading 'lastIndexOf')")
    primary, found, modifier = text.rpartition(";")
    if not found:
        primary, modifier = text, ""
    ordinal = modifier.startswith("o")
    if primary in _NAMED:
        kind, case = _NAMED[primary]
        return Picture(kind, case, ordinal)
    return _digits(primary, ordinal)


def _digits(text: str, ordinal: bool) -> Picture:
    picture, zero, place = Picture(ordinal=ordinal), None, 0
    groups: list[tuple[int, str]] = []
    for character in reversed(text):
        code = ord(character)
        family = next((start for start in ZEROS if start <= code <= start + 9), None)
        if family is not None:
            if zero is not None and zero != family:
                raise JsonataError("D3131")
            zero = family
            picture.mandatory += 1
            place += 1
        elif character == "#":
            picture.optional += 1
            place += 1
        else:
            groups.append((place, character))
    if picture.mandatory == 0:
        return Picture("sequence", token=text)
    picture.zero, picture.groups = zero or 0x30, tuple(groups)
    picture.regular = _regular(groups)
    return picture


def _regular(groups: list[tuple[int, str]]) -> int:
    if not groups or any(character != groups[0][1] for _, character in groups):
        return 0
    places = [place for place, _ in groups]
    factor = reduce(math.gcd, places)
    return factor if all(factor * index in places for index in range(1, len(places) + 1)) else 0


def formatted(value: float, picture: Picture) -> str:
    """An integer as its picture shows it. Raises JsonataError D3130."""
    if not math.isfinite(value):
        return _endless(value, picture)
    whole: Any = float(value) if abs(value) > EXACT else math.floor(value)
    text = _WRITE[picture.kind](abs(whole), picture)
    return f"-{text}" if whole < 0 else text


def _endless(value: float, picture: Picture) -> str:
    """What jsonata-js makes of NaN and of infinities."""
    if picture.kind == "decimal":
        return ("-" if value < 0 else "") + _decimal(abs(value), picture)
    if picture.kind == "sequence":
        return _sequence(0, picture)
    if picture.kind == "words" or not math.isnan(value):
        raise JsonataError("JS:RangeError", template="Maximum call stack size exceeded")
    return ""


def _decimal(value: float, picture: Picture) -> str:
    text = number_text(value).rjust(picture.mandatory, "0")
    if picture.zero != 0x30:
        text = "".join(chr(ord(c) - 0x30 + picture.zero) for c in text)
    if picture.regular:
        separator = picture.groups[0][1]
        for place in range((len(text) - 1) // picture.regular * picture.regular, 0, -picture.regular):
            text = text[:-place] + separator + text[-place:]
    else:  # a place before the first digit leaves out what stands before it, as in jsonata-js
        for place, separator in reversed(picture.groups):
            at = len(text) - place
            text = text[: max(0, at)] + separator + text[at:]
    if picture.ordinal:
        last = {"1": "st", "2": "nd", "3": "rd"}.get(text[-1])
        text += "th" if last is None or text[-2:-1] == "1" else last
    return text


def _letters(value: float, picture: Picture) -> str:
    start, text = ord("A" if picture.case == "upper" else "a"), ""
    while value > 0:
        text = chr(int(math.fmod(value - 1, 26)) + start) + text
        value = (value - 1) // 26 if type(value) is int else float(math.floor((value - 1) / 26))
    return text


def _roman(value: int, picture: Picture) -> str:
    if value > MOST_ROMAN:
        raise JsonataError("JS:RangeError", template="Maximum call stack size exceeded")
    text = ""
    for worth, numeral in ROMAN:
        count, value = divmod(value, worth)
        text += numeral * count
    return text.upper() if picture.case == "upper" else text


def _words(value: int, picture: Picture) -> str:
    text = _in_words(value, "", ordinal=picture.ordinal)
    return {"upper": text.upper(), "lower": text.lower(), "title": text}[picture.case]


def _in_words(value: float, before: str, *, ordinal: bool) -> str:
    """A number in words; `before` joins it to a larger part: nothing, " and " or ", "."""
    small, large = (" and ", ", ") if before else ("", "")
    if value <= 19:
        return small + (ORDINALS if ordinal else FEW)[int(value)]
    if value < 100:
        tens, rest = divmod(value, 10)
        words = small + DECADES[int(tens) - 2]
        if rest:
            return f"{words}-{_in_words(rest, '', ordinal=ordinal)}"
        return words[:-1] + "ieth" if ordinal else words
    if value < 1000:
        hundreds, rest = divmod(value, 100)
        words = f"{large}{FEW[int(hundreds)]} Hundred"
    else:
        magnitude = min(int(math.log10(value) / 3 + 1e-9), len(MAGNITUDES))
        factor = 10 ** (magnitude * 3)
        count = math.floor(value / factor) if isinstance(value, int) else float(math.floor(value / factor))
        rest = value - count * factor
        words = f"{large}{_in_words(count, '', ordinal=False)} {MAGNITUDES[magnitude - 1]}"
    if rest:
        return words + _in_words(rest, "more", ordinal=ordinal)
    return words + "th" if ordinal else words


def _sequence(value: int, picture: Picture) -> str:
    raise JsonataError("D3130", value=picture.token)


_WRITE: Final[dict[str, Callable[[Any, Picture], str]]] = {
    "decimal": _decimal,
    "letters": _letters,
    "roman": _roman,
    "words": _words,
    "sequence": _sequence,
}


class IntegerParser(NamedTuple):
    """`pattern` is a regular expression of what can be parsed."""

    pattern: str
    parse: Callable[[str], Any]


def parser(picture: Picture) -> IntegerParser:
    """What reads a picture. Raises JsonataError D3130."""
    upper = picture.case == "upper"
    if picture.kind == "letters":
        return IntegerParser("[A-Z]+" if upper else "[a-z]+", lambda text: _from_letters(text, "A" if upper else "a"))
    if picture.kind == "roman":
        return IntegerParser("[MDCLXVI]+" if upper else "[mdclxvi]+", _from_roman)
    if picture.kind == "words":
        words = "|".join([*WORDS, "and", "[\\-, ]"])
        return IntegerParser(f"(?:{words})+", lambda text: _from_words(text.lower()))
    if picture.kind == "sequence":
        raise JsonataError("D3130", value=picture.token)
    width = "+"
    if picture.width is not None and picture.width > 0:
        least = picture.width - picture.optional
        width = f"{{{picture.width}}}" if not picture.optional else f"{{{max(0, least)},{picture.width}}}"
    return IntegerParser(f"[0-9]{width}" + ("(?:th|st|nd|rd)" if picture.ordinal else ""), _digits_parser(picture))


def _digits_parser(picture: Picture) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        digits = text[:-2] if picture.ordinal else text
        for _, separator in ((0, ","),) if picture.regular else picture.groups:
            digits = digits.replace(separator, "")
        if picture.zero != 0x30:
            digits = "".join(chr(ord(c) - picture.zero + 0x30) for c in digits)
        found = re.match(r"\s*([-+]?[0-9]+)", digits)
        return math.nan if found is None else number(int(found[1]))

    return parse


def _from_letters(text: str, first: str) -> float:
    """As doubles add up, from the last letter to the first; letters are UTF-16 units."""
    value = 0.0
    for place, letter in enumerate(reversed(split_pairs(text))):
        value += (ord(letter) - ord(first) + 1) * 26.0**place
    return value


def _from_roman(text: str) -> float:
    worth = {numeral: value for value, numeral in ROMAN if len(numeral) == 1}
    value: float = 0
    largest: float = 1
    for numeral in reversed(text.lower()):
        one = worth.get(numeral, math.nan)
        if one < largest:
            value -= one
        else:
            largest = one
            value += one
    return value


def _word_values() -> dict[str, int]:
    values = {word.lower(): index for index, word in enumerate(FEW)}
    values |= {word.lower(): index for index, word in enumerate(ORDINALS)}
    for index, word in enumerate(DECADES):
        values[word.lower()] = (index + 2) * 10
        values[word.lower()[:-1] + "ieth"] = (index + 2) * 10
    values["hundredth"] = 100
    for index, word in enumerate(MAGNITUDES):
        values[word.lower()] = values[word.lower() + "th"] = 10 ** ((index + 1) * 3)
    return values


WORDS: Final = _word_values()


def _from_words(text: str) -> float:
    segments: list[float] = [0]
    for word in re.split(r",\s|\sand\s|[\s\\-]", text):
        value = WORDS.get(word, math.nan)
        if value < 100:
            top = segments.pop()
            if top >= 1000:
                segments.append(top)
                top = 0
            segments.append(top + value)
        else:
            segments.append(segments.pop() * value)
    return sum(segments)
