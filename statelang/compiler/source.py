"""Source: the text of a definition as a value, and where in the text each part of it stands.

JSON and YAML 1.2 give the same: a state called `No` is a text, a date is a text, anchors are resolved.

Rule: whatever the text is, reading it gives a Source or a Problem with line and column, never a crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from statelang.compiler.problems import DUPLICATE_KEY, INVALID_JSON, NUMBER, SCHEMA, TOO_DEEP, Problem
from statelang.errors import InvalidInput
from statelang.values import Json, decode

DEEPEST: Final = 100
"""How deep a definition may nest."""

MOST_NODES: Final = 500_000
"""How many values a definition may have, aliases counted as often as they stand."""

_TOKEN: Final = re.compile(
    r'\s*(?:(?P<punctuation>[{}\[\],:])|(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>[^\s{}\[\],:"]+)|(?P<rest>\S))',
    re.DOTALL,
)


class Place(NamedTuple):
    """Line and column, from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Source:
    """A definition read: `value` and the text it came from. `places` is JSON Pointer -> offset or Place."""

    name: str
    text: str
    value: Json
    problems: list[Problem] = field(default_factory=list)
    places: Mapping[str, int | Place] = field(default_factory=dict)

    def place(self, pointer: str) -> Place | None:
        """Where a value stands, or the nearest one around it."""
        while pointer not in self.places:
            if not pointer:
                return None
            pointer = pointer.rpartition("/")[0]
        found = self.places[pointer]
        return found if isinstance(found, Place) else place_of(self.text, found)

    def locate(self, problem: Problem) -> Problem:
        """The problem with file, line, column and the line itself."""
        place = Place(problem.line, problem.column or 1) if problem.line else self.place(problem.pointer)
        if place is None:
            return _with(problem, self.name, None, None)
        lines = self.text.splitlines()
        line = lines[place.line - 1] if place.line <= len(lines) else ""
        return _with(problem, self.name, place, line if len(line) <= 200 else None)


def _with(problem: Problem, name: str, place: Place | None, line: str | None) -> Problem:
    from dataclasses import replace

    if place is None:
        return replace(problem, file=name)
    return replace(problem, file=name, line=place.line, column=place.column, source_line=line)


def place_of(text: str, offset: int) -> Place:
    """Line and column of an offset."""
    start = text.rfind("\n", 0, offset) + 1
    return Place(text.count("\n", 0, offset) + 1, offset - start + 1)


def escape(key: str) -> str:
    """A key as a part of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def read_source(text: str, name: str) -> Source:
    """Read a definition; YAML where the name says so, or where the text does not begin as JSON does."""
    looks_json = text.lstrip()[:1] in ("{", "[", '"', "") or name.endswith((".json", ".asl"))
    if name.endswith((".yaml", ".yml")) and text.lstrip()[:1] != "{":
        return _read_yaml(text, name)
    if not looks_json and _looks_yaml(text):
        return _read_yaml(text, name)
    return _read_json(text, name)


def _looks_yaml(text: str) -> bool:
    return re.search(r"^\s*(StartAt|States|Comment|QueryLanguage)\s*:", text, re.MULTILINE) is not None


def _read_json(text: str, name: str) -> Source:
    if not text.strip():
        return Source(name, text, None, [Problem(SCHEMA, "Definition must be a valid JSON object")])
    places: dict[str, int | Place] = {}
    problems: list[Problem] = []
    try:
        _scan(text, places, problems)
        value = decode(text)
    except _Broken as broken:
        return Source(name, text, None, [*problems, broken.problem])
    except InvalidInput as refused:
        return Source(name, text, None, [*problems, _number_problem(text, refused)])
    return Source(name, text, value, problems, places)


def _number_problem(text: str, refused: InvalidInput) -> Problem:
    if "surrogate" in str(refused) or re.search(r"\\u[dD][89a-fA-F]", text):
        match = re.search(r"\\u[dD][89a-fA-F]", text)
        return _at(text, match.start() if match else 0, INVALID_JSON, "a lone surrogate, which JSON cannot carry")
    match = re.search(r"-?\d{309,}|-?\d[\d.]*[eE]\+?\d{3,}", text)
    return _at(text, match.start() if match else 0, NUMBER, f"a number that cannot be held exactly: {refused}")


class _Broken(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def _at(text: str, offset: int, code: str, message: str) -> Problem:
    place = place_of(text, offset)
    return Problem(code, message, line=place.line, column=place.column)


def _scan(text: str, places: dict[str, int | Place], problems: list[Problem]) -> None:
    """Check the shape of JSON and note where everything stands; without recursion, so that depth is only a number."""
    stack: list[tuple[str, Any, set[str]]] = []  # (pointer, key or index, keys seen)
    pointer, expecting, at = "", "value", 0
    for kind, token, offset in _tokens(text):
        at = offset
        if expecting in ("value", "value]") and token not in ("]", "}", ",", ":"):
            places[pointer] = offset
            if token in ("{", "["):
                if len(stack) >= DEEPEST:
                    raise _Broken(_at(text, offset, TOO_DEEP, f"nested deeper than {DEEPEST} levels"))
                stack.append((pointer, 0 if token == "[" else None, set()))
                pointer, expecting = (f"{pointer}/0", "value]") if token == "[" else (pointer, "key}")
                continue
            _check_word(text, kind, token, offset)
            expecting = "end"
        elif expecting in ("key", "key}") and kind == "string":
            key, (parent, _, seen) = _key(text, token, offset), stack[-1]
            if key in seen:
                place = place_of(text, offset)
                message = f"the key '{key}' is there twice"
                problems.append(Problem(DUPLICATE_KEY, message, parent, parent, line=place.line, column=place.column))
            seen.add(key)
            pointer, expecting = f"{parent}/{escape(key)}", "colon"
        elif expecting == "colon" and token == ":":
            expecting = "value"
        elif (token == "]" and expecting in ("end", "value]")) or (token == "}" and expecting in ("end", "key}")):
            if not stack or (stack[-1][1] is None) != (token == "}"):
                raise _Broken(_unexpected(text, kind, token, offset))
            pointer, expecting = stack.pop()[0], "end"
        elif token == "," and expecting == "end" and stack:
            parent, index, seen = stack.pop()
            stack.append((parent, None if index is None else index + 1, seen))
            pointer, expecting = (parent, "key") if index is None else (f"{parent}/{index + 1}", "value")
        else:
            raise _Broken(_unexpected(text, kind, token, offset))
    if stack or expecting != "end":
        raise _Broken(_at(text, max(at, len(text.rstrip()) - 1), INVALID_JSON, "Unexpected end-of-input"))


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        assert match is not None
        kind = str(match.lastgroup)
        yield kind, match[kind], match.start(kind)
        at = match.end()


def _key(text: str, token: str, offset: int) -> str:
    try:
        return str(decode(token))
    except InvalidInput:
        raise _Broken(_at(text, offset, INVALID_JSON, f"not a valid key: {token[:60]}")) from None


_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


def _check_word(text: str, kind: str, token: str, offset: int) -> None:
    if kind == "string":
        if "\\" in token or any(character < " " for character in token):
            try:
                decode(token)
            except InvalidInput:
                if not re.search(r"\\u[dD][89a-fA-F]", token):
                    raise _Broken(_at(text, offset, INVALID_JSON, f"not a valid text: {token[:60]}")) from None
    elif kind != "word" or not (token in ("true", "false", "null") or _NUMBER.fullmatch(token)):
        raise _Broken(_unexpected(text, kind, token, offset))


def _unexpected(text: str, kind: str, token: str, offset: int) -> Problem:
    """AWS's text for a token that is none (recorded); ours for one that stands in the wrong place."""
    if kind != "word":
        return _at(text, offset, INVALID_JSON, f"unexpected {token[:20]!r}")
    token = re.match(r"[\w$]*", token)[0] or token  # type: ignore[index]
    place = place_of(text, offset + len(token))
    expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    shown = text if len(text) <= 500 else f"{text[:500]}[truncated {len(text) - 500} chars]"
    where = f'[Source: (String)"{shown}"; line: {place.line}, column: {place.column}]'
    message = f"Unrecognized token '{token}': was expecting {expected}\n at {where}"
    start = place_of(text, offset)
    return Problem(INVALID_JSON, message, where, line=start.line, column=start.column)


def _read_yaml(text: str, name: str) -> Source:
    from statelang.compiler.yaml import read_yaml

    value, places, problems = read_yaml(text)
    return Source(name, text, value, problems, places)
