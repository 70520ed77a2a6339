"""Substitutions: `${Name}` in a definition, as CloudFormation's DefinitionSubstitutions put values in its place.

A placeholder that has no value yet may stand wherever a value may: `${Name}`, `${Resource.Attribute}`, `__name__` for a
whole value, a number without quotes, and CloudFormation's own functions (`{"Fn::GetAtt": …}`).

Rule: values are put into the text before it is read: a placeholder may stand for a text, a part of one, or a number.
What is still open is judged as if any fitting value stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from statelang.compiler.spelling import Woven, fixed, shifted
from statelang.values import Json, encode, escape

PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z_][\w.:-]*)\}")
_ANY: Final = re.compile(r"\$\{(?:[^{}]|\$\{[^{}]*\})*\}")
"""A placeholder of any tool: `${self:custom.arn}`, `${file(x.yml)}`, `${opt:stage, 'dev'}`."""

_BARE: Final = re.compile(r"__\w+__")
_FUNCTION: Final = re.compile(r"Ref|Condition|Fn::\w+(::\w+)?")


class Open(str):
    """A text with placeholders that have no value, each read as a variable of the same length: `${Name}` as `$_Name_`.

    So that paths, calls and expressions around it can be read and every character keeps its place. `whole`: there is
    nothing else, so that it may be of any type.
    """

    __slots__ = ("whole",)

    whole: bool

    def __new__(cls, text: str, *, whole: bool) -> Open:
        made = super().__new__(cls, text)
        made.whole = whole
        return made


def is_open(value: Json) -> bool:
    """Whether a value is nothing but a placeholder without a value."""
    if isinstance(value, Open):
        return value.whole
    if isinstance(value, str):
        return bool(_ANY.fullmatch(value) or _BARE.fullmatch(value))
    return is_function(value)


def is_function(value: Json) -> bool:
    """Whether a value is one of CloudFormation's functions, which a deployment replaces."""
    return isinstance(value, dict) and len(value) == 1 and _FUNCTION.fullmatch(next(iter(value))) is not None


def opened(value: Json) -> Json:
    """A value whose open placeholders can be read as what they stand for."""
    if isinstance(value, str):
        return _opened(value) if "${" in value or value.startswith("__") else value
    if isinstance(value, list):
        return [opened(item) for item in value]
    if isinstance(value, dict):
        return Open("$_function_", whole=True) if is_function(value) else {k: opened(v) for k, v in value.items()}
    return value


def _opened(text: str) -> str:
    if _BARE.fullmatch(text):
        return Open("$" + text[1:], whole=True)
    pattern = PLACEHOLDER if text.startswith("{%") else _ANY
    whole = pattern.fullmatch(text) is not None
    made = pattern.sub(lambda match: variable_for(match[0][2:-1]), text)
    return Open(made, whole=whole) if made != text else text


def variable_for(name: str) -> str:
    """What an open placeholder is read as."""
    return f"$_{re.sub(r'[^a-zA-Z0-9_]', '_', name)}_"


def open_names(text: str) -> dict[str, str]:
    """What the placeholders of a text are read as -> how they are written."""
    return {variable_for(match[0][2:-1]): match[0] for match in _ANY.finditer(text)}


def weave(text: str, values: Mapping[str, Json]) -> Woven:
    """The text with the placeholders replaced that have a value; inside JSON texts the value is escaped as one."""
    woven, at = Woven(), 0
    for match in PLACEHOLDER.finditer(text) if values else ():
        if match[1] in values:
            value = values[match[1]]
            woven.add(text[at : match.start()], shifted(at))
            woven.add(encode(value)[1:-1] if isinstance(value, str) else encode(value), fixed(match.start()))
            at = match.end()
    woven.add(text[at:], shifted(at))
    return woven


def substitute(text: str, values: Mapping[str, Json]) -> str:
    """The text with the placeholders replaced that have a value."""
    return weave(text, values).text if values else text


def unresolved(value: Json, pointer: str = "") -> Iterator[tuple[str, str]]:
    """(pointer, name) of every placeholder that is left in the texts of a value."""
    if isinstance(value, str):
        for match in PLACEHOLDER.finditer(value):
            yield pointer, match[1]
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from unresolved(item, f"{pointer}/{escape(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unresolved(item, f"{pointer}/{index}")
