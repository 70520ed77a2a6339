"""YAML: read into a tree that keeps every spelling, written from one, and laid out with its comments and anchors.

ruamel.yaml does the reading and writing. It is told that every plain scalar is a text, so that it changes none; what a
scalar means is said by `statelang.compiler.yaml_nodes`. Placeholders stand in the text as letters while it works: a
brace means something in YAML.

Rule: what was read is compared with what is written, before anybody sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from io import StringIO
from typing import Any, Final

from statelang.compiler.problems import DEEPEST
from statelang.compiler.yaml_nodes import Refused, composed, json_spelling, meaning, tag_of, text_of
from statelang.errors import InvalidSettings
from statelang.notation.tree import OPEN, Mapping, Node, Scalar, Sequence, Unreadable, place

_PLACEHOLDER: Final = re.compile(r"\$\{([^{}\s\"']+)\}")
_HIDDEN: Final = re.compile("\ue0f0\ue0f1([^\ue0f2]*)\ue0f2")
_MARKED: Final = {"\ue0f0": "a", "\ue0f1": "b", "\ue0f2": "c", "\ue0f3": "d"}
_LETTER_OF: Final = {mark: letter for letter, mark in _MARKED.items()}
_LETTERS: Final = re.compile("[\ue0f0-\ue0f3]")
_MARKS: Final = re.compile("\ue0f3([abcd])")
_STRING: Final = "tag:yaml.org,2002:str"
_BLOCK: Final = re.compile(r"\S(.*\S)?(\n+.*\S)+\n*", re.ASCII)
"""A text of several lines that a block holds as it is: no line ends in a blank, the first begins with none."""

_TAME: Final = re.compile(r"[\w$./(+^;]")
"""What a text may begin with to stand without quotes; the others mean something to one reader or another."""

FLOW_WIDTH: Final = 80
"""How long a list of scalars may be to stand on one line."""


def hide(text: str) -> str:
    """The text with its placeholders as letters, of the same length; what looks like those letters is marked."""
    return _PLACEHOLDER.sub("\ue0f0\ue0f1\\1\ue0f2", _LETTERS.sub(lambda match: "\ue0f3" + _MARKED[match[0]], text))


def show(text: str) -> str:
    """The text with its placeholders again."""
    return _MARKS.sub(lambda match: _LETTER_OF[match[1]], _HIDDEN.sub(r"${\1}", text))


@lru_cache(maxsize=1)
def _ruamel() -> Any:
    try:
        import ruamel.yaml
    except ImportError:
        raise InvalidSettings("YAML needs the extra 'yaml': pip install 'statelang[yaml]'") from None
    return ruamel.yaml


@lru_cache(maxsize=1)
def _plain_resolver() -> Any:
    """A resolver to which every scalar is a text."""
    from ruamel.yaml.nodes import ScalarNode
    from ruamel.yaml.resolver import VersionedResolver
    from ruamel.yaml.tag import Tag

    class Plain(VersionedResolver):
        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            return Tag(suffix=_STRING) if kind is ScalarNode else super().resolve(kind, value, implicit)

    return Plain


def _yaml() -> Any:
    yaml = _ruamel().YAML(typ="rt", pure=True)
    yaml.Resolver = _plain_resolver()
    yaml.preserve_quotes = True
    yaml.allow_unicode = True
    yaml.width = 1 << 30
    yaml.composer.warn_double_anchors = False
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def read_yaml(text: str, name: str) -> Node:
    """The tree of a YAML text, aliases and merges resolved. Raises Unreadable with file, line and column."""
    hidden = hide(text)
    try:
        node = composed(hidden)
        return Scalar("word", "null") if node is None else _Reader(hidden).node(node, 0)
    except Refused as refused:
        raise Unreadable(f"{name}:{place(hidden, refused.offset)}: {show(refused.message)}") from None


class _Reader:
    """Makes a tree of composed nodes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def node(self, node: Any, depth: int) -> Node:
        """The tree of a node. Raises Refused."""
        if depth > DEEPEST:
            raise self._wrong(node, f"nested deeper than {DEEPEST} levels")
        tag = tag_of(self.text, node)
        if tag is None or tag == "!" or tag.startswith("!!"):
            return self._node(node, tag, depth)
        return self._short_form(node, tag[1:], depth)

    def _short_form(self, node: Any, tag: str, depth: int) -> Mapping:
        """CloudFormation's short forms: `!Sub x` is `{"Fn::Sub": x}`."""
        value = self._node(node, None, depth + 1)
        if tag == "GetAtt" and isinstance(value, Scalar):
            name, _, attribute = value.value.partition(".")
            value = Sequence([Scalar("text", name), Scalar("text", attribute)])
        return Mapping([(Scalar("text", tag if tag in ("Ref", "Condition") else f"Fn::{tag}"), value)])

    def _node(self, node: Any, tag: str | None, depth: int) -> Node:
        if node.id == "mapping":
            return Mapping(self._pairs(node, depth), not node.flow_style)
        if node.id == "sequence":
            return Sequence([self.node(item, depth + 1) for item in node.value], not node.flow_style)
        return _scalar(node, tag)

    def _pairs(self, node: Any, depth: int) -> list[tuple[Scalar, Node]]:
        pairs: dict[str, tuple[Scalar, Node]] = {}
        merged: dict[str, tuple[Scalar, Node]] = {}
        for key, value in node.value:
            if key.id != "scalar":
                raise self._wrong(key, "a key must be a text")
            name = show(text_of(key))
            if name == "<<" and key.style is None:
                for pair in self._merged(value, depth + 1):
                    merged.setdefault(pair[0].value, pair)
                continue
            if name in pairs:
                raise self._wrong(key, f"the key {name!r} is there twice")
            pairs[name] = Scalar("text", name), self.node(value, depth + 1)
        return list({**merged, **pairs}.values())

    def _merged(self, node: Any, depth: int) -> Iterator[tuple[Scalar, Node]]:
        for part in node.value if node.id == "sequence" else [node]:
            if part.id != "mapping":
                raise self._wrong(part, "'<<' takes a mapping, or a list of mappings")
            yield from self._pairs(part, depth + 1)

    def _wrong(self, node: Any, message: str) -> Refused:
        return Refused(message, node.start_mark.index)


def _scalar(node: Any, tag: str | None) -> Scalar:
    text = show(text_of(node))
    if tag is None and node.style is None and OPEN.fullmatch(text):
        return Scalar("open", text)
    spelling = meaning(node, tag, text)
    if spelling is None:
        return Scalar("text", text)
    return Scalar("word" if spelling in ("null", "true", "false") else "number", spelling)


def write_yaml(node: Node) -> str:
    """A tree as YAML in block style, texts of several lines as blocks, lists of a few scalars on one line."""
    yaml = _yaml()
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    def made(node: Node) -> Any:
        if isinstance(node, Mapping):
            pairs = [(scalar(key), made(value)) for key, value in node.pairs]
            return MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not pairs)
        if isinstance(node, Sequence):
            return SequenceNode("tag:yaml.org,2002:seq", [made(i) for i in node.items], flow_style=_on_one_line(node))
        return scalar(node, block=True)

    def scalar(node: Scalar, *, block: bool = False) -> Any:
        return ScalarNode(_STRING, hide(node.value), style=_style(node, block=block))

    out = StringIO()
    yaml.serialize(made(node), out)
    return show(out.getvalue())


def _on_one_line(node: Sequence) -> bool:
    if not all(isinstance(item, Scalar) and "\n" not in item.value and "${" not in item.value for item in node.items):
        return False  # a brace means something in a list on one line, with or without a placeholder around it
    return sum(len(item.value) + 2 for item in node.items if isinstance(item, Scalar)) <= FLOW_WIDTH


def _style(node: Scalar, *, block: bool) -> str | None:
    """How a scalar must be written so that every reader takes it for what it is; None: plain, if YAML allows."""
    if node.kind != "text":
        return None
    if not node.value.replace("\n", "").isprintable():
        return '"'
    if "\n" in node.value:
        return "|" if block and _BLOCK.fullmatch(node.value) else '"'
    return "'" if is_ambiguous(node.value) else None


@lru_cache(maxsize=4096)
def is_ambiguous(text: str) -> bool:
    """Whether a text without quotes would be read as something else: by YAML 1.1, by YAML 1.2, or by us."""
    from ruamel.yaml.nodes import ScalarNode

    if not _TAME.match(text) or json_spelling(text) is not None or OPEN.fullmatch(text) or text in ("=", "<<"):
        return True
    if text.lower() in ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"):
        return True
    return any(str(resolver.resolve(ScalarNode, text, (True, False))) != _STRING for resolver in _resolvers())


@lru_cache(maxsize=1)
def _resolvers() -> tuple[Any, ...]:
    from ruamel.yaml.resolver import VersionedResolver

    return tuple(VersionedResolver(version=version) for version in ((1, 1), (1, 2)))


def format_yaml(text: str, name: str) -> str:
    """A YAML text laid out: two blanks a level, lists indented, comments, anchors, quotes and spelling kept.

    Raises Unreadable, also where that would change what the text says.
    """
    before, hidden, yaml = read_yaml(text, name), hide(text), _yaml()
    if not text.strip() or before == Scalar("word", "null"):
        return text
    yaml.explicit_start = re.match(r"(\s*#.*\n|\s*\n)*---", text) is not None
    out = StringIO()
    yaml.dump(yaml.load(hidden), out)
    made = show(out.getvalue())
    if read_yaml(made, name) != before or _words(made) != _words(text):
        raise Unreadable(f"{name}: cannot be laid out without changing it; it is left as it is")
    return made


def _words(text: str) -> list[str]:
    return sorted(comment for _, comment in comments(text))


def comments(text: str) -> list[tuple[int, str]]:
    """The comments of a YAML text, each with its line."""
    hidden = hide(text)
    spans = [
        (token.start_mark.index, token.end_mark.index)
        for token in _ruamel().YAML(typ="safe", pure=True).scan(hidden)
        if type(token).__name__ == "ScalarToken"
    ]
    found, row = [], 0
    for match in re.finditer(r"(?:^|(?<=[\s]))#.*$", hidden, re.MULTILINE):
        while row < len(spans) and spans[row][1] <= match.start():
            row += 1
        if row == len(spans) or match.start() < spans[row][0]:
            found.append((hidden.count("\n", 0, match.start()) + 1, show(match[0]).strip()))
    return found


def anchors(text: str) -> list[str]:
    """The names of the anchors of a YAML text."""
    tokens = _ruamel().YAML(typ="safe", pure=True).scan(hide(text))
    return [token.value for token in tokens if type(token).__name__ == "AnchorToken"]
