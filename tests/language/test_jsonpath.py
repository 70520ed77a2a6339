"""JSONPath against what Jayway 2.0.0 answers, and Reference Paths against the spec's examples."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statelang.language.jsonpath import PathError, compile_path, compile_reference_path
from tests.jsonpath import answers
from tests.shared import shared

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "b", "5", "null", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
PARTS = st.sampled_from(
    ["$", "@", ".", "..", "a", "b", "[0]", "[1:]", "[-1]", "[*]", "*", "['a']", "['a','b']", "[?(@.a)]", "[?(", ")]",
     "'", "[?(@.a == 5)]", "[?(@.b =~ /a.*/)]", "[(@.length-1)]", " ", "&&", "||", "!", "\\", "é", "[0,1]", "]", "["]
)  # fmt: skip


def same(recorded: dict[str, Any], ours: dict[str, Any]) -> bool:
    if "error" not in recorded:
        return (
            "value" in ours
            and json.dumps(ours["value"]) == json.dumps(recorded["value"])
            and (ours["definite"] == recorded["definite"])
        )
    kind = "PathNotFound" if recorded["error"] == "PathNotFound" else "InvalidPath"
    text = recorded["message"]
    return ours.get("error") == kind and ours["message"][: len(text)] == text


@pytest.mark.parametrize("name", ["table.jsonl", "random.jsonl"])
def test_answers_as_jayway_does(name: str) -> None:
    cases = shared("jsonpath", name)
    recorded = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines()]
    ours = list(answers(cases, shared("jsonpath", "documents.json")))
    wrong = [(r["path"], r["document"], o) for r, o in zip(recorded, ours, strict=True) if not same(r, o)]
    assert wrong == []


@given(st.lists(PARTS, max_size=8).map("".join), JSON)
def test_hostile_text_gives_only_path_errors(text: str, document: Any) -> None:
    with contextlib.suppress(PathError):
        compile_path(text).read(document)


@pytest.mark.parametrize(
    "text", ["$" + "[0]" * 20_000, "$" + ".a" * 20_000, "$" + "[" * 50_000, "$[?(" * 5_000, "$." + "a" * 200_000]
)
def test_very_long_paths_end_in_an_error_or_a_value(text: str) -> None:
    with contextlib.suppress(PathError):
        compile_path(text).read({"a": 1})


def test_a_runaway_pattern_is_stopped() -> None:
    path = compile_path("$[?(@.a =~ /(a|a|aa)+b/)]")
    with pytest.raises(PathError, match="takes too long"):
        path.read([{"a": "a" * 60 + "bc"}])


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("$.store.book", ("store", "book")),
        (r"$.store\.book", ("store.book",)),
        (r"$.\stor\e.boo\k", ("store", "book")),
        (r"$.foo.\.bar", ("foo", ".bar")),
        (r"$.foo\@bar.baz\[\[.\?pretty", ("foo@bar", "baz[[", "?pretty")),
        ("$.&Ж中", ("&Ж中",)),
        ("$.ledgers.branch[0].pending.count", ("ledgers", "branch", 0, "pending", "count")),
        ("$.ledgers[0][22][315].foo", ("ledgers", 0, 22, 315, "foo")),
        ("$['store']['book']", ("store", "book")),
        ("$['store'][0]['book']", ("store", 0, "book")),
        ("$", ()),
    ],
)
def test_reference_paths_of_the_spec(text: str, keys: tuple[str | int, ...]) -> None:
    assert compile_reference_path(text).keys == keys


@pytest.mark.parametrize("text", ["$.a[*]", "$..a", "$.a[1:2]", "$.a[?(@.b)]", "$.a,b", "a", "$.", "$.a[", "$.x[-1]"])
def test_paths_that_are_no_reference_paths(text: str) -> None:
    with pytest.raises(PathError) as caught:
        compile_reference_path(text)
    assert caught.value.offset is not None


def test_writing_copies_only_the_way() -> None:
    document = {"a": {"b": 1}, "c": [{"d": 1}, {"e": 2}]}
    written = compile_reference_path("$.a.x.y").write(document, 5)
    assert written == {"a": {"b": 1, "x": {"y": 5}}, "c": [{"d": 1}, {"e": 2}]}
    assert written["c"] is document["c"]
    assert document == {"a": {"b": 1}, "c": [{"d": 1}, {"e": 2}]}
    assert compile_reference_path("$.c[1].e").write(document, 0)["c"] == [{"d": 1}, {"e": 0}]
    assert compile_reference_path("$").write(document, 7) == 7


@pytest.mark.parametrize(("text", "document"), [("$.a", "text"), ("$.a[0]", {"a": {}}), ("$.a[2]", {"a": [1]})])
def test_writing_where_nothing_can_be_put(text: str, document: Any) -> None:
    with pytest.raises(PathError):
        compile_reference_path(text).write(document, 1)


def test_the_module_writes_a_row_per_case(tmp_path: Path) -> None:
    cases, documents = tmp_path / "cases.jsonl", tmp_path / "documents.json"
    cases.write_text('{"path": "$.a", "document": "d"}\n{"path": "$.b", "document": "d"}\n')
    documents.write_text('{"d": {"a": 1}}')
    assert list(answers(cases, documents)) == [
        {"path": "$.a", "document": "d", "definite": True, "value": 1},
        {"path": "$.b", "document": "d", "error": "PathNotFound", "message": "No results for path: $['b']"},
    ]


def test_a_pattern_means_what_it_means_in_java() -> None:
    items = [{"a": "3"}, {"a": "\u0663"}, {"a": "k"}, {"a": "\u212a"}]
    assert compile_path(r"$[?(@.a =~ /\d/)]").read(items) == [{"a": "3"}]
    assert compile_path(r"$[?(@.a =~ /K/i)]").read(items) == [{"a": "k"}]


DOCUMENT = {
    "a": [{"n": 1, "s": "é"}, {"n": 2, "s": "z"}, {"n": 3, "s": "ß"}, {"s": "\U0001f600"}],
    "list": [10, 20, 30, 40],
    "it": 5,
}


@pytest.mark.parametrize(
    ("text", "definite", "value"),
    [
        ("$.a[?((@.n == 2) && (@.s == 'z'))].n", False, [2]),
        ("$.a[?((@.n == 1) || ((@.n == 3)))].n", False, [1, 3]),
        ("$.a[?((!@.n))].s", False, ["\U0001f600"]),
        ("$.a[?(@.s > 'é')].s", False, ["\U0001f600"]),
        ("$.a[?(@.s == 'é')].n", False, [1]),
        ("$.list[1:,3]", False, [20, 30, 40]),
        ("$.list[0:2:2,3]", False, [10, 30, 30, 40]),
        ("$.list[2,x]", True, 30),
        ("$.list[2,]", True, 30),
        ("$.list[0] ", True, 10),
        ("$.it's", True, 5),
        ("$.list]", True, {}),
    ],
)
def test_what_jayway_answers_to_rare_paths(text: str, definite: bool, value: Any) -> None:
    path = compile_path(text)
    assert (path.definite, path.read(DOCUMENT)) == (definite, value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("$...", "A path can not end with a scan."),
        ("$ .a", "Invalid path $ .a"),
        ("$.a[?(@.n ||)]", "Invalid operators @.n ||"),
        ("$.a[?()]", "String index out of range: 0"),
        ("$.a[x?]", "Filter must start with '[?' and end with ']'. x?"),
    ],
)
def test_what_jayway_says_of_rare_paths(text: str, told: str) -> None:
    with pytest.raises(PathError) as refused:
        compile_path(text)
    assert refused.value.message.endswith(told)
