"""Parameters and results by the shapes of botocore's models: casing both ways, texts for times, blobs and streams.

Rule: map keys and free-form documents are the user's own and left alone; everything else is walked by its shape.
"""

from __future__ import annotations

import base64
import difflib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from statelang.core.resource import REFUSED
from statelang.errors import Fault
from statelang.tasks.aws.names import key
from statelang.values import Json, encode

Spell = Callable[[str], str]
"""How a member is written: `key` for the AWS SDK, `raised` for the optimized integrations."""

NUMBERS: Final = ("integer", "long", "float", "double")


class BadParameters(Fault):
    """Parameters that AWS would not start a task with; `problem` is one sentence without a full stop."""

    def __init__(self, problem: str) -> None:
        super().__init__("States.Runtime", problem)
        self.problem = problem

    def told(self, input: Json) -> str:
        """AWS's text, with the parameters as they were."""
        return REFUSED.format(encode(input), self.problem)


def parameters(shape: Any, value: Json, spell: Spell = key) -> dict[str, Any]:
    """What botocore takes for an operation's input. Raises BadParameters. `shape` None: it takes nothing."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadParameters("The parameters must be an object")
    if shape is None:
        if value:
            raise BadParameters(f"The field '{next(iter(value))}' is not supported by Step Functions")
        return {}
    given: dict[str, Any] = _into_structure(shape, value, "", spell)
    return given


def _into(shape: Any, value: Json, place: str, spell: Spell) -> Any:
    if shape.type_name == "structure":
        if getattr(shape, "is_document_type", False):
            return value
        return _into_structure(shape, value, place, spell)
    if shape.type_name == "list":
        _want(isinstance(value, list), place)
        return [_into(shape.member, item, f"{place}[{index}]", spell) for index, item in enumerate(value)]
    if shape.type_name == "map":
        _want(isinstance(value, dict), place)
        items = ((name, _into(shape.value, item, f"{place}.{name}", spell)) for name, item in value.items())
        return {name: item for name, item in items if item is not None}
    return _INTO.get(shape.type_name, _as_it_is)(value, place)


def _into_structure(shape: Any, value: Json, place: str, spell: Spell) -> dict[str, Any]:
    if shape.name == "AttributeValue" and isinstance(value, str) and spell is not key:
        return {"S": value}  # as the optimized integration with DynamoDB takes it: many definitions rely on it
    _want(isinstance(value, dict), place)
    members = spelled(shape, spell)
    given = {}
    for name, item in value.items():
        member = members.get(name)
        if member is None:
            near = difflib.get_close_matches(name, members, n=1, cutoff=0.6)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise BadParameters(f"The field '{_at(place, name)}' is not supported by Step Functions{hint}")
        if item is not None:
            given[member] = _into(shape.members[member], item, _at(place, name), spell)
    return given


def spelled(shape: Any, spell: Spell) -> Mapping[str, str]:
    """How the members of a structure are written -> the members; the optimized integrations take both spellings."""
    known = {spell(member): member for member in shape.members}
    return known if spell is key else {**{key(member): member for member in shape.members}, **known}


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _want(holds: bool, place: str) -> None:
    if not holds:
        raise BadParameters(f"The value of the field '{place}' has an invalid format")


def _string(value: Json, place: str) -> str:
    return value if isinstance(value, str) else encode(value)


def _blob(value: Json, place: str) -> bytes:
    return _string(value, place).encode()


def _boolean(value: Json, place: str) -> bool:
    _want(isinstance(value, bool) or value in ("true", "false"), place)
    return value is True or value == "true"


def _integer(value: Json, place: str) -> int:
    number = _number(value, place)
    _want(number == int(number), place)
    return int(number)


def _number(value: Json, place: str) -> int | float:
    if isinstance(value, str):
        try:
            return int(value) if value.lstrip("-").isdecimal() else float(value)
        except ValueError:
            _want(False, place)
    _want(isinstance(value, (int, float)) and not isinstance(value, bool), place)
    number: int | float = value
    return number


def _timestamp(value: Json, place: str) -> Any:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise BadParameters(f"The value of the field '{place}' has an invalid format") from None
    return _number(value, place)


def _as_it_is(value: Json, place: str) -> Any:
    return value


_INTO: Final[Mapping[str, Callable[[Json, str], Any]]] = {
    "string": _string,
    "char": _string,
    "blob": _blob,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "timestamp": _timestamp,
}
"""Kind of a simple shape -> how a JSON value becomes what botocore takes."""


def result(shape: Any, value: Any, spell: Spell = key, time: Callable[[datetime], Json] | None = None) -> Json:
    """What a state sees of an operation's output; `time` tells how it writes times (None: ISO 8601)."""
    if shape is None or value is None:
        return {}
    return _out(shape, value, spell, time or iso)


def _out(shape: Any, value: Any, spell: Spell, time: Callable[[datetime], Json]) -> Json:
    if value is None:
        return None
    if shape.type_name == "structure":
        if getattr(shape, "is_document_type", False):
            return value
        known = shape.members
        return {
            spell(name): _out(known[name], item, spell, time)
            for name, item in value.items()
            if name in known and item is not None
        }
    if shape.type_name == "list":
        return [_out(shape.member, item, spell, time) for item in value]
    if shape.type_name == "map":
        return {str(name): _out(shape.value, item, spell, time) for name, item in value.items()}
    return _simple(shape, value, time)


def _simple(shape: Any, value: Any, time: Callable[[datetime], Json]) -> Json:
    if isinstance(value, datetime):
        return time(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if hasattr(value, "read"):
        return _text(value.read())
    if shape.type_name in NUMBERS and not isinstance(value, (int, float)):
        return float(value)
    return value


def _text(body: bytes | str) -> str:
    return body if isinstance(body, str) else body.decode(errors="replace")


def iso(at: datetime) -> str:
    """A time as the AWS SDK integrations write it: `2026-11-24T09:42:23.123Z`, without a fraction that is zero."""
    moment = at.astimezone(UTC)
    fraction = f".{moment.microsecond:06d}" if moment.microsecond else ""
    if fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def epoch(at: datetime) -> int:
    """A time as the optimized integrations write it: milliseconds since 1970."""
    return round(at.timestamp() * 1000)
