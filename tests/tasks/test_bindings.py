"""Which binding means which Resource, and what is said where none does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from statelang import Bindings, InvalidSettings, Succeeded, UnboundResource, read_bindings
from statelang.errors import ObjectError
from statelang.program import Use
from statelang.tasks.bindings import matches
from tests.tasks.calls import call

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:charge"


@pytest.mark.parametrize(
    ("pattern", "resource", "function", "meant"),
    [
        (ARN, ARN, None, True),
        ("arn:aws:lambda:*:function:charge", ARN, None, True),
        ("arn:aws:lambda:*:function:charge", ARN + "x", None, False),
        ("arn:aws:lambda:*:function:charge", ARN + ":live", None, True),
        ("charge", ARN, None, True),
        ("char*", ARN, None, True),
        ("*", ARN, None, True),
        ("refund", ARN, None, False),
        (ARN, "arn:aws:states:::lambda:invoke", "charge", True),
        (ARN, "arn:aws:states:::lambda:invoke", "charge:live", True),
        (ARN, "arn:aws:states:::lambda:invoke", ARN, True),
        (ARN, "arn:aws:states:::lambda:invoke", "111122223333:function:charge", True),
        (ARN, "arn:aws:states:::lambda:invoke", "999999999999:function:charge", False),
        ("charge", "arn:aws:states:::lambda:invoke", ARN, True),
        ("charge", "arn:aws:states:::lambda:invoke.waitForTaskToken", "charge", True),
        ("arn:aws:states:::lambda:invoke", "arn:aws:states:::lambda:invoke", "anything", True),
        ("arn:aws:states:::sqs:*", "arn:aws:states:::sqs:sendMessage.waitForTaskToken", None, True),
        ("arn:aws:states:::sqs:*", "arn:aws:states:::sns:publish", None, False),
        ("charge", "arn:aws:states:::sqs:sendMessage", None, False),
    ],
)
def test_patterns(pattern: str, resource: str, function: str | None, meant: bool) -> None:
    assert matches(pattern, resource, function) is meant


def test_the_most_specific_pattern_wins() -> None:
    patterns = ["*", "arn:aws:lambda:*", "arn:aws:lambda:*:function:ch*", "arn:aws:lambda:*:function:charge", ARN]
    for last in range(1, len(patterns) + 1):
        bindings = Bindings.of({pattern: lambda data, pattern=pattern: pattern for pattern in patterns[:last]})
        found = bindings.find(ARN, {})
        assert found is not None
        assert found.perform(call(resource=ARN)) == Succeeded(patterns[last - 1])


def test_later_bindings_win_over_earlier_ones() -> None:
    both = Bindings.of({"f": lambda data: 1}) | Bindings.of({"f": lambda data: 2})
    found = both.find(ARN.replace("charge", "f"), {})
    assert found is not None
    assert found.perform(call(resource=ARN)) == Succeeded(2)


def test_what_is_missing_is_named_with_what_there_is() -> None:
    bindings = Bindings.of({"arn:aws:lambda:*:function:charge": lambda data: None})
    with pytest.raises(UnboundResource) as refused:
        bindings.check([Use("Charge", ARN), Use("Refund", ARN.replace("charge", "charged"))])
    text = str(refused.value)
    assert "state 'Refund'" in text
    assert "'Charge'" not in text
    assert "bound are: arn:aws:lambda:*:function:charge" in text
    bindings.check([Use("Any", "arn:aws:states:::lambda:invoke", None), Use("Poll", "arn:aws:states:eu:1:activity:x")])
    assert bindings.find("arn:aws:states:eu:1:activity:x", {}) is None


def test_a_file_that_binds_only_machines_or_buckets_is_not_called_empty(tmp_path: Path) -> None:
    file = tmp_path / "b.yaml"
    for text, said in (
        ("buckets: {s3://in/: in}\n", "only buckets are bound, and no Resource: name it under `resources`"),
        ("machines: {ship: s.asl.yaml}\nbuckets: {in: in}\n", "only machines and buckets are bound, and no Resource"),
        ("{}", "nothing is bound at all: name it under `resources` in a bindings file (--bind)"),
    ):
        file.write_text(text)
        with pytest.raises(UnboundResource, match=re.escape(said)):
            read_bindings(file).check([Use("Charge", ARN)])


def test_a_file_binds_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "shop_of_test.py").write_text("def charge(data):\n    return {'charged': data}\n")
    file = tmp_path / "order.bindings.yaml"
    file.write_text(
        "resources:\n  charge: python:shop_of_test:charge\n  where:\n    target: exec:pwd\n    cwd: .\n"
        "substitutions: {Region: eu-west-1, Answer: 42}\n"
    )
    bindings = read_bindings(file)
    assert bindings.substitutions == {"Region": "eu-west-1", "Answer": 42}
    assert bindings.bound["charge"].integration.perform(call(1)) == Succeeded({"charged": 1})
    assert bindings.bound["where"].integration.perform(call(1)) == Succeeded(str(tmp_path.resolve()))


def test_modules_of_the_same_name_in_two_folders_are_two(tmp_path: Path) -> None:
    found = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "twin_tasks.py").write_text(f"def work(data):\n    return {number}\n")
        (folder / "b.yaml").write_text("resources: {f: 'python:twin_tasks:work'}\n")
        found.append(read_bindings(folder / "b.yaml").bound["f"].integration.perform(call()))
    assert found == [Succeeded(1), Succeeded(2)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resources: [", "b.yaml:1"),
        ("resource: {}", "'resource' is none of its keys"),
        ("- a", "none of its keys"),
        ("resources: 5", "must be mappings"),
        ("resources: {f: 5}", "neither a function nor a target"),
        ("resources: {f: {cwd: x}}", "has no target"),
        ("resources: {f: 'ruby:x'}", "begins with none of python:, exec:, http:, https:, aws:"),
        ("resources: {f: {target: 'exec:ls', colour: red}}", "unknown option 'colour'; it takes: cwd, env, output"),
        ("resources: {f: 'python:nowhere_at_all:f'}", "cannot be imported"),
        ("resources: {f: 'python:json:nothing'}", "cannot be imported"),
        ("resources: {f: 'python:json'}", "must be written python:package.module:function"),
        ("resources: {f: 'python:json:__name__'}", "is neither a function nor an integration but a str"),
        ("resources: {f: 'exec:'}", "names no program"),
        ('resources: {f: "exec:\'unclosed"}', "No closing quotation"),
        ("resources: {f: {target: 'https://x', timeout: -1}}", "timeout"),
        ("resources: {f: {target: 'aws:', regio: x}}", "unknown option 'regio'"),
        ("aws: 3", "aws must be true or a mapping of options, not 3"),
        ("aws: {regio: x}", "unknown option 'regio'"),
        ("aws: {region: 3}", "region must be a text"),
        ("connections: {c: {password: x}}", "the connection c has unknown key 'password'"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_name(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(text)
    with pytest.raises(InvalidSettings) as refused:
        read_bindings(tmp_path / "b.yaml")
    assert "b.yaml" in str(refused.value)
    assert said in str(refused.value)


def test_aws_performs_what_is_its_own_and_not_bound_otherwise(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("aws: {region: eu-west-1}\nresources: {charge: 'exec:cat'}\n")
    bindings = read_bindings(tmp_path / "b.yaml")
    for resource in (
        ARN.replace("charge", "refund"),
        "arn:aws:states:::dynamodb:getItem",
        "arn:aws:states:::aws-sdk:s3:getObject",
        "arn:aws:states:::glue:startJobRun.sync",
        "arn:aws:states:::http:invoke",
    ):
        assert bindings.find(resource, {}) is not None
    with pytest.raises(UnboundResource):
        bindings.find("docker:thing", {})
    assert bindings.find("arn:aws:states:eu:1:activity:x", {}) is None
    invoke = "arn:aws:states:::lambda:invoke"
    assert type(bindings.find(invoke, {"FunctionName": "charge"})).__name__ == "LambdaTask"
    assert type(bindings.find(invoke, {"FunctionName": "refund"})).__name__ == "AwsTask"
    one_service = Bindings.of({"arn:aws:states:::sqs:*": "aws:"})
    assert type(one_service.find("arn:aws:states:::sqs:sendMessage", {})).__name__ == "AwsTask"
    with pytest.raises(UnboundResource, match="AWS itself performs its own Resources only where it is asked to"):
        one_service.find("arn:aws:states:::sns:publish", {})


def test_a_bucket_without_a_folder_is_s3_only_where_aws_may_be_asked() -> None:
    with pytest.raises(ObjectError, match=r"s3://shop: no folder is bound in its place\. AWS itself"):
        Bindings().objects("shop")
    assert type(Bindings.of({}, aws=True).objects("shop")).__name__ == "S3Objects"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="No such file"):
        read_bindings(tmp_path / "none.yaml")


def test_a_function_that_takes_nothing_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="must take the input"):
        Bindings.of({"f": lambda: None})
