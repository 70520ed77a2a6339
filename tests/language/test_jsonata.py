"""The engine on its own: compiled once, evaluated by anyone at any time, and only what it is given."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from statelang.language.jsonata import UNDEFINED, Expression, JsonataError
from statelang.language.jsonata.functions import BUILTINS
from statelang.language.jsonata.regexes import compile_regex


def test_any_number_of_threads_use_one_expression() -> None:
    text = "($f := function($n){$n = 0 ? 0 : $n + $f($n - 1)}; $map([1..5], function($i){$f($i) * $x}) ~> $sum())"
    expression = Expression(text)

    def evaluate(number: int) -> bool:
        return bool(expression.evaluate(bindings={"x": number}) == 35 * number)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(evaluate, range(800)))


def test_time_and_chance_are_given() -> None:
    expression = Expression("[$millis(), $random(), $now()]")
    first = expression.evaluate(millis=1_531_310_400_123, seed=b"seed")
    assert first == expression.evaluate(millis=1_531_310_400_123, seed=b"seed")
    assert first[0] == 1_531_310_400_123
    assert first[2] == "2018-07-11T12:00:00.123Z"
    assert first[1] != expression.evaluate(millis=0, seed=b"other")[1]


def test_nothing_is_undefined() -> None:
    assert Expression("nothing").evaluate({}) is UNDEFINED
    assert Expression("$x").evaluate() is UNDEFINED
    assert Expression("$x").evaluate(bindings={"x": None}) is None


def test_an_error_has_a_code_a_place_and_the_text_of_jsonata_js() -> None:
    with pytest.raises(JsonataError) as caught:
        Expression('a + "b"').evaluate({"a": 1})
    assert caught.value.code == "T2002"
    assert caught.value.position == 3
    assert str(caught.value) == 'T2002: The right side of the "+" operator must evaluate to a number'


def test_every_builtin_of_the_language_is_there_under_its_name() -> None:
    families = {
        "string": "string length substring substringBefore substringAfter uppercase lowercase trim pad contains split "
        "join match replace base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl",
        "numeric": "number abs floor ceil round power sqrt random formatNumber formatBase formatInteger parseInteger "
        "sum max min average",
        "array": "count append sort reverse shuffle distinct zip",
        "object": "keys lookup spread merge sift each error assert type clone boolean not exists",
        "higher order": "map filter single reduce",
        "date-time": "now millis fromMillis toMillis",
    }
    assert set(BUILTINS) == {name for names in families.values() for name in names.split()}


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"\d+", "a٣1", "1"),
        (r"\bé", "é", None),
        (r"\s", "\ufeff", "\ufeff"),
        (r"[^]", "\n", "\n"),
        (r"[]", "a", None),
        (r"a{e<=1}", "ab", None),
        (r"a{,2}", "a{,2}", "a{,2}"),
        (r"(?<y>a)\k<y>", "aa", "aa"),
        (r"\u0041\x42\cJ", "AB\n", "AB\n"),
        (r"$", "a\n", ""),
        (r"[\w-]+", "a-b", "a-b"),
        (r"[[]", "[", "["),
        (r"\1(a)", "a", "a"),
        (r"(?:(a)|b)\1c", "bc", "bc"),
        (r"\2", "\x02", "\x02"),
    ],
)
def test_patterns_mean_what_they_mean_in_javascript(pattern: str, text: str, found: str | None) -> None:
    match = compile_regex(pattern, "", 0).search(text, 0, lambda steps: None)
    assert (match and match.text) == found or (match is None and found is None)


@pytest.mark.parametrize("pattern", ["(", "a**", "a*+", "(?>a)", "(?i)a", "[a", "(?P<n>a)", "(?#c)", "\\"])
def test_patterns_that_javascript_does_not_know(pattern: str) -> None:
    with pytest.raises(JsonataError):
        compile_regex(pattern, "", 0)


def test_what_a_tail_call_gives_is_not_looked_at_until_it_is_used() -> None:
    """An empty sequence that ends a function is an empty array to `$map`, as in jsonata-js."""
    assert Expression("$map(10, function($x){$match('1', /a/)})").evaluate() == []
    assert Expression("(function($x){$match('1', /a/)})(10)").evaluate() is UNDEFINED
