"""DynamoDB's JSON protocol, with botocore's own signature and connections.

A botocore client finds out anew for every call what is the same for all of them: endpoint rules, handlers, shapes. That
is most of its 0.75 ms of CPU a call. Here a call is encoded, signed and sent, which takes half of that; moto and who
else listens to `before-send` is asked as the client would ask.

Rule: a call is answered, and fails, as the client's would (`tests/stores/test_dynamodb_wire.py` compares).
"""

from __future__ import annotations

import os
import zlib
from http.client import responses
from types import FunctionType
from typing import Any, Final, TypedDict, cast
from urllib.parse import urlsplit, urlunsplit

import msgspec


class Attribute(TypedDict, total=False):
    """A typed value of an item: one of these."""

    S: str
    N: str
    B: bytes
    SS: list[str]
    NS: list[str]
    BS: list[bytes]
    M: dict[str, Attribute]
    L: list[Attribute]
    NULL: bool
    BOOL: bool


Attributes = dict[str, Attribute]


class Unread(TypedDict, total=False):
    """Keys of a table for which there was no room."""

    Keys: list[Attributes]
    ConsistentRead: bool


class Answer(TypedDict, total=False):
    """What is read of an answer. What was not written is told as it was asked: [{"PutRequest": {"Item": …}}, …]."""

    Item: Attributes
    Items: list[Attributes]
    Count: int
    ScannedCount: int
    LastEvaluatedKey: Attributes
    Responses: dict[str, list[Attributes]]
    UnprocessedKeys: dict[str, Unread]
    UnprocessedItems: dict[str, list[dict[str, dict[str, Attributes]]]]
    ConsumedCapacity: Any


class Reason(TypedDict, total=False):
    """Why one action stopped its transaction; the code is "None" where it did not."""

    Code: str
    Message: str | None
    Item: Attributes | None


Failure = TypedDict(
    "Failure",
    {
        "__type": str,
        "message": str | None,
        "Message": str | None,
        "Item": Attributes | None,
        "CancellationReasons": list[Reason] | None,
    },
    total=False,
)

_encode: Final = msgspec.json.Encoder().encode
_answer: Final = msgspec.json.Decoder(Answer).decode
_failure: Final = msgspec.json.Decoder(Failure).decode


class Wire:
    """The calls of a botocore client, without the client. Where that would not do the same, the client makes them."""

    def __init__(self, client: Any) -> None:
        from botocore import BOTOCORE_ROOT
        from botocore.awsrequest import AWSRequest
        from botocore.client import BaseClient
        from botocore.hooks import first_non_none_response

        self.client = client
        model = client.meta.service_model
        self._request, self._kind, self._first = AWSRequest, BaseClient, first_non_none_response
        self._root: str = BOTOCORE_ROOT
        self._own: Any = None
        self._names = client.meta.method_to_api_mapping
        self._target = model.metadata["targetPrefix"]
        self._headers = {
            "Content-Type": f"application/x-amz-json-{model.metadata['jsonVersion']}",
            "User-Agent": client.meta.config.user_agent,
        }
        self._place: tuple[str, str, str] | None = None

    def call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """One call, by the name that boto3 gives its operation. Raises what the client would raise."""
        if self._watched():
            return cast("dict[str, Any]", getattr(self.client, operation)(**arguments))
        name = self._names[operation]
        response = self._send(name, arguments)
        told = _whole(response)
        if response.status_code >= 300:
            raise _refusal(response.status_code, told, name)
        try:
            return cast("dict[str, Any]", _answer(told))
        except msgspec.MsgspecError as problem:
            raise ConnectionError(f"DynamoDB's answer to {name} cannot be read: {problem}") from None

    def _watched(self) -> bool:
        """Whether somebody has put himself before the calls of all clients: X-Ray, OpenTelemetry, Datadog, a test."""
        made = self._kind._make_api_call
        if made is not self._own and type(made) is FunctionType:
            place = os.path.dirname(os.path.abspath(made.__code__.co_filename))
            self._own = made if place == self._root else None
        return made is not self._own

    def _send(self, name: str, arguments: dict[str, Any]) -> Any:
        """Botocore's response to an operation."""
        if self._place is None:
            self._place = _place(self.client, arguments)
        url, signing_name, region = self._place
        headers = {**self._headers, "X-Amz-Target": f"{self._target}.{name}"}
        request = self._request("POST", url, headers=headers, data=_encode(arguments))
        self.client._request_signer.get_auth_instance(signing_name, region).add_auth(request)
        prepared = request.prepare()
        heard = self._first(self.client.meta.events.emit(f"before-send.dynamodb.{name}", request=prepared))
        return self.client._endpoint.http_session.send(prepared) if heard is None else heard


def _place(client: Any, arguments: dict[str, Any]) -> tuple[str, str, str]:
    """URL, service and region that a client sends to and signs for.

    They follow from the rules of the service: partition, FIPS, dual stack, the account's own endpoint, a local one.
    """
    meta = client.meta
    context: dict[str, Any] = {"client_region": meta.region_name, "client_config": meta.config}
    operation = meta.service_model.operation_model("GetItem")  # the rules are the same for all of a table's
    found = client._resolve_endpoint_ruleset(operation, {"TableName": arguments.get("TableName", "")}, context)[0]
    parts = urlsplit(found)
    signing = context.get("signing") or {}
    name, region = signing.get("signing_name", meta.service_model.signing_name), signing.get("region", meta.region_name)
    return urlunsplit(parts._replace(path=parts.path or "/")), name, region


def _whole(response: Any) -> bytes:
    """The body of an answer, none of which was lost or changed on the way."""
    told: bytes = response.content
    sum = response.headers.get("x-amz-crc32")
    if sum is not None and int(sum) != zlib.crc32(told):
        raise ConnectionError("DynamoDB's answer was damaged on the way: its checksum does not agree")
    return told


def _refusal(status: int, told: bytes, operation: str) -> Exception:
    """The error of an answer that is none, with the fields by which a write is judged."""
    from botocore.exceptions import ClientError

    try:
        failure: dict[str, Any] = {name: value for name, value in _failure(told).items() if value is not None}
    except msgspec.MsgspecError:  # of somebody between us and DynamoDB
        failure = {"message": responses.get(status, "") if status >= 500 else told.decode(errors="replace")}
    code = failure.pop("__type", str(status)).rpartition("#")[2].partition(":")[0]
    said = failure.pop("message", None) or failure.pop("Message", None) or ""
    error = {"Error": {"Code": code, "Message": said}, **failure, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, operation)  # type: ignore[no-any-return]
