"""Deeds: what a Task does, in words, by its Resource and its Parameters or Arguments.

Rule: a service that has words of its own is one row of `SERVICES`; every other is said by its name and its action.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from statelang.values import Json
from statelang.views.glossary import Glossary
from statelang.views.words import path, quoted, shortened, split_name

_INTEGRATION: Final = re.compile(
    r"arn:[^:]*:states:[^:]*:[^:]*:(?:aws-sdk:)?(?P<service>[\w\-]+):(?P<action>\w+)"
    r"(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?"
)
_FUNCTION: Final = re.compile(r"arn:[^:]*:lambda:.*?:function:(?P<name>[^:]+(?:\{[^}]*\})?)(?::.*)?")
_ACTIVITY: Final = re.compile(r".*:activity:(?P<name>.+)")

NAMED: Final = "that the data names"

SERVICES: Final[Mapping[tuple[str, str], tuple[str, str, str]]] = {
    ("lambda", "invoke"): ("calls the function {}", "FunctionName", NAMED),
    ("sns", "publish"): ("sends a notification to {}", "TopicArn TargetArn PhoneNumber", "whoever listens"),
    ("sqs", "sendMessage"): ("puts a message into the queue {}", "QueueUrl", NAMED),
    ("sqs", "receiveMessage"): ("takes messages from the queue {}", "QueueUrl", NAMED),
    ("ses", "sendEmail"): ("sends an e-mail to {}", "Destination", "somebody"),
    ("sesv2", "sendEmail"): ("sends an e-mail to {}", "Destination", "somebody"),
    ("events", "putEvents"): ("announces an event on {}", "EventBusName", "the event bus"),
    ("eventbridge", "putEvents"): ("announces an event on {}", "EventBusName", "the event bus"),
    ("states", "startExecution"): ("starts the workflow {}", "StateMachineArn", NAMED),
    ("sfn", "startExecution"): ("starts the workflow {}", "StateMachineArn", NAMED),
    ("sfn", "startSyncExecution"): ("runs the workflow {}", "StateMachineArn", NAMED),
    ("sfn", "sendTaskSuccess"): ("tells whoever waits for it that the work is done", "", ""),
    ("sfn", "sendTaskFailure"): ("tells whoever waits for it that the work has failed", "", ""),
    ("dynamodb", "getItem"): ("looks up an entry in the table {}", "TableName", NAMED),
    ("dynamodb", "putItem"): ("stores an entry in the table {}", "TableName", NAMED),
    ("dynamodb", "updateItem"): ("changes an entry of the table {}", "TableName", NAMED),
    ("dynamodb", "deleteItem"): ("deletes an entry of the table {}", "TableName", NAMED),
    ("dynamodb", "query"): ("looks for entries in the table {}", "TableName", NAMED),
    ("dynamodb", "scan"): ("reads the table {}", "TableName", NAMED),
    ("s3", "getObject"): ("reads a file from the storage {}", "Bucket", NAMED),
    ("s3", "putObject"): ("writes a file to the storage {}", "Bucket", NAMED),
    ("s3", "copyObject"): ("copies a file to the storage {}", "Bucket", NAMED),
    ("s3", "deleteObject"): ("deletes a file from the storage {}", "Bucket", NAMED),
    ("s3", "listObjectsV2"): ("lists the files of the storage {}", "Bucket", NAMED),
    ("ssm", "getParameter"): ("looks up the setting {}", "Name", NAMED),
    ("secretsmanager", "getSecretValue"): ("looks up the secret {}", "SecretId", NAMED),
    ("ecs", "runTask"): ("runs the program {}", "TaskDefinition", NAMED),
    ("batch", "submitJob"): ("hands in the batch job {}", "JobName JobDefinition", NAMED),
    ("glue", "startJobRun"): ("runs the data job {}", "JobName", NAMED),
    ("codebuild", "startBuild"): ("runs the build {}", "ProjectName", NAMED),
    ("athena", "startQueryExecution"): ("runs a query in {}", "WorkGroup", "the data store"),
    ("bedrock", "invokeModel"): ("asks the AI model {}", "ModelId", NAMED),
    ("apigateway", "invoke"): ("calls the web service {}", "ApiEndpoint", NAMED),
    ("http", "invoke"): ("calls the web address {}", "ApiEndpoint", NAMED),
}
"""(service, action) -> (what it does, the parameters that may name on what, what is said where none does)."""

MESSAGES: Final = frozenset(
    {("sns", "publish"), ("sqs", "sendMessage"), ("ses", "sendEmail"), ("sesv2", "sendEmail"),
     ("events", "putEvents"), ("eventbridge", "putEvents")}
)  # fmt: skip
"""What tells somebody something."""

OWN: Final = frozenset(
    {("lambda", "invoke"), ("states", "startExecution"), ("sfn", "startExecution"), ("sfn", "startSyncExecution"),
     ("ecs", "runTask"), ("batch", "submitJob"), ("apigateway", "invoke"), ("http", "invoke"),
     ("codebuild", "startBuild"), ("glue", "startJobRun")}
)  # fmt: skip
"""What runs somebody's own code."""

NAMES: Final = {
    "dynamodb": "DynamoDB", "s3": "S3", "sns": "SNS", "sqs": "SQS", "ecs": "ECS", "eks": "EKS", "ec2": "EC2",
    "rds": "RDS", "ssm": "Systems Manager", "sfn": "Step Functions", "states": "Step Functions",
    "events": "EventBridge",
    "apigateway": "API Gateway", "codebuild": "CodeBuild", "elasticmapreduce": "EMR", "redshiftdata": "Redshift",
    "secretsmanager": "Secrets Manager", "cloudformation": "CloudFormation", "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatch Logs", "mediaconvert": "MediaConvert", "sagemaker": "SageMaker", "ses": "SES",
    "sesv2": "SES", "databrew": "Glue DataBrew", "autoscaling": "Auto Scaling", "appflow": "AppFlow", "fis": "FIS",
    "bedrockagent": "Bedrock Agent", "bedrockruntime": "Bedrock",
    "iam": "IAM", "kms": "KMS", "http": "HTTP",
}  # fmt: skip
"""How services are written where upper-casing the first letter is wrong."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What a Task does: `says` is a phrase without its subject (`calls the function “charge”`), `short` a label.

    `waits`: it ends only when somebody answers (`answer`), or when what it started has ended (`end`); None: at once.
    `message`: it sends one; `told` names who is told something by it, where the glossary knows. `own`: it runs what
    somebody has written, of which nobody here can know what it does.
    """

    says: str
    short: str
    waits: str | None = None
    message: bool = False
    own: bool = False
    told: str | None = None


def deed(state: Mapping[str, Json], glossary: Glossary) -> Deed:
    """What the Task `state` does."""
    resource = str(state.get("Resource") or "")
    entry = glossary.resource(resource, _function_name(state))
    found = _integration(resource, state) or _other(resource)
    if entry is None:
        return found
    return replace(found, says=entry.says or found.says, short=entry.short or found.short, told=entry.tells)


def _arguments(state: Mapping[str, Json]) -> Mapping[str, Json]:
    given = state.get("Parameters", state.get("Arguments"))
    return given if isinstance(given, Mapping) else {}


def _function_name(state: Mapping[str, Json]) -> str | None:
    name = _arguments(state).get("FunctionName")
    return name if isinstance(name, str) else None


def _integration(resource: str, state: Mapping[str, Json]) -> Deed | None:
    match = _INTEGRATION.fullmatch(re.sub(r"\$\{[^}]*\}", "", resource))
    if match is None or match["service"] == "activity":
        return None
    service, action, pattern = match["service"].lower(), match["action"], match["pattern"] or ""
    waits = "answer" if pattern == ".waitForTaskToken" else "end" if pattern else None
    name = NAMES.get(service, service[:1].upper() + service[1:])
    row = SERVICES.get((service, action))
    if row is None:
        says = f"asks {name} to {split_name(action)}"
        return Deed(says, f"{name} · {split_name(action)}", waits)
    words, parameters, otherwise = row
    target = next(filter(None, (named(_arguments(state), key) for key in parameters.split())), None)
    says = words.format(target or otherwise)
    short = f"{name} · {_plain(target)}" if target else f"{name} · {split_name(action)}"
    return Deed(says, short, waits, (service, action) in MESSAGES, (service, action) in OWN)


def named(arguments: Mapping[str, Json], key: str) -> str | None:
    """The name a parameter gives; of a computed one, what it is computed from."""
    if key == "Destination" and isinstance(arguments.get(key), Mapping):
        addresses = arguments[key].get("ToAddresses")
        return quoted(", ".join(map(str, addresses))) if isinstance(addresses, list) and addresses else None
    if f"{key}.$" in arguments:
        text = str(arguments[f"{key}.$"])
        return f"given by {path(text)}" if text.startswith("$") else None
    value = arguments.get(key)
    if not isinstance(value, str) or not value.strip():
        return None
    if value.lstrip().startswith("{%"):
        bare = re.fullmatch(r"\s*\{%\s*\$(?:states\.input\.)?([\w.]+)\s*%\}\s*", value)
        return f"given by {path(f'$.{bare[1]}')}" if bare else None
    return quoted(last_name(value))


def last_name(text: str) -> str:
    """What names a thing in an ARN or an address: its last part; a placeholder is named by what it holds."""
    function = _FUNCTION.fullmatch(text)
    if function:
        text = function["name"]
    text = re.sub(r":(\$LATEST|\d+)$", "", text)
    last = re.split(r"(?<!\$\{AWS):(?!:)|/", text.rstrip("/"))[-1] if text.startswith(("arn:", "https:")) else text
    bare = re.sub(r"\$\{([\w.:\-]+)\}|__(\w+?)__", lambda match: match[1] or match[2], last).strip("_")
    return re.sub(r"(?<=[a-z0-9])(_arn|Arn|\.Arn)$", "", bare) or text


def _other(resource: str) -> Deed:
    """What is no integration of AWS: functions, activities, programs, addresses, names somebody fills in."""
    function = _FUNCTION.fullmatch(resource)
    if function is not None:
        name = last_name(resource)
        return Deed(f"calls the function {quoted(name)}", f"Lambda · {name}", own=True)
    activity = _ACTIVITY.fullmatch(resource)
    if activity is not None:
        name = last_name(activity["name"])
        return Deed(f"hands the work {quoted(name)} to whoever takes it up", f"Activity · {name}", "answer", own=True)
    scheme, found, rest = resource.partition(":")
    if found and scheme == "python":
        name = rest.rpartition(":")[2]
        return Deed(f"calls the function {quoted(name)}", f"Python · {name}", own=True)
    if found and scheme == "exec":
        return Deed(f"runs the program {quoted(shortened(rest, 60))}", f"Program · {shortened(rest, 40)}", own=True)
    if scheme in ("http", "https"):
        return Deed(f"calls the web address {quoted(resource)}", f"HTTP · {resource.partition('//')[2]}", own=True)
    name = last_name(resource)
    return Deed(f"calls {quoted(name)}", name, own=True) if name else Deed("does its work", "no resource")


def _plain(target: str) -> str:
    return target.removeprefix("given by ").removeprefix("the ").strip("“”")
