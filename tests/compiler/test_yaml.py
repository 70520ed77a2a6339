"""YAML by its core schema 1.2: the compiler and `fmt` and `convert` take a text for the same."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from statelang.compiler.source import Source, read_source
from statelang.notation import convert, format_text
from statelang.notation.tree import Unreadable

MEANINGS: dict[str, Any] = {
    "!!str 12": "12", "!!str": "", "!!str null": "null", "! 12": "12", "!<tag:yaml.org,2002:str> 1": "1",
    "!!str &a 1": "1", "&a !!str 1": "1", '!!int "3"': 3, "!!int 0x1F": 31, "!!float 3": 3.0, "!!float 1e3": 1000.0,
    '!!bool "true"': True, '!!null ""': None, "!!map {a: 1}": {"a": 1}, "!!seq [1]": [1],
    "0o17": 15, "0x1F": 31, "0b11": "0b11", "017": 17, "08": 8, "1_000": "1_000", "+12": 12, "-12": -12,
    "+.5": 0.5, ".5": 0.5, "5.": 5.0, "1E+3": 1000.0, "1.0": 1.0, "9" * 40: int("9" * 40),
    "~": None, "Null": None, "nuLL": "nuLL", "True": True, "tRue": "tRue", "yes": "yes", "On": "On", "n": "n",
    "2001-01-01": "2001-01-01", "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00", "12:30:45": "12:30:45",
    "'.inf'": ".inf", "'12'": "12", '"\\x41"': "A", '"\\ud83d\\ude00"': "\U0001f600", '"x\\Ny"': "x\x85y",
    "- ": [None], "{a: }": {"a": None},
    "{1: a, ~: b, true: c}": {"1": "a", "~": "b", "true": "c"}, "[a, b: c]": ["a", {"b": "c"}],
    "a: &x 1\nb: *x\nc: &x 2\nd: *x": {"a": 1, "b": 1, "c": 2, "d": 2},
    "{<<: {a: 1, b: 1}, a: 2}": {"a": 2, "b": 1}, "{a: 2, <<: {a: 1}}": {"a": 2},
    "{<<: [{a: 1}, {a: 2, b: 3}]}": {"a": 1, "b": 3}, '{"<<": 3}': {"<<": 3},
    "a: |2\n   x\n": {"a": " x\n"}, "a: |\r\n  x\r\n  y\r\n": {"a": "x\ny\n"}, "a: >-\n  x\n  y\n": {"a": "x y"},
    "\ufeffa: 1": {"a": 1}, "--- 1\n...\n": 1, "%YAML 1.1\n--- yes": "yes", "a: b#c # d": {"a": "b#c"},
    "!Sub '${A}-b'": {"Fn::Sub": "${A}-b"}, "!Ref A": {"Ref": "A"}, "!GetAtt A.B.C": {"Fn::GetAtt": ["A", "B.C"]},
}  # fmt: skip

LEFT = ("! 12", "!<tag:yaml.org,2002:str> 1", "{a: }")
"""What the library that lays out would change is left alone."""

REFUSED = {
    "!!int x": (1, "!!int stands before what is none: 'x'"),
    "a: !!int 3.5": (4, "!!int stands before what is none"),
    "a: !!bool yes": (4, "!!bool stands before what is none"),
    "a: !!map [1]": (4, "!!map stands before a sequence"),
    "a: !!str {}": (4, "!!str stands before a mapping"),
    "a: !!binary aGk=": (4, "the tag !!binary means nothing in JSON"),
    "a: !!timestamp 2001-01-01": (4, "the tag !!timestamp means nothing in JSON"),
    "a: !!set {x, y}": (4, "the tag !!set means nothing in JSON"),
    "a: !<tag:example.com,2000:x> 1": (4, "means nothing in JSON"),
    "a: .inf": (4, ".inf is a number that JSON does not have"),
    "a: -.INF": (4, "-.INF is a number that JSON does not have"),
    "a: !!float .nan": (4, ".nan is a number that JSON does not have"),
    'a: "\\ud83d"': (4, "a lone surrogate"),
    "a: 'x\x85y'": (6, "U+0085"),
    "{<<: 3}": (6, "'<<' takes a mapping"),
    "{<<: [3]}": (7, "'<<' takes a mapping"),
    "{? [a] : 1}": (4, "a key must be a text"),
    "--- 1\n--- 2": (1, "expected a single document in the stream, but found another document"),
    "%YAML 1.3\n--- 1": (1, "%YAML names a version"),
    "a:\n\tb: c": (1, "a tab stands where YAML takes only blanks"),
    "a: *x": (4, "found undefined alias 'x'"),
    "a: &x [*x]": (4, "an alias stands inside of what it names"),
    "a: @b": (4, "cannot start any token"),
    "[" * 200 + "]" * 200: (102, "nested deeper than 100 levels"),
}


def read(text: str) -> Source:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_source(text, "x.yaml")


@pytest.mark.parametrize("text", MEANINGS)
def test_what_it_means(text: str) -> None:
    wanted = MEANINGS[text]
    read_by_us = read(text)
    assert (repr(read_by_us.value), read_by_us.problems) == (repr(wanted), [])
    assert repr(json.loads(convert(text, "x.yaml", to="json").text)) == repr(wanted)
    if text in LEFT:
        with pytest.raises(Unreadable, match="it is left as it is"):
            format_text(text, "x.yaml")
    else:
        assert repr(read(format_text(text, "x.yaml")).value) == repr(wanted)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text: str) -> None:
    column, message = REFUSED[text]
    source = read(text)
    assert source.value is None
    problem = source.locate(source.problems[-1])
    assert message in problem.message
    assert problem.column == column
    with pytest.raises(Unreadable) as refused:
        convert(text, "x.yaml")
    assert message in str(refused.value)
    assert f":{problem.line}:{problem.column}: " in str(refused.value)


def test_what_aliases_make_is_bounded() -> None:
    list_of_ten = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    merges_of_ten = "".join(f"a{i}: &a{i}\n  <<: [{', '.join([f'*a{i - 1}'] * 10)}]\n  k{i}: 1\n" for i in range(1, 12))
    for bomb in (f"a0: &a0 x\n{list_of_ten}", f"a0: &a0 {{k: v}}\n{merges_of_ten}"):
        assert "more than 500000 values, aliases counted" in read(bomb).problems[0].message
        with pytest.raises(Unreadable, match="more than 500000 values"):
            convert(bomb, "x.yaml")
        with pytest.raises(Unreadable, match="more than 500000 values"):
            format_text(bomb, "x.yaml")


def test_a_text_is_found_behind_its_tag_and_anchor() -> None:
    source = read("a: !!str &here 'text'\nb: !Sub &there >\n  text\nc:\n  <<: {d: 1, a: 2}\n  d: 3\n")
    assert source.text[source.places["/a"] :].startswith("'text'")
    assert source.text[source.places["/b/Fn::Sub"] :].startswith(">")
    assert source.text[source.places["/c/d"] :].startswith("3")
    assert source.text[source.places["/c/a"] :].startswith("2")
    assert source.text[source.places["/c"] :].startswith("<<")


def test_yaml_may_be_written_in_braces_and_so_may_json() -> None:
    assert read("{StartAt: A, States: {}}").value == {"StartAt": "A", "States": {}}
    assert read('{"a": 1.50, "b": ${Open}}').value == {"a": 1.5, "b": "${Open}"}
    assert format_text("{a:   1}\n", "x.yaml") == "{a: 1}\n"
    assert "Unexpected end-of-input" in read_source('{"a": 1', "x.json").problems[0].message
