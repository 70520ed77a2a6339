"""Pictures of numbers: `#,##0.00`, as XPath's format-number defines them (F&O 3.1, 4.7).

Rule: a picture is split, validated and analysed before any number is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from typing import Any, Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.numeric import round_
from statelang.language.jsonata.values import number_text

PROPERTIES: Final = {
    "decimal-separator": ".",
    "grouping-separator": ",",
    "exponent-separator": "e",
    "infinity": "Infinity",
    "minus-sign": "-",
    "NaN": "NaN",
    "percent": "%",
    "per-mille": "\u2030",
    "zero-digit": "0",
    "digit": "#",
    "pattern-separator": ";",
}


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters that mean something in a picture."""

    decimal: str
    grouping: str
    exponent: str
    minus: str
    percent: str
    per_mille: str
    zero: str
    digit: str
    separator: str
    family: str

    @property
    def active(self) -> str:
        """The characters of the active part."""
        return self.family + self.decimal + self.exponent + self.grouping + self.digit + self.separator


@dataclass(frozen=True, slots=True)
class Parts:
    """A sub-picture, split."""

    picture: str
    prefix: str
    suffix: str
    active: str
    mantissa: str
    exponent: str | None
    integer: str
    fraction: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sub-picture, analysed. Sizes in digits, groups as positions from the decimal separator."""

    picture: str
    prefix: str
    suffix: str
    groups: tuple[int, ...]
    regular: int
    fraction_groups: tuple[int, ...]
    least_integer: int
    scaling: int
    least_fraction: int
    most_fraction: int
    least_exponent: int


def formatted(value: Any, picture: str, options: Mapping[str, Any]) -> str:
    """A number as its picture shows it. Raises JsonataError D3080 to D3093."""
    if not isinstance(picture, str):
        raise JsonataError("JS:TypeError", template="Cannot read properties of undefined (reading 'split')")
    marks = _marks({**PROPERTIES, **options})
    pictures = picture.split(marks.separator)
    if len(pictures) > 2:
        raise JsonataError("D3080")
    parts = [_split(one, marks) for one in pictures]
    for one in parts:
        _validate(one, marks)
    patterns = [_analysed(one, marks) for one in parts]
    if len(patterns) == 1:
        patterns.append(replace(patterns[0], prefix=marks.minus + patterns[0].prefix))
    return _shown(value, patterns[0] if value >= 0 else patterns[1], marks)


def _marks(given: Mapping[str, str]) -> Marks:
    zero = given["zero-digit"]
    return Marks(
        given["decimal-separator"],
        given["grouping-separator"],
        given["exponent-separator"],
        given["minus-sign"],
        given["percent"],
        given["per-mille"],
        zero,
        given["digit"],
        given["pattern-separator"],
        "".join(chr(ord(zero) + number) for number in range(10)),
    )


def _split(picture: str, marks: Marks) -> Parts:
    active = [index for index, c in enumerate(picture) if c in marks.active and c != marks.exponent]
    first, last = (active[0], active[-1] + 1) if active else (len(picture), len(picture))
    prefix, suffix, middle = picture[:first], picture[last:], picture[first:last]
    place = picture.find(marks.exponent, len(prefix))
    exponent = None
    mantissa = middle
    if place != -1 and place <= len(picture) - len(suffix):
        mantissa, exponent = middle[:place], middle[place + 1 :]
    integer, found, fraction = mantissa.partition(marks.decimal)
    return Parts(picture, prefix, suffix, middle, mantissa, exponent, integer, fraction if found else suffix)


def _validate(parts: Parts, marks: Marks) -> None:
    """Raises JsonataError for the last rule of F&O 4.7.3 that a sub-picture breaks, as jsonata-js does."""
    broken = [code for code, wrong in (*_broken_rules(parts, marks), *_broken_groups(parts, marks)) if wrong]
    if broken:
        raise JsonataError(max(broken))


def _broken_rules(parts: Parts, marks: Marks) -> Iterator[tuple[str, bool]]:
    picture, family, exponent = parts.picture, marks.family, parts.exponent
    signs = marks.percent in picture, marks.per_mille in picture
    yield "D3081", picture.count(marks.decimal) > 1
    yield "D3082", picture.count(marks.percent) > 1
    yield "D3083", picture.count(marks.per_mille) > 1
    yield "D3084", all(signs)
    yield "D3085", not any(c in family or c == marks.digit for c in parts.mantissa)
    yield "D3086", any(c not in marks.active for c in parts.active)
    before, found, _ = parts.integer.partition(marks.digit)
    yield "D3090", bool(found) and any(c in family for c in before)
    _, found, after = parts.fraction.rpartition(marks.digit)
    yield "D3091", bool(found) and any(c in family for c in after)
    yield "D3092", bool(exponent) and any(signs)
    yield "D3093", exponent is not None and (not exponent or any(c not in family for c in exponent))


def _broken_groups(parts: Parts, marks: Marks) -> Iterator[tuple[str, bool]]:
    picture, place = parts.picture, parts.picture.find(marks.decimal)
    if place != -1:
        yield "D3087", marks.grouping in (picture[place - 1 : place] if place else "", picture[place + 1 : place + 2])
    else:
        yield "D3088", parts.integer.endswith(marks.grouping)
    yield "D3089", marks.grouping * 2 in picture


def _analysed(parts: Parts, marks: Marks) -> Pattern:
    def digits(text: str) -> int:
        return sum(c in marks.family or c == marks.digit for c in text)

    def mandatory(text: str) -> int:
        return sum(c in marks.family for c in text)

    groups = tuple(digits(parts.integer[i:]) for i in _separators(parts.integer, parts, marks))
    fraction_groups = tuple(digits(parts.fraction[:i]) for i in _separators(parts.fraction, parts, marks))
    least_integer = scaling = mandatory(parts.integer)
    least_fraction, most_fraction = mandatory(parts.fraction), digits(parts.fraction)
    has_exponent = parts.exponent is not None
    if least_integer == 0 and most_fraction == 0:
        if has_exponent:
            least_fraction = most_fraction = 1
        else:
            least_integer = 1
    if has_exponent and least_integer == 0 and marks.digit in parts.integer:
        least_integer = 1
    if least_integer == 0 and least_fraction == 0:
        least_fraction = 1
    return Pattern(
        parts.picture,
        parts.prefix,
        parts.suffix,
        groups,
        _regular(groups),
        fraction_groups,
        least_integer,
        scaling,
        least_fraction,
        most_fraction,
        mandatory(parts.exponent or ""),
    )


def _separators(part: str, parts: Parts, marks: Marks) -> Iterator[int]:
    """Where a part is grouped; after the first place jsonata-js looks in the integer part, whichever part it is."""
    at = part.find(marks.grouping)
    while at != -1:
        yield at
        at = parts.integer.find(marks.grouping, at + 1)


def _regular(positions: tuple[int, ...]) -> int:
    """The distance of groups that are all alike; 0 where they are not."""
    factor = reduce(math.gcd, positions, 0)
    return factor if all(factor * index in positions for index in range(1, len(positions) + 1)) else 0


def _shown(value: float, pattern: Pattern, marks: Marks) -> str:
    scale = 100 if marks.percent in pattern.picture else 1000 if marks.per_mille in pattern.picture else 1
    mantissa, exponent = float(value) * scale, None
    if pattern.least_exponent:
        mantissa, exponent = _scaled(mantissa, pattern.scaling)
    text = _digits(round_(None, mantissa, pattern.most_fraction), pattern.most_fraction, marks)
    text = text.replace(".", marks.decimal) if "." in text else text + marks.decimal
    text = text.strip(marks.zero)
    whole, _, fraction = text.partition(marks.decimal)
    whole = whole.rjust(pattern.least_integer, marks.zero)
    fraction = fraction.ljust(pattern.least_fraction, marks.zero)
    text = _grouped(whole + marks.decimal + fraction, pattern, marks)
    if marks.decimal not in pattern.picture or text.find(marks.decimal) == len(text) - 1:
        text = text[:-1]
    if exponent is not None:
        told = _digits(exponent, 0, marks).rjust(pattern.least_exponent, marks.zero)
        text += marks.exponent + (marks.minus if exponent < 0 else "") + told
    return pattern.prefix + text + pattern.suffix


def _scaled(mantissa: float, scaling: int) -> tuple[float, int]:
    exponent = 0
    if mantissa == 0 or not math.isfinite(mantissa):
        return mantissa, exponent
    while mantissa < 10 ** (scaling - 1) and exponent > -400:
        mantissa, exponent = mantissa * 10, exponent - 1
    while mantissa > 10**scaling:
        mantissa, exponent = mantissa / 10, exponent + 1
    return mantissa, exponent


def _digits(value: float, places: int, marks: Marks) -> str:
    """toFixed, in the picture's own digits."""
    text = number_text(abs(value))
    if abs(value) < 1e21:
        text = format(abs(Decimal(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "f")
    return "".join(marks.family[int(c)] if c.isdigit() else c for c in text)


def _grouped(text: str, pattern: Pattern, marks: Marks) -> str:
    """The digits with their grouping separators. A place before the first digit counts from the end, as in jsonata-js,
    where the groups are not all alike.
    """
    point = text.find(marks.decimal)
    places = [point - place + index for index, place in enumerate(pattern.groups)]
    if pattern.regular:
        places = list(range(point - pattern.regular, 0, -pattern.regular))
    for place in places:
        text = text[:place] + marks.grouping + text[place:]
    point = text.find(marks.decimal)
    for place in pattern.fraction_groups:
        text = text[: place + point + 1] + marks.grouping + text[place + point + 1 :]
    return text
