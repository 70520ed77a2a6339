"""Which fields a state may have, by type and query language, and of which shape each value must be (asl.md 1.2, 1.3).

Rule: what is allowed is a row of a table here; what a field means when it runs is in `build`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from statelang.language.comparisons import COMBINATORS, COMPARISONS, OPERATORS, TESTS
from statelang.language.templates import is_query
from statelang.values import Json

TYPES: Final = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
"""The eight types, in the order in which AWS names them."""

LONGEST: Final = 99_999_999
"""Seconds that a time-out, a Wait or a retry's interval may have at the most."""

Shape = Callable[[Json], str | None]
"""Says what is wrong with a value, in AWS's words, or nothing."""


def text(value: Json) -> str | None:
    """A text."""
    return None if isinstance(value, str) else "Expected value of type String"


def boolean(value: Json) -> str | None:
    """true or false."""
    return None if isinstance(value, bool) else "Expected value of type Boolean"


def mapping(value: Json) -> str | None:
    """An object."""
    return None if isinstance(value, dict) else "Expected value of type Object"


def array(value: Json) -> str | None:
    """An array."""
    return None if isinstance(value, list) else "Expected value of type Array"


def full_array(value: Json) -> str | None:
    """An array that is not empty."""
    return array(value) or (None if value else "Value cannot be empty")


def anything(value: Json) -> str | None:
    """Any JSON."""
    return None


def comment(value: Json) -> str | None:
    """A text, or null (seen in definitions that AWS takes)."""
    return None if value is None else text(value)


def nullable_text(value: Json) -> str | None:
    """A text, or null."""
    return None if value is None else text(value)


def integer(least: int, most: int = LONGEST) -> Shape:
    """A whole number within bounds."""

    def shape(value: Json) -> str | None:
        if type(value) is not int:
            return "Expected value of type Integer"
        if not least <= value <= most:
            return f"The value must be between {least} and {most}"
        return None

    return shape


def number(least: float, most: float) -> Shape:
    """A number within bounds."""

    def shape(value: Json) -> str | None:
        if type(value) not in (int, float):
            return "Expected value of type Number"
        return None if least <= value <= most else f"The value must be between {least:g} and {most:g}"

    return shape


def one_of(*values: str) -> Shape:
    """One of a few texts."""

    def shape(value: Json) -> str | None:
        known = ", ".join(values)
        return None if value in values else f"The value should be one of these values: [{known}]"

    return shape


def or_query(shape: Shape) -> Shape:
    """A JSONata expression, or a literal of this shape."""
    return lambda value: None if is_query(value) else shape(value)


Fields = Mapping[str, Shape]

_EVERY: Final[Fields] = {
    "Type": text,
    "Comment": comment,
    "QueryLanguage": one_of("JSONPath", "JSONata"),
}
_ONWARD: Final[Fields] = {"Next": text, "End": boolean}
_HANDLING: Final[Fields] = {"Retry": array, "Catch": array}
_THROUGH: Final[Fields] = {"InputPath": nullable_text, "OutputPath": nullable_text}
_RESULT: Final[Fields] = {"ResultPath": nullable_text, "ResultSelector": mapping}
_ASSIGN: Final[Fields] = {"Assign": mapping}
_OUTPUT: Final[Fields] = {"Output": anything}

_SECONDS: Final = integer(1)
_PERCENT: Final = number(0, 100)
_COUNT: Final = integer(0)

_MAP: Final[Fields] = {
    "ItemProcessor": mapping,
    "Iterator": mapping,
    "Label": text,
    "ItemReader": mapping,
    "ItemBatcher": mapping,
    "ResultWriter": mapping,
}

JSONPATH: Final[Mapping[str, Fields]] = {
    "Pass": {**_EVERY, **_ONWARD, **_THROUGH, **_ASSIGN, "ResultPath": nullable_text, "Result": anything,
             "Parameters": anything},
    "Task": {**_EVERY, **_ONWARD, **_THROUGH, **_RESULT, **_ASSIGN, **_HANDLING, "Resource": text,
             "Parameters": anything, "TimeoutSeconds": _SECONDS, "TimeoutSecondsPath": text,
             "HeartbeatSeconds": _SECONDS, "HeartbeatSecondsPath": text, "Credentials": mapping},
    "Choice": {**_EVERY, **_THROUGH, **_ASSIGN, "Choices": full_array, "Default": text},
    "Wait": {**_EVERY, **_ONWARD, **_THROUGH, **_ASSIGN, "Seconds": integer(0),
             "SecondsPath": text, "Timestamp": text, "TimestampPath": text},
    "Succeed": {**_EVERY, **_THROUGH},
    "Fail": {**_EVERY, "Error": text, "ErrorPath": text, "Cause": text, "CausePath": text},
    "Parallel": {**_EVERY, **_ONWARD, **_THROUGH, **_RESULT, **_ASSIGN, **_HANDLING, "Branches": full_array,
                 "Parameters": anything},
    "Map": {**_EVERY, **_ONWARD, **_THROUGH, **_RESULT, **_ASSIGN, **_HANDLING, **_MAP, "ItemsPath": text,
            "ItemSelector": anything, "Parameters": anything, "MaxConcurrency": _COUNT, "MaxConcurrencyPath": text,
            "ToleratedFailureCount": _COUNT, "ToleratedFailureCountPath": text,
            "ToleratedFailurePercentage": _PERCENT, "ToleratedFailurePercentagePath": text},
}  # fmt: skip
"""Type -> the fields of a JSONPath state."""

JSONATA: Final[Mapping[str, Fields]] = {
    "Pass": {**_EVERY, **_ONWARD, **_OUTPUT, **_ASSIGN},
    "Task": {**_EVERY, **_ONWARD, **_OUTPUT, **_ASSIGN, **_HANDLING, "Resource": text, "Arguments": anything,
             "TimeoutSeconds": or_query(_SECONDS), "HeartbeatSeconds": or_query(_SECONDS),
             "Credentials": or_query(mapping)},
    "Choice": {**_EVERY, **_OUTPUT, **_ASSIGN, "Choices": full_array, "Default": text},
    "Wait": {**_EVERY, **_ONWARD, **_OUTPUT, **_ASSIGN, "Seconds": or_query(integer(0)),
             "Timestamp": text},
    "Succeed": {**_EVERY, **_OUTPUT},
    "Fail": {**_EVERY, "Error": text, "Cause": text},
    "Parallel": {**_EVERY, **_ONWARD, **_OUTPUT, **_ASSIGN, **_HANDLING, "Branches": full_array,
                 "Arguments": anything},
    "Map": {**_EVERY, **_ONWARD, **_OUTPUT, **_ASSIGN, **_HANDLING, **_MAP, "Items": anything,
            "ItemSelector": anything, "MaxConcurrency": or_query(_COUNT),
            "ToleratedFailureCount": or_query(_COUNT), "ToleratedFailurePercentage": or_query(_PERCENT)},
}  # fmt: skip
"""Type -> the fields of a JSONata state."""

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "Task": ("Resource",),
    "Choice": ("Choices",),
    "Parallel": ("Branches",),
}

EXCLUSIVE: Final[tuple[tuple[str, str], ...]] = (
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("ItemProcessor", "Iterator"),
    ("ItemSelector", "Parameters"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
)
"""Fields of which a state may have one."""

DISTRIBUTED_ONLY: Final = ("ItemReader", "ItemBatcher", "ResultWriter", "Label")

MACHINE: Final[Fields] = {
    "StartAt": text,
    "States": mapping,
    "Comment": comment,
    "Version": text,
    "QueryLanguage": one_of("JSONPath", "JSONata"),
    "TimeoutSeconds": integer(1),
}
BRANCH: Final[Fields] = {"StartAt": text, "States": mapping, "Comment": comment}
PROCESSOR: Final[Fields] = {**BRANCH, "ProcessorConfig": mapping}

RETRIER: Final[Fields] = {
    "ErrorEquals": full_array,
    "IntervalSeconds": integer(0),
    "MaxAttempts": integer(0),
    "BackoffRate": number(1, float("inf")),
    "MaxDelaySeconds": integer(1, 31_622_400),
    "JitterStrategy": one_of("FULL", "NONE"),
    "Comment": comment,
}
_CATCHER: Final[Fields] = {"ErrorEquals": full_array, "Next": text, "Comment": comment, "Assign": mapping}
CATCHER: Final[Mapping[str, Fields]] = {
    "JSONPath": {**_CATCHER, "ResultPath": nullable_text},
    "JSONata": {**_CATCHER, "Output": anything},
}
JSONATA_RULE: Final[Fields] = {
    "Condition": or_query(boolean),
    "Next": text,
    "Assign": mapping,
    "Output": anything,
    "Comment": comment,
}


def _operator_shapes() -> Iterator[tuple[str, Shape]]:
    for name in OPERATORS:
        literal = name in COMPARISONS
        if name in TESTS or name in ("IsPresent", "BooleanEquals"):
            yield name, boolean
        elif literal and name.startswith("Numeric"):
            yield name, number(float("-inf"), float("inf"))
        else:
            yield name, text


JSONPATH_RULE: Final[Fields] = {
    "Variable": text,
    "Comment": comment,
    "And": full_array,
    "Or": full_array,
    "Not": mapping,
    **dict(_operator_shapes()),
}
"""The fields of a rule inside And, Or and Not; an outer rule has Next and Assign too."""

RULE_KINDS: Final = (*OPERATORS, *COMBINATORS)
