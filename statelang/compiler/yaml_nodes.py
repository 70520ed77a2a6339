"""YAML composed: the nodes of one document, their tags as they are written, and what a scalar means by YAML 1.2.

ruamel.yaml finds the nodes; what they mean is said here, for the compiler and for `statelang.notation`.

Rule: what is neither in JSON nor in the core schema of YAML 1.2 is refused with its place, never guessed; what aliases
make of a text is bounded before anybody walks it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from statelang.compiler.problems import DEEPEST, INVALID_JSON, NUMBER, TOO_DEEP
from statelang.errors import InvalidSettings

MOST_NODES: Final = 500_000
"""How many values a definition may have, aliases counted as often as they stand."""

CORE: Final = "tag:yaml.org,2002:"
_UNTAGGED: Final = "tag:untagged"
WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "null"),
    **dict.fromkeys(("true", "True", "TRUE"), "true"),
    **dict.fromkeys(("false", "False", "FALSE"), "false"),
}
"""Plain scalar -> the word of JSON that it is."""

_PROPERTIES: Final = re.compile(r"(?:[&!]\S*\s+)*")
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_BASED: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_UNREAL: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_PARTS: Final = re.compile(
    r"(?P<sign>[-+]?)(?P<whole>[0-9]*)(?P<point>\.(?P<fraction>[0-9]*))?(?P<exponent>[eE][-+]?[0-9]+)?"
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Refused(Exception):
    """Something in a YAML text that is not taken: the `code` of the problem, and the `offset` in the text."""

    def __init__(self, message: str, offset: int, code: str = INVALID_JSON) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.code = code


def composed(text: str) -> Any:
    """The root node of a YAML text, None where it is empty.

    Raises Refused, also where aliases would make too much of it; InvalidSettings without ruamel.
    """
    try:
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
    except ImportError:
        raise InvalidSettings("YAML needs the extra 'yaml': pip install 'statelang[yaml]'") from None
    if "\x85" in text:
        raise Refused("the character U+0085 is written \\N, in double quotes", text.index("\x85"))
    try:
        node = _reader().compose(text)
    except MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise Refused(_words(problem), 0 if mark is None else mark.index) from None
    except AssertionError:
        raise Refused("%YAML names a version that is neither 1.1 nor 1.2", 0) from None
    except YAMLError as problem:
        place = getattr(problem, "position", 0)
        raise Refused(str(problem).partition("\n")[0], place if isinstance(place, int) else 0) from None
    except RecursionError:
        raise Refused(f"nested deeper than {DEEPEST} levels", 0, TOO_DEEP) from None
    if node is not None:
        _bound(node)
    return node


def _reader() -> Any:
    """A reader that tags nothing by itself."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _silent_resolver()
    yaml.composer.warn_double_anchors = False  # an anchor may be set anew: the last one before an alias counts
    return yaml


@lru_cache(maxsize=1)
def _silent_resolver() -> Any:
    from ruamel.yaml.resolver import VersionedResolver
    from ruamel.yaml.tag import Tag

    class Silent(VersionedResolver):
        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            return Tag(suffix=_UNTAGGED)

    return Silent


def _words(problem: Any) -> str:
    """ruamel's words; a tab is YAML's most frequent trap, and the words for it name none of it."""
    if problem.problem and "'\\t'" in problem.problem:
        return "a tab stands where YAML takes only blanks"
    if problem.problem and problem.problem.startswith("but "):
        return f"{problem.context}, {problem.problem}"
    return str(problem.problem or problem.context)


def _bound(root: Any) -> None:
    """Raises Refused where a document has too many values, aliases counted as often as they stand, or holds itself."""
    sizes: dict[int, int] = {}
    stack: list[tuple[Any, bool]] = [(root, False)]
    within: set[int] = set()
    while stack:
        node, done = stack.pop()
        children = _children(node)
        if done:
            within.discard(id(node))
            sizes[id(node)] = size = 1 + sum(sizes[id(child)] for child in children)
            if size > MOST_NODES:
                message = f"more than {MOST_NODES} values, aliases counted"
                raise Refused(message, node.start_mark.index, TOO_DEEP)
        elif id(node) in within:
            raise Refused("an alias stands inside of what it names", node.start_mark.index, TOO_DEEP)
        elif id(node) not in sizes:
            within.add(id(node))
            stack += [(node, True), *((child, False) for child in children)]


def _children(node: Any) -> list[Any]:
    if node.id == "mapping":
        return [part for pair in node.value for part in pair]
    return list(node.value) if node.id == "sequence" else []


def tag_of(text: str, node: Any) -> str | None:
    """The tag that is written before a node: `!!str` (so spelled, however it is written), `!Sub`, `!`; None: none.

    Raises Refused for a tag that means nothing in JSON.
    """
    tag = str(node.tag)
    if tag == _UNTAGGED:
        return "!" if text.startswith("! ", node.start_mark.index) else None
    if tag.startswith(CORE):
        tag, name = f"!!{tag.removeprefix(CORE)}", tag.removeprefix(CORE)
        if name in KINDS:
            if node.id != KINDS[name]:
                raise Refused(f"{tag} stands before a {node.id}", node.start_mark.index)
            return tag
    elif tag.startswith("!"):
        return tag
    raise Refused(f"the tag {tag} means nothing in JSON", node.start_mark.index)


def content_of(text: str, node: Any) -> int:
    """Where a node's content begins, behind its tag and anchor."""
    start: int = node.start_mark.index
    if node.id != "scalar" or not node.value:
        return start
    match = _PROPERTIES.match(text, start)
    return start if match is None else match.end()


KINDS: Final = {
    **dict.fromkeys(("str", "int", "float", "bool", "null"), "scalar"), "map": "mapping", "seq": "sequence",
}  # fmt: skip
"""The tags of YAML's core schema -> the kind of node each stands before."""


def text_of(node: Any) -> str:
    """The text of a scalar, as JSON can carry it. Raises Refused for half a character (a lone surrogate)."""
    text: str = node.value
    if _SURROGATE.search(text) is None:
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Refused("a lone surrogate, which JSON cannot carry", node.start_mark.index) from None


def meaning(node: Any, tag: str | None, text: str) -> str | None:
    """How JSON spells what a scalar means, if it is a number, true, false or null; None: it is the `text`.

    Raises Refused where its tag says something else, and for a number that JSON does not have.
    """
    if tag in ("!", "!!str") or (tag is None and node.style is not None):
        return None
    if _UNREAL.fullmatch(text) and tag in (None, "!!float"):
        raise Refused(
            f"{text} is a number that JSON does not have; in quotes it is a text", node.start_mark.index, NUMBER
        )
    spelling = json_spelling(text)
    if tag is None:
        return spelling
    kind = "str" if spelling is None else "null" if spelling == "null" else "number"
    if spelling in ("true", "false"):
        kind = "bool"
    elif kind == "number":
        kind = "int" if re.fullmatch(r"-?[0-9]+", str(spelling)) else "float"
    if tag == "!!float" and kind == "int":
        return f"{spelling}.0"
    if tag != f"!!{kind}":
        if "${" in text:
            return None
        raise Refused(f"{tag} stands before what is none: {text[:60]!r}", node.start_mark.index)
    return spelling


def json_spelling(text: str) -> str | None:
    """How JSON spells what a plain scalar means: a number, true, false or null; None: it is a text."""
    if text in WORDS:
        return WORDS[text]
    if _INTEGER.fullmatch(text):
        return ("-" if text.startswith("-") else "") + (text.lstrip("+-").lstrip("0") or "0")
    if _BASED.fullmatch(text):
        return str(int(text, 0)) if len(text) <= 3000 else text  # one too long is no number to whoever decodes it
    number = _PARTS.fullmatch(text) if _FLOAT.fullmatch(text) else None
    if number is None:
        return None
    sign = "-" if number["sign"] == "-" else ""
    fraction = f".{number['fraction'] or '0'}" if number["point"] else ""
    return f"{sign}{number['whole'].lstrip('0') or '0'}{fraction}{number['exponent'] or ''}"
