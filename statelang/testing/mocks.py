"""Mocks: what tasks do in a test, by state or by Resource, call by call.

    mocks:
      Charge card:                                     # a state, or a Resource with `*`
        - throw: {error: PaymentUnavailable}           # the first call
        - {when: {card: visa}, return: {chargeId: C-1}, times: always}

A call takes the first mock that fits it and is not used up. One in a list answers one call unless `times` says more;
one alone answers every call.

Rule: mocks are data. What a mock means is in `trial`, and how AWS writes mocks is in `mock_config`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from statelang.language.scope import ABSENT, Absent
from statelang.testing.durations import milliseconds
from statelang.testing.reading import Part
from statelang.values import Json

Does = Literal["return", "payload", "throw", "timeout", "never", "perform"]

DOES: Final[tuple[Does, ...]] = ("return", "payload", "throw", "timeout", "never", "perform")
"""What a mock can do; `perform` may stand beside `return`, which is then the answer that comes later by token."""

KEYS: Final = (*DOES, "after", "submitted", "heartbeats", "when", "attempt", "times")


@dataclass(frozen=True, slots=True)
class Mock:
    """What a task does. Times in milliseconds after it was asked for.

    `does` names it: `return` answers `output`, `payload` does so in Lambda's envelope, `throw` fails with `error` and
    `cause`, `timeout` lets its time run out, `never` answers never, `perform` has it done by `target` (such as
    `python:fakes:charge`, or a callable; None: the bindings), after which `output`, where there is one, is the answer
    by token. `submitted` is what the request itself answers where the task's own answer comes later.

    It fits a call whose input holds `when`, whose attempt within the visit of the state is `attempt` (from 0), and
    whose number among the calls of its key is within `calls` (from 0; the end None: open). `times` None: always.
    """

    does: Does
    output: Json | Absent = ABSENT
    error: str | None = None
    cause: str | None = None
    target: object = None
    after: int = 0
    submitted: Json | Absent = ABSENT
    heartbeats: tuple[int, ...] = ()
    when: Json | Absent = ABSENT
    attempt: int | None = None
    calls: tuple[int, int | None] | None = None
    times: int | None = 1

    def fits(self, input: Json, attempt: int, number: int) -> bool:
        """Whether it may answer a call."""
        if self.attempt is not None and self.attempt != attempt:
            return False
        if self.calls is not None:
            first, last = self.calls
            if number < first or (last is not None and number > last):
                return False
        return self.when is ABSENT or holds(input, self.when)


Mocks = Mapping[str, Sequence[Mock]]
"""State or Resource pattern -> its mocks, in order."""


def holds(value: Json, part: Json) -> bool:
    """Whether a value has everything that a part of it names: objects by key, all else must be equal."""
    if isinstance(part, dict):
        return isinstance(value, dict) and all(key in value and holds(value[key], item) for key, item in part.items())
    if isinstance(part, bool) or isinstance(value, bool):
        return part is value
    return bool(part == value)


def read_mocks(given: Part) -> dict[str, tuple[Mock, ...]]:
    """The mocks of a mapping as cases write it."""
    return {key: tuple(_answers(part)) for key, part in given.items()}


def _answers(given: Part) -> list[Mock]:
    if isinstance(given.value, list):
        return [_mock(part, alone=False) for part in given.elements()]
    if isinstance(given.value, dict) and given.value and all(key[:1].isdigit() for key in given.value):
        return [_numbered(key, part) for key, part in given.items()]
    return [_mock(given, alone=True)]


def _numbered(key: str, given: Part) -> Mock:
    calls = call_range(key)
    if calls is None:
        raise given.faulty(f"{key!r} is no range of calls: write 0, 1-2 or 3-")
    return replace(_mock(given, alone=True), calls=calls)


def call_range(text: str) -> tuple[int, int | None] | None:
    """The calls of `0`, `1-2` (both ends count) or `3-`; None for what is no range."""
    first, dash, last = text.partition("-")
    if not (first.isascii() and first.isdigit()) or (last and not (last.isascii() and last.isdigit())):
        return None
    return int(first), int(first) if not dash else int(last) if last else None


def _mock(given: Part, *, alone: bool) -> Mock:
    given.keys(*KEYS)
    does = [key for key in DOES if key in given.value]
    if len(does) != 1 and does not in (["return", "perform"], ["throw", "perform"]):
        raise given.faulty(f"a mock does one of {', '.join(DOES)}; this does {' and '.join(does) or 'none'}")
    output: Json | Absent = ABSENT
    for key in ("return", "payload"):
        output = given.value.get(key, output)
    error, cause = _thrown(given)
    return Mock(
        does[-1],
        output,
        error,
        cause,
        target=_target(given),
        after=given.duration("after") or 0,
        submitted=given.value.get("submitted", ABSENT),
        heartbeats=_heartbeats(given),
        when=given.value.get("when", ABSENT),
        attempt=given.number("attempt"),
        times=_times(given, alone=alone),
    )


def _thrown(given: Part) -> tuple[str | None, str | None]:
    if "throw" not in given.value:
        return None, None
    thrown = given["throw"]
    if isinstance(thrown.value, str):
        return thrown.value, None
    thrown.keys("error", "cause")
    return thrown.text("error"), thrown.text("cause")


def _target(given: Part) -> str | None:
    performed = given.value.get("perform", True)
    if performed is True or isinstance(performed, str):
        return performed if isinstance(performed, str) else None
    raise given["perform"].faulty("perform is true (by the bindings) or a target such as python:module:function")


def _heartbeats(given: Part) -> tuple[int, ...]:
    """`every: 10s` until the answer, or a list of times."""
    if "heartbeats" not in given.value:
        return ()
    beats, after = given["heartbeats"], given.duration("after") or 0
    if isinstance(beats.value, list):
        times = [milliseconds(beat) for beat in beats.value]
        if None in times:
            raise beats.faulty("heartbeats are times after the start, such as 10s")
        return tuple(time for time in times if time is not None)
    beats.keys("every")
    every = beats.duration("every")
    if not every or not after:
        raise beats.faulty("heartbeats every so often need a time above 0, and `after`, until which they go on")
    return tuple(range(every, after, every))


def _times(given: Part, *, alone: bool) -> int | None:
    if given.value.get("times") == "always" or (alone and "times" not in given.value):
        return None
    times = given.number("times")
    return 1 if times is None else times
