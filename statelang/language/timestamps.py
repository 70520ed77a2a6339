"""RFC 3339 timestamps: as instants that compare exactly, and as milliseconds.

Rule: what AWS calls an "ISO-8601 extended offset date-time": upper-case T, and Z or an offset, are required.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

_FORM: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(NamedTuple):
    """A moment: whole seconds since 1970, and the digits of the fraction without trailing zeros."""

    seconds: int
    fraction: str

    @property
    def milliseconds(self) -> int:
        """Milliseconds since 1970, rounded up to the next whole one."""
        whole = int(self.fraction[:3].ljust(3, "0"))
        return self.seconds * 1000 + whole + (len(self.fraction) > 3)


def parse_timestamp(text: object) -> Instant | None:
    """The instant of a text, or None where it is no RFC 3339 timestamp."""
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=UTC)
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        if offset >= timedelta(days=1) or int(minutes or 0) > 59:
            return None
        elapsed = moment - _EPOCH + (offset if sign == "-" else -offset)
    except (ValueError, OverflowError):
        return None
    return Instant(elapsed.days * 86_400 + elapsed.seconds, (fraction or "").rstrip("0"))
