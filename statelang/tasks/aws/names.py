"""The names that AWS Step Functions gives services, actions and keys, and the ones botocore knows them by.

They are those of the AWS SDK for Java v2, made by rule from the models that botocore carries: `DBInstanceIdentifier`
is written `DbInstanceIdentifier`, `DescribeDBInstances` is `describeDBInstances`, `Amazon DynamoDB` is `dynamodb` (and
`DynamoDb` in the names of errors).

Rule: no name is listed by hand; what the rule does not give does not exist.
"""

from __future__ import annotations

import difflib
import gzip
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from statelang.errors import Fault

NOT_KNOWN: Final = "States.Runtime"

_WORDS: Final = (
    (re.compile(r"[^A-Za-z0-9]+"), " "),
    (re.compile(r"([^a-z]{2,})v([0-9]+)"), r"\1 v\2 "),
    (re.compile(r"([^A-Z]{2,})V([0-9]+)"), r"\1 V\2 "),
    (re.compile(r"(?<=[a-z])(?=[A-Z]([a-zA-Z]|[0-9]))"), " "),
    (re.compile(r"([A-Z]+)([A-Z][a-z])"), r"\1 \2"),
    (re.compile(r"([0-9])([a-zA-Z])"), r"\1 \2"),
)
_LEADING_CAPITALS: Final = re.compile(r"[A-Z]+")
_SERVICE_ID: Final = re.compile(rb'"serviceId"\s*:\s*"([^"]+)"')


def pascal(name: str) -> str:
    """A name as the SDK for Java spells classes: `DBInstanceNotFound` is `DbInstanceNotFound`."""
    for pattern, by in _WORDS:
        name = pattern.sub(by, name)
    return "".join(word[:1].upper() + word[1:].lower() for word in name.split())


def lowered(name: str) -> str:
    """A name with its leading run of capitals in lower case, except a capital that starts a word: `dbInstances`."""
    run = _LEADING_CAPITALS.match(name)
    if run is None:
        return name
    end = run.end()
    if end > 1 and end < len(name) and name[end].islower():
        end -= 1
    return name[:end].lower() + name[end:]


def key(member: str) -> str:
    """How a member of a shape is written in parameters and results: `ARN` is `Arn`, `eTag` is `ETag`."""
    name = lowered(member)
    return name[:1].upper() + name[1:]


def raised(member: str) -> str:
    """How an optimized integration writes a member: its first letter in upper case, the rest as the model has it."""
    return member[:1].upper() + member[1:]


def prefix_of(service_id: str) -> str:
    """How errors name a service: `DynamoDb`, `Sfn`, `CloudWatchLogs`."""
    return pascal(service_id).removeprefix("Amazon").removeprefix("Aws").removesuffix("Service")


@cache
def session() -> Any:
    """botocore without credentials or configuration: for its models."""
    import botocore.session

    return botocore.session.Session()


@cache
def services() -> Mapping[str, str]:
    """The service in a Resource (`cloudwatchlogs`) -> what botocore calls it (`logs`)."""
    found: dict[str, str] = {}
    for name in session().get_available_services():
        found.setdefault(prefix_of(_service_id(name)).lower(), name)
    return found


def _service_id(service: str) -> str:
    """The serviceId of a model, read from its first lines: all of it would take a second for all services."""
    loader = session().get_component("data_loader")
    version = loader.determine_latest_version(service, "service-2")
    for folder in loader.search_paths:
        file = os.path.join(folder, service, version, "service-2.json.gz")
        if os.path.exists(file):
            with gzip.open(file) as model:
                found = _SERVICE_ID.search(model.read(4096))
            if found is not None:
                return found[1].decode()
    metadata: Mapping[str, str] = loader.load_service_model(service, "service-2")["metadata"]
    return metadata.get("serviceId", service)


def service(name: str) -> str:
    """What botocore calls the service of a Resource. Raises Fault where there is none of this name."""
    found = services().get(name)
    if found is None:
        raise Fault(NOT_KNOWN, f"The service '{name}' is not known{_hint(name, services())}")
    return found


@cache
def model(service: str) -> Any:
    """botocore's model of a service, by botocore's name."""
    from botocore.model import ServiceModel

    loader = session().get_component("data_loader")
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


@cache
def actions(service: str) -> Mapping[str, str]:
    """The actions of a service as Resources write them (`describeDBInstances`) -> its operations."""
    return {lowered(name): name for name in model(service).operation_names}


def operation(service: str, action: str) -> Any:
    """The model of an action of a service (by botocore's name). Raises Fault where there is none of this name."""
    found = actions(service).get(action)
    if found is None:
        raise Fault(NOT_KNOWN, f"The action '{action}' of '{service}' is not known{_hint(action, actions(service))}")
    return model(service).operation_model(found)


def _hint(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def method(operation: str) -> str:
    """The method of a boto3 client for an operation."""
    from botocore import xform_name

    name: str = xform_name(operation)
    return name
