"""Tasks against moto's server over HTTP: real boto3, real requests, the errors that come back over the wire."""

from __future__ import annotations

import io
import json
import threading
import time
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import pytest

import statelang
from statelang import Engine, Failed, Pending, Submitted, Succeeded, TaskCall, UnboundResource
from statelang.tasks.aws import AwsTask, aws_task
from statelang.testing.clock import VirtualClock

STATES = "arn:aws:states:::"
CONTEXT = {
    "Execution": {"Id": "arn:aws:states:us-east-1:123456789012:execution:m:e", "RoleArn": "arn:aws:iam::1:role/exec"},
    "StateMachine": {"Id": "arn:aws:states:us-east-1:123456789012:stateMachine:m"},
}
ROLE = "arn:aws:iam::111111111111:role/task"


def call(resource: str, input: Any, *, token: str | None = None, role: str | None = None) -> TaskCall:
    return TaskCall(
        resource=resource,
        input=input,
        token=token or f"e.1.{uuid.uuid4().hex}",
        idempotency_key="e.0.2",
        attempt=0,
        deadline=None,
        context=CONTEXT,
        cancel=threading.Event(),
        credentials=None if role is None else {"RoleArn": role},
    )


@pytest.fixture
def aws(server: str) -> AwsTask:
    return aws_task({"region": "us-east-1", "endpoint": server})


@pytest.fixture
def client(server: str) -> Callable[[str], Any]:
    return lambda name: boto3.client(name, region_name="us-east-1", endpoint_url=server)


@pytest.fixture
def name() -> str:
    return f"n{uuid.uuid4().hex[:12]}"


@pytest.fixture
def table(client: Any, name: str) -> str:
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def output(answer: Any) -> Any:
    assert isinstance(answer, Succeeded), answer
    return answer.output


def failure(answer: Any) -> tuple[str, str]:
    assert isinstance(answer, Failed), answer
    assert answer.error is not None
    assert answer.cause is not None
    return answer.error, answer.cause


ITEM = {"id": {"S": "id1"}, "data": {"S": "HelloWorld"}}


def test_dynamodb_optimized(aws: AwsTask, table: str) -> None:
    item = {**ITEM, "none": {"NULL": True}, "yes": {"BOOL": True}}
    put = output(aws.perform(call(f"{STATES}dynamodb:putItem", {"TableName": table, "Item": item})))
    assert set(put) == {"SdkHttpMetadata", "SdkResponseMetadata"}
    assert put["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert put["SdkHttpMetadata"]["HttpHeaders"]["Content-Type"] == "application/x-amz-json-1.0"
    assert put["SdkHttpMetadata"]["AllHttpHeaders"]["x-amzn-RequestId"] == [put["SdkResponseMetadata"]["RequestId"]]
    key = {"TableName": table, "Key": {"id": {"S": "id1"}}}
    assert output(aws.perform(call(f"{STATES}dynamodb:getItem", key)))["Item"] == item
    changes = {
        **key,
        "UpdateExpression": "SET #d = :d",
        "ExpressionAttributeNames": {"#d": "data"},
        "ExpressionAttributeValues": {":d": {"S": "new"}},
        "ReturnValues": "ALL_NEW",
    }
    updated = output(aws.perform(call(f"{STATES}dynamodb:updateItem", changes)))
    assert updated["Attributes"]["data"] == {"S": "new"}
    output(aws.perform(call(f"{STATES}dynamodb:deleteItem", key)))
    assert "Item" not in output(aws.perform(call(f"{STATES}dynamodb:getItem", key)))


def test_dynamodb_through_the_sdk_has_its_casing_and_no_transport(aws: AwsTask, table: str) -> None:
    item = {**ITEM, "yes": {"Bool": True}}
    assert output(aws.perform(call(f"{STATES}aws-sdk:dynamodb:putItem", {"TableName": table, "Item": item}))) == {}
    key = {"TableName": table, "Key": {"id": {"S": "id1"}}}
    assert output(aws.perform(call(f"{STATES}aws-sdk:dynamodb:getItem", key))) == {"Item": item}


def test_dynamodb_takes_a_bare_text_as_a_string_where_it_is_optimized(aws: AwsTask, table: str) -> None:
    """Many deployed definitions write it so; the SDK's integration does not take it."""
    output(aws.perform(call(f"{STATES}dynamodb:putItem", {"TableName": table, "Item": {"id": "id1"}})))
    given = {"TableName": table, "Key": {"id": "id1"}}
    assert output(aws.perform(call(f"{STATES}dynamodb:getItem", given)))["Item"] == {"id": {"S": "id1"}}
    assert failure(aws.perform(call(f"{STATES}aws-sdk:dynamodb:getItem", given)))[0] == "States.Runtime"


def test_a_refusal_is_named_as_each_of_the_two_families_names_it(aws: AwsTask) -> None:
    parameters = {"TableName": "nope", "Item": ITEM}
    error, cause = failure(aws.perform(call(f"{STATES}dynamodb:putItem", parameters)))
    assert error == "DynamoDB.ResourceNotFoundException"
    assert cause.startswith(
        "Requested resource not found (Service: AmazonDynamoDBv2; Status Code: 400; "
        "Error Code: ResourceNotFoundException; Request ID: "
    )
    assert cause.endswith("; Proxy: null)")
    error, cause = failure(aws.perform(call(f"{STATES}aws-sdk:dynamodb:putItem", parameters)))
    assert error == "DynamoDb.ResourceNotFoundException"
    assert cause.startswith("Requested resource not found (Service: DynamoDb, Status Code: 400, Request ID: ")
    assert cause.endswith(") (SDK Attempt Count: 1)")


def test_s3_gives_the_text_of_an_object_and_times_in_iso(aws: AwsTask, client: Any, name: str) -> None:
    client("s3").create_bucket(Bucket=name)
    client("s3").put_object(Bucket=name, Key="k.json", Body='{"a":"ü"}'.encode(), Metadata={"My-Key": "x"})
    told = output(aws.perform(call(f"{STATES}aws-sdk:s3:getObject", {"Bucket": name, "Key": "k.json"})))
    assert told["Body"] == '{"a":"ü"}'
    assert told["ETag"].startswith('"')
    assert told["LastModified"].endswith("Z")
    assert told["ContentLength"] == 10
    put = {"Bucket": name, "Key": "new.json", "Body": {"an": ["object"]}}
    output(aws.perform(call(f"{STATES}aws-sdk:s3:putObject", put)))
    assert client("s3").get_object(Bucket=name, Key="new.json")["Body"].read() == b'{"an":["object"]}'
    error, cause = failure(aws.perform(call(f"{STATES}aws-sdk:s3:getObject", {"Bucket": name, "Key": "none"})))
    assert error == "S3.NoSuchKeyException"
    assert cause.startswith("The specified key does not exist. (Service: S3, Status Code: 404, Request ID: ")


def test_sqs_takes_an_object_as_its_message(aws: AwsTask, client: Any, name: str) -> None:
    url = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    for resource in ("sqs:sendMessage", "sqs:sendMessage.waitForTaskToken"):
        told = output(aws.perform(call(f"{STATES}{resource}", {"QueueUrl": url, "MessageBody": {"a": [1, None]}})))
        assert {"MD5OfMessageBody", "MessageId", "SdkHttpMetadata", "SdkResponseMetadata"} == set(told)
    received = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {message["Body"] for message in received} == {'{"a":[1,null]}'}
    error, cause = failure(aws.perform(call(f"{STATES}sqs:sendMessage", {"QueueUrl": f"{url}no", "MessageBody": "x"})))
    assert error == "SQS.AmazonSQSException"
    assert "Service: AmazonSQS; Status Code: 400; Error Code: " in cause


def test_sns_takes_any_message(aws: AwsTask, client: Any, name: str) -> None:
    topic = client("sns").create_topic(Name=name)["TopicArn"]
    queue = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    attributes = {"who": {"DataType": "String", "StringValue": "me"}}
    for message in ({"a": 1}, True, "text"):
        given = {"TopicArn": topic, "Message": message, "MessageAttributes": attributes}
        assert "MessageId" in output(aws.perform(call(f"{STATES}sns:publish", given)))
    received = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert sorted(json.loads(one["Body"])["Message"] for one in received) == ["text", "true", '{"a":1}']
    given = {"TopicArn": f"{topic}no", "Message": "x"}
    error, cause = failure(aws.perform(call(f"{STATES}sns:publish", given)))
    assert error == "SNS.NotFoundException"
    assert "(Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: " in cause


def test_events_say_where_they_come_from(aws: AwsTask, client: Any, name: str) -> None:
    queue = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("events").put_rule(Name=name, EventPattern=json.dumps({"source": [name]}), State="ENABLED")
    client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    entries = [{"Detail": {"a": 1}, "DetailType": "d", "Source": name, "Resources": ["mine"]}]
    told = output(aws.perform(call(f"{STATES}events:putEvents", {"Entries": entries})))
    assert told["FailedEntryCount"] == 0
    assert set(told) == {"Entries", "FailedEntryCount"}
    (received,) = client("sqs").receive_message(QueueUrl=queue)["Messages"]
    event = json.loads(received["Body"])
    assert event["detail"] == {"a": 1}
    assert event["resources"] == ["mine", CONTEXT["StateMachine"]["Id"], CONTEXT["Execution"]["Id"]]


@pytest.fixture
def function(client: Any, name: str) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", "def handler(event, context): return event")
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    made = client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    return str(made["FunctionArn"])


def test_lambda_by_its_arn_and_by_invoke(aws: AwsTask, function: str) -> None:
    """moto's function echoes: what a function raises is in test_function."""
    direct = aws.perform(call(function, {"a": [1, "ü"]}))
    assert direct == Succeeded({"a": [1, "ü"]}, '{"a":[1,"ü"]}')
    for payload, comes in (({"a": 1}, {"a": 1}), ("[1]", [1]), (None, {})):
        told = output(aws.perform(call(f"{STATES}lambda:invoke", {"FunctionName": function, "Payload": payload})))
        assert told["Payload"] == comes
        assert told["StatusCode"] == 200
        assert told["SdkHttpMetadata"]["HttpStatusCode"] == 200


@pytest.fixture
def machine(client: Any, name: str) -> str:
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    role = "arn:aws:iam::123456789012:role/r"
    made = client("stepfunctions").create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    return str(made["stateMachineArn"])


def test_a_nested_execution_is_followed_and_stopped(aws: AwsTask, client: Any, machine: str, name: str) -> None:
    """moto's executions run until they are stopped, which is how they end here."""
    given = call(f"{STATES}states:startExecution.sync", {"StateMachineArn": machine, "Input": {"a": 1}, "Name": name})
    begun = aws.perform(given)
    assert isinstance(begun, Submitted)
    assert begun.output["ExecutionArn"].endswith(f":execution:{name}:{name}")
    assert isinstance(begun.output["StartDate"], int)
    assert isinstance(aws.poll(given, begun.job, 1), Pending)
    aws.stop(given, begun.job)
    error, cause = failure(aws.poll(given, begun.job, 2))
    assert error == "States.TaskFailed"
    told = json.loads(cause)
    assert told["Status"] == "ABORTED"
    assert told["Input"] == '{"a":1}'
    assert list(told) == sorted(told)
    second = call(f"{STATES}states:startExecution.sync:2", {"StateMachineArn": machine, "Input": {"a": 1}})
    begun = aws.perform(second)
    assert isinstance(begun, Submitted)
    aws.stop(second, begun.job)
    assert json.loads(failure(aws.poll(second, begun.job, 1))[1])["Input"] == {"a": 1}
    given = call(f"{STATES}states:startExecution", {"StateMachineArn": f"{machine}no"})
    error, cause = failure(aws.perform(given))
    assert error == "StepFunctions.StateMachineDoesNotExistException"
    assert "(Service: AWSStepFunctions; Status Code: 400; Error Code: StateMachineDoesNotExist; " in cause


def test_secrets_are_listed_and_ecs_of_another_casing_answers_in_pascal_case(aws: AwsTask, client: Any) -> None:
    told = output(aws.perform(call(f"{STATES}aws-sdk:secretsmanager:listSecrets", {})))
    assert set(told) == {"SecretList"}
    told = output(aws.perform(call(f"{STATES}aws-sdk:ecs:listClusters", {})))
    assert set(told) == {"ClusterArns"}


@pytest.mark.parametrize(
    ("resource", "input", "said"),
    [
        ("aws-sdk:s3:getObject", {"Key": "k"}, "[The field 'Bucket' is required but was missing]"),
        (
            "aws-sdk:s3:getObject",
            {"bucket": "b"},
            "The field 'bucket' is not supported by Step Functions; did you mean",
        ),
        ("aws-sdk:sfn:describeExecution", {"executionArn": "x"}, "did you mean 'ExecutionArn'?"),
        ("aws-sdk:s3:listBuckets", [1], "The parameters must be an object"),
        ("dynamodb:getItem", {"TableName": "t", "Key": {"id": 7}}, "The value of the field 'Key.id' has an invalid"),
        ("aws-sdk:sqs:receiveMessage", {"MaxNumberOfMessages": "x"}, "'MaxNumberOfMessages' has an invalid format"),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_sent(aws: AwsTask, resource: str, input: Any, said: str) -> None:
    error, cause = failure(aws.perform(call(STATES + resource, input)))
    assert error == "States.Runtime"
    assert cause.startswith(f"The Parameters '{json.dumps(input, separators=(',', ':'))}' could not be used to start")
    assert said in cause


def test_what_is_no_service_or_action(aws: AwsTask) -> None:
    assert "did you mean 'dynamodb'?" in failure(aws.perform(call(f"{STATES}aws-sdk:dynamdb:getItem", {})))[1]
    assert "did you mean 'getItem'?" in failure(aws.perform(call(f"{STATES}aws-sdk:dynamodb:getItm", {})))[1]
    assert "no optimized integration" in failure(aws.perform(call(f"{STATES}s3:getObject", {})))[1]


def test_a_service_that_cannot_be_reached_is_tried_once() -> None:
    nowhere = aws_task({"region": "us-east-1", "endpoint": "http://127.0.0.1:9"})
    begun = time.monotonic()
    error, cause = failure(nowhere.perform(call(f"{STATES}dynamodb:getItem", {"TableName": "t", "Key": {}})))
    assert error == "DynamoDB.SdkClientException"
    assert "127.0.0.1:9" in cause
    assert time.monotonic() - begun < 5
    given = call(f"{STATES}glue:startJobRun.sync", {"JobName": "j"})
    assert isinstance(nowhere.poll(given, {"ask": {"JobName": "j", "RunId": "r"}}, 3), Pending), "it is asked again"


def test_a_role_is_assumed_once_and_its_credentials_are_used(server: str, aws: AwsTask, table: str) -> None:
    assumed: list[str] = []
    roles = aws.clients._roles
    first = roles._sts

    def sts(role: str) -> Any:
        assumed.append(role)
        return first(role)

    roles._sts = sts
    key = {"TableName": table, "Key": {"id": {"S": "id1"}}}
    for _ in range(3):
        output(aws.perform(call(f"{STATES}dynamodb:getItem", key, role=ROLE)))
    assert assumed == [ROLE]
    used = aws.clients.client("dynamodb", seconds=65, role=ROLE)
    assert used._request_signer._credentials.access_key != "testing"
    assert "SecretAccessKey" not in repr(roles._known)
    assert roles._known[ROLE].secret_key not in repr(roles._known)


def test_a_role_that_is_refused_fails_the_task_as_aws_says_it(server: str) -> None:
    refusing = aws_task({"region": "us-east-1", "endpoint": server, "endpoints": {"sts": "http://127.0.0.1:9"}})
    error, cause = failure(refusing.perform(call(f"{STATES}dynamodb:getItem", {}, role=ROLE)))
    assert error == "States.TaskFailed"
    assert cause == f"The role arn:aws:iam::1:role/exec is not authorized to assume the task state's role, {ROLE}."


def states(resource: str, parameters: Any, **fields: Any) -> Any:
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **fields}
    return statelang.load({"StartAt": "T", "States": {"T": state}})


def test_an_unbound_resource_reaches_aws_only_where_it_is_asked_to(server: str, table: str) -> None:
    one = states(f"{STATES}aws-sdk:dynamodb:getItem", {"TableName": table, "Key": {"id": {"S": "x"}}})
    with Engine() as engine, pytest.raises(UnboundResource, match="only where it is asked to: --bind aws:"):
        engine.run(one)
    with Engine(aws={"endpoint": server, "region": "us-east-1"}) as engine:
        assert engine.run(one).output == {}
    tasks = {"*:aws-sdk:dynamodb:*": lambda data: "bound"}
    with Engine(aws={"endpoint": server, "region": "us-east-1"}, tasks=tasks) as engine:
        assert engine.run(one).output == "bound"


def test_a_nested_execution_on_the_engine_is_stopped_with_its_parent(
    server: str, client: Any, machine: str, name: str
) -> None:
    parameters = {"StateMachineArn": machine, "Name": name, "Input": {}}
    one = states(f"{STATES}states:startExecution.sync", parameters, TimeoutSeconds=100)
    with Engine(aws={"endpoint": server, "region": "us-east-1"}, clock=VirtualClock()) as engine:
        result = engine.run(one, {}, timeout=60)
        kinds = [event["type"] for event in engine.history(result.name)]
    assert (result.status, result.error) == ("FAILED", "States.Timeout")
    assert kinds[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskTimedOut"]
    arn = machine.replace(":stateMachine:", ":execution:") + f":{name}"
    assert client("stepfunctions").describe_execution(executionArn=arn)["status"] == "ABORTED"


ROLE_GIVEN = {"RoleArn": ROLE}
CLUSTER = {
    "Name": "n",
    "ReleaseLabel": "emr-7.0.0",
    "Instances": {
        "KeepJobFlowAliveWhenNoSteps": True,
        "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.large", "InstanceCount": 1}],
    },
    "ServiceRole": "r",
    "JobFlowRole": "r",
}
SERVERLESS = {"Name": "a", "ReleaseLabel": "emr-6.6.0", "Type": "SPARK", "ClientToken": "x"}
MACHINE = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
TRAINING = {
    **ROLE_GIVEN,
    "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://a"},
    "ResourceConfig": MACHINE,
    "StoppingCondition": {"MaxRuntimeInSeconds": 10},
}
PROCESSING = {
    **ROLE_GIVEN,
    "ProcessingResources": {"ClusterConfig": MACHINE},
    "AppSpecification": {"ImageUri": "i"},
}
CHAINS: dict[str, list[tuple[str, Any, str, str]]] = {
    "athena": [("startQueryExecution", {"QueryString": "q"}, "$.QueryExecution.Status.State", "SUCCEEDED")],
    "emr": [
        ("createCluster", CLUSTER, "$.Cluster.Status.State", "WAITING"),
        ("terminateCluster", {"ClusterId.$": "$.last.Cluster.Id"}, "$.Cluster.Status.State", "TERMINATED"),
    ],
    "emr-serverless": [
        ("createApplication", SERVERLESS, "$.Application.State", "STARTED"),
        ("stopApplication", {"ApplicationId.$": "$.last.Application.ApplicationId"}, "$.Application.State", "STOPPED"),
        ("startApplication", {"ApplicationId.$": "$.last.Application.ApplicationId"}, "$.Application.State", "STARTED"),
        ("startJobRun", {"ApplicationId.$": "$.last.Application.ApplicationId", "ExecutionRoleArn": ROLE,
                         "ClientToken": "y"}, "$.JobRun.State", "SUCCESS"),
        ("stopApplication", {"ApplicationId.$": "$.last.JobRun.ApplicationId"}, "$.Application.State", "STOPPED"),
        ("deleteApplication", {"ApplicationId.$": "$.last.Application.ApplicationId"}, "$.Application.State",
         "TERMINATED"),
    ],
    "eks": [
        ("createCluster", {"Name": "c", **ROLE_GIVEN, "ResourcesVpcConfig": {"SubnetIds": ["s-1", "s-2"]}},
         "$.Cluster.Status", "ACTIVE"),
        ("deleteCluster", {"Name": "c"}, "$", ""),
    ],
    "sagemaker": [
        ("createTrainingJob", {"TrainingJobName": "t", **TRAINING}, "$.TrainingJobStatus", "Completed"),
        ("createProcessingJob", {"ProcessingJobName": "p", **PROCESSING}, "$.ProcessingJobStatus", "Completed"),
        ("createTransformJob", {"TransformJobName": "f"}, "$.TransformJobStatus", "Completed"),
    ],
}  # fmt: skip
"""Service -> jobs, one after the other: action, parameters, where the end shows, and what it is."""


@pytest.mark.parametrize("service", CHAINS)
def test_jobs_are_waited_for_at_a_server(service: str, server: str) -> None:
    """`.sync` over HTTP, from the request to the last poll, in virtual time."""
    states: dict[str, Any] = {}
    prefix = "elasticmapreduce" if service == "emr" else service
    for number, (action, parameters, place, _) in enumerate(CHAINS[service]):
        states[f"{number}"] = {
            "Type": "Task",
            "Resource": f"{STATES}{prefix}:{action}.sync",
            "Parameters": parameters,
            "ResultPath": "$.last",
            "Next": f"{number} told",
        }
        told = {"Parameters": {"told.$": place}, "InputPath": "$.last", "ResultPath": f"$.ends.s{number}"}
        states[f"{number} told"] = {"Type": "Pass", **told, "Next": f"{number + 1}"}
    states[f"{len(CHAINS[service])}"] = {"Type": "Succeed", "OutputPath": "$.ends"}
    machine = statelang.load({"StartAt": "0", "States": states})
    with Engine(aws={"region": "us-east-1", "endpoint": server}, clock=VirtualClock()) as engine:
        result = engine.run(machine, {"ends": {}}, timeout=1_000)
    assert (result.error, result.cause) == (None, None)
    ends = [result.output[f"s{number}"]["told"] for number in range(len(CHAINS[service]))]
    assert ends == [end or {} for _, _, _, end in CHAINS[service]]


def test_a_distributed_map_reads_a_bucket_and_writes_to_another(client: Any, name: str, server: str) -> None:
    s3 = client("s3")
    for bucket in (f"{name}-in", f"{name}-out"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=f"{name}-in", Key="rows.csv", Body="id,word\n" + "".join(f"{n},w{n}\n" for n in range(300)))
    state = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": f"{name}-in", "Key": "rows.csv"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": True}},
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": f"{name}-out", "Prefix": "results"},
        },
        "End": True,
    }
    machine = statelang.load({"StartAt": "M", "States": {"M": state}})
    with Engine(aws={"region": "us-east-1", "endpoint": server}) as engine:
        written = engine.run(machine, {}, timeout=60).output["ResultWriterDetails"]

    def read(key: str) -> Any:
        return json.loads(s3.get_object(Bucket=written["Bucket"], Key=key)["Body"].read())

    ((file, size),) = [(told["Key"], told["Size"]) for told in read(written["Key"])["ResultFiles"]["SUCCEEDED"]]
    assert s3.head_object(Bucket=written["Bucket"], Key=file)["ContentLength"] == size
    assert [json.loads(child["Output"]) for child in read(file)] == [
        {"id": f"{n}", "word": f"w{n}"} for n in range(300)
    ]
