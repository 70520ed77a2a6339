"""The quotas of AWS Step Functions, as one value: on by default, and able to be lifted (asl.md 9.1).

Rule: no other module of the core holds a quota as a number.
"""

from __future__ import annotations

from typing import Final

import msgspec

from statelang.language import bounds
from statelang.language.bounds import Bounds

LONGEST_PAUSE: Final = 99_999_999
"""How many seconds a pause before a retry lasts at most, where MaxDelaySeconds says nothing less."""


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sizes in bytes of UTF-8 JSON text, times in seconds; None lifts a limit.

    `map_concurrency` is how many iterations of one inline Map run at once where MaxConcurrency does not say less,
    `map_run_concurrency` how many child executions of one Map Run, `express_seconds` how long an Express one may take.
    `query` bounds each evaluation of JSONata; there is always a bound.
    """

    payload: int | None = 262_144
    history_events: int | None = 25_000
    variable: int | None = 262_144
    assign: int | None = 262_144
    variables: int | None = 10 * 1024 * 1024
    map_concurrency: int | None = 40
    wait_seconds: int | None = 2_147_483_647
    map_run_concurrency: int | None = 10_000
    query: Bounds = bounds.AWS
    express_seconds: int | None = 300

    @classmethod
    def lifted(cls) -> Limits:
        """No limit at all, and wide bounds for JSONata."""
        return cls(None, None, None, None, None, None, None, None, bounds.WIDE, None)


AWS = Limits()
