"""YAML 1.2 as definitions use it: the nodes of `yaml_nodes`, given values.

Rule: only what JSON has comes out. A text stays a text: `No`, `on`, dates and `1_000` are texts; keys are texts; an
alias stands for what its anchor holds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from statelang.compiler.problems import DEEPEST, DUPLICATE_KEY, INVALID_JSON, NUMBER, TOO_DEEP, Problem
from statelang.compiler.yaml_nodes import Refused, composed, content_of, meaning, tag_of, text_of
from statelang.errors import InvalidInput
from statelang.values import Json, decode, escape


class Marks(NamedTuple):
    """JSON Pointer -> offset in the text: of each value, and of the key before it."""

    values: dict[str, int]
    keys: dict[str, int]


def read_yaml(text: str) -> tuple[Json, Marks, list[Problem]]:
    """The value of a YAML text, where values and keys stand, and what is wrong.

    Raises InvalidSettings without ruamel.
    """
    reader = _Reader(text)
    try:
        node = composed(text)
        value = None if node is None else reader.value(node, "", 0)
    except Refused as refused:
        message = refused.message if refused.code != INVALID_JSON else f"not valid YAML: {refused.message}"
        return None, Marks({}, {}), [*reader.problems, Problem(refused.code, message, offset=refused.offset)]
    return value, reader.marks, reader.problems


class _Reader:
    """Gives the nodes of one document their values."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.marks = Marks({}, {})
        self.problems: list[Problem] = []

    def value(self, node: Any, pointer: str, depth: int) -> Json:
        """The value of a node. Raises Refused."""
        self.marks.values[pointer] = content_of(self.text, node)
        if depth > DEEPEST:
            raise Refused(f"nested deeper than {DEEPEST} levels", node.start_mark.index, TOO_DEEP)
        tag = tag_of(self.text, node)
        if tag is not None and tag != "!" and not tag.startswith("!!"):
            return self._short_form(node, tag[1:], pointer, depth)
        return self._value(node, tag, pointer, depth)

    def _value(self, node: Any, tag: str | None, pointer: str, depth: int) -> Json:
        if node.id == "mapping":
            return self._mapping(node, pointer, depth)
        if node.id == "sequence":
            return [self.value(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(node.value)]
        text = text_of(node)
        spelling = meaning(node, tag, text)
        if spelling is None:
            return text
        try:
            return decode(spelling)
        except InvalidInput:
            raise Refused("a number that cannot be held exactly", node.start_mark.index, NUMBER) from None

    def _short_form(self, node: Any, name: str, pointer: str, depth: int) -> Json:
        """CloudFormation's short forms: `!Sub x` is `{"Fn::Sub": x}`."""
        key = name if name in ("Ref", "Condition") else f"Fn::{name}"
        inner = f"{pointer}/{key}"
        self.marks.values[inner] = content_of(self.text, node)
        value = self._value(node, None, inner, depth + 1)
        if name == "GetAtt" and isinstance(value, str):
            value = list(value.partition(".")[::2])
        return {key: value}

    def _mapping(self, node: Any, pointer: str, depth: int) -> Json:
        found: dict[str, Json] = {}
        merged: dict[str, Json] = {}
        for key_node, item in node.value:
            place = key_node.start_mark.index
            if key_node.id != "scalar":
                raise Refused("a key must be a text", place)
            key = text_of(key_node)
            if key == "<<" and key_node.style is None:
                self._merge(merged, item, pointer, depth)
                continue
            if key in found:
                message = f"the key '{key}' is there twice"
                self.problems.append(Problem(DUPLICATE_KEY, message, pointer, pointer, offset=place))
            child = f"{pointer}/{escape(key)}"
            found[key] = self.value(item, child, depth + 1)
            self.marks.keys[child] = place
        return {**merged, **found}

    def _merge(self, merged: dict[str, Json], node: Any, pointer: str, depth: int) -> None:
        """What a key `<<` adds: a mapping's pairs, or those of several, the first of which win."""
        for part in node.value if node.id == "sequence" else [node]:
            if part.id != "mapping":
                raise Refused("'<<' takes a mapping, or a list of mappings", part.start_mark.index)
            aside = _Reader(self.text)
            value = aside.value(part, pointer, depth + 1)
            assert isinstance(value, dict)
            for key, item in value.items():
                merged.setdefault(key, item)
            del aside.marks.values[pointer]
            for mine, its in zip(self.marks, aside.marks):
                for place, offset in its.items():
                    mine.setdefault(place, offset)
            self.problems += aside.problems
