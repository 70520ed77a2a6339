"""The intrinsic functions (asl.md 2.4): what they give, what they refuse, and how their text is read."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.errors import Fault
from statelang.language.problems import Malformed
from statelang.language.scope import Entropy, Scope
from statelang.language.templates import compile_template

DATA = {"a": [1, 2, 3], "s": "x,y", "o": {"k": 1, "l": []}, "t": "{} is {}", "e": [], "b": True, "n": None}


def call(text: str) -> Any:
    expression = compile_template({"x.$": text})
    return expression(Scope(DATA, dict, {"v": [1, 2]}, now=0, entropy=Entropy(bytes(16))))["x"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("States.Array()", []),
        (
            "States.Array( 1 ,-0.5,1e2, 'it\\'s', null,true, $.s , $v[1])",
            [1, -0.5, 100.0, "it's", None, True, "x,y", 2],
        ),
        ("States.Array($.a[?(@ > 1)], $.a[1:], ')')", [[2, 3], [2, 3], ")"]),
        ("States.Format('{}-{}', $.o, 1.1)", "{k=1, l=[]}-1.1"),
        ("States.Format('\\{\\} {} {}', null, 'a{}')", "{} null a{}"),
        ("States.Format($.t, 1, true)", "1 is true"),
        ("States.StringToJson(' ')", None),
        ("States.StringToJson('-0')", 0),
        ("States.JsonToString($.o)", '{"k":1,"l":[]}'),
        ("States.ArrayPartition($.a, 2)", [[1, 2], [3]]),
        ("States.ArrayPartition($.e, 2)", []),
        ("States.ArrayContains(States.Array($.o, 1), $.o)", True),
        ("States.ArrayContains($.a, true)", False),
        ("States.ArrayRange(9, 1, -4)", [9, 5, 1]),
        ("States.ArrayLength(States.ArrayRange(1, 1000, 1))", 1000),
        ("States.ArrayGetItem($.a, 2)", 3),
        ("States.ArrayUnique(States.Array(1, '1', 1, null, null))", [1, "1", None]),
        ("States.Base64Encode('é')", "w6k="),
        ("States.Base64Decode('w6k=')", "é"),
        ("States.Base64Decode('w6k')", "é"),
        ("States.Hash('a', 'MD5')", "0cc175b9c0f1b6a831c399e269772661"),
        ("States.Hash($.o.k, 'SHA-1')", "356a192b7913b04c54574d18c28d46e6395428ab"),
        ("States.JsonMerge($.o, States.StringToJson('\\{\"k\":2\\}'), false)", {"k": 2, "l": []}),
        ("States.MathRandom(1, 2)", 1),
        ("States.MathRandom(1.4, 2.4, 7)", 1),
        ("States.MathAdd(1.49, 1.5)", 3),
        ("States.MathAdd(-1.5, 0)", -1),
        ("States.MathAdd(0.49999999999999994, 0)", 0),
        ("States.StringSplit('This.is+a,test=string', '.+,=')", ["This", "is", "a", "test", "string"]),
        ("States.StringSplit(', , ,', ',')", [" ", " "]),
        ("States.StringSplit('a]b^c-d', ']^-')", ["a", "b", "c", "d"]),
        ("States.Array(" * 10 + ")" * 10, [[[[[[[[[[]]]]]]]]]]),
    ],
)
def test_what_they_give(text: str, value: Any) -> None:
    assert call(text) == value
    assert type(call(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "States.Format('{}')",
        "States.Format('{}', 1, 2)",
        "States.StringToJson('[1')",
        "States.StringToJson('1e999')",
        "States.ArrayPartition($.a, 0)",
        "States.ArrayPartition('', 2)",
        "States.ArrayLength($.s)",
        "States.ArrayRange(0, 1000, 1)",
        "States.ArrayRange(0, 2147483647, 1)",
        "States.ArrayRange(1, 5, 0)",
        "States.ArrayGetItem($.a, 3)",
        "States.ArrayGetItem($.a, -1)",
        "States.Base64Decode('w')",
        "States.Base64Decode('é')",
        "States.Hash('a', 'SHA-224')",
        "States.JsonMerge($.o, $.o, true)",
        "States.JsonMerge($.o, $.a, false)",
        "States.MathRandom(1, 1)",
        "States.MathAdd(2147483647, 1)",
        "States.MathAdd(3000000000, 1)",
        "States.MathAdd($.b, 1)",
        "States.StringSplit($.n, ',')",
    ],
)
def test_what_fails(text: str) -> None:
    with pytest.raises(Fault) as caught:
        call(text)
    assert caught.value.error == "States.IntrinsicFailure"


@pytest.mark.parametrize(
    "text",
    [
        "States.Array(01)",
        "States.Array(+1)",
        "States.Array(1.)",
        "States.Array(٣)",
        "States.Array(1e999)",
        f"States.Array({'9' * 5000})",
        "States.Array(nullx)",
        "States.Array(1,)",
        "States.Array(1) x",
        "States.Array('a\\\"b')",
        "States.Array('a",
        "States.Nothing()",
        "States.UUID(1)",
        "States.Format()",
        "States.Array(" * 11 + ")" * 11,
        "States.Array(" * 50_000,
    ],
)
def test_what_is_refused_before_it_runs(text: str) -> None:
    with pytest.raises(Malformed, match="must be a valid JSONPath or a valid intrinsic function call"):
        call(text)
