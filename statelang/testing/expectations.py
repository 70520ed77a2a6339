"""Expectations: what a case says should happen, held against what did.

Rule: every difference names the event at which it shows; the first of them is what a reader needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from statelang.compiler.source import escape
from statelang.language.scope import ABSENT
from statelang.testing.cases import CallExpected, Case
from statelang.testing.durations import in_words
from statelang.testing.mocks import holds
from statelang.testing.replies import Call
from statelang.testing.trial import Happened
from statelang.values import Json, encode

LONGEST: Final = 400
"""How many characters of a value are shown."""

BEFORE: Final = 6
AFTER: Final = 2
"""How many events around a difference are shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected. `event` is where it shows; the texts are for people."""

    what: str
    expected: str
    happened: str
    event: int

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, but {self.happened}"


def differences(case: Case, happened: Happened) -> list[Difference]:
    """Everything that is not as the case says, in the order in which it shows."""
    found = list(_found(case, happened))
    if happened.trouble is not None:
        trouble = happened.trouble
        before = [
            difference for difference in found if difference.event < trouble.event and difference.what != "status"
        ]
        return [
            *before,
            Difference("the case", "to say what happens next", f"it does not: {trouble.message}", trouble.event),
        ]
    return sorted(found, key=lambda difference: difference.event)


def _found(case: Case, happened: Happened) -> Iterator[Difference]:
    last = len(happened.events)
    yield from _path(case, happened, last)
    yield from _calls(case, happened, last)
    yield from _ending(case, happened, last)
    expected = case.expected
    if expected.took is not None and expected.took != happened.took:
        yield Difference("the time it took", in_words(expected.took), f"it took {in_words(happened.took)}", last)


def _path(case: Case, happened: Happened, last: int) -> Iterator[Difference]:
    expected, path = case.expected.path, happened.path
    if expected is None or expected == path:
        return
    index = next((i for i, pair in enumerate(zip(expected, path)) if pair[0] != pair[1]), min(len(expected), len(path)))
    event = happened.entered[index]["id"] if index < len(path) else last
    was = f"{path[index]!r} was entered" if index < len(path) else f"it stood at its end ({happened.status})"
    yield Difference(f"state {index + 1} of the path", _or_end(expected[index : index + 1]), was, event)


def _or_end(names: Sequence[str]) -> str:
    return repr(names[0]) if names else "no further state"


def _calls(case: Case, happened: Happened, last: int) -> Iterator[Difference]:
    expected = case.expected.calls
    if expected is not None:
        yield from _in_order(expected, happened.calls, last)
    for state, wanted in case.expected.calls_of.items():
        made = [call for call in happened.calls if call.state == state]
        yield from _of_state(state, wanted, made, last)


def _in_order(expected: Sequence[CallExpected], made: Sequence[Call], last: int) -> Iterator[Difference]:
    for number, (wanted, call) in enumerate(zip(expected, made), 1):
        for what, value, was in _of_call(wanted, call):
            yield Difference(f"{what} of call {number}", _shown(value), f"it was {_shown(was)}", call.event)
            return
    if len(made) > len(expected):
        call = made[len(expected)]
        words = f"{call.state!r} asked for one more, with {_shown(call.input)}"
        yield Difference("the calls", f"{len(expected)} calls", words, call.event)
    elif len(expected) > len(made):
        missing = expected[len(made)].state
        yield Difference("the calls", f"call {len(made) + 1} by {missing!r}", "it was never made", last)


def _of_call(wanted: CallExpected, call: Call) -> Iterator[tuple[str, Json, Json]]:
    pairs = (("state", wanted.state, call.state), ("resource", wanted.resource, call.resource))
    for what, value, was in (*pairs, ("attempt", wanted.attempt, call.attempt)):
        if value is not None and value != was:
            yield what, value, was
    if wanted.input is not ABSENT and not equal(wanted.input, call.input):
        yield f"input{_pointer(wanted.input, call.input)}", *_first(wanted.input, call.input)


def _of_state(state: str, wanted: int | Sequence[Json], made: Sequence[Call], last: int) -> Iterator[Difference]:
    count = wanted if isinstance(wanted, int) else len(wanted)
    for number, (value, call) in enumerate(zip([] if isinstance(wanted, int) else wanted, made), 1):
        if not equal(value, call.input):
            first, was = _first(value, call.input)
            what = f"input{_pointer(value, call.input)} of call {number} of {state!r}"
            yield Difference(what, _shown(first), f"it was {_shown(was)}", call.event)
            return
    if len(made) != count:
        event = made[count].event if len(made) > count else last
        yield Difference(f"the calls of {state!r}", str(count), f"there were {len(made)}", event)


def _ending(case: Case, happened: Happened, last: int) -> Iterator[Difference]:
    expected = case.expected
    if expected.status is not None and expected.status != happened.status:
        error = f" with {happened.error}: {happened.cause}" if happened.error else ""
        yield Difference("the status", expected.status, f"it ended as {happened.status}{error}", last)
        return
    for what, wanted, was in (("error", expected.error, happened.error), ("cause", expected.cause, happened.cause)):
        if wanted is not None and wanted != was:
            yield Difference(f"the {what}", _shown(wanted), f"it was {_shown(was)}", last)
    if expected.output is not ABSENT and not equal(expected.output, happened.output):
        first, was = _first(expected.output, happened.output)
        what = f"the output{_pointer(expected.output, happened.output)}"
        yield Difference(what, _shown(first), f"it was {_shown(was)}", last)
    if expected.includes is not ABSENT and not holds(happened.output, expected.includes):
        part = _part(happened.output, expected.includes)
        first, was = _first(expected.includes, part)
        what = f"the output{_pointer(expected.includes, part)}"
        yield Difference(what, f"to include {_shown(first)}", f"it was {_shown(was)}", last)


MISSING: Final[Any] = object()
"""Stands where a value has nothing."""


def _part(value: Json, part: Json) -> Json:
    """A value without the keys that a part of it does not name."""
    if isinstance(value, dict) and isinstance(part, dict):
        return {key: _part(item, part[key]) for key, item in value.items() if key in part}
    return value


def equal(expected: Json, happened: Json) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are, 1 and true are not."""
    return _at(expected, happened) is None


def _at(expected: Json, happened: Json) -> str | None:
    """The pointer of the first place where two values differ; None where they are the same."""
    if isinstance(expected, dict) and isinstance(happened, dict):
        for key in [*expected, *(key for key in happened if key not in expected)]:
            found = _at(expected.get(key, MISSING), happened.get(key, MISSING))
            if found is not None:
                return f"/{escape(key)}{found}"
        return None
    if isinstance(expected, list) and isinstance(happened, list):
        for index in range(max(len(expected), len(happened))):
            pair = [value[index] if index < len(value) else MISSING for value in (expected, happened)]
            found = _at(*pair)
            if found is not None:
                return f"/{index}{found}"
        return None
    same = expected is happened if isinstance(expected, bool) or isinstance(happened, bool) else expected == happened
    return None if same else ""


def _pointer(expected: Json, happened: Json) -> str:
    found = _at(expected, happened)
    return f" at {found}" if found else ""


def _first(expected: Json, happened: Json) -> tuple[Json, Json]:
    """The two values at the first place where they differ."""
    for part in (_at(expected, happened) or "").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        expected, happened = _step(expected, key), _step(happened, key)
    return expected, happened


def _step(value: Json, key: str) -> Json:
    if isinstance(value, dict):
        return value.get(key, MISSING)
    return value[int(key)] if isinstance(value, list) and int(key) < len(value) else MISSING


def _shown(value: Json) -> str:
    if value is MISSING:
        return "nothing there"
    text = encode(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def state_at(events: Sequence[dict[str, Any]], event: int) -> dict[str, Any] | None:
    """The …StateEntered event of the state in which an event fell, along the events it hangs on."""
    number = event
    if 0 < number <= len(events) and "stateEnteredEventDetails" in events[number - 1]:
        number = events[number - 1]["previousEventId"] or number
    while 0 < number <= len(events):
        found = events[number - 1]
        if "stateEnteredEventDetails" in found:
            return found
        number = found["previousEventId"]
    return None


def around(events: Sequence[dict[str, Any]], event: int) -> Sequence[dict[str, Any]]:
    """The events around one."""
    return events[max(0, event - 1 - BEFORE) : event + AFTER]
