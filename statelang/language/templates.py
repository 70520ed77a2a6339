"""Payload templates: JSON in which some values are evaluated (asl.md 1.4, 1.5, 3.1).

In JSONPath the value of every key that ends in `.$` is a path or an intrinsic call. In JSONata every text that is
exactly `{% … %}` is an expression.

Rule: what is constant is made once and shared by every evaluation; nothing is ever copied or mutated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from statelang.errors import QUERY_ERROR, Fault
from statelang.language import paths
from statelang.language.intrinsics import compile_intrinsic
from statelang.language.problems import Malformed
from statelang.language.query import compile_query
from statelang.language.scope import Scope
from statelang.language.timestamps import parse_timestamp
from statelang.values import Json, encode, escape

Expression = Callable[[Scope], Json]

OPEN: Final = "{%"
CLOSE: Final = "%}"


def compile_dynamic(text: Any, *, field: str) -> Expression:
    """A path or an intrinsic call, as the value of a field whose name ends in `.$` or `Path`."""
    if not isinstance(text, str) or not text:
        raise Malformed(_must_be(field), 0)
    try:
        if paths.is_path(text):
            return paths.compile_value(text, field=field)
        return compile_intrinsic(text, field=field)
    except Malformed as problem:
        raise Malformed(_must_be(field), problem.offset, hint=problem.message) from None


def _must_be(field: str) -> str:
    return f"The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call"


def compile_template(value: Json, pointer: str = "") -> Expression:
    """A JSONPath payload template. Raises Malformed with the pointer of what is wrong within it."""
    expression = _dynamic(value, pointer)
    return expression if expression is not None else lambda scope: value


def _dynamic(value: Json, pointer: str) -> Expression | None:
    """The expression of a value, or None where it is constant."""
    if isinstance(value, dict):
        return _dynamic_object(value, pointer)
    if isinstance(value, list):
        return _joined_array([(item, _dynamic(item, f"{pointer}/{index}")) for index, item in enumerate(value)])
    return None


def _dynamic_object(value: Mapping[str, Json], pointer: str) -> Expression | None:
    members: dict[str, tuple[Json, Expression | None]] = {}
    for key, item in value.items():
        place = f"{pointer}/{escape(key)}"
        name, expression = key, _dynamic(item, place)
        if key.endswith(".$"):
            name = key[:-2]
            try:
                expression = compile_dynamic(item, field=key)
            except Malformed as problem:
                raise Malformed(problem.message, problem.offset, problem.pointer or place, problem.hint) from None
        if name in members:
            raise Malformed(f"the field '{name}' is there twice, with and without '.$'", 0, place)
        members[name] = (item, expression)
    return _joined_object(members)


def _joined_object(members: Mapping[str, tuple[Json, Expression | None]]) -> Expression | None:
    changing = [(name, expression) for name, (_, expression) in members.items() if expression is not None]
    if not changing:
        return None
    if len(changing) == len(members):
        return lambda scope: {name: expression(scope) for name, expression in changing}
    constant = {name: item for name, (item, _) in members.items()}

    def evaluate(scope: Scope) -> Json:
        made = dict(constant)
        for name, expression in changing:
            made[name] = expression(scope)
        return made

    return evaluate


def _joined_array(items: list[tuple[Json, Expression | None]]) -> Expression | None:
    changing = [(index, expression) for index, (_, expression) in enumerate(items) if expression is not None]
    if not changing:
        return None
    constant = [item for item, _ in items]

    def evaluate(scope: Scope) -> Json:
        made = list(constant)
        for index, expression in changing:
            made[index] = expression(scope)
        return made

    return evaluate


def is_query(value: Json) -> bool:
    """Whether a value is a JSONata expression: a text that begins with `{%` and ends with `%}`."""
    return isinstance(value, str) and value.startswith(OPEN) and value.endswith(CLOSE) and len(value) >= 4


def compile_jsonata_template(value: Json, *, location: str) -> Expression:
    """A JSONata template; `location` is what EvaluationFailed names (`Output`, `Assign/x`, `Catch[0]/Output`)."""
    expression = _query(value, location, "")
    return expression if expression is not None else lambda scope: value


def _query(value: Json, location: str, pointer: str) -> Expression | None:
    if isinstance(value, str):
        return _expression(value, location, pointer) if OPEN in value[:2] or value.endswith(CLOSE) else None
    if isinstance(value, list):
        return _joined_array(
            [(item, _query(item, f"{location}[{i}]", f"{pointer}/{i}")) for i, item in enumerate(value)]
        )
    if isinstance(value, dict):
        return _joined_object(
            {key: (item, _query(item, f"{location}/{key}", f"{pointer}/{escape(key)}")) for key, item in value.items()}
        )
    return None


def _expression(text: str, location: str, pointer: str) -> Expression:
    if not is_query(text):
        raise Malformed("a JSONata expression must begin with {% and end with %}", 0, pointer)
    inner = text[2:-2].strip()
    try:
        evaluate = compile_query(inner)
    except Malformed as problem:
        offset = None if problem.offset is None else problem.offset + text.index(inner)
        raise Malformed(problem.message, offset, pointer, problem.hint) from None
    told = f"The JSONata expression '{inner}' specified for the field '{location}'"

    def expression(scope: Scope) -> Json:
        try:
            return evaluate(scope)
        except Fault as problem:
            raise Fault(QUERY_ERROR, f"{told} {problem.cause}", location) from None

    return expression


Check = Callable[[Json], bool]

KINDS: Final[Mapping[str, Check]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: type(value) in (int, float),
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
}
"""The JSON types that a field may ask for, by the names AWS's texts use."""


def kind_of(value: Json) -> str:
    """The type of a value by the name AWS's texts use."""
    return next((kind for kind, check in KINDS.items() if check(value)), "null")


def compile_jsonata_field(value: Json, *, location: str, expected: str) -> Expression:
    """A JSONata field that must give a value of one type: a literal, or an expression whose value is checked."""
    check, evaluate = KINDS[expected], compile_jsonata_template(value, location=location)
    if not isinstance(value, str) or not is_query(value):
        return evaluate
    told = f"The JSONata expression '{value[2:-2].strip()}' specified for the field '{location}'"

    def field(scope: Scope) -> Json:
        found = evaluate(scope)
        if not check(found):
            wrong = f"Expected '{expected}', but was '{kind_of(found)}' for value: {encode(found)}"
            raise Fault(QUERY_ERROR, f"{told} returned an unexpected result type. {wrong}", location)
        return found

    return field


def compile_jsonata_items(value: Json) -> Expression:
    """Items: an array or an object."""
    if not is_query(value):
        return compile_jsonata_template(value, location="Items")
    evaluate = compile_jsonata_template(value, location="Items")
    told = f"The JSONata expression '{value[2:-2].strip()}' specified for the field 'Items'"

    def items(scope: Scope) -> Json:
        found = evaluate(scope)
        if not isinstance(found, (list, dict)):
            wrong = f"Expected 'array', but was '{kind_of(found)}' for value: {encode(found)}"
            raise Fault(QUERY_ERROR, f"{told} returned an unexpected result type. {wrong}", "Items")
        return found

    return items


def compile_jsonata_timestamp(value: Json) -> Expression:
    """Timestamp of a JSONata Wait: milliseconds since 1970."""
    evaluate = compile_jsonata_field(value, location="Timestamp", expected="string")

    def timestamp(scope: Scope) -> Json:
        text = evaluate(scope)
        instant = parse_timestamp(text)
        if instant is None:
            kind = "an ISO-8601 extended offset date-time format string"
            raise Fault(QUERY_ERROR, f"The Timestamp field cannot be parsed as {kind}: {text}", "Timestamp")
        return instant.milliseconds

    return timestamp


def compile_jsonata_integer(value: Json, *, location: str, least: int | None) -> Expression:
    """A JSONata field that must give a whole number of at least `least` (None: of any size)."""
    evaluate = compile_jsonata_field(value, location=location, expected="number")

    def integer(scope: Scope) -> Json:
        found = evaluate(scope)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if type(found) is not int or (least is not None and found < least):
            bound = "" if least is None else f" of at least {least}"
            raise Fault(QUERY_ERROR, f"The {location} field must be an integer{bound}: {found}", location)
        return found

    return integer


def compile_jsonata_percentage(value: Json, *, location: str) -> Expression:
    """A JSONata field that must give a number from 0 to 100."""
    evaluate = compile_jsonata_field(value, location=location, expected="number")

    def percentage(scope: Scope) -> Json:
        found = evaluate(scope)
        if not 0 <= found <= 100:
            raise Fault(QUERY_ERROR, f"The {location} field must be between 0 and 100: {found}", location)
        return found

    return percentage


def compile_credentials(evaluate: Expression, language: str) -> Expression:
    """Credentials, which must come to an object with a text as its RoleArn."""
    error = QUERY_ERROR if language == "JSONata" else paths.RUNTIME

    def credentials(scope: Scope) -> Json:
        found = evaluate(scope)
        if isinstance(found, dict) and isinstance(found.get("RoleArn"), str):
            return found
        wrong = f"The field 'Credentials' must be an object whose RoleArn is a string, but it was: {encode(found)}"
        raise Fault(error, wrong, "Credentials" if language == "JSONata" else None)

    return credentials
