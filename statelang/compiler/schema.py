"""The JSON Schema (2020-12) of a definition, made from the tables of `fields`.

Rule: what a schema can say is said once, in `fields`; `schemas/asl.schema.json` is what this makes (a test holds them
together: `python -m statelang.compiler.schema > schemas/asl.schema.json`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from statelang.compiler import fields
from statelang.compiler.descriptions import description
from statelang.compiler.fields import Fields
from statelang.compiler.substitutions import is_function
from statelang.language.comparisons import COMBINATORS, OPERATORS
from statelang.values import Json

Schema = dict[str, Any]

LANGUAGES: Final = ("JSONPath", "JSONata")
WAITS: Final = {
    "JSONPath": ("Seconds", "SecondsPath", "Timestamp", "TimestampPath"),
    "JSONata": ("Seconds", "Timestamp"),
}

_OPEN: Final[Schema] = {"$ref": "#/$defs/Placeholder"}


class Stray(NamedTuple):
    """What the schema does not take: the way to it, and the schema's own words."""

    path: tuple[str | int, ...]
    message: str


def strays(value: Json) -> Iterator[Stray]:
    """What the schema has against a definition; nothing where the library `jsonschema` is not installed."""
    try:
        errors = list(_validator().iter_errors(_spelled(value)))
    except (
        ImportError,
        RecursionError,
    ):  # jsonschema follows nesting by recursion; what it cannot is left to the rules
        return
    for error in errors:
        yield Stray(tuple(error.absolute_path), error.message)


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(definition())


def _spelled(value: Json) -> Json:
    """A definition in which CloudFormation's functions are placeholders."""
    if is_function(value):
        return "${Function}"
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    return [_spelled(item) for item in value] if isinstance(value, list) else value


def definition() -> Schema:
    """The whole schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:statelang:asl",
        "title": "Amazon States Language",
        "description": "A state machine in the Amazon States Language, with JSONPath or JSONata.",
        **_object(fields.MACHINE, required=("StartAt", "States"), inside={"States": {"type": "object"}}),
        "if": _says("QueryLanguage", "JSONata"),
        "then": {"properties": {"States": _ref("JSONataStates")}},
        "else": {"properties": {"States": _ref("States")}},
        "$defs": dict(_definitions()),
    }


def _definitions() -> Iterable[tuple[str, Schema]]:
    yield "Placeholder", {"type": "string", "pattern": r"^(\$\{.+\}|__\w+__)$"}
    yield "Expression", {"type": "string", "pattern": r"^\{%[\s\S]*%\}$"}
    yield "Errors", {"type": "array", "minItems": 1, "items": {"type": "string"}}
    yield "States", _states("State")
    yield "JSONataStates", _states("JSONataState")
    yield (
        "State",
        {
            "if": _says("QueryLanguage", "JSONata"),
            "then": _by_type("JSONata", "States"),
            "else": _by_type("JSONPath", "States"),
        },
    )
    yield (
        "JSONataState",
        {
            "allOf": [
                {"properties": {"QueryLanguage": _open_or({"enum": ["JSONata"]})}},
                _by_type("JSONata", "JSONataStates"),
            ]
        },
    )
    for states in ("States", "JSONataStates"):
        yield (
            f"{states}.Branch",
            _object(fields.BRANCH, required=("StartAt", "States"), inside={"States": _ref(states)}),
        )
        inside = {"States": _ref(states), "ProcessorConfig": _ref("ProcessorConfig")}
        yield f"{states}.Processor", _object(fields.PROCESSOR, required=("StartAt", "States"), inside=inside)
    yield "ProcessorConfig", _object(fields.PROCESSOR_CONFIG)
    yield "Retrier", _object(fields.RETRIER, required=("ErrorEquals",), inside={"ErrorEquals": _ref("Errors")})
    yield "Rule", _jsonpath_rule(outer=True)
    yield "InnerRule", _jsonpath_rule(outer=False)
    yield "JSONataRule", _object(fields.JSONATA_RULE, required=("Condition", "Next"))
    for language in LANGUAGES:
        yield from _of_language(language)


def _of_language(language: str) -> Iterable[tuple[str, Schema]]:
    """The parts that differ by query language, and the states."""
    catcher = fields.CATCHER[language]
    yield (
        f"{language}.Catcher",
        _object(catcher, required=("ErrorEquals", "Next"), inside={"ErrorEquals": _ref("Errors")}),
    )
    yield (
        f"{language}.Credentials",
        {
            **_object(fields.CREDENTIALS[language]),
            "anyOf": [{"required": [name]} for name in fields.CREDENTIALS[language]],
        },
    )
    config = _object(fields.READER_CONFIG[language], apart=(("MaxItems", "MaxItemsPath"),))
    yield (
        f"{language}.ItemReader",
        _object(fields.READER[language], required=("Resource",), inside={"ReaderConfig": config}),
    )
    yield (
        f"{language}.ItemBatcher",
        {
            **_object(fields.BATCHER[language], apart=[(n, f"{n}Path") for n in _maxima(language, path=False)]),
            "anyOf": [{"required": [name]} for name in (*_maxima(language, path=False), *_maxima(language, path=True))],
        },
    )
    writer = _object(fields.WRITER_CONFIG, required=("OutputType",))
    yield (
        f"{language}.ResultWriter",
        {
            **_object(fields.WRITER[language], inside={"WriterConfig": writer}),
            "anyOf": [{"required": ["Resource"]}, {"required": ["WriterConfig"]}],
        },
    )
    for kind in fields.TYPES:
        if kind in ("Parallel", "Map"):
            for states in ("States", "JSONataStates") if language == "JSONata" else ("States",):
                yield f"{language}.{kind}.{states}", _state(kind, language, states)
        else:
            yield f"{language}.{kind}", _state(kind, language, "States")


def _maxima(language: str, *, path: bool) -> list[str]:
    return [name for name in fields.BATCHER[language] if name.startswith("Max") and name.endswith("Path") is path]


def _state(kind: str, language: str, states: str) -> Schema:
    """A state of one type."""
    table = (fields.JSONATA if language == "JSONata" else fields.JSONPATH)[kind]
    schema = _object(
        table,
        required=("Type", *fields.REQUIRED.get(kind, ())),
        apart=[pair for pair in fields.EXCLUSIVE if set(pair) <= set(table)],
        inside=_inside(language, states),
    )
    demands: list[Schema] = []
    if "Next" in table:
        ends = {"required": ["End"], "properties": {"End": {"anyOf": [{"const": True}, _OPEN]}}}
        demands.append({"oneOf": [{"required": ["Next"]}, ends]})
    if kind == "Wait":
        demands.append({"oneOf": [{"required": [name]} for name in WAITS[language]]})
    if kind == "Map":
        demands.append({"anyOf": [{"required": ["ItemProcessor"]}, {"required": ["Iterator"]}]})
    if demands:
        schema["allOf"] = [*schema.get("allOf", ()), *demands]
    return schema


def _inside(language: str, states: str) -> dict[str, Schema]:
    """The fields of a state that are made of parts."""
    rule = "JSONataRule" if language == "JSONata" else "Rule"
    parts: dict[str, Schema] = {
        "Retry": {"type": "array", "items": _open_or(_ref("Retrier"))},
        "Catch": {"type": "array", "items": _open_or(_ref(f"{language}.Catcher"))},
        "Choices": {"type": "array", "minItems": 1, "items": _open_or(_ref(rule))},
        "Branches": {"type": "array", "minItems": 1, "items": _open_or(_ref(f"{states}.Branch"))},
        "ItemProcessor": _ref(f"{states}.Processor"),
        "Iterator": _ref(f"{states}.Processor"),
        **{name: _ref(f"{language}.{name}") for name in ("ItemReader", "ItemBatcher", "ResultWriter")},
    }
    credentials = _ref(f"{language}.Credentials")
    if language == "JSONata":
        credentials = {"anyOf": [credentials, _ref("Expression")]}
    return {**parts, "Credentials": credentials}


def _jsonpath_rule(*, outer: bool) -> Schema:
    """One operator with its Variable, or And, Or, Not; an outer rule has Next and Assign."""
    table: Fields = fields.JSONPATH_RULE
    if outer:
        table = {**table, "Next": fields.text, "Assign": fields.mapping}
    several = {"type": "array", "minItems": 1, "items": _open_or(_ref("InnerRule"))}
    return {
        **_object(
            table, required=("Next",) if outer else (), inside={"And": several, "Or": several, "Not": _ref("InnerRule")}
        ),
        "oneOf": [
            *({"required": ["Variable", name]} for name in OPERATORS),
            *({"required": [name]} for name in COMBINATORS),
        ],
    }


def _object(
    table: Fields,
    *,
    required: Iterable[str] = (),
    apart: Iterable[tuple[str, str]] = (),
    inside: Mapping[str, Schema] | None = None,
) -> Schema:
    """An object with the fields of a table; `inside` says more of some, `apart` names pairs that exclude each other."""
    properties = {name: _property(name, shape.schema, inside or {}) for name, shape in table.items()}
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if list(required):
        schema["required"] = list(required)
    excluded = [{"not": {"required": list(pair)}} for pair in apart]
    return {**schema, **({"allOf": excluded} if excluded else {})}


def _property(name: str, shape: Mapping[str, Any], inside: Mapping[str, Schema]) -> Schema:
    if name == "Type":
        return {"description": description(name), "enum": list(fields.TYPES)}
    schema = dict(inside.get(name, shape))
    if schema.get("type") in ("string", ["string", "null"]) or not schema:
        return {"description": description(name), **schema}
    return {"description": description(name), **_open_or(schema)}


def _open_or(schema: Schema) -> Schema:
    """What a schema takes, or a placeholder for it."""
    several = schema.get("anyOf")
    return {"anyOf": [*several, _OPEN]} if several is not None and len(schema) == 1 else {"anyOf": [schema, _OPEN]}


def _states(state: str) -> Schema:
    name = {"minLength": 1, "maxLength": 80}
    return {"type": "object", "minProperties": 1, "propertyNames": name, "additionalProperties": _open_or(_ref(state))}


def _by_type(language: str, states: str) -> Schema:
    """A state whose Type chooses what else it has."""
    return {
        "type": "object",
        "required": ["Type"],
        "properties": {"Type": {"description": description("Type"), "enum": list(fields.TYPES)}},
        "allOf": [
            {"if": _says("Type", kind), "then": _ref(f"{language}.{kind}" + _suffix(kind, states))}
            for kind in fields.TYPES
        ],
    }


def _suffix(kind: str, states: str) -> str:
    return f".{states}" if kind in ("Parallel", "Map") else ""


def _says(field: str, value: str) -> Schema:
    return {"properties": {field: {"const": value}}, "required": [field]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


if __name__ == "__main__":
    print(json.dumps(definition(), indent=2, ensure_ascii=False))
