"""From JSON to YAML and back: what is kept, and what the other notation cannot hold."""

from __future__ import annotations

import pytest

from statelang.notation import convert
from statelang.notation.convert import is_number_field
from statelang.notation.yaml_text import comments

JSON = """{
  "StartAt": "No",
  "States": {
    "No": {
      "Type": "Task",
      "Resource": "${Resource}",
      "Arguments": {
        "n": 1e400, "big": 123456789012345678901234567890, "one": 1.0, "t": "1_000", "o": "0o7", "nil": "~",
        "d": "2026-01-01",
        "code": "{% (\\n  $a := 1;\\n  $a\\n) %}", "empty": {}, "none": [], "u": "\\u00e9", "tab": "a\\tb"
      },
      "TimeoutSeconds": ${Seconds},
      "Retry": [{ "ErrorEquals": ["States.ALL"], "MaxAttempts": 0 }],
      "End": true
    }
  }
}
"""
YAML = """\
StartAt: 'No'
States:
  'No':
    Type: Task
    Resource: '${Resource}'
    Arguments:
      'n': 1e400
      big: 123456789012345678901234567890
      one: 1.0
      t: '1_000'
      o: '0o7'
      nil: '~'
      d: '2026-01-01'
      code: |-
        {% (
          $a := 1;
          $a
        ) %}
      empty: {}
      none: []
      u: é
      tab: "a\\tb"
    TimeoutSeconds: ${Seconds}
    Retry:
      - ErrorEquals: [States.ALL]
        MaxAttempts: 0
    End: true
"""


def test_json_becomes_yaml() -> None:
    made = convert(JSON, "x.asl.json")
    assert made.text == YAML
    assert made.losses == ()


def test_and_back_with_every_number_and_text_as_it_was() -> None:
    made = convert(YAML, "x.asl.yaml")
    assert made.losses == ()
    for kept in ('"n": 1e400', '"one": 1.0', '"big": 123456789012345678901234567890', '"t": "1_000"', '"nil": "~"'):
        assert kept in made.text
    assert '"TimeoutSeconds": ${Seconds}' in made.text
    assert '"Resource": "${Resource}"' in made.text
    assert '"code": "{% (\\n  $a := 1;\\n  $a\\n) %}"' in made.text


def test_what_json_cannot_hold_is_named() -> None:
    text = "# first\na: &x 1  # why\nb: *x\nc: 'not # one'\nd: |\n  # nor this\ne: ~\n"
    made = convert(text, "x.yaml")
    assert made.losses == (
        "x.yaml:1: the comment # first",
        "x.yaml:2: the comment # why",
        "x.yaml: the anchor &x: what it holds is written out wherever it was used",
    )
    assert made.text == '{\n  "a": 1,\n  "b": 1,\n  "c": "not # one",\n  "d": "# nor this\\n",\n  "e": null\n}\n'
    assert [line for line, _ in comments(text)] == [1, 2]


def test_numbers_that_only_yaml_spells_so() -> None:
    made = convert("a: +12\nb: 007\nc: .5\nd: 1.\ne: -01.50e+3\nf: 1_0\ng: 0o17\nh: Null\ni: !!str 12\n", "x.yaml")
    assert made.text == (
        '{\n  "a": 12,\n  "b": 7,\n  "c": 0.5,\n  "d": 1.0,\n  "e": -1.50e+3,\n  "f": "1_0",\n  "g": 15,\n'
        '  "h": null,\n  "i": "12"\n}\n'
    )


def test_placeholders_where_a_number_must_be_stand_without_quotes() -> None:
    made = convert("TimeoutSeconds: ${A}\nComment: ${B}\nStates:\n  W: {Seconds: ${C}, Next: '${D}'}\n", "x.yaml")
    for kept in ('"TimeoutSeconds": ${A}', '"Comment": "${B}"', '"Seconds": ${C}', '"Next": "${D}"'):
        assert kept in made.text


def test_a_number_placeholder_in_a_payload_is_named() -> None:
    made = convert('{"States": {"T": {"Parameters": {"Seconds": ${N}}}}}', "x.json")
    assert made.losses == (
        "/States/T/Parameters/Seconds: that ${N} has no quotes: YAML writes a text so too, which JSON will quote",
    )


@pytest.mark.parametrize(
    ("pointer", "number"),
    [
        ("/TimeoutSeconds", True),
        ("/States/W/Seconds", True),
        ("/States/M/ItemBatcher/MaxItemsPerBatch", True),
        ("/States/C/Choices/0/And/1/NumericEquals", True),
        ("/States/C/Choices/0/IsNull", True),
        ("/States/T/Resource", False),
        ("/States/T/Parameters/Seconds", False),
        ("/States/C/Choices/0/StringEquals", False),
    ],
)
def test_where_a_number_must_be(pointer: str, number: bool) -> None:
    assert is_number_field(pointer) is number


def test_the_same_notation_is_laid_out_anew() -> None:
    assert convert("a:   1 # c\n", "x.yaml", to="yaml").losses == ("x.yaml:1: the comment # c",)
    assert convert('{"a":1}', "x.json", to="json").text == '{ "a": 1 }\n'


def test_a_placeholder_never_stands_in_a_list_on_one_line() -> None:
    made = convert('{"a": ["x${Y}", "b"], "c": [${N}]}', "x.json")
    assert made.text == "a:\n  - x${Y}\n  - b\nc:\n  - ${N}\n"
