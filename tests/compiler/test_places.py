"""Where a problem stands: the very character, however the text around it is written."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statelang.compiler import Problem, compiled, validate
from statelang.compiler.source import read_source
from statelang.errors import InvalidDefinition


def rest(text: str, problem: Problem) -> str:
    assert problem.line is not None
    assert problem.column is not None
    return text.split("\n")[problem.line - 1][problem.column - 1 :]


def machine(**fields: Any) -> str:
    state = {"Type": "Pass", **fields, "End": True}
    return json.dumps({"StartAt": "A", "States": {"A": state}}, indent=2)


def test_the_character_of_a_path_behind_escapes() -> None:
    text = machine(Parameters={"x.$": "States.Format('\"é\\\\n{}\"', $.a b)"})
    (problem,) = validate(text)
    assert rest(text, problem).startswith(" b)")


@pytest.mark.parametrize(
    "spelled",
    [
        "$.first b",
        "'$.first b'",
        '"$.first\\u0020b"',
        '"$.first b"',
        "|-\n                    $.first b",
        ">-\n                    $.first\n                    b",
    ],
)
def test_the_character_of_a_path_in_every_style_of_yaml(spelled: str) -> None:
    text = dedent(
        f"""\
        StartAt: A
        States:
          A:
            Type: Pass
            Parameters:
              x.$: {spelled}
            End: true
        """
    )
    (problem,) = validate(text, name="a.asl.yaml")
    assert problem.line is not None
    place = text.split("\n")[problem.line - 1 :]
    after = "\n".join(place)[(problem.column or 1) - 1 :]
    assert after.startswith((" b", "\\u0020b", "b", "\n            b"))


def test_an_unknown_field_is_pointed_at_by_its_key_and_a_wrong_value_by_itself() -> None:
    text = machine(Comment=5, Secnods=1)
    by_pointer = {problem.pointer: problem for problem in validate(text)}
    assert rest(text, by_pointer["/States/A/Secnods"]).startswith('"Secnods"')
    assert rest(text, by_pointer["/States/A/Comment"]).startswith("5")


def test_a_long_line_is_shown_around_the_place() -> None:
    text = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Comment": "' + "x" * 5000 + '", "Nxt": 1, "End": true}}}'
    (problem,) = validate(text)
    assert problem.source_line is not None
    assert len(problem.source_line) < 130
    assert problem.source_line[problem.caret :].startswith('"Nxt"')
    assert str(problem).split("\n")[2].index("^") == 4 + problem.caret


def test_the_caret_stands_under_wide_characters_and_tabs() -> None:
    (problem,) = validate(
        '{"StartAt": "A", "States": {"A": {\n\t"Comment": "日本", "Nxt": 1, "Type": "Pass", "End": true}}}'
    )
    line, caret = str(problem).split("\n")[1:3]
    assert line.index('"Nxt"') + 2 == len(caret) - 1
    assert caret.startswith("    \t")


def test_a_placeholder_without_a_value_is_pointed_at_whatever_its_state_is_called() -> None:
    text = '{"StartAt": "a/b", "States": {"a/b": {\n"Type": "Pass",\n"Result": "${Missing}",\n"End": true}}}'
    with pytest.raises(InvalidDefinition) as refused:
        compiled(text)
    (problem,) = refused.value.problems
    assert (problem.code, problem.line, problem.column) == ("SL003", 3, 11)


def test_a_bare_number_placeholder_is_one_wherever_a_value_may_stand() -> None:
    state = '{"Type": "Wait", "Seconds": __pause__, "End": true}'
    text = f'{{"StartAt": "A", "TimeoutSeconds": ${{Limit}}, "States": {{"A": {state}}}}}'
    assert not validate(text)
    (problem,) = validate(text, substitutions={"Limit": 0})
    assert rest(text, problem).startswith("${Limit}")
    (broken,) = validate(text.replace("${Limit}", "${Limit"))
    assert broken.code == "INVALID_JSON_DESCRIPTION"


@given(st.recursive(st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_every_character_of_every_text_is_found_in_json(value: Any) -> None:
    for ascii in (True, False):
        text = json.dumps(value, ensure_ascii=ascii)
        source = read_source(text, "any.json")
        for pointer in source.places:
            found = source.at(pointer)
            if isinstance(found, str):
                for index, character in enumerate(found):
                    at = source.character(pointer, index)
                    assert json.loads(f'"{text[at : _end(text, at)]}"') == character


def _end(text: str, at: int) -> int:
    """The end of the character that is spelled at an offset of a JSON text."""
    if text[at] != "\\":
        return at + 1
    if text[at + 1] != "u":
        return at + 2
    return at + (12 if text[at + 2 : at + 4] in ("d8", "d9", "da", "db") else 6)
