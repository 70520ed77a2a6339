"""The fields that only a Distributed Map has, compiled: ItemReader, ItemBatcher, ResultWriter (asl.md 7.3 to 7.5).

Rule: both query languages come to the same object: what is written `XPath` or `X.$` comes out as `X`, and Parameters
as Arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from statelang.compiler.findings import Place
from statelang.language import paths
from statelang.language.scope import Scope
from statelang.language.templates import compile_jsonata_field, compile_jsonata_integer, is_query
from statelang.program import Distributed, Expression, QueryLanguage
from statelang.values import Json

if TYPE_CHECKING:
    from statelang.compiler.build import Builder

Given = Mapping[str, Json]
Compile = Callable[["Builder", Any, Place, str], Expression | None]
Rows = Mapping[str, tuple[str, Compile]]


def distributed(builder: Builder, state: Given, config: Given, place: Place, language: QueryLanguage) -> Distributed:
    """What is distributed about a Map; `config` is its ProcessorConfig."""
    label = state.get("Label")
    made: dict[str, Any] = {}
    for key, field in (("ItemReader", "reader"), ("ItemBatcher", "batcher"), ("ResultWriter", "writer")):
        value = state.get(key)
        if isinstance(value, dict) and value:
            made[field] = _joined(builder, value, place / key, _ROWS[language][key], key)
    return Distributed(
        express=config.get("ExecutionType") == "EXPRESS", label=label if isinstance(label, str) else None, **made
    )


def _template(builder: Builder, value: Json, place: Place, location: str) -> Expression | None:
    return builder.template(value, place)


def _query(builder: Builder, value: Json, place: Place, location: str) -> Expression | None:
    return builder.query(value, place, location)


def _query_object(builder: Builder, value: Json, place: Place, location: str) -> Expression | None:
    if not is_query(value):
        return builder.query(value, place, location)
    return builder.findings.compiled(lambda: compile_jsonata_field(value, location=location, expected="object"), place)


def _path(least: int | None) -> Compile:
    """A path to a whole number of at least `least`."""

    def compile(builder: Builder, value: Json, place: Place, location: str) -> Expression | None:
        field = location.rpartition("/")[2]
        return builder.findings.compiled(lambda: paths.compile_integer_path(value, field=field, least=least), place)

    return compile


def _integer(least: int | None) -> Compile:
    """A JSONata expression for a whole number of at least `least`, or a literal."""

    def compile(builder: Builder, value: Json, place: Place, location: str) -> Expression | None:
        return builder.findings.compiled(lambda: compile_jsonata_integer(value, location=location, least=least), place)

    return compile


def _config(rows: Rows) -> Compile:
    """ReaderConfig, with the rows of its own."""

    def compile(builder: Builder, value: Json, place: Place, location: str) -> Expression | None:
        return _joined(builder, value, place, rows, location) if isinstance(value, dict) else None

    return compile


_ROWS: Final[Mapping[QueryLanguage, Mapping[str, Rows]]] = {
    "JSONPath": {
        "ItemReader": {
            "Parameters": ("Arguments", _template),
            "ReaderConfig": ("ReaderConfig", _config({"MaxItemsPath": ("MaxItems", _path(None))})),
        },
        "ItemBatcher": {
            "BatchInput": ("BatchInput", _template),
            "MaxItemsPerBatchPath": ("MaxItemsPerBatch", _path(1)),
            "MaxInputBytesPerBatchPath": ("MaxInputBytesPerBatch", _path(1)),
        },
        "ResultWriter": {"Parameters": ("Arguments", _template)},
    },
    "JSONata": {
        "ItemReader": {
            "Arguments": ("Arguments", _query_object),
            "ReaderConfig": ("ReaderConfig", _config({"MaxItems": ("MaxItems", _integer(None))})),
        },
        "ItemBatcher": {
            "BatchInput": ("BatchInput", _query),
            "MaxItemsPerBatch": ("MaxItemsPerBatch", _integer(1)),
            "MaxInputBytesPerBatch": ("MaxInputBytesPerBatch", _integer(1)),
        },
        "ResultWriter": {"Arguments": ("Arguments", _query_object)},
    },
}
"""What is computed in each field: as it is written -> the name it comes out under, and what compiles it.

A MaxItems that is negative is for who reads the items to refuse (recorded: States.ItemReaderFailed).
"""


def _joined(builder: Builder, given: Given, place: Place, rows: Rows, location: str) -> Expression | None:
    """An object whose fields named in `rows` are computed and come out under another name; the others are constant."""
    constant = {key: value for key, value in given.items() if key not in rows}
    computed = []
    for key, (name, compile) in rows.items():
        if key in given:
            expression = compile(builder, given[key], place / key, f"{location}/{key}")
            if expression is None:
                return None
            computed.append((name, expression))

    def evaluate(scope: Scope) -> Json:
        return {**constant, **{name: expression(scope) for name, expression in computed}}

    return evaluate
