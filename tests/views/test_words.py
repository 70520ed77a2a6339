"""Durations, errors, retries and Resources in words."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.errors import InvalidSettings
from statelang.views.deeds import deed, last_name
from statelang.views.document import fragment, plain
from statelang.views.glossary import Entry, Glossary, glossary_of
from statelang.views.steps import tried
from statelang.views.words import duration, error_clauses, moment, sentence, split_name, took


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 second"), (30, "30 seconds"), (60, "1 minute"), (90, "1 minute and 30 seconds"), (3600, "1 hour"),
        (5400, "1 hour and 30 minutes"), (86_400, "1 day"), (93_600, "1 day and 2 hours"), (0.5, "0.5 seconds"),
        (0, "0 seconds"), (3_661, "1 hour, 1 minute and 1 second"), (86_460, "1 day and 1 minute"), (604_800, "7 days"),
    ],
)  # fmt: skip
def test_a_duration_is_said_exactly(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_measured_time_is_short() -> None:
    assert [took(ms) for ms in (0, 400, 12_000, 185_000, 7_800_000, 273_600_000)] == [
        "0 s", "0.4 s", "12 s", "3 min 5 s", "2 h 10 min", "3 d 4 h",
    ]  # fmt: skip
    assert moment(0) == "1 January 1970, 00:00:00 UTC"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["States.ALL"], "anything goes wrong"),
        (["States.Timeout", "CardDeclined"], "it takes too long or it reports “CardDeclined”"),
        (["A", "B"], "it reports “A” or “B”"),
        (["Lambda.ServiceException", "Lambda.SdkClientException"], "the function's host has a problem"),
        (["States.Http.StatusCode.503"], "the service answers with status 503"),
        ([], "anything goes wrong"),
    ],
)
def test_errors(names: list[str], said: str) -> None:
    assert error_clauses(names) == said


@pytest.mark.parametrize(
    ("retrier", "said"),
    [
        ({}, "it tries again up to 3 times, after 1, 2 and 4 seconds"),
        ({"MaxAttempts": 0}, "it does not try again"),
        ({"MaxAttempts": 1, "IntervalSeconds": 60}, "it tries once more, after 1 minute"),
        ({"BackoffRate": 1, "IntervalSeconds": 5}, "it tries again up to 3 times, 5 seconds apart"),
        (
            {"MaxAttempts": 10, "MaxDelaySeconds": 60},
            "it tries again up to 10 times, after 1, 2, 4 seconds and so on, at most 1 minute",
        ),
        ({"IntervalSeconds": 60}, "it tries again up to 3 times, after 1 minute, 2 minutes and 4 minutes"),
        (
            {"JitterStrategy": "FULL", "MaxAttempts": 2},
            "it tries again up to 2 times, after 1 and 2 seconds (each pause shortened by chance)",
        ),
        ({"MaxAttempts": "many", "IntervalSeconds": None}, "it tries again up to 3 times, after 1, 2 and 4 seconds"),
    ],
    ids=str,
)  # fmt: skip
def test_retries(retrier: dict[str, Any], said: str) -> None:
    assert tried(retrier) == said


PUBLISH = "arn:aws:states:::sns:publish"
SNAPSHOT = "arn:aws:states:::aws-sdk:rds:createDBSnapshot"
INVOKE = "arn:aws:states:::lambda:invoke"
ANYWHERE = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"


@pytest.mark.parametrize(
    ("resource", "given", "says", "short"),
    [
        ("arn:aws:lambda:eu-west-1:1:function:pay:3", {}, "calls the function “pay”", "Lambda · pay"),
        (INVOKE, {"FunctionName": "${PayArn}"}, "calls the function “Pay”", "Lambda · Pay"),
        (INVOKE, {"FunctionName.$": "$.which"}, "calls the function given by the which", "Lambda · which"),
        (INVOKE, {"FunctionName": "{% $which %}"}, "calls the function given by the which", "Lambda · which"),
        (INVOKE, {"FunctionName": "{% $f(1) %}"}, "calls the function that the data names", "Lambda · invoke"),
        (PUBLISH, {"TopicArn": "arn:aws:sns:x:1:alarm"}, "sends a notification to “alarm”", "SNS · alarm"),
        (SNAPSHOT, {}, "asks RDS to create DB snapshot", "RDS · create DB snapshot"),
        (f"{ANYWHERE}:s3:getObject", {}, "reads a file from the storage that the data names", "S3 · get object"),
        ("arn:aws:states:x:1:activity:sign", {}, "hands the work “sign” to whoever takes it up", "Activity · sign"),
        ("python:shop.tasks:charge", {}, "calls the function “charge”", "Python · charge"),
        ("exec:./report.sh -v", {}, "runs the program “./report.sh -v”", "Program · ./report.sh -v"),
        ("https://example.com/a", {}, "calls the web address “https://example.com/a”", "HTTP · example.com/a"),
        ("__my_function_arn__", {}, "calls “my_function”", "my_function"),
        ("", {}, "does its work", "no resource"),
        (7, {}, "calls “7”", "7"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_deeds(resource: Any, given: dict[str, Any], says: str, short: str) -> None:
    done = deed({"Resource": resource, "Parameters": given}, Glossary())
    assert (done.says, done.short) == (says, short)


def test_a_deed_says_whom_it_tells_and_what_it_waits_for() -> None:
    queue = {
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "https://x/1/q"},
    }
    assert (deed(queue, Glossary()).message, deed(queue, Glossary()).waits) == (True, "answer")
    assert deed({"Resource": "arn:aws:states:::ecs:runTask.sync"}, Glossary()).waits == "end"


def test_names() -> None:
    assert split_name("snake_caseName-HTTPCode") == "snake case name HTTP code"
    assert last_name("https://sqs.eu-west-1.amazonaws.com/111/orders") == "orders"
    assert last_name("arn:aws:states:eu-west-1:1:stateMachine:${Nightly}") == "Nightly"
    assert sentence("what is it?") == "What is it?"
    assert sentence("he said “no”") == "He said “no”."


def test_the_glossary_takes_the_longest_pattern_and_the_function() -> None:
    words = glossary_of(
        {
            "resources": {
                "arn:aws:lambda:*": "does something",
                "arn:aws:lambda:*:function:pay": {"tells": "the bank"},
                "pay*": "pays",
            }
        },
        "g.yaml",
    )
    assert words.resource("arn:aws:lambda:eu-west-1:1:function:pay") == Entry(tells="the bank")
    assert words.resource("arn:aws:lambda:eu-west-1:1:function:x") == Entry(says="does something")
    assert words.resource("arn:aws:states:::lambda:invoke", "payments") == Entry(says="pays")
    assert words.resource("exec:x") is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "g.yaml: a glossary is an object of title, states, resources, errors, values"),
        ({"state": {}}, "g.yaml: unknown key 'state'; did you mean 'states'?"),
        ({"states": {"A": 1}}, "g.yaml: states must be an object of names and words"),
        ({"resources": {"x": {"say": "y"}}}, "g.yaml: resources: x: unknown key 'say'; did you mean 'says'?"),
        ({"resources": {"x": 1}}, "g.yaml: resources: x must be words, or an object of says, short, tells"),
        ({"resources": []}, None),
        ({"resources": [1]}, "g.yaml: resources must be an object of Resource and words"),
        ({"title": 1}, "g.yaml: title must be a text"),
    ],
    ids=str,
)
def test_a_wrong_glossary_is_refused_by_name(value: Any, told: str | None) -> None:
    if told is None:
        assert glossary_of(value, "g.yaml") == Glossary()
        return
    with pytest.raises(InvalidSettings) as refused:
        glossary_of(value, "g.yaml")
    assert str(refused.value) == told


@pytest.mark.parametrize(
    "text",
    [
        "**bold** _it_ `code`",
        "<b>tag</b> &amp; a & b",
        "1. one",
        "- point",
        "# head",
        "[a](b)",
        "a_b_c",
        "> quote",
        "a | b",
        "~~x~~",
    ],
)
def test_plain_text_stays_what_it_is(text: str) -> None:
    from html import unescape

    assert unescape(fragment(plain(text))).strip() == f"<p>{text}</p>"
