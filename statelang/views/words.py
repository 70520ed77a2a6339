"""Words: how durations, lists, names, paths and errors are said to somebody who will never read JSON.

Rule: every phrase that two views share is made here, so that the picture and the explanation say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from statelang.values import Json, encode

UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))

ERRORS: Final = {
    "States.ALL": "anything goes wrong",
    "States.TaskFailed": "the work fails",
    "States.Timeout": "it takes too long",
    "States.HeartbeatTimeout": "no sign of life comes in time",
    "States.Permissions": "it is not permitted",
    "States.DataLimitExceeded": "the data is too big",
    "States.Runtime": "the data is not as expected",
    "States.ParameterPathFailure": "the data is not as expected",
    "States.ResultPathMatchFailure": "the data is not as expected",
    "States.IntrinsicFailure": "the data is not as expected",
    "States.QueryEvaluationError": "the data is not as expected",
    "States.BranchFailed": "one of the parts fails",
    "States.NoChoiceMatched": "no rule fits",
    "States.ExceedToleratedFailureThreshold": "too many items fail",
    "States.ItemReaderFailed": "the list of items cannot be read",
    "States.ResultWriterFailed": "the results cannot be stored",
    "States.Http.Socket": "the service cannot be reached",
    "Lambda.ServiceException": "the function's host has a problem",
    "Lambda.AWSLambdaException": "the function's host has a problem",
    "Lambda.SdkClientException": "the function's host has a problem",
    "Lambda.ClientExecutionTimeoutException": "the function's host has a problem",
    "Lambda.TooManyRequestsException": "too many requests come at once",
    "Lambda.Unknown": "the function breaks",
}
"""What an error name of the language or of AWS means; every other name is its author's own and is quoted."""


def number(value: float) -> str:
    """A number without a needless fraction: 3, 2.5."""
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def count(many: int, noun: str, plural: str | None = None) -> str:
    """`1 time`, `3 times`."""
    return f"{many} {noun if many == 1 else plural or noun + 's'}"


def listing(items: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, end = list(items) or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def quoted(text: str) -> str:
    """A text in quotation marks, as people write them."""
    return f"“{text}”"


def duration(seconds: float) -> str:
    """Seconds as people say them, and exactly: `30 seconds`, `1 hour`, `2 hours and 30 minutes`."""
    if seconds != int(seconds):
        return f"{number(round(seconds, 3))} seconds"
    rest, parts = int(seconds), []
    for unit, size in UNITS:
        many, rest = divmod(rest, size)
        if many:
            parts.append(count(many, unit))
    return listing(parts) if parts else "0 seconds"


def took(milliseconds: int) -> str:
    """A measured duration, short: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    seconds = max(0, milliseconds) / 1000
    if seconds < 10:
        return f"{number(round(seconds, 1))} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def moment(milliseconds: int) -> str:
    """Milliseconds since 1970 as a date and a time: `25 November 2026, 00:12:03 UTC`."""
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}, {at:%H:%M:%S} UTC"


MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def split_name(name: str) -> str:
    """An identifier as words: `answerDecision`, `answer_decision` and `answer-decision` are `answer decision`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", re.sub(r"[_\-]+", " ", name))
    words = spaced.split()
    return " ".join(word if word.isupper() and len(word) > 1 else word[:1].lower() + word[1:] for word in words)


CONTEXT: Final = {
    "$$.Execution.Name": "the name of this run",
    "$$.Execution.Id": "the id of this run",
    "$$.Execution.StartTime": "the time this run started",
    "$$.Execution.Input": "what this run was started with",
    "$$.State.Name": "the name of this step",
    "$$.State.EnteredTime": "the time this step began",
    "$$.State.RetryCount": "how often this step was tried again",
    "$$.StateMachine.Id": "the id of this workflow",
    "$$.StateMachine.Name": "the name of this workflow",
    "$$.Map.Item.Index": "the number of the item",
    "$$.Map.Item.Value": "the item",
    "$$.Task.Token": "the reply token",
}

_PART: Final = re.compile(r"\.?([A-Za-z_][\w\-]*)|\[\s*'([^']*)'\s*\]|\[\s*\"([^\"]*)\"\s*\]|\[\s*(-?\d+)\s*\]")


def path(text: str) -> str:
    """A path as words: `$.answer.decision` is `the answer decision`; one that no words fit is quoted."""
    for prefix, words in CONTEXT.items():
        if text == prefix or text.startswith((f"{prefix}.", f"{prefix}[")):
            rest = parts_of(text[len(prefix) :])
            if rest is not None:
                return words if not rest else f"{noun(rest)} of {words}"
    if text in ("$", ""):
        return "the data"
    if text.startswith("$$"):
        rest = parts_of(text[2:])
        return quoted(text) if rest is None else f"{noun(rest)} of this run"
    match = re.match(r"\$([^\W\d]\w*)", text)
    parts = parts_of(text[match.end() :]) if match else parts_of(text[1:])
    if parts is None or not text.startswith("$"):
        return quoted(text)
    return noun([match[1], *parts] if match else parts)


def parts_of(text: str) -> list[str] | None:
    """The keys and indexes of what follows `$`; None where it is more than those."""
    parts, at = [], 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            return None
        parts.append(next(part for part in match.groups() if part is not None))
        at = match.end()
    return parts


FLAGS: Final = frozenset(("is", "are", "was", "has", "have", "had", "can", "should", "must", "needs", "did", "does"))
"""How the names of things begin that are yes or no: they are quoted, since they are no nouns."""


def noun(parts: Sequence[str]) -> str:
    """Keys and indexes as one noun with its article; a name that begins as a statement does is quoted."""
    keys = [at for at, part in enumerate(parts) if not _index(part)]
    near = keys[-2] if len(keys) > 2 else 0
    said = chain(parts[near:])
    said = quoted(said) if said.split(" ", 1)[0] in FLAGS else f"the {said}"
    return f"{said} of {chain(parts[:near])}" if near else said


def _index(part: str) -> bool:
    return part.lstrip("-").isdecimal()


ORDINALS: Final = ("first", "second", "third", "fourth", "fifth")


def chain(parts: Sequence[str]) -> str:
    """Keys as one noun; an index says which: `body`, `0` is `first body`."""
    words: list[str] = []
    for part in parts:
        if _index(part):
            words = [_which(int(part)), *(words or ["item"])]
        else:
            words.append(split_name(part) or part)
    return " ".join(words)


def _which(index: int) -> str:
    if index < 0:
        return "last" if index == -1 else f"last but {-index - 1}"
    return ORDINALS[index] if index < len(ORDINALS) else f"number {index + 1} of"


def literal(value: Json) -> str:
    """A JSON value inside a sentence: texts quoted, true and false as yes and no, the rest as JSON."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    return encode(value)


def shortened(text: str, most: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def error_clauses(names: Iterable[Json], say: Callable[[str], str | None] = lambda name: None) -> str:
    """What must happen for an error of these names: `it takes too long or it reports “CardDeclined”`.

    `say` gives the words a glossary has for a name.
    """
    clauses, own = [], []
    for name in map(str, names):
        known = say(name) or ERRORS.get(name) or _http(name)
        if known is None:
            own.append(quoted(name))
        elif known not in clauses:
            clauses.append(known)
    if own:
        clauses.append(f"it reports {listing(own, 'or')}")
    return listing(clauses, "or") or "anything goes wrong"


def _http(name: str) -> str | None:
    match = re.fullmatch(r"States\.Http\.StatusCode\.(\d{3})", name)
    return f"the service answers with status {match[1]}" if match else None


def sentence(text: str) -> str:
    """A text as a sentence: its first letter upper, and a full stop where it has no end."""
    line = " ".join(text.split())
    line = line[:1].upper() + line[1:]
    return line if not line or line.rstrip("”)")[-1:] in (".", "!", "?", "…", ":") else f"{line}."
