"""Whatever a definition holds: JSON to YAML and back is the same, and laying out twice is the same as once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from statelang.compiler.source import read_source
from statelang.notation import convert, format_text
from statelang.notation.json_text import read_json, write_json
from statelang.notation.tree import Mapping, Node, Scalar, Sequence
from statelang.notation.yaml_text import read_yaml

TRICKY = (
    "No", "on", "y", "1_000", "0o7", "0x1F", "~", "", "null", "true", "1e3", "1.", ".5", "007", "+1", "2026-11-21",
    "12:30:45", ".inf", "<<", "=", "- a", "a: b", "a #b", "#", "?0", "a?", "*a", "&a", "!x", "%x", "@a", "`", "---",
    "...", "x\n", "x\n\n", " x\ny", "x \ny", "x\n y\nz", "\n", "a\r\nb", "\t", "a\tb", "\u2028", "\ufeff", "\x85",
    "\x00", "é", "😀", "${X}", "a${X}b", "__x__", "{% $x %}", "{% (\n  $a := 1;\n  $a\n) %}", "$.a[0]", "a'b\"c", "\\",
    "[x]", "\ue0f0\ue0f1\ue0f2", "\ue0f3a", "{x}", "a, b", ">", "|",
)  # fmt: skip

texts = (
    st.sampled_from(TRICKY)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
    | st.text("ab:#-?{}[]&*!|>'\"%@`, \n\t=~$", max_size=10)
)
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
scalars = (
    texts.map(lambda text: Scalar("text", text))
    | numbers.map(lambda text: Scalar("number", text))
    | st.sampled_from(("true", "false", "null")).map(lambda text: Scalar("word", text))
)


def mappings(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    pairs = st.dictionaries(texts, nodes, max_size=4).map(lambda d: [(Scalar("text", key), d[key]) for key in d])
    return st.builds(Mapping, pairs, st.booleans())


trees = mappings(
    st.recursive(
        scalars,
        lambda nodes: mappings(nodes) | st.builds(Sequence, st.lists(nodes, max_size=4), st.booleans()),
        max_leaves=12,
    )
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(trees)
def test_there_and_back_again(tree: Node) -> None:
    text = write_json(tree)
    assert read_json(text, "x.json") == tree
    assert format_text(text, "x.json") == text
    yaml = convert(text, "x.json")
    assert yaml.losses == ()
    assert read_yaml(yaml.text, "x.yaml") == tree
    again = convert(yaml.text, "x.yaml")
    assert read_json(again.text, "x.json") == tree
    laid_out = format_text(yaml.text, "x.yaml")
    assert read_yaml(laid_out, "x.yaml") == tree
    assert format_text(laid_out, "x.yaml") == laid_out


small = (
    st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.none()
    | st.booleans()
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.dictionaries(texts, small | st.lists(small, max_size=3) | st.dictionaries(texts, small, max_size=3), max_size=4)
)
def test_the_compiler_reads_the_same_from_both(value: object) -> None:
    import json

    text = json.dumps(value, ensure_ascii=False)
    from_json = read_source(text, "x.json")
    from_yaml = read_source(convert(text, "x.json").text, "x.yaml")
    assert from_yaml.value == from_json.value
    assert [p.code for p in from_yaml.problems] == [p.code for p in from_json.problems]
