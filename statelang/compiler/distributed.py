"""The fields that only a Distributed Map has, compiled: ItemReader, ItemBatcher, ResultWriter (asl.md 7.3 to 7.5).

Rule: both query languages come to the same object: what is written `XPath` or `X.$` comes out as `X`, and Parameters
as Arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from statelang.compiler.findings import Place
from statelang.language import paths
from statelang.language.scope import Scope
from statelang.language.templates import compile_dynamic
from statelang.program import Distributed, Expression, QueryLanguage
from statelang.values import Json

if TYPE_CHECKING:
    from statelang.compiler.build import Builder

Given = Mapping[str, Json]
Compile = Callable[["Builder", Given, Place], Expression | None]


def distributed(builder: Builder, state: Given, config: Given, place: Place, language: QueryLanguage) -> Distributed:
    """What is distributed about a Map; `config` is its ProcessorConfig."""
    label = state.get("Label")
    made: dict[str, Any] = {}
    for key, field, compile in (
        ("ItemReader", "reader", _reader),
        ("ItemBatcher", "batcher", _batcher),
        ("ResultWriter", "writer", _writer),
    ):
        value = state.get(key)
        if isinstance(value, dict) and value:
            at = place / key
            made[field] = builder.query(value, at, key) if language == "JSONata" else compile(builder, value, at)
    return Distributed(
        express=config.get("ExecutionType") == "EXPRESS", label=label if isinstance(label, str) else None, **made
    )


def _reader(builder: Builder, given: Given, place: Place) -> Expression | None:
    return _joined(
        builder,
        given,
        place,
        Parameters=("Arguments", _template),
        ReaderConfig=("ReaderConfig", _config),
    )


def _batcher(builder: Builder, given: Given, place: Place) -> Expression | None:
    return _joined(
        builder,
        given,
        place,
        BatchInput=("BatchInput", _template),
        MaxItemsPerBatchPath=("MaxItemsPerBatch", _integer),
        MaxInputBytesPerBatchPath=("MaxInputBytesPerBatch", _integer),
    )


def _writer(builder: Builder, given: Given, place: Place) -> Expression | None:
    return _joined(builder, given, place, Parameters=("Arguments", _template))


def _config(builder: Builder, value: Json, place: Place, key: str) -> Expression | None:
    return _joined(builder, value, place, MaxItemsPath=("MaxItems", _value)) if isinstance(value, dict) else None


def _template(builder: Builder, value: Json, place: Place, key: str) -> Expression | None:
    return builder.template(value, place)


def _integer(builder: Builder, value: Json, place: Place, key: str) -> Expression | None:
    return builder.findings.compiled(lambda: paths.compile_integer_path(value, field=key), place)


def _value(builder: Builder, value: Json, place: Place, key: str) -> Expression | None:
    return builder.findings.compiled(lambda: compile_dynamic(value, field=key), place)


def _joined(builder: Builder, given: Given, place: Place, **rows: tuple[str, Callable[..., Any]]) -> Expression | None:
    """An object whose fields named in `rows` are computed and come out under another name; the others are constant."""
    constant = {key: value for key, value in given.items() if key not in rows}
    computed = []
    for key, (name, compile) in rows.items():
        if key in given:
            expression = compile(builder, given[key], place / key, key)
            if expression is None:
                return None
            computed.append((name, expression))

    def evaluate(scope: Scope) -> Json:
        return {**constant, **{name: expression(scope) for name, expression in computed}}

    return evaluate
