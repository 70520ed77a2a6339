"""The fields of a Map, inline and distributed (asl.md 7.1 to 7.5).

Rule: what makes a Map distributed is decided here once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from statelang.compiler import fields
from statelang.compiler.distributed import distributed
from statelang.compiler.findings import Findings, Place
from statelang.compiler.problems import INVALID_LABEL
from statelang.compiler.resources import check_object
from statelang.compiler.substitutions import Open
from statelang.language import paths
from statelang.language.templates import (
    compile_jsonata_integer,
    compile_jsonata_items,
    compile_jsonata_percentage,
    is_query,
)
from statelang.program import Expression, QueryLanguage, States
from statelang.values import Json

if TYPE_CHECKING:
    from statelang.compiler.build import Builder

Given = Mapping[str, Json]

_LABEL: Final = re.compile(r"[\s?*<>{}\[\]\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff]")
LONGEST_LABEL: Final = 40


def map_fields(builder: Builder, state: Given, place: Place, language: QueryLanguage) -> dict[str, Any]:
    """What a Map has beyond other states."""
    findings = builder.findings
    processor, at = _processor(builder, state, place)
    _check_parts(state, place, language, findings)
    config = _distributed(state, processor, at, findings)
    made: dict[str, Any] = {
        "processor": States("", {}) if processor is None else builder.states(processor, at),
        "distributed": None if config is None else distributed(builder, state, config, place, language),
        "max_concurrency": _limit(builder, state, place, "MaxConcurrency", language),
        "tolerated_failure_count": _limit(builder, state, place, "ToleratedFailureCount", language),
        "tolerated_failure_percentage": _percentage(builder, state, place, language),
    }
    if isinstance(state.get("ItemsPath"), str) and state["ItemsPath"] != "$":
        path = state["ItemsPath"]
        made["items"] = findings.compiled(lambda: paths.compile_items_path(path), place / "ItemsPath")
    if "Items" in state and language == "JSONata":
        made["items"] = _items(builder, state["Items"], place / "Items")
    for key in ("ItemSelector", "Parameters"):
        if key in state:
            at_key = place / key
            made["item_selector"] = (
                builder.query(state[key], at_key, key)
                if language == "JSONata"
                else builder.template(state[key], at_key)
            )
    return made


def _items(builder: Builder, value: Json, place: Place) -> Expression | None:
    if not is_query(value) and not isinstance(value, (list, dict)):
        builder.findings.say("Expected value of type Array", place)
        return None
    return builder.findings.compiled(lambda: compile_jsonata_items(value), place)


def _processor(builder: Builder, state: Given, place: Place) -> tuple[Given | None, Place]:
    key = "ItemProcessor" if "ItemProcessor" in state or "Iterator" not in state else "Iterator"
    at, value = place / key, state.get(key)
    if not isinstance(value, dict):
        if key not in state:
            builder.findings.required(state, ("ItemProcessor",), place)
        return None, at
    good = builder.findings.fields(value, fields.PROCESSOR, at)
    builder.findings.required(value, ("States", "StartAt"), at)
    return good, at


def _distributed(state: Given, processor: Given | None, at: Place, findings: Findings) -> Given | None:
    """The ProcessorConfig of a Distributed Map; None for an inline one."""
    config = (processor or {}).get("ProcessorConfig")
    config = config if isinstance(config, dict) else {}
    mode, kind = config.get("Mode", "INLINE"), config.get("ExecutionType")
    place = at / "ProcessorConfig"
    findings.fields(config, fields.PROCESSOR_CONFIG, place)
    if mode != "DISTRIBUTED":
        if kind is not None and not findings.open(mode):
            findings.say("'ExecutionType' needs a Map of mode DISTRIBUTED", place / "ExecutionType", on_key=True)
        return None
    if kind is None:
        findings.required(config, ("ExecutionType",), place)
    parent = Place(str(at).rpartition("/")[0], at.location.rpartition("/")[0])
    _check_label(state.get("Label"), parent / "Label", findings)
    return config


def _check_label(label: Json, place: Place, findings: Findings) -> None:
    if not isinstance(label, str) or isinstance(label, Open):
        return
    if not 1 <= len(label) <= LONGEST_LABEL:
        findings.say(f"Label must be between 1 and {LONGEST_LABEL} characters", place, code=INVALID_LABEL)
    found = _LABEL.search(label)
    if found is not None:
        findings.say(f"Label contains invalid character {found[0]!r}", place, code=INVALID_LABEL)


_MAXIMA: Final = ("MaxItemsPerBatch", "MaxInputBytesPerBatch")


def _check_parts(state: Given, place: Place, language: QueryLanguage, findings: Findings) -> None:
    """The fields of ItemReader, ItemBatcher and ResultWriter."""
    for key, tables in (
        ("ItemReader", fields.READER),
        ("ItemBatcher", fields.BATCHER),
        ("ResultWriter", fields.WRITER),
    ):
        value, at = state.get(key), place / key
        if isinstance(value, dict) and not findings.open(value):
            findings.fields(value, tables[language], at)
            _CHECKS[key](value, at, language, findings)


def _reader(reader: Given, place: Place, language: QueryLanguage, findings: Findings) -> None:
    findings.required(reader, ("Resource",), place)
    check_object(reader.get("Resource"), ("getObject", "listObjectsV2"), place / "Resource", findings)
    config = reader.get("ReaderConfig")
    if isinstance(config, dict):
        at = place / "ReaderConfig"
        findings.fields(config, fields.READER_CONFIG[language], at)
        _only_one(config, "MaxItems", at, findings)


def _batcher(batcher: Given, place: Place, language: QueryLanguage, findings: Findings) -> None:
    for name in _MAXIMA:
        _only_one(batcher, name, place, findings)
    if not any(key.startswith(_MAXIMA) for key in batcher):
        findings.say(f"ItemBatcher needs one of [{', '.join(_MAXIMA)}]", place)


def _writer(writer: Given, place: Place, language: QueryLanguage, findings: Findings) -> None:
    config = writer.get("WriterConfig")
    check_object(writer.get("Resource"), ("putObject",), place / "Resource", findings)
    if not writer:
        findings.say("Value cannot be empty", place)
    elif "Resource" not in writer and "WriterConfig" not in writer:
        findings.required(writer, ("Resource",), place)
    if isinstance(config, dict):
        findings.fields(config, fields.WRITER_CONFIG, place / "WriterConfig")
        findings.required(config, ("OutputType",), place / "WriterConfig")


def _only_one(value: Given, name: str, place: Place, findings: Findings) -> None:
    if name in value and f"{name}Path" in value:
        findings.say(f"You cannot specify both '{name}' and '{name}Path'", place)


_CHECKS: Final[Mapping[str, Callable[[Given, Place, QueryLanguage, Findings], None]]] = {
    "ItemReader": _reader,
    "ItemBatcher": _batcher,
    "ResultWriter": _writer,
}


def _limit(builder: Builder, state: Given, place: Place, field: str, language: QueryLanguage) -> Expression | None:
    path = f"{field}Path"
    if isinstance(state.get(path), str) and language == "JSONPath":
        return builder.findings.compiled(lambda: paths.compile_integer_path(state[path], field=path), place / path)
    value = state.get(field)
    if is_query(value):
        return builder.findings.compiled(lambda: compile_jsonata_integer(value, location=field, least=0), place / field)
    return None if value is None else lambda scope: value


def _percentage(builder: Builder, state: Given, place: Place, language: QueryLanguage) -> Expression | None:
    field, path = "ToleratedFailurePercentage", "ToleratedFailurePercentagePath"
    if isinstance(state.get(path), str) and language == "JSONPath":
        return builder.findings.compiled(lambda: paths.compile_percentage_path(state[path], field=path), place / path)
    value = state.get(field)
    if is_query(value):
        return builder.findings.compiled(lambda: compile_jsonata_percentage(value, location=field), place / field)
    return None if value is None else lambda scope: value
