"""What jsonata-js 2.0.6 answers under node where one would not expect it: each was a difference once."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.language.jsonata import UNDEFINED, Expression, JsonataError

DATA = {"empty": [], "one": [7], "big": 2**53 + 1, "list": [[1, 2], [3]], "null": None}


def answer(text: str) -> Any:
    return Expression(text).evaluate(DATA)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("empty[]", []),
        ("'1 + 1' ~> $eval", 2),
        ("one[]", [7]),
        ("big - 1", 2**53 - 1),
        ("[big > 9007199254740992, big - big, big = 9007199254740992]", [False, 0, True]),
        (
            "$map([0.49999999999999994, -0.5, 1.5, 2.5, -1.5, 9007199254740991], function($n){$round($n)})",
            [0, 0, 2, 2, -2, 2**53 - 1],
        ),
        ("$contains('a\\\\b', /\\\\/)", True),
        ("$split('ab', 'x', 4294967296)", []),
        ("$contains('a', function($t){false})", True),
        ("$contains('a', function($t){nothing})", False),
        ("$replace('ab', /b/, function($m){$string($m)})", 'a{"match":"b","start":1,"end":2,"groups":[],"next":""}'),
        ("$sort([1, 2], function($a, $b){[]})", [2, 1]),
        ("$reduce([{'a': 1}, 2], /O.*/).match", "Object]"),
        ("$map(?, $number)(5)", UNDEFINED),
        ("$reduce(?, function($a, $b){$a & $b})('xyz')", "xyz"),
        ("$base64decode('w6Ň')", "Ã¡"),
        ("$base64decode('a1Ab\U0001f600MTIz')", "kP\x1b"),
        ("$toMillis('2026-04-31') = $toMillis('2026-05-01')", True),
        ("$match('ab', /[^x-\\w]b|b/).index", 1),
        ("$match('aa', /(a\\1)+/)[0].match", "aa"),
        ("$contains('\\u0007', /\\07/)", True),
        ("[3, 1, 2][0].a", UNDEFINED),
        ("{'k': 1}.*", 1),
        ("{'k': [1]}.*", [1]),
        ("{'k': 1}{'x': {'n': $}}.*", {"n": {"k": 1}}),
        ("$spread([{'k': 1}])", [{"k": 1}]),
        ("[{'k': 1}][0].(1)", UNDEFINED),
        ("['abc'][0].$uppercase()", ["A", "B", "C"]),
        ("[null][0].a", "JS:TypeError"),
        ("[{'k': 1}][0].k@$i", "JS:TypeError"),
        ("[3, 1][k = 1].v[]", "JS:TypeError"),
        ("[{'k': 1}]{'x': $.y}.z", UNDEFINED),
        ("[1, 2]@$i.[3, 4]@$j{'a': $i}", {}),
        ("[{'k': 2, 'v': 'a'}, {'k': 1, 'v': 'b'}]#$i^(k){v: $i}", {}),
        ("function($a, $b, $c)<x+:a>{[$a, $b, $c]}(1, 2, 3)", [1, 1, 1]),
        ("function($a, $b)<f?a?:x>{$a}(['a'])", ["a"]),
        ("$parseInteger($formatInteger(1e21, '٠٠٠'), '٠٠٠')", 1),
        ("$formatInteger(?, '0')()", UNDEFINED),
    ],
)
def test_values(text: str, value: Any) -> None:
    try:
        found = answer(text)
    except JsonataError as problem:
        found = problem.code
    assert (found if value is not UNDEFINED else found is UNDEFINED) == (value if value is not UNDEFINED else True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$formatNumber(2.5, '#,##,##0')", ",2,"),
        ("$formatNumber(1e21, '#', {'zero-digit': '٠'})", "١e+٢١"),
        ("$formatInteger(1, '#,##,##0')", ",1"),
        ("$formatInteger(11, '.00.#')", "..1"),
        ("$formatInteger(1234567, '#,##0')", "1,234,567"),
        ("$formatInteger(1e21, 'a')", "olzyyselzqowgem"),
        ("$formatBase(1e21, 27)", "93kcdk6ck58g000"),
        ("$formatBase(9007199254740991, 36)", "2gosa7pa2gv"),
        ("$string($parseInteger('one hundred and five', 'a'))", "1.19126151058058e+28"),
        ("$string($power(1e12, 3) = 9.999999999999999e35)", "true"),
        ("$string($power(0.5, 1.5) = 0.35355339059327373)", "true"),
        ("$string([$power(2, 10), $power(-2, 3), $power(10, 22), $power(2, -1074) > 0])", "[1024,-8,1e+22,true]"),
    ],
)
def test_numbers_as_text(text: str, shown: str) -> None:
    assert answer(text) == shown


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1 +", "S0207"),
        ("[1,]", "S0211"),
        ("{'a': 1,}", "S0211"),
        ("$f(1,)", "S0211"),
        ("one{'a': 1,}", "S0211"),
        ("(1 +", "S0203"),
        ("$f(1 -", "S0203"),
        ("[1,", "S0203"),
        ("a[b *", "S0203"),
        ("a#", "S0214"),
        ("a@$#", "S0214"),
        ("a[] / 2", "S0302"),
        ("a^(b) / 2", "S0302"),
        ("a ~> |b|{}| / 2", "S0302"),
        ("function(){1} / 2", "S0302"),
        ("1" * 350, "S0102"),
        ("'\\u4", "S0101"),
        ("$string($parseInteger('x', '1;o'))", "D3001"),
        ("$string($toMillis('2026-04-30T00:00:00+2400'))", "D3001"),
        ("$string($toMillis('2026-12-08:00'))", "D3001"),
        ("$match('ab', /x*/, 0.5)", "D1004"),
        ("$match('ab', function($t){false})", "JS:TypeError"),
        ("$split('ab', $uppercase)", "T1010"),
        ("$map(?, $string)([1])", "JS:TypeError"),
        ("$map(?, $string)(null)", "JS:TypeError"),
        ("$contains(?, 'a')({})", "JS:TypeError"),
        ("$contains('a', /(?<n>a)(?<n>b)/)", "JS:SyntaxError"),
        ("$contains('a', /(?<n>a)\\k/)", "JS:SyntaxError"),
        ("$contains('a', /(?<n>a)\\k<m>/)", "JS:SyntaxError"),
        ("$contains('a', /[b-a]/)", "JS:SyntaxError"),
    ],
)
def test_errors(text: str, code: str) -> None:
    with pytest.raises(JsonataError) as caught:
        answer(text)
    assert caught.value.code == code


def test_functions_in_a_chain_are_called_f_and_g() -> None:
    for text, token in (("$uppercase ~> $length", "f"), ("function($x){1} ~> $length", "g")):
        with pytest.raises(JsonataError, match=f'Argument 1 of function "{token}" does not match'):
            answer(f"({text})(5)")


@pytest.mark.parametrize(
    ("text", "position", "token"),
    [
        ("[{'k': 1}].(%)", 1, "unary"),
        ("{'a': 1} ~> |$|1|", 16, None),
        ("{'a': 1} ~> |$|{}, 1|", 20, None),
        ("$map([1, 2], function($i){1 & $trim(1, 2)})", 5, "trim"),
    ],
)
def test_places_of_errors(text: str, position: int, token: str | None) -> None:
    with pytest.raises(JsonataError) as refused:
        answer(text)
    assert (refused.value.position, refused.value.told.get("token")) == (position, token)
