"""Retry and Catch: the order of their elements, and errors that never get to them (asl.md 5).

Rule: an error is taken by the first element that names it or a wildcard for it; the machine's own matching is in
`core/failure`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from statelang.compiler.findings import Place
from statelang.compiler.problems import SHADOWED, did_you_mean
from statelang.compiler.rules.rule import LAMBDA, Found, Rule, one
from statelang.compiler.scopes import Given, StateAt, rows

PREDEFINED: Final = (
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
)
"""The errors that the language itself names."""

TIMEOUTS: Final = ("States.Timeout", "States.HeartbeatTimeout")
YEAR: Final = 31_536_000
LISTS: Final = ("Retry", "Catch")


def _error_names(at: StateAt) -> Iterator[tuple[str, str, Given, Place, Place]]:
    """(list, error, the element, its place, the place of the name) of everything that Retry and Catch name."""
    for key in LISTS:
        for row, place in rows(at.value, key, at.place):
            given = row.get("ErrorEquals")
            for index, error in enumerate(given if isinstance(given, list) else []):
                if isinstance(error, str):
                    yield key, error, row, place, place / "ErrorEquals" / index


def shadowed(at: StateAt) -> Iterator[Found]:
    """An error that an earlier element takes never gets to a later one."""
    for key in LISTS:
        seen: dict[str, str] = {}
        for list_name, error, _, place, name_at in _error_names(at):
            if list_name != key:
                continue
            element = place.location.rpartition("/")[2]
            taken = seen.get(error)
            if taken is None and error not in (*TIMEOUTS, "States.ALL", "States.Runtime"):
                taken = seen.get("States.TaskFailed")
            if taken is not None and taken != element:
                yield Found(f"'{error}' is taken by {taken} and never gets here", name_at)
            seen.setdefault(error, element)


def never_caught(at: StateAt) -> Iterator[Found]:
    """States.Runtime ends the execution whatever Retry and Catch say."""
    for key, error, _, _, place in _error_names(at):
        if error == "States.Runtime":
            word = "retried" if key == "Retry" else "caught"
            yield Found(f"States.Runtime is never {word}: it ends the execution", place)


def unknown_error(at: StateAt) -> Iterator[Found]:
    """Names that begin with States. are the language's own."""
    for _, error, _, _, place in _error_names(at):
        if error.startswith("States.Http.StatusCode.") or error in PREDEFINED:
            continue
        hint = did_you_mean(error, PREDEFINED)
        if error.startswith("States."):
            message = f"'{error}' is no error of the language: only a state or task of yours can raise it"
            yield Found(message, place, hint)
        elif error.lower() in ("state.all", "states.all", "all", "*"):
            yield Found(f"'{error}' is an ordinary name, and no wildcard", place, "did you mean 'States.ALL'?")


def growing_pause(at: StateAt) -> Iterator[Found]:
    """The last pause between attempts is shorter than a year, as long as an execution may live."""
    for row, place in rows(at.value, "Retry", at.place):
        attempts, first, rate = row.get("MaxAttempts", 3), row.get("IntervalSeconds", 1), row.get("BackoffRate", 2.0)
        numbers = (attempts, first, rate, row.get("MaxDelaySeconds", 0))
        if any(type(number) not in (int, float) for number in numbers) or "MaxDelaySeconds" in row:
            continue
        if first * min(rate, 1e9) ** min(attempts - 1, 30) > YEAR:
            message = f"After {attempts} attempts the pauses are longer than a year"
            yield Found(message, place / "MaxAttempts", "set MaxDelaySeconds")


_RETRY: Final = [{"ErrorEquals": ["States.Timeout"]}, {"ErrorEquals": ["States.ALL"]}]

ROWS: Final = (
    Rule(
        SHADOWED,
        "WARNING",
        "The first element that matches an error is used, also when it is exhausted. States.TaskFailed matches every "
        "error but time-outs, so that what stands after it is only reached by those.",
        one("Task", Resource=LAMBDA, Retry=[{"ErrorEquals": ["States.TaskFailed"]}, {"ErrorEquals": ["Busy"]}]),
        one("Task", Resource=LAMBDA, Retry=[{"ErrorEquals": ["Busy"]}, {"ErrorEquals": ["States.TaskFailed"]}]),
        state=shadowed,
    ),
    Rule(
        "SL010",
        "WARNING",
        "States.Runtime is what cannot be handled: a path that leads nowhere, for one. Neither naming it nor "
        "States.ALL retries or catches it.",
        one("Task", Resource=LAMBDA, Retry=[{"ErrorEquals": ["States.Runtime"]}]),
        one("Task", Resource=LAMBDA, Retry=_RETRY),
        state=never_caught,
    ),
    Rule(
        "SL011",
        "WARNING",
        "Names that begin with 'States.' belong to the language. One that it does not know is most often misspelled, "
        "and then never matches.",
        one("Task", Resource=LAMBDA, Retry=[{"ErrorEquals": ["States.TimeOut"]}]),
        one("Task", Resource=LAMBDA, Retry=_RETRY),
        state=unknown_error,
    ),
    Rule(
        "SL012",
        "WARNING",
        "Pauses between attempts grow by BackoffRate (2 by default). With many attempts and no MaxDelaySeconds the "
        "pauses soon are longer than any execution lives: the work stalls and nobody is told.",
        one("Task", Resource=LAMBDA, Retry=[{"ErrorEquals": ["Busy"], "MaxAttempts": 100000}]),
        one("Task", Resource=LAMBDA,
            Retry=[{"ErrorEquals": ["Busy"], "MaxAttempts": 100000, "MaxDelaySeconds": 3600}]),
        state=growing_pause,
    ),
)  # fmt: skip
"""The rows of this subject."""
