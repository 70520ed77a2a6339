"""The rules of a Choice in words, for every operator of the language, and JSONata as far as words are honest."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.language.comparisons import COMPARISONS
from statelang.views.conditions import UNKNOWN, condition
from statelang.views.formulas import formula


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"StringEquals": "open"}, "the order state is “open”"),
        ({"StringLessThan": "m"}, "the order state comes before “m”"),
        ({"StringGreaterThanEquals": "m"}, "the order state is “m” or comes after it"),
        ({"StringEqualsPath": "$.before"}, "the order state is the before"),
        ({"NumericEquals": 3}, "the order state is 3"),
        ({"NumericGreaterThan": 2.5}, "the order state is more than 2.5"),
        (
            {"NumericLessThanEqualsPath": "$$.Execution.Input.most"},
            "the order state is at most the most of what this run was started with",
        ),
        ({"BooleanEquals": True}, "the order state is yes"),
        ({"TimestampGreaterThan": "2026-01-01T00:00:00Z"}, "the order state is after 2026-01-01T00:00:00Z"),
        ({"TimestampLessThanEquals": "2026-01-01T00:00:00Z"}, "the order state is 2026-01-01T00:00:00Z or earlier"),
        ({"StringMatches": "*.txt"}, "the order state ends with “.txt”"),
        ({"StringMatches": "log-*"}, "the order state begins with “log-”"),
        ({"StringMatches": "*x*"}, "the order state contains “x”"),
        ({"StringMatches": "a*b"}, "the order state looks like “a*b”"),
        ({"StringMatches": "*"}, "the order state is any text"),
        ({"IsNull": True}, "the order state is empty"),
        ({"IsPresent": False}, "the order state is missing"),
        ({"IsBoolean": True}, "the order state is yes or no"),
        ({"StringEquals": "{x}"}, "the order state is “{x}”"),
        ({}, UNKNOWN),
    ],
    ids=str,
)  # fmt: skip
def test_a_comparison(rule: dict[str, Any], said: str) -> None:
    assert condition({"Variable": "$.order.state", **rule}) == said


def test_every_operator_of_the_language_has_words() -> None:
    for operator in COMPARISONS:
        assert condition({"Variable": "$.x", operator: "$.y"}) != UNKNOWN, operator


def test_and_or_not() -> None:
    a, b = {"Variable": "$.a", "IsPresent": True}, {"Variable": "$.a", "NumericGreaterThan": 3}
    c = {"Variable": "$.c", "StringEquals": "x"}
    assert condition({"And": [a, b]}) == "the a is given and is more than 3"
    assert condition({"Or": [c, {**c, "StringEquals": "y"}]}) == "the c is “x” or “y”"
    assert condition({"And": [a, {"Or": [b, c]}]}) == "the a is given and (the a is more than 3 or the c is “x”)"
    assert condition({"Not": a}) == "the a is missing"
    assert condition({"Not": c}) == "the c is not “x”"
    assert condition({"Not": {"And": [b, c]}}) == "it is not so that (the a is more than 3 and the c is “x”)"


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("$", "the data"),
        ("$.orderId", "the order id"),
        ("$.a.b.c", "the b c of a"),
        ("$.items[0].price", "the first items price"),
        ("$[2]", "the third item"),
        ("$['odd key']", "the odd key"),
        ("$limit", "the limit"),
        ("$.isOpen", "“is open”"),
        ("$$.Execution.Name", "the name of this run"),
        ("$$.Map.Item.Value.bank", "the bank of the item"),
        ("$.a[?(@.b==1)]", "“$.a[?(@.b==1)]”"),
        ("$..a", "“$..a”"),
    ],
)
def test_a_path(variable: str, said: str) -> None:
    assert condition({"Variable": variable, "IsPresent": True}) == f"{said} is given"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{% $states.input.total > 100 %}", "the total is more than 100"),
        ("{% $status = 'OK' and $count($items) > 0 %}", "the status is “OK” and the items has at least one item"),
        ("{% $a = 1 and ($b = 2 or $c = 3) %}", "the a is 1 and (the b is 2 or the c is 3)"),
        ("{% ($a = 1) or ($b = 2) %}", "the a is 1 or the b is 2"),
        ("{% $exists($work) %}", "the work is given"),
        ("{% $not($exists($work)) %}", "it is not so that the work is given"),
        ('{% $type in ["a", "b"] %}', "the type is “a” or “b”"),
        ("{% $tags.library ? true : false %}", "the tags library is given"),
        ("{% $states.context.State.RetryCount >= 2 %}", "how often this step was tried again is at least 2"),
        ("{% $states.input.isValid %}", "“is valid” holds"),
        ("{% ${Enabled} = true %}", "“${Enabled}” is yes"),
        ("{% $sum(items.price) > 3 %}", "the formula “$sum(items.price) > 3” holds"),
        ("{% $a ~> $b %}", "the formula “$a ~> $b” holds"),
        ("{% /* big spenders */ $sum($x) > 9 %}", "the formula “$sum($x) > 9” holds (big spenders)"),
        ('{% "unfinished %}', 'the formula “"unfinished” holds'),
        ("{%%}", "the formula “” holds"),
        (True, "always"),
    ],
)
def test_a_formula(text: Any, said: str) -> None:
    assert formula(text) == said


def test_the_glossary_names_values() -> None:
    words = {"$.amount": "the price"}
    assert condition({"Variable": "$.amount", "NumericLessThan": 5}, words.get) == "the price is less than 5"
    assert formula("{% $amount < 5 %}", {"$amount": "the price"}.get) == "the price is less than 5"
