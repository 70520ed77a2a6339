"""How definitions are laid out, and what stays as people wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from statelang.notation import format_text
from statelang.notation.tree import Unreadable
from tests.machines import DEFINITIONS
from tests.shared import shared

SPREAD = """{
"StartAt":"A", "States": {
    "A": {"Type":"Wait","Seconds":${Seconds},   "End":true},

    "B": { "Type": "Pass",
       "Result": [1.0,2E5, -0],
           "Next": "A"}
  }, "Version": "\\u0031.0"}"""


def test_what_was_spread_stays_spread_and_what_was_short_stays_short() -> None:
    assert (
        format_text(SPREAD, "x.asl.json")
        == """{
  "StartAt": "A",
  "States": {
    "A": { "Type": "Wait", "Seconds": ${Seconds}, "End": true },

    "B": { "Type": "Pass", "Result": [1.0, 2E5, -0], "Next": "A" }
  },
  "Version": "\\u0031.0"
}
"""
    )


def test_what_is_too_long_for_a_line_is_spread() -> None:
    text = '{"States": {"A": {"Comment": "' + "x" * 80 + '", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]}}}'
    assert (
        format_text(text, "x.json")
        == '{\n  "States": {\n    "A": {\n      "Comment": "'
        + "x" * 80
        + '",\n      "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "B" }]\n    }\n  }\n}\n'
    )


YAML = """\
# the nightly run
StartAt:   No
States:
    No:  # a state called No
        Type: Task
        Resource: ${Region}
        TimeoutSeconds:     ${Seconds}
        Parameters: {a: ${X}, "b": '1_000', c: 0o7, d: ~}
        Retry:
        - ErrorEquals: [ "States.ALL" ]   # all of them
          MaxAttempts: 0x3

        Arguments: |
          {% (
            $a := 1;
          ) %}
        Comment: >-
          folded
          text
        ResultSelector: &shared
          when: 2026-11-21
        Next: &yes Yes
    Yes:
        Type: Pass
        Result:
          <<: *shared
          n: 1e400
        End: true
# the end
"""


def test_yaml_keeps_comments_anchors_quotes_and_spelling() -> None:
    assert (
        format_text(YAML, "x.asl.yaml")
        == """\
# the nightly run
StartAt: No
States:
  No:    # a state called No
    Type: Task
    Resource: ${Region}
    TimeoutSeconds: ${Seconds}
    Parameters: {a: ${X}, "b": '1_000', c: 0o7, d: ~}
    Retry:
      - ErrorEquals: ["States.ALL"]       # all of them
        MaxAttempts: 0x3

    Arguments: |
      {% (
        $a := 1;
      ) %}
    Comment: >-
      folded
      text
    ResultSelector: &shared
      when: 2026-11-21
    Next: &yes Yes
  Yes:
    Type: Pass
    Result:
      <<: *shared
      n: 1e400
    End: true
# the end
"""
    )


@pytest.mark.parametrize("file", sorted(DEFINITIONS.glob("*/*.asl.*")), ids=lambda file: file.name)
def test_our_own_machines_are_laid_out(file: Path) -> None:
    text = file.read_text()
    assert format_text(text, file.name) == text


def test_line_ends_stay() -> None:
    assert format_text('{\r\n"a":1}', "x.json") == '{\r\n  "a": 1\r\n}\r\n'
    assert format_text("a:   1\r\n", "x.yaml") == "a: 1\r\n"
    assert format_text("---\na:   1\n", "x.yaml") == "---\na: 1\n"
    assert format_text("", "x.json") == ""
    assert format_text("# only a comment\n", "x.yaml") == "# only a comment\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", '{"a": 1, "a": 2}', r"x\.json:1:10: the key 'a' is there twice"),
        ("x.json", '{\n  "a": 1,\n}', r"x\.json:3:1: there is a comma, but nothing after it"),
        ("x.json", '{"a" 1}', r"1:6: a colon was expected, not '1'"),
        ("x.json", '{"a": 01}', r"1:7: a value was expected"),
        ("x.json", '{"a": 1', r"a comma or } was expected, but the text ends"),
        ("x.json", '{"a": 1} x', r"1:10: there is more after the value"),
        ("x.json", "{'a': 1}", r"1:2: a key in double quotes was expected"),
        ("x.json", '{"a": "\\ud800"}', r"1:7: this text cannot be read"),
        ("x.json", "[" * 200, r"nested deeper than 100 levels"),
        ("x.yaml", "a: 1\nb: 2\na: 3\n", r"x\.yaml:3:1: the key 'a' is there twice"),
        ("x.yaml", "a: [1\n", r"x\.yaml:"),
        ("x.yaml", "a: 1\n---\nb: 2\n", r"x\.yaml:2:1: .*but found another document"),
        ("x.yaml", "? [a, b]\n: 1\n", r"a key must be a text"),
        ("x.yaml", "a: " + "[" * 200 + "]" * 200, r"nested deeper than 100 levels"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(name: str, text: str, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        format_text(text, name)


def test_the_definitions_of_others() -> None:
    import json

    from statelang.compiler.source import is_yaml
    from statelang.notation import convert
    from statelang.notation.json_text import read_json
    from statelang.notation.yaml_text import read_yaml

    count = 0
    for line in shared("definitions", "real.jsonl").read_text().splitlines():
        row = json.loads(line)
        text, name = row["definition"], row["path"] if not row.get("pointer") else "definition.json"
        laid_out = format_text(text, name)
        read = read_yaml if is_yaml(text, name) else read_json
        assert format_text(laid_out, name) == laid_out, row["id"]
        assert read(laid_out, name) == read(text, name), row["id"]
        other = convert(text, name)
        back = convert(other.text, "x.json" if is_yaml(text, name) else "x.yaml")
        assert read(back.text, name) == read(text, name) or other.losses, row["id"]
        count += 1
    assert count > 300
