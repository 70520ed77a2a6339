"""Which fields a state may have, by type and query language, and of which shape each value must be (asl.md 1.2, 1.3).

Rule: what is allowed is a row of a table here; what a field means when it runs is in `build`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final

from statelang.language.comparisons import COMBINATORS, COMPARISONS, OPERATORS, TESTS
from statelang.language.templates import is_query
from statelang.language.timestamps import parse_timestamp
from statelang.values import Json

TYPES: Final = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
"""The eight types, in the order in which AWS names them."""

LONGEST: Final = 99_999_999
"""Seconds that a time-out, a Wait or a retry's interval may have at the most."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value may be: `wrong` says what is wrong with one, in AWS's words, or nothing; `schema` says it as JSON
    Schema. Called, a shape judges a value.
    """

    wrong: Callable[[Json], str | None]
    schema: Mapping[str, Json]

    def __call__(self, value: Json) -> str | None:
        return self.wrong(value)


def _of_type(name: str, check: Callable[[Json], bool], schema: Mapping[str, Json]) -> Shape:
    return Shape(lambda value: None if check(value) else f"Expected value of type {name}", schema)


text: Final = _of_type("String", lambda value: isinstance(value, str), {"type": "string"})
boolean: Final = _of_type("Boolean", lambda value: isinstance(value, bool), {"type": "boolean"})
mapping: Final = _of_type("Object", lambda value: isinstance(value, dict), {"type": "object"})
array: Final = _of_type("Array", lambda value: isinstance(value, list), {"type": "array"})
full_array: Final = Shape(
    lambda value: array(value) or (None if value else "Value cannot be empty"), {"type": "array", "minItems": 1}
)
anything: Final = Shape(lambda value: None, {})
NO_TIMESTAMP: Final = "String does not match RFC3339 timestamp"
timestamp: Final = Shape(
    lambda value: text(value) or (None if parse_timestamp(value) is not None else NO_TIMESTAMP), text.schema
)
nullable_text: Final = Shape(lambda value: None if value is None else text(value), {"type": ["string", "null"]})
comment: Final = nullable_text
"""A Comment may be null: seen in definitions that AWS takes."""


def integer(least: int, most: int = LONGEST) -> Shape:
    """A whole number within bounds."""

    def wrong(value: Json) -> str | None:
        if type(value) is not int:
            return "Expected value of type Integer"
        if not least <= value <= most:
            return f"The value must be between {least} and {most}"
        return None

    return Shape(wrong, {"type": "integer", "minimum": least, "maximum": most})


def number(least: float, most: float) -> Shape:
    """A number within bounds."""

    def wrong(value: Json) -> str | None:
        if type(value) not in (int, float):
            return "Expected value of type Number"
        bounds = f"between {least:g} and {most:g}" if isfinite(most) else f"at least {least:g}"
        return None if least <= value <= most else f"The value must be {bounds}"

    ends = {"minimum": least, "maximum": most}
    return Shape(wrong, {"type": "number", **{key: end for key, end in ends.items() if isfinite(end)}})


def one_of(*values: str) -> Shape:
    """One of a few texts."""

    def wrong(value: Json) -> str | None:
        return None if value in values else f"The field should have one of these values: [{', '.join(values)}]"

    return Shape(wrong, {"enum": list(values)})


def or_query(shape: Shape) -> Shape:
    """A JSONata expression, or a literal of this shape."""
    schema = {"anyOf": [shape.schema, {"$ref": "#/$defs/Expression"}]}
    return Shape(lambda value: None if is_query(value) else shape(value), schema)


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
PROCESSOR_CONFIG: Final[Fields] = {
    "Mode": one_of("INLINE", "DISTRIBUTED"),
    "ExecutionType": one_of("STANDARD", "EXPRESS"),
}
CREDENTIALS: Final[Mapping[str, Fields]] = {
    "JSONPath": {"RoleArn": text, "RoleArn.$": text},
    "JSONata": {"RoleArn": text},
}

_MAX_ITEMS: Final = _of_type("Integer", lambda value: type(value) is int, {"type": "integer"})
"""AWS takes any when a machine is created: -1 fails when items are read, 100,000,001 is 100,000,000 (both recorded)."""

_READER: Final[Fields] = {"Resource": text, "ReaderConfig": mapping}
READER: Final[Mapping[str, Fields]] = {
    "JSONPath": {**_READER, "Parameters": mapping},
    "JSONata": {**_READER, "Arguments": or_query(mapping)},
}
_READER_CONFIG: Final[Fields] = {
    "InputType": one_of("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"),
    "CSVHeaderLocation": one_of("FIRST_ROW", "GIVEN"),
    "CSVHeaders": array,
    "CSVDelimiter": one_of("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"),
    "ItemsPointer": text,
    "Transformation": one_of("NONE", "LOAD_AND_FLATTEN"),
    "ManifestType": one_of("S3_INVENTORY", "ATHENA_DATA"),
}
READER_CONFIG: Final[Mapping[str, Fields]] = {
    "JSONPath": {**_READER_CONFIG, "MaxItems": _MAX_ITEMS, "MaxItemsPath": text},
    "JSONata": {**_READER_CONFIG, "MaxItems": or_query(_MAX_ITEMS)},
}
BATCHER: Final[Mapping[str, Fields]] = {
    "JSONPath": {
        "MaxItemsPerBatch": integer(1),
        "MaxItemsPerBatchPath": text,
        "MaxInputBytesPerBatch": integer(1),
        "MaxInputBytesPerBatchPath": text,
        "BatchInput": anything,
    },
    "JSONata": {
        "MaxItemsPerBatch": or_query(integer(1)),
        "MaxInputBytesPerBatch": or_query(integer(1)),
        "BatchInput": anything,
    },
}
_WRITER: Final[Fields] = {"Resource": text, "WriterConfig": mapping}
WRITER: Final[Mapping[str, Fields]] = {
    "JSONPath": {**_WRITER, "Parameters": mapping},
    "JSONata": {**_WRITER, "Arguments": or_query(mapping)},
}
WRITER_CONFIG: Final[Fields] = {
    "Transformation": one_of("NONE", "COMPACT", "FLATTEN"),
    "OutputType": one_of("JSON", "JSONL"),
}

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
        elif literal and name.startswith("Timestamp"):
            yield name, timestamp
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
