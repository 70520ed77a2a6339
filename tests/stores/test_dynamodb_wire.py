"""What is said to DynamoDB, what it answers and how it fails are the same with and without botocore's client."""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from zlib import crc32

import pytest
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from statelang.errors import InvalidSettings, StoreReadOnly
from statelang.stores.dynamodb import calls as calling
from statelang.stores.dynamodb.calls import Calls
from statelang.stores.dynamodb.table import read_address
from tests.aws.dynoxide import CREDENTIALS, free_port

Told = dict[str, Any]
KEY = {"pk": {"S": "x/é"}, "sk": {"S": "1"}}
ITEM = {
    **KEY,
    "body": {"B": bytes(range(256))},
    "n": {"N": "12345678901234567890"},
    "many": {"L": [{"B": b"\xff"}, {"NULL": True}, {"BOOL": False}, {"M": {"in": {"SS": ["a"]}}}]},
    "bytes": {"BS": [b"\x00"]},
    "numbers": {"NS": ["1"]},
}


@pytest.fixture
def calls(table: str) -> Calls:
    return Calls(read_address(table.removeprefix("dynamodb:")))


def by_client(calls: Calls, operation: str, arguments: Told) -> Told:
    answer: Told = getattr(calls.client, operation)(**arguments)
    answer.pop("ResponseMetadata")
    return answer


def by_wire(calls: Calls, operation: str, arguments: Told) -> Told:
    return calls.wire.call(operation, arguments)


Way = Callable[[Calls, str, Told], Told]


def sayings(table: str) -> list[tuple[str, Told]]:
    """Every operation that the store uses, in an order that can be repeated."""
    name = {"TableName": table}
    condition = {
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    change = {
        "UpdateExpression": "SET #n = :n",
        "ExpressionAttributeNames": {"#n": "n"},
        "ExpressionAttributeValues": {":n": {"B": b"\x00\x01"}},
    }
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": KEY["pk"]}}
    return [
        ("put_item", {**name, "Item": ITEM, "ReturnConsumedCapacity": "TOTAL"}),
        ("get_item", {**name, "Key": KEY, "ConsistentRead": True}),
        ("get_item", {**name, "Key": {**KEY, "sk": {"S": "none"}}}),
        ("put_item", {**name, "Item": ITEM, **condition}),
        ("update_item", {**name, "Key": KEY, **change}),
        ("transact_write_items", {"TransactItems": [{"Put": {**name, "Item": ITEM, **condition}}]}),
        ("batch_write_item", {"RequestItems": {table: [{"PutRequest": {"Item": {**ITEM, "sk": {"S": "2"}}}}]}}),
        ("query", {**name, **query, "Limit": 1}),
        ("scan", {**name}),
        ("batch_get_item", {"RequestItems": {table: {"Keys": [KEY], "ConsistentRead": True}}}),
        ("batch_write_item", {"RequestItems": {table: [{"DeleteRequest": {"Key": KEY}}]}}),
        ("query", {"TableName": "none", **query}),
        ("update_item", {**name, "Key": {"pk": {"S": ""}}, **change}),
    ]


def outcome(way: Way, calls: Calls, operation: str, arguments: Told) -> Told:
    try:
        return way(calls, operation, arguments)
    except ClientError as failure:
        told = {
            key: value for key, value in failure.response.items() if key.lower() not in ("responsemetadata", "message")
        }
        told["Error"] = {key: failure.response["Error"][key] for key in ("Code", "Message")}
        for reason in told.get("CancellationReasons", ()):
            reason.setdefault("Message", None)  # which the client leaves out
        return {
            **told,
            "text": str(failure).replace(" (reached max retries: 0)", ""),
            "status": failure.response["ResponseMetadata"]["HTTPStatusCode"],
        }


def test_answers_and_failures_are_the_same(calls: Calls) -> None:
    table = calls.address.table
    one = [outcome(by_client, calls, operation, arguments) for operation, arguments in sayings(table)]
    calls.delete_all([("x/é", "1"), ("x/é", "2")])
    other = [outcome(by_wire, calls, operation, arguments) for operation, arguments in sayings(table)]
    assert [told.get("Error", {}).get("Code") for told in one].count(None) == 9, one
    for (operation, _), client, wire in zip(sayings(table), one, other):
        assert wire == client, operation


def test_what_is_sent_is_the_same(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    heard: list[tuple[str, Any, Told]] = []

    def hear(request: Any, **more: Any) -> None:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        heard.append((request.url, json.loads(request.body), headers))

    calls.client.meta.events.register("before-send.dynamodb", hear)
    for operation, arguments in sayings(calls.address.table):
        for way in (by_client, by_wire):
            arguments.setdefault("ClientRequestToken", "same") if operation == "transact_write_items" else None
            outcome(way, calls, operation, arguments)
    for client, wire in zip(heard[::2], heard[1::2]):
        assert wire[:2] == client[:2]
        for name in ("content-type", "x-amz-target", "x-amz-security-token"):
            assert wire[2][name] == client[2][name]
        signed = [told[2]["authorization"].rpartition("Signature=")[0] for told in (client, wire)]
        assert signed[0] == signed[1]
        assert wire[2]["x-amz-security-token"] == "session"
        assert wire[2]["user-agent"].startswith("Botocore/")


class Server(BaseHTTPRequestHandler):
    """Answers one thing, whatever it is asked."""

    status: ClassVar[int]
    headers_: ClassVar[dict[str, str]]
    body: ClassVar[bytes]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(self.status)
        for name, value in {**self.headers_, "Content-Length": str(len(self.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def answering(status: int, body: bytes, headers: dict[str, str], base: type[Server] = Server) -> Iterator[Calls]:
    """A table at a server that answers one thing."""
    kind = type("Answering", (base,), {"status": status, "body": body, "headers_": headers})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        calls = Calls(read_address(f"//t?region=us-east-1&endpoint=http://127.0.0.1:{server.server_port}"))
        try:
            yield calls
        finally:
            calls.client.close()  # whoever waits for its next request
            server.shutdown()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


GET = ("get_item", {"TableName": "t", "Key": KEY})


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, b"<html>Service Unavailable</html>"),
        (500, b""),
        (403, b"<html>this proxy lets nobody through</html>"),
        (400, b'{"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "gone"}'),
        (400, b'{"__type": "UnrecognizedClientException:http://x", "Message": "who?"}'),
        (413, b'{"Message": "too much"}'),
        (400, b'{"__type": "x#ConditionalCheckFailedException", "message": "no", "Item": null}'),
        (
            400,
            b'{"__type": "x#TransactionCanceledException", "CancellationReasons": [{"Code": "None", "Message": null},'
            b' {"Code": "ConditionalCheckFailed", "Item": {"pk": {"S": "a"}, "commit": {"B": "AAE="}}}]}',
        ),
    ],
)
def test_failures_of_others_are_called_the_same(status: int, body: bytes) -> None:
    with answering(status, body, {"Content-Type": "application/x-amz-json-1.0"}) as calls:
        assert outcome(by_wire, calls, *GET) == outcome(by_client, calls, *GET)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"{}", {"x-amz-crc32": str(crc32(b"{}") ^ 1)}), (b'{"Item": ', {}), (b'{"Item": {"a": {"B": "!"}}}', {})],
)
def test_a_damaged_answer_is_no_answer(body: bytes, headers: dict[str, str]) -> None:
    with answering(200, body, headers) as calls, pytest.raises(ConnectionError):
        by_wire(calls, *GET)
    with answering(200, b"{}", {"x-amz-crc32": str(crc32(b"{}"))}) as calls:
        assert by_wire(calls, *GET) == {}


@pytest.mark.usefixtures("credentials")
def test_nobody_there_and_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    address = read_address(f"//t?region=us-east-1&endpoint=http://127.0.0.1:{free_port()}")
    for way in (by_client, by_wire):
        with pytest.raises(EndpointConnectionError):
            way(Calls(address), *GET)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for way in (by_client, by_wire):
        with pytest.raises(NoCredentialsError):
            way(Calls(address), *GET)


def test_a_profile_that_is_not_there_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(InvalidSettings, match="nowhere"):
        Calls(read_address("//t?region=us-east-1")).get("a", "b")


@pytest.mark.usefixtures("credentials")
def test_denied_is_said_plainly() -> None:
    body = b'{"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "not you"}'
    with answering(400, body, {}) as calls, pytest.raises(StoreReadOnly, match=r"access is denied .*not you"):
        calls.get("a", "b")


class Nothing:
    """The body of an answer that somebody gives in DynamoDB's place."""

    def stream(self) -> Iterator[bytes]:
        yield b"{}"


def where(way: Way, calls: Calls) -> tuple[str, str]:
    """Where a call is sent, and what for it is signed; or why it is not."""
    heard: list[tuple[str, str]] = []

    def hear(request: Any, **more: Any) -> AWSResponse:
        signed = request.headers["Authorization"]
        signed = signed.decode() if isinstance(signed, bytes) else signed
        heard.append((request.url, "/".join(signed.split(",")[0].split("/")[2:])))
        return AWSResponse(request.url, 200, {}, Nothing())

    calls.client.meta.events.register("before-send.dynamodb", hear)
    try:
        way(calls, *GET)
    except BotoCoreError as refused:
        return type(refused).__name__, str(refused)
    return heard[0]


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("variables", [{}, {"AWS_USE_FIPS_ENDPOINT": "true"}, {"AWS_USE_DUALSTACK_ENDPOINT": "true"}])
@pytest.mark.parametrize(
    "region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "fips-us-east-1", "local", "xx-new-9"]
)
def test_calls_go_where_the_client_sends_them(
    region: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    calls = Calls(read_address(f"//t?region={region}"))
    assert where(by_wire, calls) == where(by_client, calls)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_ENDPOINT_URL": "http://h:1/base"},
        {"AWS_ENDPOINT_URL_DYNAMODB": "https://[::1]:8000"},
        {"AWS_ENDPOINT_URL": "http://h", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"STATELANG_DYNAMODB_ENDPOINT": "http://h/?a=b"},
        {"AWS_ACCOUNT_ID": "111122223333"},
        {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "required"},
    ],
)
def test_calls_go_to_the_endpoint_that_is_set(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    calls = Calls(read_address("//t?region=us-east-1"))
    assert where(by_wire, calls) == where(by_client, calls)


def test_whoever_stands_before_all_calls_of_clients_sees_these(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """X-Ray and its like put themselves there, and so do tests that want nothing to reach AWS."""
    seen: list[str] = []
    real = BaseClient._make_api_call

    @functools.wraps(real)
    def watch(self: BaseClient, operation: str, arguments: Told) -> Any:
        seen.append(operation)
        return real(self, operation, arguments)

    assert calls.get("a", "b") is None
    monkeypatch.setattr(BaseClient, "_make_api_call", watch)
    assert calls.get("a", "b") is None
    assert seen == ["GetItem"]
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda self, operation, arguments: {"Item": {"a": {"S": "b"}}})
    assert calls.get("a", "b") == {"a": {"S": "b"}}
    monkeypatch.undo()
    assert calls.get("a", "b") is None


class Forgetful(Server):
    """Closes each connection after an answer, without having said that it would."""

    def do_POST(self) -> None:
        super().do_POST()
        self.close_connection = True


@pytest.mark.usefixtures("credentials")
def test_a_connection_that_was_closed_meanwhile_costs_nothing() -> None:
    """An environment of Lambda's is frozen between invocations, for longer than a server waits."""
    with answering(200, b"{}", {}, Forgetful) as calls:
        for _ in range(3):
            calls.get("a", "b")
            time.sleep(0.02)
        assert calls.consumed.requests == 3


class Forgotten(Server):
    """Answers on new connections; on those of before something is between that lets nothing through, nor says so."""

    asleep: ClassVar[threading.Event]

    def setup(self) -> None:
        super().setup()
        self.fresh = self.asleep.is_set()

    def do_POST(self) -> None:
        if self.asleep.is_set() and not self.fresh:
            time.sleep(2)
            self.close_connection = True
            return
        time.sleep(0.02)
        super().do_POST()


@pytest.mark.usefixtures("credentials")
def test_where_one_connection_was_forgotten_no_other_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "READ_SECONDS", 0.2)
    asleep = threading.Event()
    kind = type("Kind", (Forgotten,), {"asleep": asleep})
    with answering(200, b"{}", {}, kind) as calls, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: calls.get("a", "b"), range(32)))
        before = calls.consumed.requests
        asleep.set()
        assert calls.get("a", "b") is None
        assert calls.consumed.requests - before == 2


class Gateway(Server):
    """Somebody between us and DynamoDB, or S3, who is in trouble at first."""

    def do_POST(self) -> None:
        super().do_POST()
        type(self).status, type(self).body = 200, b"{}"

    do_GET = do_POST


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_of_a_gateway_passes(status: int) -> None:
    with answering(status, b"<html>Bad Gateway</html>", {}, Gateway) as calls:
        assert calls.get("a", "b") is None
        assert calls.consumed.requests == 2


@pytest.mark.usefixtures("credentials")
def test_trouble_of_s3_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    told = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
    with answering(500, told, {}, Gateway) as calls:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", str(calls.address.endpoint))
        found = calls.patiently(lambda: calls.storage.get_object(Bucket="b", Key="k")["Body"].read())
        calls.storage.close()
    assert found == b"{}"


class Changing(Server):
    """Knows the credentials of tomorrow alone, and counts how often it was asked."""

    def do_POST(self) -> None:
        known = "TOMORROW" in self.headers["Authorization"]
        told = b"{}" if known else b'{"__type": "x#%s", "message": "old"}' % type(self).code
        type(self).status, type(self).body = 200 if known else 400, told
        super().do_POST()

    code: ClassVar[bytes] = b"ExpiredTokenException"


class Late(Changing):
    """Takes no signature that was made some time ago."""

    code = b"InvalidSignatureException"


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("kind", [Changing, Late])
def test_many_threads_renew_credentials_together(kind: type[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(400, b"", {}, kind) as calls:
        _ = calls.wire
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "TOMORROW")
        old, begin, found = calls.wire, threading.Barrier(8), []

        def ask() -> None:
            begin.wait()
            found.append(calls.get("a", "b"))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [None] * 8
        assert calls.wire is not old
