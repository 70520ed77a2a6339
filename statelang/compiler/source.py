"""Source: the text of a definition as a value, and where in the text each part of it stands.

JSON and YAML 1.2 give the same: a state called `No` is a text, a date is a text, anchors are resolved.

Rule: whatever the text is, reading it gives a Source or a Problem with line and column, never a crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from statelang.compiler.problems import (
    DEEPEST,
    DUPLICATE_KEY,
    DUPLICATE_STATE,
    INVALID_JSON,
    NUMBER,
    SCHEMA,
    TOO_DEEP,
    Problem,
    Severity,
)
from statelang.compiler.spelling import Origin, Place, place_of, spelled
from statelang.errors import InvalidInput
from statelang.values import Json, decode
from statelang.values import escape as escape

LONGEST_LINE: Final = 140
"""The longest line that is shown whole with a problem."""

AROUND: Final = 60
"""How many characters of a longer one are shown on each side of the place."""

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<open>\$\{[\w.:-]+\}|__\w+__)|(?P<punctuation>[{}\[\],:])"
    r'|(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>[^\s{}\[\],:"]+)|(?P<rest>\S))',
    re.DOTALL,
)


@dataclass(slots=True)
class Source:
    """A definition read: its `value`, the `text` it came from, and the file (`name`, `file_text`) that holds the text.

    `places` is JSON Pointer -> offset of the value in `text`, `keys` the same for the key before it. `origin` leads
    from `text` to `file_text`; `prefix` is the pointer of a definition that is a part of a bigger value.
    """

    name: str
    text: str
    value: Json
    problems: list[Problem] = field(default_factory=list)
    places: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    file_text: str | None = None
    origin: Origin = lambda offset: offset
    prefix: str = ""

    def offset(self, pointer: str, *, on_key: bool = False, character: int | None = None) -> int | None:
        """Where in `text` a value stands (its key, or one of its characters), or the nearest one around it."""
        pointer = self.prefix + pointer
        if on_key and pointer in self.keys:
            return self.keys[pointer]
        exact = pointer
        while pointer not in self.places:
            if not pointer:
                return None
            pointer = pointer.rpartition("/")[0]
        start = self.places[pointer]
        if character is None or pointer != exact:
            return self.keys.get(pointer, start) if self.text[start : start + 1] in ("{", "[") else start
        return self.character(pointer, character)

    def character(self, pointer: str, index: int) -> int:
        """Where in `text` a character of a text value stands; `pointer` is one of `places`."""
        value = self.at(pointer)
        start = self.places[pointer]
        return spelled(self.text, start, value, index) if isinstance(value, str) else start

    def at(self, pointer: str) -> Json:
        """The value at a pointer of the whole text, or None."""
        value = self.value
        for part in pointer.removeprefix(self.prefix).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
                value = value[int(key)]
            else:
                return None
        return value

    def place(self, pointer: str) -> Place | None:
        """Line and column in the file of a value (its key, where it has one), or of the nearest one around it."""
        offset = self.offset(pointer, on_key=True)
        if offset is None:
            return None
        return place_of(self.text if self.file_text is None else self.file_text, self.origin(offset))

    def locate(self, problem: Problem) -> Problem:
        """The problem with file, line, column and the line itself."""
        offset = problem.offset
        if offset is None:
            offset = self.offset(problem.pointer, on_key=problem.on_key, character=problem.character)
        pointer = self.prefix + problem.pointer
        offset = 0 if offset is None else offset
        text = self.text if self.file_text is None else self.file_text
        place = place_of(text, self.origin(offset))
        start = self.origin(offset) - place.column + 1
        end = text.find("\n", start)
        line = text[start : len(text) if end < 0 else end].rstrip("\r")
        shown, caret = _excerpt(line, place.column - 1)
        located = replace(problem, file=self.name, pointer=pointer, line=place.line, column=place.column)
        return replace(located, source_line=shown, caret=caret)


def _excerpt(line: str, at: int) -> tuple[str, int]:
    """A line, or the part of a long one around a character, and where that character is in it."""
    if len(line) <= LONGEST_LINE:
        return line, at
    first, last = max(at - AROUND, 0), at + AROUND
    before, after = "… " if first else "", " …" if last < len(line) else ""
    return f"{before}{line[first:last]}{after}", at - first + len(before)


def read_source(text: str, name: str) -> Source:
    """Read a definition; YAML where the name says so, or where the text does not begin as JSON does."""
    return _read_yaml(text, name) if is_yaml(text, name) else _read_json(text, name)


def is_yaml(text: str, name: str) -> bool:
    """Whether a text is to be read as YAML: its name says so, though JSON may stand there; or how it begins."""
    begins = text.lstrip()[:1]
    if name.endswith((".yaml", ".yml")):
        return begins != "{" or not _is_json(text)
    if name.endswith((".json", ".asl")) or begins in ("{", "[", '"', ""):
        return False
    return re.search(r"^\s*(StartAt|States|Comment|QueryLanguage)\s*:", text, re.MULTILINE) is not None


def _is_json(text: str) -> bool:
    """Whether a text has the shape of JSON."""
    try:
        _Scan(text).run()
    except _Broken:
        return False
    return True


def _read_json(text: str, name: str) -> Source:
    if not text.strip():
        return Source(name, text, None, [Problem(SCHEMA, "Definition must be a valid JSON object")])
    scan = _Scan(text)
    try:
        scan.run()
        value = decode(scan.quoted())
    except _Broken as broken:
        return Source(name, text, None, [*scan.problems, broken.problem])
    except InvalidInput as refused:
        return Source(name, text, None, [*scan.problems, _number_problem(text, refused)])
    return Source(name, text, value, scan.problems, scan.places, scan.keys)


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
    return Problem(code, message, offset=offset)


class _Scan:
    """Checks the shape of JSON and notes where everything stands; without recursion, so that depth is only a number."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places: dict[str, int] = {}
        self.keys: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._open: list[tuple[int, str]] = []
        self._stack: list[tuple[str, Any, set[str]]] = []  # (pointer, key or index, keys seen)
        self._pointer, self._expecting = "", "value"

    def run(self) -> None:
        """Read every token. Raises _Broken."""
        at = 0
        for kind, token, at in _tokens(self.text):
            if self._expecting in ("value", "value]") and token not in ("]", "}", ",", ":"):
                self._value(kind, token, at)
            elif self._expecting in ("key", "key}") and kind == "string":
                self._key(token, at)
            elif self._expecting == "colon" and token == ":":
                self._expecting = "value"
            elif self._closes(token):
                if not self._stack or (self._stack[-1][1] is None) != (token == "}"):
                    raise _Broken(_unexpected(self.text, kind, token, at))
                self._pointer, self._expecting = self._stack.pop()[0], "end"
            elif token == "," and self._expecting == "end" and self._stack:
                self._comma()
            else:
                raise _Broken(_unexpected(self.text, kind, token, at))
        if self._stack or self._expecting != "end":
            end = max(at, len(self.text.rstrip()) - 1)
            raise _Broken(_at(self.text, end, INVALID_JSON, "Unexpected end-of-input"))

    def _value(self, kind: str, token: str, at: int) -> None:
        self.places[self._pointer] = at
        if token in ("{", "["):
            if len(self._stack) >= DEEPEST:
                raise _Broken(_at(self.text, at, TOO_DEEP, f"nested deeper than {DEEPEST} levels"))
            self._stack.append((self._pointer, 0 if token == "[" else None, set()))
            if token == "[":
                self._pointer, self._expecting = f"{self._pointer}/0", "value]"
            else:
                self._expecting = "key}"
            return
        if kind == "open":
            self._open.append((at, token))
        else:
            _check_word(self.text, kind, token, at)
        self._expecting = "end"

    def _key(self, token: str, at: int) -> None:
        key, (parent, _, seen) = _key(self.text, token, at), self._stack[-1]
        if key in seen:
            states = parent.endswith("/States")
            message = f"State name '{key}' is used more than once" if states else f"the key '{key}' is there twice"
            code: str = DUPLICATE_STATE if states else DUPLICATE_KEY
            severity: Severity = "ERROR" if states else "WARNING"
            self.problems.append(Problem(code, message, parent, parent, severity, offset=at))
        seen.add(key)
        self._pointer, self._expecting = f"{parent}/{escape(key)}", "colon"
        self.keys[self._pointer] = at

    def _closes(self, token: str) -> bool:
        return (token == "]" and self._expecting in ("end", "value]")) or (
            token == "}" and self._expecting in ("end", "key}")
        )

    def _comma(self) -> None:
        parent, index, seen = self._stack.pop()
        self._stack.append((parent, None if index is None else index + 1, seen))
        self._pointer, self._expecting = (parent, "key") if index is None else (f"{parent}/{index + 1}", "value")

    def quoted(self) -> str:
        """The text with its bare placeholders in quotes, so that it is JSON."""
        made, at = "", 0
        for start, token in self._open:
            made += f'{self.text[at:start]}"{token}"'
            at = start + len(token)
        return made + self.text[at:]


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
    if kind != "word" or token in ("true", "false", "null") or _NUMBER.fullmatch(token):
        return _at(text, offset, INVALID_JSON, f"unexpected {token[:20]!r}")
    token = re.match(r"[\w$]*", token)[0] or token  # type: ignore[index]
    place = place_of(text, offset + len(token))
    expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    shown = text if len(text) <= 500 else f"{text[:500]}[truncated {len(text) - 500} chars]"
    where = f'[Source: (String)"{shown}"; line: {place.line}, column: {place.column}]'
    message = f"Unrecognized token '{token}': was expecting {expected}\n at {where}"
    return Problem(INVALID_JSON, message, where, offset=offset)


def _read_yaml(text: str, name: str) -> Source:
    from statelang.compiler.yaml import read_yaml

    value, marks, problems = read_yaml(text)
    return Source(name, text, value, problems, marks.values, marks.keys)
