"""YAML 1.2 as definitions use it: composed by ruamel.yaml, given values here.

Rule: only what JSON has comes out. A text stays a text: `No`, `on`, dates and `1_000` are texts; keys are texts; an
alias stands for what its anchor holds, within a bound.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from statelang.compiler.problems import DUPLICATE_KEY, INVALID_JSON, NUMBER, TOO_DEEP, Problem
from statelang.compiler.source import DEEPEST, MOST_NODES, escape
from statelang.errors import InvalidInput, InvalidSettings
from statelang.values import Json, decode


class Marks(NamedTuple):
    """JSON Pointer -> offset in the text: of each value, and of the key before it."""

    values: dict[str, int]
    keys: dict[str, int]


_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def read_yaml(text: str) -> tuple[Json, Marks, list[Problem]]:
    """The value of a YAML text, where values and keys stand, and what is wrong.

    Raises InvalidSettings without ruamel.
    """
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
    except ImportError:
        raise InvalidSettings("reading YAML needs the extra 'yaml': pip install 'statelang[yaml]'") from None
    reader = _Reader()
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        value = None if node is None else reader.value(node, "", 0)
    except MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        message = f"not valid YAML: {problem.problem or problem.context}"
        return None, Marks({}, {}), [Problem(INVALID_JSON, message, offset=0 if mark is None else mark.index)]
    except YAMLError as problem:
        return None, Marks({}, {}), [Problem(INVALID_JSON, f"not valid YAML: {problem}", offset=0)]
    except RecursionError:
        return None, Marks({}, {}), [Problem(TOO_DEEP, f"nested deeper than {DEEPEST} levels", offset=0)]
    except _Refused as refused:
        return None, Marks({}, {}), [*reader.problems, refused.problem]
    return value, reader.marks, reader.problems


class _Reader:
    """Gives the nodes of one document their values."""

    def __init__(self) -> None:
        self.marks = Marks({}, {})
        self.problems: list[Problem] = []
        self._nodes = 0

    def value(self, node: Any, pointer: str, depth: int) -> Json:
        """The value of a node."""
        self._nodes += 1
        place = self.marks.values[pointer] = node.start_mark.index
        if depth > DEEPEST:
            raise _Refused(_problem(TOO_DEEP, f"nested deeper than {DEEPEST} levels", pointer, place))
        if self._nodes > MOST_NODES:
            raise _Refused(_problem(TOO_DEEP, f"more than {MOST_NODES} values, aliases counted", pointer, place))
        tag = str(node.tag)
        if tag.startswith("!") and tag != "!":
            return self._tagged(node, tag[1:], pointer, depth)
        if node.id == "mapping":
            return self._mapping(node, pointer, depth)
        if node.id == "sequence":
            return [self.value(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(node.value)]
        return self._scalar(node, pointer, place)

    def _tagged(self, node: Any, tag: str, pointer: str, depth: int) -> Json:
        """CloudFormation's short forms: `!Sub x` is `{"Fn::Sub": x}`."""
        node.tag = None
        key = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
        value = self.value(node, f"{pointer}/{key}", depth + 1)
        if tag == "GetAtt" and isinstance(value, str):
            value = list(value.partition(".")[::2])
        return {key: value}

    def _mapping(self, node: Any, pointer: str, depth: int) -> Json:
        found: dict[str, Json] = {}
        merged: dict[str, Json] = {}
        for key_node, item in node.value:
            key = key_node.value if key_node.id == "scalar" else None
            place = key_node.start_mark.index
            if not isinstance(key, str):
                raise _Refused(_problem(INVALID_JSON, "a key must be a text", pointer, place))
            if key == "<<" and key_node.style is None:
                self._merge(merged, self.value(item, pointer, depth + 1))
                continue
            if key in found:
                self.problems.append(_problem(DUPLICATE_KEY, f"the key '{key}' is there twice", pointer, place))
            child = f"{pointer}/{escape(key)}"
            found[key] = self.value(item, child, depth + 1)
            self.marks.keys[child] = place
        return {**merged, **found}

    def _merge(self, merged: dict[str, Json], value: Json) -> None:
        for part in value if isinstance(value, list) else [value]:
            for key, item in part.items() if isinstance(part, dict) else ():
                merged.setdefault(key, item)

    def _scalar(self, node: Any, pointer: str, place: int) -> Json:
        text: str = node.value
        tag = str(node.tag)
        if node.style is not None or (tag.endswith((":str", "!str")) and text in _WORDS):
            return text
        if text in _WORDS:
            return _WORDS[text]
        try:
            if _INTEGER.fullmatch(text):
                return decode(_plain_integer(text))
            if _FLOAT.fullmatch(text):
                return float(decode(repr(float(text))))
        except (InvalidInput, ValueError, OverflowError):
            message = "a number that cannot be held exactly"
            raise _Refused(_problem(NUMBER, message, pointer, place)) from None
        return text


def _plain_integer(text: str) -> str:
    sign = "-" if text.startswith("-") else ""
    return sign + (text.lstrip("+-").lstrip("0") or "0")


def _problem(code: str, message: str, pointer: str, place: int) -> Problem:
    return Problem(code, message, pointer, pointer, offset=place)


def json_spelling(text: str) -> str | None:
    """How JSON spells what a plain scalar means: a number, true, false or null; None: it is a text."""
    if text in _WORDS:
        return {True: "true", False: "false", None: "null"}[_WORDS[text]]
    if _INTEGER.fullmatch(text):
        return _plain_integer(text)
    number = _PARTS.fullmatch(text) if _FLOAT.fullmatch(text) else None
    if number is None:
        return None
    sign = "-" if number["sign"] == "-" else ""
    fraction = f".{number['fraction'] or '0'}" if number["point"] else ""
    return f"{sign}{number['whole'].lstrip('0') or '0'}{fraction}{number['exponent'] or ''}"


_PARTS: Final = re.compile(
    r"(?P<sign>[-+]?)(?P<whole>[0-9]*)(?P<point>\.(?P<fraction>[0-9]*))?(?P<exponent>[eE][-+]?[0-9]+)?"
)
