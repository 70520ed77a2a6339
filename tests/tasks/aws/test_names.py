"""Every service, action and key of botocore: found by its name in a Resource, and the same there and back."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import xform_name

from statelang.errors import Fault
from statelang.tasks.aws import names, shapes
from tests.tasks.aws.models import every_model, flat

TWINS = {"pinpointsmsvoice": {"pinpoint-sms-voice", "sms-voice"}}
"""Services that botocore carries twice, with the same operations."""


def test_every_service_is_found_by_its_name_and_no_name_is_taken_twice() -> None:
    all_services = names.session().get_available_services()
    assert len(all_services) > 400
    named = {service: names.prefix_of(names._service_id(service)).lower() for service in all_services}
    for service, name in named.items():
        assert names.service(name) in TWINS.get(name, {service})
    assert len(names.services()) == len(all_services) - sum(len(twins) - 1 for twins in TWINS.values())


@pytest.mark.slow
def test_every_action_and_every_key_there_and_back() -> None:
    """All operations, and all structures with all their members: none is left out and none is a sample."""
    operations = members = structures = 0
    for model in every_model():
        _names_of_actions(model)
        operations += len(model.operation_names)
        for name in model.shape_names:
            shape = model.shape_for(name)
            if shape.type_name == "structure":
                _there_and_back(model, shape)
                structures += 1
                members += len(shape.members)
    assert operations > 19_000
    assert members > 230_000
    assert structures > 60_000


def _names_of_actions(model: Any) -> None:
    actions = {names.lowered(name): name for name in model.operation_names}
    assert len(actions) == len(model.operation_names)
    for action, name in actions.items():
        assert action[0].islower() or not action[0].isalpha()
        assert names.method(name) == xform_name(name)


def _there_and_back(model: Any, shape: Any) -> None:
    """What botocore gives, as a state sees it, is what a state may give; and comes out as it went in."""
    told = {name: flat(member) for name, member in shape.members.items()}
    for spell in (names.key, names.raised):
        seen = shapes.result(shape, told, spell)
        where = f"{model.service_name} {shape.name}"
        if getattr(shape, "is_document_type", False):
            continue
        assert set(seen) == {spell(name) for name in shape.members}, where
        assert len(seen) == len(shape.members), where
        assert all(name[0] == name[0].upper() for name in seen), where
        given = shapes.parameters(shape, seen, spell)
        assert list(given) == list(shape.members), where
        again = shapes.result(shape, {**given, **_blobs(shape, told)}, spell)
        assert again == seen, where


def _blobs(shape: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Blobs come out as base64 and go in as texts: they are the one kind that does not go around in a circle."""
    return {name: told[name] for name, member in shape.members.items() if member.type_name == "blob"}


@pytest.mark.parametrize(
    ("member", "written"),
    [
        ("DBInstanceIdentifier", "DbInstanceIdentifier"),
        ("ARN", "Arn"),
        ("stateMachineArn", "StateMachineArn"),
        ("ETag", "ETag"),
        ("ChecksumCRC32", "ChecksumCRC32"),
        ("eTag", "ETag"),
        ("BOOL", "Bool"),
        ("SSEKMSKeyId", "SsekmsKeyId"),
    ],
)
def test_keys_as_the_sdk_for_java_writes_them(member: str, written: str) -> None:
    assert names.key(member) == written


@pytest.mark.parametrize(
    ("id", "prefix"),
    [
        ("DynamoDB", "DynamoDb"),
        ("SFN", "Sfn"),
        ("CloudWatch Logs", "CloudWatchLogs"),
        ("Secrets Manager", "SecretsManager"),
        ("Elastic Load Balancing v2", "ElasticLoadBalancingV2"),
        ("Cost Explorer", "CostExplorer"),
        ("Database Migration Service", "DatabaseMigration"),
        ("S3", "S3"),
        ("EC2", "Ec2"),
        ("SageMaker A2I Runtime", "SageMakerA2IRuntime"),
    ],
)
def test_services_as_errors_name_them(id: str, prefix: str) -> None:
    assert names.prefix_of(id) == prefix


@pytest.mark.parametrize(
    ("action", "operation"),
    [("describeDBInstances", "DescribeDBInstances"), ("createDBCluster", "CreateDBCluster")],
)
def test_actions_whose_operations_begin_words_with_capitals(action: str, operation: str) -> None:
    assert names.operation("rds", action).name == operation


def test_what_does_not_exist_is_said_with_what_may_have_been_meant() -> None:
    with pytest.raises(Fault, match="'dynamo' is not known; did you mean 'dynamodb'"):
        names.service("dynamo")
    with pytest.raises(Fault, match="'getObjects' of 's3' is not known; did you mean 'getObject'"):
        names.operation("s3", "getObjects")
    with pytest.raises(Fault, match="zzz' is not known"):
        names.service("zzz")
