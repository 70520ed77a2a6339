"""What a definition reads: data that has every path it names, so that an execution gets as far as it can.

AWS's own results have shapes (see `answers`); the input, and what functions give, are the author's own.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, Final

from statelang.values import Json

_PATH: Final = re.compile(r"(?<![$\w])\$((?:\.[A-Za-z_][\w-]*|\[\d+\]|\[\*\]|\['[^']+'\])+)")
ITEM: Final = "an item of a Map"
_CONTEXT: Final = re.compile(r"\$\$\.(?:Execution\.Input|Map\.Item\.Value)((?:\.[A-Za-z_]\w*|\[\d+\])+)")
_JSONATA: Final = re.compile(r"\$states\.(?:input|result|context\.Execution\.Input)((?:\.[A-Za-z_]\w*|\[\d+\])+)")
_PART: Final = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+|\*)\]|\['([^']+)'\]")
_TEXT_OF_JSON: Final = re.compile(r"(?:StringToJson|\$parse)\(\s*\$(?:states\.(?:input|result))?((?:\.\w+)+)\s*\)")
_QUOTED: Final = re.compile(r"=\s*[\"']([\w -]+)[\"']")
_PLACEHOLDER: Final = re.compile(r"\$\{([^{}]*)\}|__\w+__")
_WHOLE: Final = re.compile(r"\$\{[^{}]*\}|__\w+__")
_FUNCTION: Final = re.compile(r"Ref|Fn::\w+")
NUMBERS: Final = (
    "Seconds",
    "TimeoutSeconds",
    "HeartbeatSeconds",
    "MaxConcurrency",
    "MaxAttempts",
    "IntervalSeconds",
    "BackoffRate",
    "MaxItemsPerBatch",
    "MaxItems",
    "ToleratedFailurePercentage",
    "ToleratedFailureCount",
    "NumericEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "AttemptDurationSeconds",
)
_NUMBERS: Final = re.compile(r"MathAdd\(\s*\$((?:\.\w+)+)|ArrayRange\(\s*\$((?:\.\w+)+)")
_ARRAYS: Final = re.compile(
    r"(?:ArrayLength|ArrayGetItem|ArrayContains|ArrayPartition|ArrayUnique|\$count|\$map|\$filter)"
    r"\(\s*\$(?:states\.(?:input|result))?((?:\.\w+)+)"
)


def wanted(definition: Json) -> dict[str, Any]:
    """An object that has what the definition reads."""
    root: dict[str, Any] = {}
    reads = sorted(_reads(definition), key=lambda read: read[1] == "text")
    for path, leaf in reads:
        _put(root, list(_parts(path)), leaf)
    item = copy.deepcopy({name: value for name, value in root.items() if not isinstance(value, list)})
    _fill(item, "text")
    _fill(root, item)
    return root


def _fill(value: Any, item: Json) -> None:
    """Have what a Map reads in the items of every list that it may go through."""
    if isinstance(value, dict):
        for inner in list(value.values()):
            _fill(inner, item)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            if one == ITEM:
                value[number] = item


def _reads(value: Json) -> Iterator[tuple[str, Any]]:
    """(path without the dollar, a fitting value) of everything that is read."""
    if isinstance(value, dict):
        yield from _fields(value)
        for item in value.values():
            yield from _reads(item)
    elif isinstance(value, list):
        for item in value:
            yield from _reads(item)
    elif isinstance(value, str):
        yield from _texts(value)


def _texts(text: str) -> Iterator[tuple[str, Any]]:
    for pattern, leaf in ((_TEXT_OF_JSON, "{}"), (_NUMBERS, 1), (_ARRAYS, ["text"])):
        for found in pattern.finditer(text):
            yield next(group for group in found.groups() if group), leaf
    for pattern in (_PATH, _CONTEXT, _JSONATA):
        for found in pattern.finditer(text):
            yield found[1], "text"


def _fields(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the name of a field says of the value its path leads to."""
    kinds = {"Numeric": 1, "Boolean": True, "Timestamp": "2026-01-01T00:00:00Z", "IsNumeric": 1}
    variable = state.get("Variable")
    if isinstance(variable, str):
        for field, leaf in kinds.items():
            if any(name.startswith(field) for name in state):
                yield variable.removeprefix("$"), leaf
        if isinstance(state.get("StringEquals"), str):
            yield variable.removeprefix("$"), state["StringEquals"]
    for name, leaf in {"SecondsPath": 1, "TimestampPath": "2026-01-01T00:00:00Z", "ItemsPath": [ITEM]}.items():
        if isinstance(state.get(name), str):
            yield state[name].removeprefix("$"), leaf
    for name in state:
        if name.endswith(("SecondsPath", "ConcurrencyPath", "PercentagePath", "CountPath", "BatchPath")):
            yield str(state[name]).removeprefix("$"), 1


def _parts(path: str) -> Iterator[str | int]:
    for found in _PART.finditer(path):
        yield found[1] or found[3] or (0 if found[2] == "*" else int(found[2]))


def _put(root: Any, parts: list[Any], leaf: Any) -> None:
    """Have the path in the object; what is there already is only made more of."""
    for part, inner in zip(parts, [*parts[1:], None]):
        empty: Any = leaf if inner is None else [] if isinstance(inner, int) else {}
        if isinstance(part, int):
            if not isinstance(root, list):
                return
            while len(root) <= part:
                root.append(empty)
        elif not isinstance(root, dict):
            return
        elif part not in root or (root[part] == "text" and empty != "text"):
            root[part] = empty
        root = root[part]


def compared(definition: Json) -> list[str]:
    """The texts that the definition compares with."""
    found: list[str] = []
    if isinstance(definition, dict):
        for name, value in definition.items():
            if name in ("StringEquals", "StringMatches") and isinstance(value, str):
                found.append(value)
            found += compared(value)
    elif isinstance(definition, list):
        for item in definition:
            found += compared(item)
    elif isinstance(definition, str):
        found += _QUOTED.findall(definition) if definition.startswith("{%") else []
    return found


REGION_AND_SO_ON: Final = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}


def deployed(value: Json, name: str = "") -> Json:
    """A definition with something fitting in the place of every placeholder, as a deployment would put there."""
    if isinstance(value, dict):
        if len(value) == 1 and _FUNCTION.fullmatch(next(iter(value))):
            return _fitting(name)
        return {key: deployed(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [deployed(item, name) for item in value]
    if not isinstance(value, str):
        return value
    if _WHOLE.fullmatch(value):
        return _fitting(name)
    bare = "true" if value.startswith("{%") else "text"

    def put(found: re.Match[str]) -> str:
        quoted = value[found.start() - 1 : found.start()] in ("'", '"')
        return REGION_AND_SO_ON.get(found[1] or "", "text" if quoted else bare)

    return _PLACEHOLDER.sub(put, value)


def _fitting(name: str) -> Json:
    if name == "Resource":
        return "arn:aws:lambda:us-east-1:123456789012:function:deployed"
    if name in NUMBERS:
        return 1
    return "s3://bucket/key" if name.endswith("Uri") else "text"


def merged(one: Json, other: Json) -> Json:
    """Both objects in one; of anything else the first."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**other, **{name: merged(item, other[name]) if name in other else item for name, item in one.items()}}
    return one
