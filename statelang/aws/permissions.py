"""What a role may do so that its machines run, as far as their Resources tell, as statements of IAM.

Rule: nothing is granted that no Resource asks for; a Resource that tells too little is named instead of guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from statelang.core.resource import classify
from statelang.program import Use

OTHERWISE: Final[Mapping[str, Sequence[str]]] = {
    "bedrock:Converse": ("bedrock:InvokeModel",),
    "dynamodb:BatchExecuteStatement": ("dynamodb:PartiQLDelete", "dynamodb:PartiQLInsert", "dynamodb:PartiQLSelect",
                                       "dynamodb:PartiQLUpdate"),
    "dynamodb:ExecuteStatement": ("dynamodb:PartiQLDelete", "dynamodb:PartiQLInsert", "dynamodb:PartiQLSelect",
                                  "dynamodb:PartiQLUpdate"),
    "dynamodb:TransactGetItems": ("dynamodb:GetItem",),
    "dynamodb:TransactWriteItems": ("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem",
                                    "dynamodb:UpdateItem"),
    "elasticmapreduce:AddStep": ("elasticmapreduce:AddJobFlowSteps",),
    "elasticmapreduce:CreateCluster": ("elasticmapreduce:RunJobFlow",),
    "elasticmapreduce:TerminateCluster": ("elasticmapreduce:TerminateJobFlows",),
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:CopyObject": ("s3:GetObject", "s3:PutObject"),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:UploadPart": ("s3:PutObject",),
}  # fmt: skip
"""Operation -> what IAM calls it, where that is not its name."""

PREFIXES: Final = {"monitoring": "cloudwatch", "iotdata": "iot"}
"""A service's name in signatures -> in IAM, where they differ."""

PASSES: Final = ("ecs", "elasticmapreduce", "emr-containers", "mediaconvert", "sagemaker")
"""Services that are given roles of their own, which `iam:PassRole` has to name."""

CHILDREN: Final = "events:PutTargets", "events:PutRule", "events:DescribeRule"
WATCH: Final = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/StepFunctionsGetEvents*"
"""The rules by which Step Functions hears of what it waits for."""


class Permissions(NamedTuple):
    """`unsaid` are the Resources of which the statements do not hold all that they need."""

    statements: list[dict[str, Any]]
    unsaid: list[str]


def permissions(uses: Iterable[Use], *, watches: bool) -> Permissions:
    """What a role needs for these. `watches`: Step Functions has it, which hears of ends by rules of EventBridge."""
    functions: set[str] = set()
    machines: set[str | None] = set()
    services: set[str] = set()
    for use in uses:
        if use.resource.startswith("arn:") and ":lambda:" in use.resource and ":function:" in use.resource:
            functions.add(use.resource)
        elif use.function is not None:
            functions.add(_function_arn(use.function))
        elif ":states:startExecution" in use.resource or ":aws-sdk:sfn:startExecution" in use.resource:
            machines.add(use.machine)
            services |= {use.resource} if use.machine is None else set()
        elif classify(use.resource).family != "Activity":
            services.add(use.resource)
    found = _invoking(functions) if functions else []
    found += _starting({name for name in machines if name}, watches) if machines - {None} else []
    unsaid = []
    for one in sorted(services):
        actions = _actions(one)
        if not actions or ".sync" in one or actions[0].partition(":")[0] in PASSES:
            unsaid.append(one)
        if actions:
            sid = "".join(part for part in one.partition(":states:::")[2].title() if part.isalnum())
            found.append({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*"})
    return Permissions(found, unsaid)


def _invoking(functions: Iterable[str]) -> list[dict[str, Any]]:
    targets: list[Any] = []
    for one in sorted(functions):
        targets += [{"Fn::Sub": one}, {"Fn::Sub": f"{one}:*"}]
    return [{"Sid": "Functions", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": targets}]


def _starting(machines: Iterable[str], watches: bool) -> list[dict[str, Any]]:
    """To start executions, to ask how they stand, and to stop them."""
    starts = [{"Fn::Sub": one} for one in sorted(machines)]
    runs = [{"Fn::Sub": one} for one in sorted({_executions(machine) for machine in machines})]
    asks = ["states:DescribeExecution", "states:StopExecution"]
    found: list[dict[str, Any]] = [
        {"Sid": "Children", "Effect": "Allow", "Action": "states:StartExecution", "Resource": starts},
        {"Sid": "ChildrenEnds", "Effect": "Allow", "Action": asks, "Resource": runs},
    ]
    if watches:
        rule = {"Fn::Sub": WATCH}
        found.append({"Sid": "ChildrenRules", "Effect": "Allow", "Action": [*CHILDREN], "Resource": rule})
    return found


def _executions(machine: str) -> str:
    """The executions of a state machine, whatever version or alias of it they were started by."""
    place, _, name = machine.rpartition(":stateMachine:")
    return f"{place}:execution:{name.partition(':')[0]}:*"


def map_runs(name: str) -> list[dict[str, Any]]:
    """What Step Functions needs for the Distributed Maps of a machine: to start, watch and stop their children."""
    place = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:"
    own = [{"Fn::Sub": f"{place}stateMachine:{name}"}]
    runs = [{"Fn::Sub": f"{place}execution:{name}:*"}, {"Fn::Sub": f"{place}execution:{name}/*"}]
    asks = ["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"]
    return [
        {"Sid": "MapRuns", "Effect": "Allow", "Action": "states:StartExecution", "Resource": own},
        {"Sid": "MapRunsEnds", "Effect": "Allow", "Action": asks, "Resource": runs},
    ]


def _function_arn(function: str) -> str:
    if function.startswith("arn:"):
        return function
    account, partial, name = function.rpartition(":function:")
    place = f"${{AWS::Region}}:{account}" if partial else "${AWS::Region}:${AWS::AccountId}"
    return f"arn:${{AWS::Partition}}:lambda:{place}:function:{name}"


def _actions(resource: str) -> list[str]:
    """`arn:aws:states:::sqs:sendMessage` -> [`sqs:SendMessage`]; [] for what a Resource does not tell."""
    parts = resource.partition(":states:::")[2].split(".")[0].split(":")
    sdk = parts[:1] == ["aws-sdk"]
    service, action = (parts[1:] if sdk else parts)[:2] if len(parts) == 2 + sdk else ("", "")
    if not service or (service in ("http", "states", "eks", "lambda", "apigateway") and not sdk):
        return []
    service, action = _named(service, action) if sdk else (service, action)
    name = f"{service}:{action[:1].upper()}{action[1:]}"
    return list(OTHERWISE.get(name, (name,)))


def _named(service: str, action: str) -> tuple[str, str]:
    """A service and an action of the SDK as IAM names them, by botocore's models."""
    try:
        from statelang.tasks.aws import names

        known = names.service(service)
        metadata = names.model(known).metadata
        operation = names.operation(known, action).name
    except Exception:  # no botocore, or one that is older than the Resource
        return service, action
    prefix = str(metadata.get("signingName") or metadata["endpointPrefix"])
    return PREFIXES.get(prefix, prefix), str(operation)
