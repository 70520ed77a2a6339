"""`http:invoke` against a real server on loopback: what is sent, what comes back, and what is never told."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

import statelang
from statelang import Engine, Failed, InvalidSettings, Succeeded, UnboundResource, read_bindings
from statelang.tasks.connections import Connections, check_connections
from statelang.tasks.http_invoke import HttpInvoke, url_encoded
from statelang.testing.clock import VirtualClock
from tests.tasks.calls import call
from tests.tasks.loopback import Asked, Says, loopback

RESOURCE = "arn:aws:states:::http:invoke"
ARN = "arn:aws:events:eu-west-1:111122223333:connection/crm/0000-11"
CONTEXT = {"StateMachine": {"Id": "arn:aws:states:eu-west-1:111122223333:stateMachine:m"}}


def parameters(url: str, **more: Any) -> dict[str, Any]:
    return {"ApiEndpoint": url, "Method": "POST", "Authentication": {"ConnectionArn": ARN}, **more}


def perform(connection: Any, given: dict[str, Any], **parts: Any) -> Any:
    invoke = HttpInvoke(Connections({} if connection is None else {"crm": connection}))
    return invoke.perform(call(given, RESOURCE, context=CONTEXT, **parts))


def echo(asked: Asked) -> Says:
    told = {"method": asked.method, "path": asked.path, "headers": asked.headers, "body": asked.body.decode()}
    return Says(200, told, {"X-Two": "a", "Connection": "close"})


def test_a_request_as_the_definition_and_the_connection_say_it() -> None:
    with loopback(echo) as server:
        given = parameters(
            f"{server.url}/path?fixed=1",
            Headers={"Request-Id": "my id", "Header-Param": "theirs", "Number": 7},
            QueryParameters={"QueryParam": "theirs", "many": ["a", "b c"]},
            RequestBody={"Job": "Engineer", "BodyParam": "theirs"},
        )
        connection = {
            "api_key": {"name": "ApiKey", "value": "key-value"},
            "headers": {"header-param": "ours"},
            "query": {"QueryParam": "ours"},
            "body": {"BodyParam": "ours"},
        }
        answer = perform(connection, given)
    assert isinstance(answer, Succeeded)
    assert list(answer.output) == ["Headers", "ResponseBody", "StatusCode", "StatusText"]
    assert answer.output["StatusCode"] == 200
    assert answer.output["StatusText"] == "OK"
    assert answer.output["Headers"]["X-Two"] == ["a"]
    sent = server.last
    assert sent.path == "/path?fixed=1&QueryParam=ours&many=a&many=b%20c"
    assert sent.body == b'{"Job":"Engineer","BodyParam":"ours"}'
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert headers["apikey"] == "key-value"
    assert headers["header-param"] == "ours"
    assert headers["number"] == "7"
    assert headers["content-type"] == "application/json; charset=UTF-8"
    assert headers["user-agent"] == "Amazon|StepFunctions|HttpInvoke|eu-west-1"
    assert headers["range"] == "bytes=0-262144"
    assert answer.output["ResponseBody"]["headers"]["ApiKey"] == "***" or "key-value" in str(answer.output)


@pytest.mark.parametrize(
    ("style", "form"),
    [
        ("INDICES", "a[0]=x&a[1]=y z&o[in]=1&t=true"),
        ("REPEAT", "a=x&a=y z&o[in]=1&t=true"),
        ("COMMAS", "a=x,y z&o[in]=1&t=true"),
        ("BRACKETS", "a[]=x&a[]=y z&o[in]=1&t=true"),
    ],
)
def test_a_body_as_a_form(style: str, form: str) -> None:
    body = {"a": ["x", "y z"], "o": {"in": 1}, "t": True, "n": None}
    encoded = url_encoded(body, style)
    assert encoded.replace("%5B", "[").replace("%5D", "]").replace("%20", " ") == form
    with loopback(echo) as server:
        transform = {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": style}}
        perform({}, parameters(server.url, RequestBody=body, Transform=transform))
    assert server.last.body == encoded.encode()
    assert server.last.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_the_methods_and_bodies_that_there_are() -> None:
    with loopback(echo) as server:
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
            answer = perform({}, parameters(server.url, Method=method))
            assert isinstance(answer, Succeeded)
            assert (server.last.method, server.last.body) == (method, b"")
        perform({}, parameters(server.url, RequestBody="plain"))
        assert server.last.body == b"plain"


@pytest.mark.parametrize("status", [301, 404, 418, 500])
def test_what_is_no_success_is_an_error_by_its_status(status: int) -> None:
    with loopback(lambda asked: Says(status, {"why": "no"}, {"Location": "/else"})) as server:
        answer = perform({}, parameters(server.url))
    assert answer == Failed(f"States.Http.StatusCode.{status}", '{"why": "no"}')
    assert len(server.asked) == 1, "nothing is tried again or followed"


def test_what_is_not_text_is_refused() -> None:
    for says in (Says(200, b"\xff\xfe"), Says(200, b"GIF", {"Content-Type": "image/gif"})):
        with loopback(lambda asked, says=says: says) as server:
            assert perform({}, parameters(server.url)).error == "States.Runtime"


def test_json_is_read_where_it_says_so_and_text_is_text() -> None:
    answers = {
        "/json": Says(200, b'{"a":1}', {"Content-Type": "application/json; charset=utf-8"}),
        "/text": Says(200, b'{"a":1}', {"Content-Type": "text/plain"}),
        "/none": Says(204),
    }
    with loopback(lambda asked: answers[asked.path]) as server:
        bodies = [perform({}, parameters(server.url + path)).output["ResponseBody"] for path in answers]
    assert bodies == [{"a": 1}, '{"a":1}', ""]


def test_no_answer_in_time_and_no_server() -> None:
    with loopback(lambda asked: Says(pause=5)) as server:
        begun = time.monotonic()
        deadline = round((time.time() + 0.3) * 1000)
        answer = perform({}, parameters(server.url), deadline=deadline)
        assert answer.error == "States.Http.Socket"
        assert time.monotonic() - begun < 3
    assert perform({}, parameters("http://127.0.0.1:9/x")).error == "States.Http.Socket"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"Method": "GET"}, "The field 'Authentication' is required but was missing"),
        ({"Authentication": {"ConnectionArn": ARN}, "Method": "GET"}, "The field 'ApiEndpoint' is required"),
        (parameters("ftp://x"), "The value of the field 'ApiEndpoint' has an invalid format"),
        (parameters("http://x", Method="FETCH"), "The value of the field 'Method' has an invalid format"),
        (parameters("http://x", Headers={"authorization": "x"}), "The value of the field 'Headers' has an invalid"),
        (parameters("http://x", Headers={"X-Amz-Date": "x"}), "The value of the field 'Headers' has an invalid format"),
        (parameters("http://x", Headers={"If-Match": "x"}), "The value of the field 'Headers' has an invalid format"),
        (parameters("http://x", QueryParameters="x"), "The value of the field 'QueryParameters' has an invalid"),
        (parameters("http://x", Transform={"RequestBodyEncoding": "X"}), "The value of the field 'Transform' has"),
    ],
)
def test_parameters_that_aws_would_not_start_the_task_with(given: dict[str, Any], said: str) -> None:
    answer = perform({}, given)
    assert answer.error == "States.Runtime"
    assert answer.cause.startswith("The Parameters '{")
    assert said in answer.cause


def test_a_text_as_body_cannot_take_what_the_connection_adds() -> None:
    answer = perform({"body": {"x": "y"}}, parameters("http://127.0.0.1:9", RequestBody="text"))
    assert answer.error == "States.Runtime"
    assert "'RequestBody'" in answer.cause


def test_basic_with_a_password_from_the_environment_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_PASSWORD", 'pä"ss word')
    pair = base64.b64encode('shop:pä"ss word'.encode()).decode()
    connection = {"basic": {"username": "shop", "password": {"env": "CRM_PASSWORD"}}}

    def leak(asked: Asked) -> Says:
        told = {"auth": asked.headers["Authorization"], "plain": 'pä"ss word', "url": "p%C3%A4%22ss+word"}
        return Says(500 if asked.path == "/fail" else 200, told)

    with loopback(leak) as server:
        answer = perform(connection, parameters(server.url))
        assert server.last.headers["Authorization"] == f"Basic {pair}"
        assert answer.output["ResponseBody"] == {"auth": "Basic ***", "plain": "***", "url": "***"}
        failed = perform(connection, parameters(f"{server.url}/fail"))
    assert failed.error == "States.Http.StatusCode.500"
    for secret in (pair, "word", "%22ss"):
        assert secret not in failed.cause
    monkeypatch.delenv("CRM_PASSWORD")
    missing = perform(connection, parameters("http://127.0.0.1:9"))
    assert missing.error == "Events.ConnectionResource.InvalidConnectionState"
    assert "no variable CRM_PASSWORD" in missing.cause


def test_a_token_of_oauth_is_asked_for_once_and_again_when_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bank.secret").write_text("client-secret\n")
    granted: list[str] = []

    def bank(asked: Asked) -> Says:
        if asked.path.startswith("/token"):
            granted.append(f"token-{len(granted) + 1}")
            return Says(200, {"access_token": granted[-1], "expires_in": 3600})
        refused = asked.headers["Authorization"] == "Bearer token-1" and len(server.asked) > 3
        return Says(401 if refused else 200, {"saw": asked.headers["Authorization"]})

    with loopback(bank) as server:
        oauth = {
            "endpoint": f"{server.url}/token",
            "client_id": "shop",
            "client_secret": {"file": "bank.secret"},
            "query": {"tenant": "7"},
            "body": {"scope": "read"},
        }
        invoke = HttpInvoke(Connections({"crm": {"oauth": oauth}}, tmp_path))
        answers = [invoke.perform(call(parameters(server.url), RESOURCE, context=CONTEXT)) for _ in range(3)]
    assert all(isinstance(answer, Succeeded) for answer in answers)
    assert granted == ["token-1", "token-2"]
    first = server.asked[0]
    assert first.path == "/token?tenant=7"
    assert parse_qs(first.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["shop"],
        "client_secret": ["client-secret"],
        "scope": ["read"],
    }
    assert "token-" not in str(answers)


def test_a_bank_that_gives_no_token() -> None:
    with loopback(lambda asked: Says(403, {"error": "no client-secret"})) as server:
        oauth = {"endpoint": server.url, "client_id": "shop", "client_secret": "client-secret"}
        answer = perform({"oauth": oauth}, parameters(server.url))
    assert answer.error == "Events.ConnectionResource.InvalidConnectionState"
    assert "answered 403" in answer.cause


def test_a_connection_that_nobody_knows() -> None:
    answer = perform(None, parameters("http://127.0.0.1:9"))
    assert answer.error == "Events.ConnectionResource.ResourceNotFound"
    assert "crm" in answer.cause


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ("x", "must be a mapping"),
        ({"basic": {"username": "u"}}, "basic takes password, username"),
        ({"basic": {"username": "u", "password": "p", "more": 1}}, "basic takes"),
        ({"key": {}}, "unknown key 'key'"),
        (
            {"basic": {"username": "u", "password": "p"}, "api_key": {"name": "n", "value": "v"}},
            "both basic and api_key",
        ),
        ({"headers": []}, "must be mappings"),
    ],
)
def test_connections_that_are_wrong(connection: Any, said: str) -> None:
    with pytest.raises(InvalidSettings, match="the connection crm"):
        check_connections({"crm": connection})
    with pytest.raises(InvalidSettings) as refused:
        check_connections({"crm": connection})
    assert said in str(refused.value)


def test_on_the_engine_nothing_secret_reaches_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "top-secret-key")
    (tmp_path / "b.yaml").write_text("connections:\n  c*:\n    api_key: {name: X-Key, value: {env: KEY}}\n")
    state = {"Type": "Task", "Resource": RESOURCE, "End": True}

    def leak(asked: Asked) -> Says:
        return Says(200 if asked.path == "/good" else 403, {"key": asked.headers["X-Key"], "path": asked.path})

    store = tmp_path / "store.db"
    with loopback(leak) as server:
        for path in ("/good", "/bad"):
            given = {"Parameters": parameters(server.url + path)}
            machine = statelang.load({"StartAt": "Call", "States": {"Call": {**state, **given}}})
            with Engine(f"sqlite:///{store}", bindings=tmp_path / "b.yaml", clock=VirtualClock()) as engine:
                result = engine.run(machine, {}, name=path[1:])
                history = json.dumps(list(engine.history(result.name)))
            assert "top-secret-key" not in history
            assert "***" in history
        assert all(asked.headers["X-Key"] == "top-secret-key" for asked in server.asked)
    for file in tmp_path.glob("store.db*"):
        assert b"top-secret-key" not in file.read_bytes()


def test_without_a_connection_here_and_without_aws_it_is_performed_by_nobody(tmp_path: Path) -> None:
    given = parameters("http://127.0.0.1:9")
    machine = statelang.load(
        {"StartAt": "C", "States": {"C": {"Type": "Task", "Resource": RESOURCE, "Parameters": given, "End": True}}}
    )
    with Engine() as engine, pytest.raises(UnboundResource):
        engine.run(machine)
    (tmp_path / "b.yaml").write_text("connections: {crm: {basic: {}}}\n")
    with pytest.raises(InvalidSettings, match=r"b\.yaml: the connection crm: basic takes"):
        read_bindings(tmp_path / "b.yaml")
