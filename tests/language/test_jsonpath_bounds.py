"""Whatever a path or an intrinsic call does, it ends soon, within little memory, and with an error of its own."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest

from statelang.errors import Fault
from statelang.language.jsonpath import InvalidPath, PathError, compile_path
from statelang.language.problems import Malformed
from statelang.language.scope import Entropy, Scope
from statelang.language.templates import compile_template
from statelang.values import Json


def chain(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


WIDE = {"n": list(range(60_000)), "s": ["a" * 30] * 6_000, "t": "a" * 200_000}
DEEP = chain(140)


def peak() -> int:
    """The most memory that this process had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("$..*..*..*..*", DEEP),
        ("$" + "..a" * 20, DEEP),
        ("$" + "..[*]" * 20, DEEP),
        ("$..[?(@.a)]..[?(@.a)]..[?(@.a)]..[?(@.a)]", DEEP),
        ("$" + "[0,0]" * 290, [[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]),
        ("$.n[?(" + "@ == 1 || " * 5_000 + "@ == -1)]", WIDE),
        ("$.s[?(@ =~ /(a|aa)+b/)]", WIDE),
        ("$.n[-999999999:999999999]", WIDE),
    ],
)
def test_paths_that_would_take_too_long_end_in_an_error(path: str, document: Json) -> None:
    read = compile_path(path).read
    before, begun = peak(), time.process_time()
    with pytest.raises(PathError):  # PathNotFound where an index is out of bounds
        read(document)
    assert time.process_time() - begun < 5
    assert peak() - before < 100


@pytest.mark.parametrize("path", ["$..*", "$.n[?(@ > 5)]", "$.n[*]", "$.s[?(@ =~ /a+/)]", "$..[?(@ =~ /x/)]"])
def test_paths_over_as_much_as_a_payload_holds_are_read(path: str) -> None:
    assert isinstance(compile_path(path).read({**WIDE, "t": ""}), list)


@pytest.mark.parametrize(
    "pattern",
    [
        "((a{1000}){1000}){1000}",
        "(?R)",
        "(a(?1)?b)+",
        "(?:a){e<=30}b",
        "a{,5}",
        "(?P<n>a)",
        "(" * 5_000 + ")" * 5_000,
    ],
)
def test_patterns_that_are_too_large_or_not_javas_are_refused(pattern: str) -> None:
    begun = time.process_time()
    with pytest.raises(InvalidPath):
        compile_path(f"$[?(@ =~ /{pattern}/)]")
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"\Qa.b\E+", "a.bbb", True),
        (r"\Qa.b\E", "axb", False),
        ("a.b", "a\u2028b", False),
        ("(?s).", "x", True),
        ("[ac[xy]]+", "ax", True),
        (r"[\D]", "\u0665", True),
        ("[+--]", "-", True),
        (r"a\z", "a", True),
        (r"\p{L}+", "\u00e9", True),
        ("(?i)A", "a", True),
        ("a{2,3}+", "aaa", True),
        (r"\w", "\u00e9", False),
    ],
)
def test_patterns_mean_what_they_mean_in_java(pattern: str, text: str, matches: bool) -> None:
    assert (compile_path(f"$[?(@ =~ /{pattern}/)]").read([text]) == [text]) is matches


def evaluate(call: str, data: Json) -> Any:
    return compile_template({"x.$": call})(Scope(data, dict, now=0, entropy=Entropy(bytes(16))))["x"]


def nested(call: str, inner: str, depth: int) -> str:
    for _ in range(depth):
        inner = call.replace("@", inner)
    return inner


MANY = ",".join(["$"] * 20_000)


@pytest.mark.parametrize(
    "call",
    [
        f"States.JsonToString(States.Array({MANY}))",
        f"States.ArrayContains(States.Array({MANY}), 1)",
        f"States.ArrayUnique(States.Array({MANY}))",
        f"States.Hash(States.Array({MANY}), 'MD5')",
        f"States.Format('{'{}' * 2_000}'{', $' * 2_000})",
        f"States.Format('{'{}' * 2_000}'{', $.t' * 2_000})",
        nested("States.Format('{}{}{}', @, @, @)", "$.t", 7),
        "States.JsonToString(" + nested("States.Array(@, @, @)", "$", 7) + ")",
        "States.ArrayRange(-2147483648, 2147483647, 1)",
        "States.ArrayRange(0, 1e300, 1)",
        "States.MathRandom(0, 1e300)",
    ],
)
def test_calls_that_would_make_too_much_end_in_an_error(call: str) -> None:
    before, begun = peak(), time.process_time()
    with pytest.raises(Fault, match=r"States\.IntrinsicFailure"):
        evaluate(call, WIDE)
    assert time.process_time() - begun < 5
    assert peak() - before < 100


def test_a_call_beyond_reason_is_refused() -> None:
    with pytest.raises(Malformed):
        evaluate("States.Array('" + "x" * 5_000_000 + "')", WIDE)
