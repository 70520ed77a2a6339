"""Pictures of times: `[Y0001]-[M01]-[D01]`, as XPath's format-dateTime defines them (F&O 3.1, 9.8), both ways.

Rule: all arithmetic is in UTC and milliseconds; a time zone is an offset that the caller names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.calendar import COMPONENTS, DAY, Moment, moment, utc
from statelang.language.jsonata.functions.integer_pictures import Picture, analysed, parser
from statelang.language.jsonata.functions.integer_pictures import formatted as integer
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.values import UNDEFINED, number
from statelang.language.patterns import TooSlow, attempt

DAYS: Final = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DEFAULTS: Final = {
    "Y": "1", "M": "1", "D": "1", "d": "1", "F": "n", "W": "1", "w": "1", "X": "1", "x": "1", "H": "1", "h": "1",
    "P": "n", "m": "01", "s": "01", "f": "1", "Z": "01:01", "z": "01:01", "C": "n", "E": "n",
}  # fmt: skip
ISO: Final = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"
EPOCH: Final = datetime(1970, 1, 1)
FIVE_DIGITS: Final = 253_402_300_800_000
"""When the year 10000 begins."""

_ISO_TEXT: Final = re.compile(
    r"[0-9]{4}(-[01][0-9])*(-[0-3][0-9])*(T[0-2][0-9]:[0-5][0-9]:[0-5][0-9])*(\.[0-9]+)?([+-][0-2][0-9]:?[0-5][0-9]|Z)?"
)


@dataclass(slots=True)
class Marker:
    """One part of a picture: a literal, or a component and how it is shown."""

    literal: str | None = None
    component: str = ""
    second: str = ""
    names: str | None = None
    least: int | None = None
    most: int | None = None
    integer: Picture | None = None


LONGEST_KEPT: Final = 100
"""A longer picture is analysed each time."""

LONGEST_NUMBER: Final = 10_000
"""As many digits a number may be filled up to; jsonata-js has no limit but its memory."""


def _analysed(picture: str) -> tuple[Marker, ...]:
    return _kept(picture) if len(picture) <= LONGEST_KEPT else _analysis(picture)


@lru_cache(maxsize=512)
def _kept(picture: str) -> tuple[Marker, ...]:
    return _analysis(picture)


def _analysis(picture: str) -> tuple[Marker, ...]:
    parts: list[Marker] = []
    start = at = 0

    def literal(end: int) -> None:
        if end > start:
            parts.append(Marker(picture[start:end].replace("]]", "]")))

    while at < len(picture):
        if picture[at] != "[":
            at += 1
            continue
        literal(at)
        if picture[at + 1 : at + 2] == "[":
            parts.append(Marker("["))
            at = start = at + 2
            continue
        end = picture.find("]", at)
        if end < 0:
            raise JsonataError("D3135")
        parts.append(_marker("".join(picture[at + 1 : end].split())))
        at = start = end + 1
    literal(at)
    return tuple(parts)


def _marker(text: str) -> Marker:
    component, rest = text[:1], text[1:]
    marker = Marker(component=component)
    first, comma, width = rest.rpartition(",")
    if comma:
        least, _, most = width.partition("-")
        marker.least, marker.most = _width(least), _width(most)
    else:
        first = rest
    if len(first) > 1 and first[-1] in "atco":
        marker.second, first = first[-1], first[:-1]
    elif not first:
        if component not in DEFAULTS:
            raise JsonataError("D3132", value=component)
        first = DEFAULTS[component]
    if first[0] in "nN":
        marker.names = "lower" if first[0] == "n" else "title" if first[1:2] == "n" else "upper"
    elif component in "YMDdFWwXxHhmsf":
        _integer(marker, first)
    if component in "Zz":
        marker.integer = analysed(first)
    return marker


def _width(text: str) -> int | None:
    if not text.isdigit():
        return None
    if len(text) > 5 or int(text) > LONGEST_NUMBER:
        raise JsonataError("JS:RangeError", template="Invalid string length")
    return int(text)


def _integer(marker: Marker, first: str) -> None:
    """How a number is shown; a year, month or day of two digits or more is read by its width."""
    picture = marker.integer = analysed(first + (f";{marker.second}" if marker.second else ""))
    if marker.least is not None and picture.mandatory < marker.least:
        picture.mandatory = marker.least
    if marker.component in "YMD":
        if marker.most is not None:
            picture.width = picture.mandatory = marker.most
        elif picture.mandatory + picture.optional >= 2:
            picture.width = picture.mandatory + picture.optional


def formatted(millis: float, picture: str | None, timezone: str | None) -> str:
    """A time as its picture shows it, in ISO 8601 where there is none. Raises JsonataError."""
    if picture is None and timezone is None and 0 <= millis < FIVE_DIGITS:
        return (EPOCH + timedelta(milliseconds=int(millis))).isoformat(timespec="milliseconds") + "Z"
    hours: float = 0
    minutes: float = 0
    if timezone is not None:
        found = re.match(r"\s*([-+]?[0-9]+)", timezone)
        offset = float(found[1]) if found else math.nan
        hours, minutes = offset // 100, math.fmod(offset, 100)
    at = moment(millis + (60 * hours + minutes) * 60_000)
    parts = _analysed(ISO if picture is None else picture)
    return "".join(part.literal if part.literal is not None else _shown(at, part, hours, minutes) for part in parts)


def _shown(at: Moment, marker: Marker, hours: float, minutes: float) -> str:
    component = marker.component
    if component in "Zz":
        return _zone(marker, hours, minutes)
    if component == "P":
        half = "pm" if at.hour >= 12 else "am"
        return half.upper() if marker.names == "upper" else half
    if component not in COMPONENTS:
        return "ISO" if component in "CE" else "undefined"
    value = COMPONENTS[component](at)
    if component == "Y" and marker.integer is not None and marker.integer.width is not None:
        value = math.fmod(value, 10.0 ** min(marker.integer.width, 300))
    if marker.names is not None and component != "f":
        return _named(value, marker)
    if marker.integer is None:
        raise JsonataError("JS:TypeError", template="Cannot read properties of undefined (reading 'primary')")
    return integer(value, marker.integer)


def _named(value: float, marker: Marker) -> str:
    if marker.component not in "MxF":
        raise JsonataError("D3133", value=marker.component)
    if math.isnan(value):
        if marker.names == "title" and marker.most is None and marker.least is None:
            return "undefined"
        raise JsonataError("JS:TypeError", template="Cannot read properties of undefined (reading 'toUpperCase')")
    name = DAYS[int(value)] if marker.component == "F" else MONTHS[int(value) - 1]
    name = {"upper": name.upper(), "lower": name.lower()}.get(str(marker.names), name)
    return name if marker.most is None else name[: marker.most]


def _zone(marker: Marker, hours: float, minutes: float) -> str:
    offset, picture = hours * 100 + minutes, marker.integer
    assert picture is not None
    if picture.regular:
        text = integer(offset, picture)
    elif picture.mandatory in (1, 2):
        text = integer(hours, picture) + (f":{integer(minutes, analysed('00'))}" if minutes else "")
    elif picture.mandatory in (3, 4):
        text = integer(offset, picture)
    else:
        raise JsonataError("D3134", value=picture.mandatory)
    if offset == 0 and marker.second == "t":
        return "Z"
    text = f"+{text}" if offset >= 0 else text
    return f"GMT{text}" if marker.component == "z" else text


_DATE: Final = re.compile(
    r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:([+-])(\d\d):?(\d\d)|Z)?", re.ASCII
)


def iso_millis(text: str) -> float:
    """An ISO 8601 text as milliseconds since 1970; NaN for a day that is none. Raises JsonataError D3110."""
    if len(text) == 24 and text[10] == "T" and text[19] == "." and text[23] == "Z" and text[4] == text[7] == "-":
        try:
            at = datetime.fromisoformat(text[:23])
        except ValueError:
            return _iso_millis(text)
        seconds = (at.toordinal() - 719_163) * 86_400 + at.hour * 3600 + at.minute * 60 + at.second
        return seconds * 1000 + at.microsecond // 1000
    return _iso_millis(text)


def _iso_millis(text: str) -> float:
    match = _DATE.fullmatch(text)
    if match is None or not _ISO_TEXT.fullmatch(text):
        if not _ISO_TEXT.fullmatch(text):
            raise JsonataError("D3110", value=text)
        return math.nan
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    month, day = month if match[2] else 1, day if match[3] else 1
    milli = int((fraction or "").ljust(3, "0")[:3])
    in_day = hour < 24 or (hour, minute, second, milli) == (24, 0, 0, 0)
    zoned = hours is None or (match[4] and int(hours) < 24)
    if not (1 <= month <= 12 and 1 <= day <= 31 and in_day and zoned):  # 31 April is 1 May, as V8 has it
        return math.nan
    offset = (int(hours or 0) * 60 + int(minutes or 0)) * 60_000 * (-1 if sign == "-" else 1)
    return utc(year, month - 1, day, hour, minute, second, milli, two_digits=False) - offset


@dataclass(slots=True)
class _Reader:
    pattern: str
    component: str = ""
    parse: Callable[[str], Any] | None = None


def _reader(marker: Marker) -> _Reader:
    if marker.literal is not None:
        return _Reader(re.escape(marker.literal))
    if marker.component in "Zz":
        return _zone_reader(marker)
    if marker.integer is not None:
        pattern, parse = parser(marker.integer)
        return _Reader(pattern, marker.component, parse)
    if marker.component in "Mx":
        names = {name[: marker.most]: index for index, name in enumerate(MONTHS, start=1)}
    elif marker.component == "F":
        names = {name[: marker.most]: index for index, name in enumerate(DAYS) if index}
    elif marker.component == "P":
        names = {"am": 0, "AM": 0, "pm": 1, "PM": 1}
    else:
        raise JsonataError("D3133", value=marker.component)
    return _Reader("[a-zA-Z]+", marker.component, names.get)


def _zone_reader(marker: Marker) -> _Reader:
    assert marker.integer is not None
    separator = marker.integer.groups[0][1] if marker.integer.groups and marker.integer.regular else None
    gmt = "GMT" if marker.component == "z" else ""
    pattern = f"{gmt}[-+][0-9]+" + ("" if separator is None else f"{re.escape(separator)}[0-9]+")

    def parse(text: str) -> int:
        text = text[len(gmt) :]
        if separator is not None:
            hours, _, minutes = text.partition(separator)
        elif len(text) - 1 <= 2:
            hours, minutes = text, "0"
        else:
            hours, minutes = text[:3], text[3:]
        return int(hours) * 60 + int(minutes)

    return _Reader(pattern, marker.component, parse)


def parsed(text: str, picture: str, run: Run) -> Any:
    """A text as milliseconds since 1970, by its picture; the run's time gives what is larger than all it names.

    UNDEFINED where the text is not of the picture. Raises JsonataError.
    """
    readers = [_reader(marker) for marker in _analysed(picture)]
    match = _matched("".join(f"({reader.pattern})" for reader in readers), text, run)
    if match is None:
        return UNDEFINED
    found: dict[str, Any] = {}
    for reader, piece in zip(readers, match.groups()):
        if reader.parse is not None:
            value = reader.parse(piece)
            if value is not None:
                found[reader.component] = value
    return number(_assembled(found, run.millis)) if any(reader.parse for reader in readers) else UNDEFINED


def _matched(pattern: str, text: str, run: Run) -> Any:
    """Parts of no certain width can share a text in more ways than there is time for."""
    import regex

    try:
        return attempt(regex.compile(pattern, regex.IGNORECASE).fullmatch, text, spend=run.step)
    except TooSlow:
        raise JsonataError("U1004") from None


def _assembled(found: dict[str, Any], now: int) -> Any:
    date_mask = _mask(found, "YXMxWwdD")
    by_date = _is(date_mask, 161)
    by_day = not by_date and _is(date_mask, 130)
    by_month_week = _is(date_mask, 84)
    by_week = not by_month_week and _is(date_mask, 72)
    time_mask = _mask(found, "PHhmsf")
    by_half_day = not _is(time_mask, 23) and _is(time_mask, 47)
    dates = "YD" if by_day else "XxwF" if by_month_week else "XWF" if by_week else "YMD"
    _filled(found, dates + ("Phmsf" if by_half_day else "Hmsf"), now)
    month = found["M"] - 1 if found.get("M", 0) > 0 else 0
    if by_month_week or by_week:
        raise JsonataError("D3136")
    if by_day:
        derived = moment(utc(found["Y"], 0) + (found["d"] - 1) * DAY)
        month, found["D"] = derived.month, derived.day
    if by_half_day:
        found["H"] = (0 if found["h"] == 12 else found["h"]) + (12 if found["P"] == 1 else 0)
    millis = utc(found["Y"], month, found["D"], found["H"], found["m"], found["s"], found["f"])
    return millis - (found.get("Z") or found.get("z") or 0) * 60_000


def _mask(found: dict[str, Any], names: str) -> int:
    mask = 0
    for name in names:
        mask = mask << 1 | bool(found.get(name))
    return mask


def _is(mask: int, kind: int) -> bool:
    """Whether every component there is belongs to a kind of date or time, and there is one."""
    return not (~kind & mask) and bool(kind & mask)


def _filled(found: dict[str, Any], names: str, now: int) -> None:
    """What is larger than all that is named is now's, what is smaller is the first; a gap is an error."""
    at = moment(now)
    begun = ended = False
    for name in names:
        if name in found:
            begun = True
            if ended:
                raise JsonataError("D3136")
        elif begun:
            found[name] = 1 if name in "MDd" else 0
            ended = True
        elif name == "P":
            found[name] = "pm" if at.hour >= 12 else "am"
        else:
            found[name] = COMPONENTS[name](at)
