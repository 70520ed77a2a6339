"""What a path means in a field of a state: `$…` the field's data, `$$…` the Context object, `$name…` a variable.

Rule: every field that holds a path has one function here, which knows AWS's text for what can go wrong (asl.md 2.3).
The closures raise Fault; compiling raises Malformed with the offset of the character at fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from statelang.errors import Fault
from statelang.language.jsonpath import PathError, compile_path, compile_reference_path
from statelang.language.problems import Malformed
from statelang.language.scope import Scope
from statelang.language.timestamps import parse_timestamp
from statelang.values import Json, encode

Expression = Callable[[Scope], Json]
Placement = Callable[[Json, Json], Json]

RUNTIME: Final = "States.Runtime"
NULL_INPUT: Final = "Unable to apply Path transformation to null or empty input."
"""AWS's text where InputPath, OutputPath or a Choice rule looks into an input that is null (states-language #29)."""

_JAVA: Final = re.compile(r"^(?:\w+\.)+\w+(?:Exception|Error): ")
_VARIABLE: Final = re.compile(r"\$([^\W\d]\w*)")


def is_path(text: str) -> bool:
    """Whether a text is meant as a path rather than as an intrinsic call."""
    return text.startswith("$")


def variable_of(text: str) -> str | None:
    """The variable that a path reads, if it reads one."""
    match = _VARIABLE.match(text)
    return None if match is None else match[1]


def compile_read(text: str, *, reference: bool = False) -> Expression:
    """What a path reads; the closure raises PathError. `reference`: only a Reference Path is allowed."""
    if not text.startswith("$"):
        raise Malformed(f"'{text}' is not a path: it must begin with $", 0)
    variable = variable_of(text)
    if text.startswith("$$"):
        read = _compiled(text, 1, reference)
        return lambda scope: read(scope.context)
    if variable is None:
        read = _compiled(text, 0, reference)
        return lambda scope: read(scope.data)
    return _variable(variable, _compiled(text, len(variable), reference))


def _variable(name: str, read: Callable[[Json], Json]) -> Expression:
    def variable(scope: Scope) -> Json:
        try:
            value = scope.variables[name]
        except KeyError:
            raise PathError(f"the variable ${name} is not defined") from None
        return read(value)

    return variable


def _compiled(text: str, skipped: int, reference: bool) -> Callable[[Json], Json]:
    """The path without what names its source: `$$.a` and `$v.a` are read as `$.a`."""
    path = "$" + text[skipped + 1 :]
    try:
        return compile_reference_path(path).read if reference else compile_path(path).read
    except PathError as problem:
        offset = None if problem.offset is None else min(problem.offset + skipped, max(len(text) - 1, 0))
        kind = "Reference Path" if reference else "path"
        raise Malformed(f"'{text}' is not a valid {kind}: {_plainly(problem)}", offset) from None


def _plainly(problem: PathError) -> str:
    """What a parser said, without the name of the Java exception that AWS's own would throw."""
    return _JAVA.sub("", str(problem))


def looks_into_null(text: str, scope: Scope) -> bool:
    """Whether a path looks into the field's own data, and that is null."""
    return scope.data is None and not text.startswith("$$") and variable_of(text) is None


def shown(text: str) -> str:
    """A path as AWS shows it where it names no source."""
    variable = variable_of(text)
    return "$" + text[2 if text.startswith("$$") else 1 + len(variable or "") :]


def not_found(path: str, field: str, data: Json) -> Fault:
    """AWS's error for a path in a template that leads nowhere."""
    text = encode(data)
    return Fault(
        RUNTIME, f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{text}'"
    )


def compile_value(text: str, *, field: str) -> Expression:
    """A path as the value of a template's field, or of ErrorPath and CausePath."""
    read = compile_read(text)

    def value(scope: Scope) -> Json:
        try:
            return read(scope)
        except PathError:
            raise not_found(text, field, scope.data) from None

    return value


def compile_text(read: Expression, field: str) -> Expression:
    """What ErrorPath or CausePath reads, which must be a text, or null for nothing."""

    def value(scope: Scope) -> Json:
        found = read(scope)
        if found is None or isinstance(found, str):
            return found
        raise Fault(RUNTIME, f"The value of the field '{field}' must be a string, but it was: {encode(found)}")

    return value


def compile_data_path(text: str | None) -> Expression:
    """InputPath or OutputPath; null gives `{}`."""
    if text is None:
        return lambda scope: {}
    read = compile_read(text)

    def data(scope: Scope) -> Json:
        try:
            return read(scope)
        except PathError as problem:
            if looks_into_null(text, scope):
                raise Fault(RUNTIME, NULL_INPUT) from None
            raise Fault(RUNTIME, f"Invalid path '{text}' : {problem.message}") from None

    return data


def compile_result_path(text: str | None) -> Placement:
    """ResultPath; null keeps the input."""
    if text is None:
        return lambda raw, result: raw
    if text.startswith("$$") or variable_of(text) is not None:
        raise Malformed(f"'{text}' is not a valid ResultPath: it must begin with $. or $[", 1)
    try:
        path = compile_reference_path(text)
    except PathError as problem:
        raise Malformed(f"'{text}' is not a valid Reference Path: {_plainly(problem)}", problem.offset) from None

    def place(raw: Json, result: Json) -> Json:
        try:
            return path.write(raw, result)
        except PathError as problem:
            cause = f"Unable to apply ResultPath '{text}' to the input '{encode(raw)}': {problem}"
            raise Fault("States.ResultPathMatchFailure", cause) from None

    return place


def compile_items_path(text: str) -> Expression:
    """ItemsPath: an array, or an object."""
    read, name = compile_read(text, reference=True), shown(text)

    def items(scope: Scope) -> Json:
        value = _reading(read, scope, text)
        if not isinstance(value, (list, dict)):
            raise Fault(RUNTIME, f'Reference path "{name}" must point to array.')
        return value

    return items


def _reading(read: Expression, scope: Scope, text: str) -> Json:
    try:
        return read(scope)
    except PathError as problem:
        raise Fault(RUNTIME, f"Invalid path '{text}' : {problem.message}") from None


def compile_seconds_path(text: str) -> Expression:
    """SecondsPath: a whole number of seconds, not negative."""
    read = compile_read(text, reference=True)

    def seconds(scope: Scope) -> Json:
        try:
            value = read(scope)
        except PathError:
            raise Fault(RUNTIME, f"The SecondsPath parameter does not reference an input value: {text}") from None
        if type(value) is not int:
            raise Fault(
                RUNTIME, f"The SecondsPath parameter cannot be parsed as a long value: {text} == {plain(value)}"
            )
        if value < 0:
            raise Fault(RUNTIME, f"The SecondsPath parameter references a negative value: {text} == {value}")
        return value

    return seconds


def compile_timestamp_path(text: str) -> Expression:
    """TimestampPath: milliseconds since 1970."""
    read = compile_read(text, reference=True)

    def timestamp(scope: Scope) -> Json:
        try:
            value = read(scope)
        except PathError:
            raise Fault(RUNTIME, f"The TimestampPath parameter does not reference an input value: {text}") from None
        instant = parse_timestamp(value)
        if instant is None:
            kind = "a valid ISO-8601 extended offset date-time format string"
            raise Fault(RUNTIME, f"The TimestampPath parameter does not reference {kind}: {text} == {plain(value)}")
        return instant.milliseconds

    return timestamp


def compile_limit_path(text: str, *, field: str) -> Expression:
    """TimeoutSecondsPath or HeartbeatSecondsPath: a positive whole number of seconds."""
    read = compile_read(text, reference=True)

    def limit(scope: Scope) -> Json:
        value = _reading(read, scope, text)
        if type(value) is not int or value <= 0:
            raise Fault(
                RUNTIME, f"The {field} parameter does not reference a positive integer: {text} == {plain(value)}"
            )
        return value

    return limit


def compile_integer_path(text: str, *, field: str, least: int | None = 0) -> Expression:
    """MaxConcurrencyPath, ToleratedFailureCountPath, MaxItemsPath and the like: a whole number, which AWS takes as text
    too (recorded), of at least `least`."""
    read, name = compile_read(text, reference=True), field.removesuffix("Path")
    too_little = "cannot be negative" if least == 0 else "must be positive"

    def integer(scope: Scope) -> Json:
        value = _reading(read, scope, text)
        number = _number_of(value, int)
        if number is None:
            refers = f'The {field} field refers to value "{plain(value)}"'
            raise Fault(RUNTIME, f"{refers} which is not a valid integer: {text}")
        if least is not None and number < least:
            raise Fault(RUNTIME, f"{name} {too_little}.")
        return number

    return integer


def compile_percentage_path(text: str, *, field: str) -> Expression:
    """ToleratedFailurePercentagePath: 0 to 100."""
    read = compile_read(text, reference=True)

    def percentage(scope: Scope) -> Json:
        value = _reading(read, scope, text)
        number = value if type(value) is float else _number_of(value, float)
        if number is None:
            refers = f'The {field} field refers to value "{plain(value)}"'
            raise Fault(RUNTIME, f"{refers} which is not a valid float: {text}")
        if not 0 <= number <= 100:
            raise Fault(RUNTIME, f"{field.removesuffix('Path')} must be between 0 and 100.")
        return number

    return percentage


_DIGITS: Final[Mapping[type, re.Pattern[str]]] = {
    int: re.compile(r"[+-]?[0-9]{1,19}"),
    float: re.compile(r"[+-]?[0-9]{1,19}(\.[0-9]{0,19})?"),
}


def _number_of(value: Json, kind: type[int] | type[float]) -> int | float | None:
    """A whole number as it is, and the number that a text spells; None for anything else."""
    if isinstance(value, str) and _DIGITS[kind].fullmatch(value):
        return kind(value)
    return value if type(value) is int else None


def plain(value: Json) -> str:
    """A value as these texts show it: text bare, everything else as JSON."""
    return value if isinstance(value, str) else encode(value)
