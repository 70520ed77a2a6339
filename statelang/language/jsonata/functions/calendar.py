"""The calendar as JavaScript's Date has it: the proleptic Gregorian one, in UTC, with years before 1 and after 9999.

Rule: a time that Date cannot hold is NaN in every part, as there; nothing raises.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

DAY: Final = 86_400_000
LATEST: Final = 8_640_000_000_000_000
"""How many milliseconds before and after 1970 a Date can hold."""


class Moment(NamedTuple):
    """A time and its parts. `month` counts from 0, `weekday` from Sunday (0); each is NaN where there is no time."""

    millis: float
    year: float
    month: float
    day: float
    weekday: float
    hour: float
    minute: float
    second: float
    milli: float


NEVER: Final = Moment(*(math.nan,) * 9)


def moment(millis: float) -> Moment:
    """The time so many milliseconds after 1970; fractions of one are cut off."""
    if not abs(millis) <= LATEST:
        return NEVER
    whole = int(millis)
    days, rest = divmod(whole, DAY)
    year, month, day = _civil(days)
    hour, rest = divmod(rest, 3_600_000)
    minute, rest = divmod(rest, 60_000)
    return Moment(whole, year, month, day, (days + 4) % 7, hour, minute, *divmod(rest, 1000))


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month (from 0) and day of the month, so many days after 1970-01-01."""
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    march = (5 * of_year + 2) // 153
    month = march + 2 if march < 10 else march - 10
    return year + era * 400 + (month <= 1), month, of_year - (153 * march + 2) // 5 + 1


def utc(year: float, month: float, day: float = 1, *time: float, two_digits: bool = True) -> float:
    """Date.UTC: milliseconds since 1970; months and days may lie outside their bounds.

    A year of `two_digits` is one of the 1900s.
    """
    given = (year, month, day, *time)
    if not all(map(math.isfinite, given)) or max(map(abs, given)) > 1e15:
        return math.nan
    whole = [int(part) for part in given]
    if 0 <= whole[0] <= 99 and two_digits:
        whole[0] += 1900
    years, index = divmod(whole[1], 12)
    hour, minute, second, milli = [*whole[3:], 0, 0, 0, 0][:4]
    spent = ((hour * 60 + minute) * 60 + second) * 1000 + milli
    millis = (_days(whole[0] + years, index) + whole[2] - 1) * DAY + spent
    return millis if abs(millis) <= LATEST else math.nan


def _days(year: int, month: int) -> int:
    """Days from 1970-01-01 to the first of a month (from 0)."""
    year -= month <= 1
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 10) % 12) + 2) // 5
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _first_week(year: float, month: float) -> float:
    """When the week begins that holds the first Thursday of a year or month (ISO 8601, and F&O for months)."""
    first = utc(year, month)
    weekday = moment(first).weekday or 7
    return first + (8 - weekday) * DAY if weekday > 4 else first - (weekday - 1) * DAY


def _next(year: float, month: float, step: int, *, of_month: bool) -> tuple[float, float]:
    if not of_month:
        return year + step, month
    if month + step in (12, -1):
        return year + step, 0 if step > 0 else 11
    return year, month + step


def _week(at: Moment, *, of_month: bool) -> float:
    year, month = at.year, at.month if of_month else 0
    today = utc(year, at.month, at.day)
    week = (today - _first_week(year, month)) / (DAY * 7) + 1
    if week > (4 if of_month else 52):
        if today >= _first_week(*_next(year, month, 1, of_month=of_month)):
            week = 1
    elif week < 1:
        week = (today - _first_week(*_next(year, month, -1, of_month=of_month))) / (DAY * 7) + 1
    return math.floor(week) if math.isfinite(week) else week


def _week_owner(at: Moment, *, of_month: bool) -> float:
    """The year, or the month from 1, to which the week of a day belongs."""
    year, month = at.year, at.month if of_month else 0
    following = _next(year, month, 1, of_month=of_month)
    owner = (year, month)
    if at.millis < _first_week(year, month):
        owner = _next(year, month, -1, of_month=of_month)
    elif at.millis >= _first_week(*following):
        owner = following
    return owner[1] + 1 if of_month else owner[0]


COMPONENTS: Final[dict[str, Callable[[Moment], float]]] = {
    "Y": lambda at: at.year,
    "M": lambda at: at.month + 1,
    "D": lambda at: at.day,
    "d": lambda at: (utc(at.year, at.month, at.day) - utc(at.year, 0)) / DAY + 1,
    "F": lambda at: at.weekday or 7,
    "W": lambda at: _week(at, of_month=False),
    "w": lambda at: _week(at, of_month=True),
    "X": lambda at: _week_owner(at, of_month=False),
    "x": lambda at: _week_owner(at, of_month=True),
    "H": lambda at: at.hour,
    "h": lambda at: at.hour % 12 or 12,
    "m": lambda at: at.minute,
    "s": lambda at: at.second,
    "f": lambda at: at.milli,
}
"""The numbers of a time, by the letters of a picture (F&O 3.1, 9.8)."""
