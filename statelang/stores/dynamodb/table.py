"""The DynamoDB table of a store: its address, its shape, and that shape as CloudFormation and Terraform.

One table holds everything, keyed by `pk` and `sk`; an execution is one partition. Two sparse indexes hold keys alone:

    due       queue, due        what is free and due, what a worker holds, which workers there are
    listing   machine, listed   executions by machine and status, in the order in which they started

Rule: the shape stands here once, and is made, printed and described from the same constants.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from statelang.errors import InvalidSettings

KEYS: Final = {"pk": "S", "sk": "S"}
INDEXES: Final[Mapping[str, Mapping[str, str]]] = {
    "due": {"queue": "S", "due": "N"},
    "listing": {"machine": "S", "listed": "S"},
}
"""Index -> its partition key and its sort key, each with its type."""

OPTIONS: Final = ("region", "endpoint", "bucket", "poll", "lease")
POLL_MS: Final = 1_000
LEASE_MS: Final = 30_000
ENDPOINT: Final = "STATELANG_DYNAMODB_ENDPOINT"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is. `bucket` takes large values.

    `poll` is how often other processes are looked for, and `lease` how long a worker that says nothing is taken to
    live, in milliseconds.
    """

    table: str
    region: str | None = None
    endpoint: str | None = None
    bucket: str | None = None
    poll: int = POLL_MS
    lease: int = LEASE_MS

    def __str__(self) -> str:
        return f"dynamodb://{self.table}"


def read_address(rest: str) -> Address:
    """`//TABLE?region=…&endpoint=…&bucket=…&poll=…&lease=…`. Raises InvalidSettings.

    Without `endpoint` the one in STATELANG_DYNAMODB_ENDPOINT counts, if there is one.
    """
    parts = urlsplit(rest)
    table = parts.netloc or parts.path.strip("/")
    if not table or (parts.netloc and parts.path.strip("/")):
        raise InvalidSettings("the store address names no table: write dynamodb://TABLE?region=eu-west-1")
    given = parse_qs(parts.query, keep_blank_values=True)
    unknown = [name for name in given if name not in OPTIONS]
    if unknown:
        raise InvalidSettings(f"the store address has an unknown option {unknown[0]!r}; known are {', '.join(OPTIONS)}")
    options = {name: values[-1] for name, values in given.items() if values[-1]}
    times = {"poll": options.pop("poll", str(POLL_MS)), "lease": options.pop("lease", str(LEASE_MS))}
    for name, value in times.items():
        if not value.isascii() or not value.isdigit():
            raise InvalidSettings(f"{name}={value} in the store address must be a number of milliseconds")
    options.setdefault("endpoint", os.environ.get(ENDPOINT) or "")
    return Address(
        table, options.get("region"), options["endpoint"] or None, options.get("bucket"), *map(int, times.values())
    )


def definition(table: str) -> dict[str, Any]:
    """The arguments of CreateTable."""
    typed = {**KEYS, **{name: kind for index in INDEXES.values() for name, kind in index.items()}}
    return {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in typed.items()],
        "KeySchema": _key_schema(list(KEYS)),
        "GlobalSecondaryIndexes": [
            {"IndexName": index, "KeySchema": _key_schema(list(keys)), "Projection": {"ProjectionType": "KEYS_ONLY"}}
            for index, keys in INDEXES.items()
        ],
    }


def _key_schema(names: Sequence[str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"))]


def cloudformation(table: str) -> dict[str, Any]:
    """A template with the table as its one resource."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The executions of Statelang",
        "Resources": {"Table": resource(table)},
    }


def resource(table: Any) -> dict[str, Any]:
    """The table as a CloudFormation resource, kept when its stack goes."""
    recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {**definition(table), **recovery},
    }


def terraform(table: str) -> str:
    """The table as a Terraform resource."""
    typed = {**KEYS, **{name: kind for index in INDEXES.values() for name, kind in index.items()}}
    attributes = "".join(f'\n  attribute {{\n    name = "{n}"\n    type = "{k}"\n  }}\n' for n, k in typed.items())
    indexes = "".join(
        f'\n  global_secondary_index {{\n    name            = "{index}"\n    hash_key        = "{hash}"\n'
        f'    range_key       = "{range}"\n    projection_type = "KEYS_ONLY"\n  }}\n'
        for index, (hash, range) in ((index, list(keys)) for index, keys in INDEXES.items())
    )
    hash, range = KEYS
    return (
        f'resource "aws_dynamodb_table" "statelang" {{\n  name         = "{table}"\n'
        f'  billing_mode = "PAY_PER_REQUEST"\n  hash_key     = "{hash}"\n  range_key    = "{range}"\n'
        f"{attributes}{indexes}\n  point_in_time_recovery {{\n    enabled = true\n  }}\n\n"
        "  lifecycle {\n    prevent_destroy = true\n  }\n}\n"
    )
