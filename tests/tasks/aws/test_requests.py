"""What moto cannot answer: functions that fail, API Gateway, Kubernetes, connections of EventBridge. Real HTTP, to a
server on loopback that answers as the service would."""

from __future__ import annotations

import base64
import json
import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from statelang import Failed, InvalidSettings, Pending, Submitted, Succeeded
from statelang.tasks.aws import aws_task
from statelang.tasks.aws.clients import Clients, Place
from statelang.tasks.aws.kubernetes import token
from statelang.tasks.secrets import Secrets
from tests.tasks.aws.test_live import STATES, call
from tests.tasks.loopback import Asked, Says, loopback

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:work"
INVOKED = {"X-Amz-Executed-Version": "$LATEST", "x-amzn-RequestId": "r-1"}
RAISED = '{"errorMessage": "no", "errorType": "Exception", "requestId": "r", "stackTrace": []}'


def at(url: str, **options: Any) -> Any:
    return aws_task({"region": "us-east-1", "endpoint": url, **options})


def test_what_a_function_raises_is_told_under_its_own_name() -> None:
    says = Says(200, RAISED, {**INVOKED, "X-Amz-Function-Error": "Unhandled"})
    with loopback(lambda asked: says) as server:
        direct = at(server.url).perform(call(FUNCTION, {"a": 1}))
        invoked = at(server.url).perform(call(f"{STATES}lambda:invoke", {"FunctionName": "work", "Payload": {}}))
    assert direct == Failed("Exception", RAISED)
    assert invoked == Failed("Exception", RAISED.replace(": ", ":").replace(", ", ","))
    assert server.asked[0].path.startswith("/2015-03-31/functions/arn%3Aaws%3Alambda")
    assert server.asked[0].body == b'{"a":1}'


def test_a_function_that_dies_without_a_word() -> None:
    payload = '{"errorMessage":"RequestId: r Error: Runtime exited with error: signal: killed"}'
    says = Says(200, payload, {**INVOKED, "X-Amz-Function-Error": "Unhandled"})
    with loopback(lambda asked: says) as server:
        answer = at(server.url).perform(call(FUNCTION, {}))
    assert answer.error == "Lambda.Unknown"
    assert answer.cause == (
        f"The cause could not be determined because Lambda did not return an error type. Returned payload: {payload}"
    )


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "ResourceNotFoundException", "Lambda.ResourceNotFoundException"),
        (429, "TooManyRequestsException", "Lambda.TooManyRequestsException"),
        (500, "ServiceException", "Lambda.ServiceException"),
        (403, "AccessDeniedException", "Lambda.AWSLambdaException"),
    ],
)
def test_what_lambda_itself_refuses(status: int, code: str, error: str) -> None:
    says = Says(status, {"Message": "it is so"}, {"x-amzn-ErrorType": code, "x-amzn-RequestId": "r-1"})
    with loopback(lambda asked: says) as server:
        answer = at(server.url).perform(call(f"{STATES}lambda:invoke", {"FunctionName": "work"}))
    cause = f"it is so (Service: AWSLambda; Status Code: {status}; Error Code: {code}; Request ID: r-1; Proxy: null)"
    assert answer == Failed(error, cause)
    assert len(server.asked) == 1, "Retry decides, nobody else"


def test_lambda_invoke_sends_a_text_as_it_is_and_an_object_as_json() -> None:
    with loopback(lambda asked: Says(200, asked.body or b"null", INVOKED)) as server:
        for payload, sent, told in (
            ("true", b"true", True),
            ({"a": 1}, b'{"a":1}', {"a": 1}),
            (None, b"{}", {}),
            ([1], b"[1]", [1]),
        ):
            given = {"FunctionName": "work", "Payload": payload, "Qualifier": "live"}
            answer = at(server.url).perform(call(f"{STATES}lambda:invoke.waitForTaskToken", given))
            assert server.last.body == sent
            assert server.last.path.endswith("?Qualifier=live")
            assert isinstance(answer, Succeeded)
            assert list(answer.output) == [
                "ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode",
            ]  # fmt: skip
            assert answer.output["Payload"] == told
            assert answer.output["ExecutedVersion"] == "$LATEST"


@pytest.mark.parametrize("pattern", ["", ".sync", ".waitForTaskToken"])
@pytest.mark.parametrize("placed", [True, False])
def test_a_task_that_ecs_did_not_place_fails_who_waits_for_it(pattern: str, placed: bool) -> None:
    """As the developer guide has it; a state that only asks takes the answer as it is."""
    tasks = [{"taskArn": "arn:aws:ecs:us-east-1:1:task/t"}] if placed else []
    failures = [] if placed else [{"arn": "a", "reason": "RESOURCE:CPU"}]
    says = Says(200, json.dumps({"tasks": tasks, "failures": failures}))
    with loopback(lambda asked: says) as server:
        answer = at(server.url).perform(call(f"{STATES}ecs:runTask{pattern}", {"Cluster": "c", "TaskDefinition": "d"}))
    if placed or not pattern:
        assert isinstance(answer, Submitted if pattern == ".sync" else Succeeded)
        assert [failure["Reason"] for failure in answer.output["Failures"]] == ["RESOURCE:CPU"] * (not placed)
    else:
        assert answer.error == "AmazonECS.Unknown"
        assert json.loads(answer.cause)["Failures"] == [{"Arn": "a", "Reason": "RESOURCE:CPU"}]


@pytest.mark.parametrize(
    ("resource", "input", "code", "error"),
    [
        ("elasticmapreduce:addStep", {"ClusterId": "c", "Step": {"Name": "s"}}, "ThrottlingException",
         "EMR.AmazonElasticMapReduceException"),
        ("glue:startJobRun", {"JobName": "j"}, "ConcurrentRunsExceededException",
         "Glue.ConcurrentRunsExceededException"),
        ("athena:startQueryExecution", {"QueryString": "q"}, "TooManyRequestsException",
         "Athena.TooManyRequestsException"),
        ("athena:startQueryExecution", {"QueryString": "q"}, "ThrottlingException", "Athena.AmazonAthenaException"),
        ("sagemaker:createModel", {"ModelName": "m"}, "ThrottlingException", "SageMaker.AmazonSageMakerException"),
        ("ecs:runTask", {"TaskDefinition": "d"}, "ThrottlingException", "ECS.AmazonECSException"),
        ("ecs:runTask", {"TaskDefinition": "d"}, "ServerException", "ECS.ServerException"),
        ("codebuild:startBuild", {"ProjectName": "p"}, "ThrottlingException", "CodeBuild.AWSCodeBuildException"),
    ],
)  # fmt: skip
def test_refusals_have_the_names_by_which_machines_catch_them(resource: str, input: Any, code: str, error: str) -> None:
    says = Says(400, json.dumps({"__type": code, "message": "no"}))
    with loopback(lambda asked: says) as server:
        assert at(server.url).perform(call(f"{STATES}{resource}", input)).error == error


def test_api_gateway() -> None:
    def api(asked: Asked) -> Says:
        status = 403 if asked.path.startswith("/v1/no") else 200
        return Says(status, asked.body or b"{}", {"Content-Type": "application/json"})

    with loopback(api) as server:
        aws = aws_task({"region": "us-east-1", "endpoints": {"execute-api": server.url}})
        given = {
            "ApiEndpoint": "abc.execute-api.us-east-1.amazonaws.com",
            "Method": "POST",
            "Stage": "v1",
            "Path": "orders/7",
            "Headers": {"X-A": ["1", "2"], "X-B": "b"},
            "QueryParameters": {"q": ["x", "y"]},
            "RequestBody": {"a": None, "b": 1},
        }
        answer = aws.perform(call(f"{STATES}apigateway:invoke", given))
        assert isinstance(answer, Succeeded)
        assert answer.output["ResponseBody"] == {"b": 1}
        assert answer.output["StatusCode"] == 200
        assert server.last.path == "/v1/orders/7?q=x&q=y"
        assert server.last.headers["X-A"] == "1,2"
        assert "Authorization" not in server.last.headers
        nulls = {**given, "AllowNullValues": True, "AuthType": "IAM_ROLE"}
        answer = aws.perform(call(f"{STATES}apigateway:invoke", nulls))
        assert server.last.body == b'{"a":null,"b":1}'
        assert "/us-east-1/execute-api/aws4_request" in server.last.headers["Authorization"]
        answer = aws.perform(call(f"{STATES}apigateway:invoke", {**given, "RequestBody": "HelloWorld"}))
        assert (server.last.body, answer.output["ResponseBody"]) == (b'"HelloWorld"', "HelloWorld")
        refused = aws.perform(call(f"{STATES}apigateway:invoke", {**given, "Path": "no"}))
        assert refused.error == "ApiGateway.403"
        assert json.loads(refused.cause)["StatusCode"] == 403
        missing = aws.perform(call(f"{STATES}apigateway:invoke", {"Method": "GET"}))
        assert (missing.error, "'ApiEndpoint'" in missing.cause) == ("States.Runtime", True)


def certificate() -> str:
    """Some authority: what is asked over plain HTTP is not checked against it."""
    found = ssl.create_default_context()
    found.load_default_certs()
    authorities = found.get_ca_certs(binary_form=True)
    return base64.b64encode(ssl.DER_cert_to_PEM_cert(authorities[0]).encode()).decode() if authorities else ""


def test_kubernetes_jobs_are_made_followed_and_deleted() -> None:
    authority = certificate()
    if not authority:
        pytest.skip("this machine trusts no authority")
    conditions: list[Any] = []

    def cluster(asked: Asked) -> Says:
        if asked.method == "POST":
            return Says(201, json.loads(asked.body))
        return Says(200, {"metadata": {"name": "job"}, "status": {"conditions": conditions}})

    with loopback(cluster) as server:
        given = {
            "ClusterName": "c",
            "CertificateAuthority": authority,
            "Endpoint": server.url,
            "Namespace": "shop",
            "Job": {"kind": "Job", "spec": {}},
        }
        aws = aws_task({"region": "us-east-1"})
        one = call(f"{STATES}eks:runJob.sync", given)
        begun = aws.perform(one)
        assert isinstance(begun, Submitted)
        assert aws.perform(one).job == begun.job, "after a crash it is the same job"
        name = begun.output["ResponseBody"]["metadata"]["name"]
        assert begun.job == {"path": f"/apis/batch/v1/namespaces/shop/jobs/{name}"}
        assert server.last.headers["Authorization"].startswith("Bearer k8s-aws-v1.")
        assert isinstance(aws.poll(one, begun.job, 1), Pending)
        conditions.append({"type": "Complete", "status": "True"})
        assert isinstance(aws.poll(one, begun.job, 2), Succeeded)
        conditions[:] = [{"type": "Failed", "status": "True"}]
        assert aws.poll(one, begun.job, 3).error == "States.TaskFailed"
        aws.stop(one, begun.job)
        assert (server.last.method, server.last.path) == ("DELETE", begun.job["path"])
        asking = {**given, "Method": "GET", "Path": "/api/v1/pods", "QueryParameters": {"limit": 1}}
        answer = aws.perform(call(f"{STATES}eks:call", asking))
        assert server.last.path == "/api/v1/pods?limit=1"
        assert answer.output["StatusCode"] == 200


def test_a_cluster_that_refuses_and_one_that_is_not_there() -> None:
    authority = certificate()
    if not authority:
        pytest.skip("this machine trusts no authority")
    given = {"ClusterName": "c", "CertificateAuthority": authority, "Endpoint": "", "Method": "GET", "Path": "/x"}
    aws = aws_task({"region": "us-east-1"})
    with loopback(lambda asked: Says(404, {"reason": "NotFound", "message": "no"})) as server:
        answer = aws.perform(call(f"{STATES}eks:call", {**given, "Endpoint": server.url}))
    assert (answer.error, json.loads(answer.cause)["message"]) == ("EKS.NotFound", "no")
    nowhere = {**given, "Endpoint": "http://127.0.0.1:9"}
    assert aws.perform(call(f"{STATES}eks:call", nowhere)).error == "EKS.SdkClientException"
    asked = call(f"{STATES}eks:runJob.sync", {**nowhere, "Job": {}})
    assert isinstance(aws.poll(asked, {"path": "/x"}, 1), Pending)


def test_the_token_of_a_cluster_is_a_signed_request_for_it_alone() -> None:
    made = token(Clients(Place(region="us-east-1")), None, "shop")
    text = made.removeprefix("k8s-aws-v1.")
    url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    query = parse_qs(urlsplit(url).query)
    assert query["Action"] == ["GetCallerIdentity"]
    assert query["X-Amz-Expires"] == ["60"]
    assert "x-k8s-aws-id" in query["X-Amz-SignedHeaders"][0]


def test_a_nested_execution_that_was_begun_before_the_crash_is_followed_not_begun_again() -> None:
    """Named after the attempt: where it has ended meanwhile, Step Functions refuses the name, and tells so."""
    machine = "arn:aws:states:us-east-1:1:stateMachine:child"
    refusal = {"__type": "ExecutionAlreadyExists", "message": "Execution Already Exists"}
    with loopback(lambda asked: Says(400, refusal)) as server:
        one = call(f"{STATES}states:startExecution.sync", {"StateMachineArn": machine})
        begun = at(server.url).perform(one)
        name = json.loads(server.last.body)["name"]
        assert isinstance(begun, Submitted)
        assert begun.job["ask"] == {"ExecutionArn": f"arn:aws:states:us-east-1:1:execution:child:{name}"}
        again = at(server.url).perform(one)
        assert json.loads(server.last.body)["name"] == name
        assert isinstance(again, Submitted)
        other = at(server.url).perform(call(f"{STATES}states:startExecution.sync", {"StateMachineArn": machine}))
        assert json.loads(server.last.body)["name"] != name, "a Retry begins another one"
        assert isinstance(other, Submitted)
        named = call(f"{STATES}states:startExecution.sync", {"StateMachineArn": machine, "Name": "mine"})
        assert at(server.url).perform(named).error == "StepFunctions.ExecutionAlreadyExistsException"


NAME = "partner"
ARN = f"arn:aws:events:us-east-1:123456789012:connection/{NAME}/0000"
HTTP = f"{STATES}http:invoke"


def bridge(told: Any, secret: Any) -> Any:
    """EventBridge and Secrets Manager as one server, and the API that is called, under /api."""

    def answer(asked: Asked) -> Says:
        target = asked.headers.get("X-Amz-Target", "")
        if target.endswith("DescribeConnection"):
            return told if isinstance(told, Says) else Says(200, told)
        if target.endswith("GetSecretValue"):
            return secret if isinstance(secret, Says) else Says(200, {"SecretString": json.dumps(secret)})
        return Says(200, {"headers": asked.headers, "path": asked.path, "body": asked.body.decode()})

    return answer


def connected(told: Any, secret: Any) -> tuple[Any, Asked | None]:
    """What http:invoke answers with a connection, and what the API was sent."""
    with loopback(bridge(told, secret)) as server:
        given = {"ApiEndpoint": f"{server.url}/api", "Method": "POST", "InvocationConfig": {"ConnectionArn": ARN}}
        answer = at(server.url).perform(call(HTTP, given))
    sent = [asked for asked in server.asked if asked.path.startswith("/api")]
    return answer, sent[0] if sent else None


AUTHORIZED = {"Name": NAME, "ConnectionState": "AUTHORIZED", "SecretArn": "arn:aws:secretsmanager:us-east-1:1:secret:s"}


def test_a_connection_of_eventbridge_with_an_api_key_and_what_it_adds() -> None:
    told = {**AUTHORIZED, "AuthorizationType": "API_KEY", "AuthParameters": {}}
    secret = {
        "api_key_name": "X-Key",
        "api_key_value": "swordfish",
        "invocation_http_parameters": {
            "header_parameters": [{"key": "X-H", "value": "hidden-header", "is_value_secret": True}],
            "query_string_parameters": [{"key": "q", "value": "1", "is_value_secret": False}],
            "body_parameters": [{"key": "b", "value": "2", "is_value_secret": False}],
        },
    }
    answer, sent = connected(told, secret)
    assert sent is not None
    assert (sent.headers["X-Key"], sent.headers["X-H"]) == ("swordfish", "hidden-header")
    assert (sent.path, sent.body) == ("/api?q=1", b'{"b":"2"}')
    assert "swordfish" not in json.dumps(answer.output)
    assert "hidden-header" not in json.dumps(answer.output)


def test_a_connection_of_eventbridge_with_a_password() -> None:
    parameters = {
        "BasicAuthParameters": {"Username": "shop"},
        "InvocationHttpParameters": {"HeaderParameters": [{"Key": "X-T", "Value": "7", "IsValueSecret": False}]},
    }
    told = {**AUTHORIZED, "AuthorizationType": "BASIC", "AuthParameters": parameters}
    _, sent = connected(told, {"password": "swordfish"})
    assert sent is not None
    assert sent.headers["Authorization"] == f"Basic {base64.b64encode(b'shop:swordfish').decode()}"
    assert sent.headers["X-T"] == "7"


@pytest.mark.parametrize(
    ("told", "secret", "error"),
    [
        (Says(400, {"__type": "ResourceNotFoundException", "message": "no"}), {}, "ResourceNotFound"),
        (Says(400, {"__type": "AccessDeniedException", "message": "no"}), {}, "AccessDenied"),
        (Says(500, {"__type": "InternalException"}), {}, "InternalError"),
        ({**AUTHORIZED, "ConnectionState": "DEAUTHORIZED"}, {}, "InvalidConnectionState"),
        ({**AUTHORIZED, "AuthorizationType": "BASIC"}, {"username": "u"}, "InvalidConnectionState"),
        ({**AUTHORIZED, "AuthorizationType": "BASIC"}, ["no object"], "InvalidConnectionState"),
        (AUTHORIZED, Says(400, {"__type": "AccessDeniedException", "message": "no"}), "AccessDenied"),
    ],
)
def test_connections_that_cannot_be_used(told: Any, secret: Any, error: str) -> None:
    answer, sent = connected(told, secret)
    assert answer.error == f"Events.ConnectionResource.{error}"
    assert NAME in answer.cause
    assert sent is None


def test_a_secret_of_secrets_manager_by_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"GetSecretValue": Says(200, {"SecretString": '{"password": "swordfish"}'})}
    with loopback(lambda asked: answers[asked.headers["X-Amz-Target"].partition(".")[2]]) as server:
        where = {"region": "us-east-1", "endpoint": server.url}
        assert Secrets().reveal({"secret": "crm", "key": "password", **where}) == "swordfish"
        assert Secrets().reveal({"secret": "crm", **where}) == '{"password": "swordfish"}'
        with pytest.raises(InvalidSettings, match="no text under the key 'user'"):
            Secrets().reveal({"secret": "crm", "key": "user", **where})
        answers["GetSecretValue"] = Says(400, {"__type": "ResourceNotFoundException", "message": "gone"})
        with pytest.raises(InvalidSettings, match="the secret crm cannot be read"):
            Secrets().reveal({"secret": "crm", **where})
