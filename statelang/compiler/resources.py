"""What a Resource may be: which services and actions exist, and which patterns a type of machine takes (asl.md 8).

Rule: one row per optimized integration; SDK integrations and everything that is no ARN are not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from statelang.compiler.findings import Findings, Place
from statelang.compiler.problems import did_you_mean
from statelang.compiler.substitutions import PLACEHOLDER
from statelang.values import Json

RR: Final = ""
SYNC: Final = ".sync"
SYNC2: Final = ".sync:2"
TOKEN: Final = ".waitForTaskToken"

OPTIMIZED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "apigateway": {"invoke": (RR, TOKEN)},
    "athena": {
        "startQueryExecution": (RR, SYNC),
        "stopQueryExecution": (RR,),
        "getQueryExecution": (RR,),
        "getQueryResults": (RR,),
    },
    "batch": {"submitJob": (RR, SYNC)},
    "bedrock": {"invokeModel": (RR, TOKEN), "createModelCustomizationJob": (RR, SYNC)},
    "codebuild": {
        "startBuild": (RR, SYNC),
        "stopBuild": (RR,),
        "batchDeleteBuilds": (RR,),
        "batchGetReports": (RR,),
        "startBuildBatch": (RR, SYNC),
        "stopBuildBatch": (RR,),
        "retryBuildBatch": (RR, SYNC),
        "deleteBuildBatch": (RR,),
    },
    "databrew": {"startJobRun": (RR, SYNC)},
    "dynamodb": {"getItem": (RR,), "putItem": (RR,), "updateItem": (RR,), "deleteItem": (RR,)},
    "ecs": {"runTask": (RR, SYNC, TOKEN)},
    "eks": {
        "createCluster": (RR, SYNC),
        "deleteCluster": (RR, SYNC),
        "createNodegroup": (RR, SYNC),
        "deleteNodegroup": (RR, SYNC),
        "createFargateProfile": (RR, SYNC),
        "deleteFargateProfile": (RR, SYNC),
        "call": (RR,),
        "runJob": (RR, SYNC, TOKEN),
    },
    "elasticmapreduce": {
        "createCluster": (RR, SYNC),
        "terminateCluster": (RR, SYNC),
        "addStep": (RR, SYNC),
        "cancelStep": (RR,),
        "setClusterTerminationProtection": (RR,),
        "modifyInstanceFleetByName": (RR,),
        "modifyInstanceGroupByName": (RR,),
    },
    "emr-containers": {
        "createVirtualCluster": (RR,),
        "deleteVirtualCluster": (RR, SYNC),
        "startJobRun": (RR, SYNC),
    },
    "emr-serverless": {
        "createApplication": (RR, SYNC),
        "startApplication": (RR, SYNC),
        "stopApplication": (RR, SYNC),
        "deleteApplication": (RR, SYNC),
        "startJobRun": (RR, SYNC),
        "cancelJobRun": (RR, SYNC),
    },
    "events": {"putEvents": (RR, TOKEN)},
    "glue": {"startJobRun": (RR, SYNC)},
    "http": {"invoke": (RR,)},
    "lambda": {"invoke": (RR, TOKEN)},
    "mediaconvert": {"createJob": (RR, SYNC)},
    "sagemaker": {
        "createEndpoint": (RR,),
        "createEndpointConfig": (RR,),
        "createHyperParameterTuningJob": (RR, SYNC),
        "createLabelingJob": (RR, SYNC),
        "createModel": (RR,),
        "createProcessingJob": (RR, SYNC),
        "createTrainingJob": (RR, SYNC),
        "createTransformJob": (RR, SYNC),
        "updateEndpoint": (RR,),
    },
    "sns": {"publish": (RR, TOKEN)},
    "sqs": {"sendMessage": (RR, TOKEN)},
    "states": {"startExecution": (RR, SYNC, SYNC2, TOKEN)},
}
"""Service -> action -> the patterns it has."""

REQUIRED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "apigateway": {"invoke": ("ApiEndpoint", "Method")},
    "athena": {
        "startQueryExecution": ("QueryString",),
        "stopQueryExecution": ("QueryExecutionId",),
        "getQueryExecution": ("QueryExecutionId",),
        "getQueryResults": ("QueryExecutionId",),
    },
    "batch": {"submitJob": ("JobName", "JobQueue", "JobDefinition")},
    "bedrock": {
        "invokeModel": ("ModelId",),
        "createModelCustomizationJob": (
            "JobName", "CustomModelName", "RoleArn", "BaseModelIdentifier", "TrainingDataConfig", "OutputDataConfig",
        ),
    },
    "codebuild": {
        "startBuild": ("ProjectName",),
        "stopBuild": ("Id",),
        "batchDeleteBuilds": ("Ids",),
        "batchGetReports": ("ReportArns",),
        "startBuildBatch": ("ProjectName",),
        "stopBuildBatch": ("Id",),
        "deleteBuildBatch": ("Id",),
    },
    "databrew": {"startJobRun": ("Name",)},
    "dynamodb": {
        "getItem": ("TableName", "Key"),
        "putItem": ("TableName", "Item"),
        "updateItem": ("TableName", "Key"),
        "deleteItem": ("TableName", "Key"),
    },
    "ecs": {"runTask": ("TaskDefinition",)},
    "eks": {
        "createCluster": ("Name", "RoleArn", "ResourcesVpcConfig"),
        "deleteCluster": ("Name",),
        "createNodegroup": ("ClusterName", "NodegroupName", "Subnets", "NodeRole"),
        "deleteNodegroup": ("ClusterName", "NodegroupName"),
        "createFargateProfile": ("ClusterName", "FargateProfileName", "PodExecutionRoleArn"),
        "deleteFargateProfile": ("ClusterName", "FargateProfileName"),
        "call": ("ClusterName", "CertificateAuthority", "Endpoint", "Method", "Path"),
        "runJob": ("ClusterName", "CertificateAuthority", "Endpoint", "Job"),
    },
    "elasticmapreduce": {
        "createCluster": ("Name", "Instances"),
        "terminateCluster": ("ClusterId",),
        "addStep": ("ClusterId", "Step"),
        "cancelStep": ("ClusterId", "StepId"),
        "setClusterTerminationProtection": ("ClusterId", "TerminationProtected"),
        "modifyInstanceFleetByName": ("ClusterId", "InstanceFleetName", "InstanceFleet"),
        "modifyInstanceGroupByName": ("ClusterId", "InstanceGroupName", "InstanceGroup"),
    },
    "emr-containers": {
        "createVirtualCluster": ("Name", "ContainerProvider"),
        "deleteVirtualCluster": ("Id",),
        "startJobRun": ("VirtualClusterId",),
    },
    "emr-serverless": {
        "createApplication": ("ReleaseLabel", "Type"),
        "startApplication": ("ApplicationId",),
        "stopApplication": ("ApplicationId",),
        "deleteApplication": ("ApplicationId",),
        "startJobRun": ("ApplicationId", "ExecutionRoleArn"),
        "cancelJobRun": ("ApplicationId", "JobRunId"),
    },
    "events": {"putEvents": ("Entries",)},
    "glue": {"startJobRun": ("JobName",)},
    "http": {"invoke": ("ApiEndpoint", "Method")},
    "lambda": {"invoke": ("FunctionName",)},
    "mediaconvert": {"createJob": ("Role", "Settings")},
    "sagemaker": {
        "createEndpoint": ("EndpointName", "EndpointConfigName"),
        "createEndpointConfig": ("EndpointConfigName", "ProductionVariants"),
        "createHyperParameterTuningJob": ("HyperParameterTuningJobName", "HyperParameterTuningJobConfig"),
        "createLabelingJob": (
            "LabelingJobName", "LabelAttributeName", "InputConfig", "OutputConfig", "RoleArn", "HumanTaskConfig",
        ),
        "createModel": ("ModelName",),
        "createProcessingJob": ("ProcessingJobName", "ProcessingResources", "AppSpecification", "RoleArn"),
        "createTrainingJob": ("TrainingJobName", "OutputDataConfig", "RoleArn"),
        "createTransformJob": (
            "TransformJobName", "ModelName", "TransformInput", "TransformOutput", "TransformResources",
        ),
        "updateEndpoint": ("EndpointName", "EndpointConfigName"),
    },
    "sns": {"publish": ("Message",)},
    "sqs": {"sendMessage": ("QueueUrl", "MessageBody")},
    "states": {"startExecution": ("StateMachineArn",)},
}  # fmt: skip
"""Service -> action -> the parameters it cannot do without, as botocore's models of the services say."""

_SERVICE: Final = re.compile(
    r"arn:[^:]*:states:[^:]*:[^:]*:(?P<service>[^:]+):(?P<action>[^:.]+)(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?"
)

_STATES: Final = re.compile(r"arn:[^:]*:states:")
_OTHER: Final = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:(?:activity:.+|aws-sdk:[^:]+:[^:.]+(?:\.waitForTaskToken)?)")
"""An activity or an SDK integration, whose names are judged elsewhere; the latter begins no job (asl.md 8.3)."""


def check_object(resource: Json, known: tuple[str, ...], place: Place, findings: Findings) -> None:
    """Say what is wrong with the Resource of an ItemReader or ResultWriter; `known` are the actions of s3 it may be."""
    if isinstance(resource, str) and not PLACEHOLDER.search(resource):
        call = service_call(resource)
        if call is None or call[0] != "s3" or call[1] not in known:
            findings.say(_unknown(resource), place, hint=f"it may be {' or '.join(f's3:{name}' for name in known)}")


def service_call(resource: str) -> tuple[str, str] | None:
    """(service, action) of an optimized integration."""
    match = _SERVICE.fullmatch(resource)
    return None if match is None or match["service"] in ("aws-sdk", "activity") else (match["service"], match["action"])


def check_resource(resource: str, place: Place, findings: Findings, *, express: bool) -> None:
    """Say what is wrong with the Resource of a Task."""
    if PLACEHOLDER.search(resource) or re.fullmatch(r"__\w+__", resource):
        return
    if ":" not in resource:
        findings.say(_unknown(resource), place)
        return
    if ":activity:" in resource and resource.startswith("arn:") and express:
        findings.say("Express state machine does not support Activity ARN", place)
    match = _SERVICE.fullmatch(resource)
    if match is None or match["service"] in ("aws-sdk", "activity"):
        if _STATES.match(resource) and _OTHER.fullmatch(resource) is None:
            findings.say(_unknown(resource), place)
            return
        pattern = TOKEN if resource.endswith(TOKEN) else RR
    else:
        pattern = match["pattern"] or RR
        actions = OPTIMIZED.get(match["service"])
        if actions is None or pattern not in actions.get(match["action"], ()):
            known = list(OPTIMIZED) if actions is None else list(actions)
            word = match["service"] if actions is None else match["action"]
            findings.say(_unknown(resource), place, hint=did_you_mean(word, known))
            return
    if express and pattern:
        name, end = (TOKEN, " ") if pattern == TOKEN else (SYNC, "")  # AWS's text for the one has a blank more
        findings.say(f"Express state machine does not support '{name}' service integration{end}", place)


def _unknown(resource: str) -> str:
    return (
        f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, "
        "or the resource is not available in this region."
    )
