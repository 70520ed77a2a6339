"""Maps: what only a distributed one can do, and readers that do not fit what they read (asl.md 7).

Rule: which fields a Map and its parts may have at all is in `fields`; here they are legal, and do not fit together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from statelang.compiler.fields import DISTRIBUTED_ONLY
from statelang.compiler.findings import Place
from statelang.compiler.problems import DUPLICATE_LABEL, INVALID_LABEL
from statelang.compiler.rules.rule import Found, Rule, machine, one, state
from statelang.compiler.scopes import Given, Scope, StateAt
from statelang.compiler.substitutions import is_open

MOST_AT_ONCE: Final = 40
"""How many iterations of an inline Map AWS runs at once."""

_TOLERANCE: Final = (
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
)


def _mode(at: StateAt) -> str | None:
    """INLINE or DISTRIBUTED; None where a placeholder hides it, or where this is no Map."""
    processor = at.value.get("ItemProcessor", at.value.get("Iterator"))
    config = processor.get("ProcessorConfig", {}) if isinstance(processor, dict) else {}
    mode = config.get("Mode", "INLINE") if isinstance(config, dict) else "INLINE"
    return None if at.kind != "Map" or is_open(mode) or not isinstance(mode, str) else mode


def needs_distributed(at: StateAt) -> Iterator[Found]:
    """Reading, batching, writing and tolerating are what a Distributed Map does."""
    if _mode(at) == "INLINE":
        for key in (*DISTRIBUTED_ONLY, *_TOLERANCE):
            if key in at.value:
                message = f"'{key}' needs a Map of mode DISTRIBUTED, and does nothing here"
                yield Found(message, at.place / key, "set ItemProcessor.ProcessorConfig.Mode", on_key=True)


def too_many_at_once(at: StateAt) -> Iterator[Found]:
    """AWS runs at most 40 iterations of an inline Map at once."""
    most = at.value.get("MaxConcurrency")
    if _mode(at) == "INLINE" and type(most) is int and most > MOST_AT_ONCE:
        message = f"AWS runs at most {MOST_AT_ONCE} iterations of an inline Map at once"
        yield Found(message, at.place / "MaxConcurrency")


def ignored_items(at: StateAt) -> Iterator[Found]:
    """With an ItemReader the items come from there."""
    if _mode(at) == "DISTRIBUTED" and "ItemReader" in at.value:
        for key in ("ItemsPath", "Items"):
            if key in at.value:
                yield Found(f"'{key}' is ignored: the items come from ItemReader", at.place / key, on_key=True)


def distributed_express(at: StateAt) -> Iterator[Found]:
    """An EXPRESS machine has no Distributed Map."""
    if _mode(at) == "DISTRIBUTED":
        yield Found("Express state machine does not support a Distributed Map", at.place, on_key=True)


def reader_fits(at: StateAt) -> Iterator[Found]:
    """The configuration of a reader fits what is read."""
    reader = at.value.get("ItemReader")
    if _mode(at) != "DISTRIBUTED" or not isinstance(reader, dict):
        return
    config = reader.get("ReaderConfig", {})
    if isinstance(config, dict):
        yield from _reader(str(reader.get("Resource")), config, at.place / "ItemReader" / "ReaderConfig")


def _reader(resource: str, config: Given, place: Place) -> Iterator[Found]:
    kind, headers = config.get("InputType"), config.get("CSVHeaderLocation")
    loads = config.get("Transformation") == "LOAD_AND_FLATTEN"
    lists = resource.endswith(":s3:listObjectsV2")
    if resource.endswith(":s3:getObject") and kind is None and "ManifestType" not in config:
        yield Found("Reading an object needs InputType", place, "JSON, JSONL, CSV or PARQUET")
    if config.get("ManifestType") == "S3_INVENTORY" and kind is not None:
        yield Found("An S3 inventory says itself what its files are: it has no InputType", place / "InputType")
    if config.get("ManifestType") == "ATHENA_DATA" and kind is None:
        yield Found("Athena's manifest needs InputType", place, "JSONL, CSV or PARQUET")
    if lists and loads and kind is None:
        yield Found("LOAD_AND_FLATTEN needs InputType", place)
    if lists and not loads and kind is not None:
        yield Found(
            "A list of objects has no InputType, unless Transformation is LOAD_AND_FLATTEN", place / "InputType"
        )
    if kind == "CSV" and headers is None and "ManifestType" not in config:
        yield Found("CSV needs CSVHeaderLocation", place, "FIRST_ROW or GIVEN")
    if headers == "GIVEN" and "CSVHeaders" not in config:
        yield Found("CSVHeaderLocation GIVEN needs CSVHeaders", place / "CSVHeaderLocation")
    for key in ("CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"):
        if key in config and isinstance(kind, str) and kind != "CSV" and not is_open(kind):
            yield Found(f"'{key}' is for InputType CSV, not {kind}", place / key, on_key=True)


def duplicate_labels(scope: Scope) -> Iterator[Found]:
    """Labels are unique in the whole machine."""
    for name, value in scope.states.items():
        label = value.get("Label")
        if isinstance(label, str) and not is_open(label):
            if label in scope.labels:
                yield Found(f"The label '{label}' is used more than once", scope.place_of(name) / "Label")
            scope.labels.add(label)


_WORK: Final = machine({"Item": state("Pass")})
_CHILDREN: Final = {**_WORK, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}


def _map(**fields: Any) -> dict[str, Any]:
    return one("Map", **{"ItemProcessor": _CHILDREN, **fields})


def _labelled(first: str, second: str) -> dict[str, Any]:
    children = {**machine({"Other": state("Pass")}), "ProcessorConfig": _CHILDREN["ProcessorConfig"]}
    return machine({
        "First": state("Map", ItemProcessor=_CHILDREN, Label=first, Next="Second"),
        "Second": state("Map", ItemProcessor=children, Label=second),
    })  # fmt: skip


def _csv(**config: str) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "Parameters": {"Bucket": "orders", "Key": "orders.csv"},
        "ReaderConfig": {"InputType": "CSV", **config},
    }


ROWS: Final = (
    Rule(
        INVALID_LABEL,
        "ERROR",
        "A Label becomes a part of names: 1 to 40 characters, no white space, brackets, wildcards or signs.",
        _map(Label="all orders"),
        _map(Label="all-orders"),
    ),
    Rule(
        DUPLICATE_LABEL,
        "ERROR",
        "The Labels of a machine's Maps differ, as the runs are named after them.",
        _labelled("orders", "orders"),
        _labelled("orders", "returns"),
        scope=duplicate_labels,
    ),
    Rule(
        "SL060",
        "WARNING",
        "ItemReader, ItemBatcher, ResultWriter, Label and the tolerated failures belong to a Distributed Map. An "
        "inline one, which is the default, pays no attention to them.",
        _map(ItemProcessor=_WORK, Label="orders"),
        _map(Label="orders"),
        state=needs_distributed,
    ),
    Rule(
        "SL061",
        "WARNING",
        "What ReaderConfig says does not fit the kind of data or the Resource.",
        _map(ItemReader=_csv()),
        _map(ItemReader=_csv(CSVHeaderLocation="FIRST_ROW")),
        state=reader_fits,
    ),
    Rule(
        "SL062",
        "INFO",
        "AWS runs at most 40 iterations of an inline Map at once, whatever MaxConcurrency says.",
        _map(ItemProcessor=_WORK, MaxConcurrency=100),
        _map(ItemProcessor=_WORK, MaxConcurrency=40),
        state=too_many_at_once,
    ),
    Rule(
        "SL063",
        "WARNING",
        "With an ItemReader the items come from there, and ItemsPath (or Items) is ignored.",
        _map(ItemReader=_csv(CSVHeaderLocation="FIRST_ROW"), ItemsPath="$.orders"),
        _map(ItemsPath="$.orders"),
        state=ignored_items,
    ),
    Rule(
        "SL064",
        "ERROR",
        "A Distributed Map needs a STANDARD machine.",
        _map(),
        _map(ItemProcessor=_WORK),
        state=distributed_express,
        type="EXPRESS",
    ),
)
"""The rows of this subject."""
