"""DynamoDB's JSON protocol, with botocore's own signature and connections.

A botocore client finds out anew for every call what is the same for all of them: endpoint rules, handlers, shapes. That
is most of its 0.75 ms of CPU a call. Here a call is encoded, signed and sent, which takes half of that; moto and who
else listens to `before-send` is asked as the client would ask.

Rule: a call is answered, and fails, as the client's would (`tests/stores/test_dynamodb_wire.py` compares).
"""

from __future__ import annotations

import zlib
from http.client import responses
from typing import Any, Final, TypedDict, cast

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
    """The calls of a botocore client, without the client."""

    def __init__(self, client: Any) -> None:
        from botocore.awsrequest import AWSRequest

        self.client = client
        model = client.meta.service_model
        self._request = AWSRequest
        self._names = client.meta.method_to_api_mapping
        self._url = client.meta.endpoint_url.rstrip("/") + "/"
        self._signing = (model.signing_name, client.meta.region_name)
        self._target = model.metadata["targetPrefix"]
        self._headers = {
            "Content-Type": f"application/x-amz-json-{model.metadata['jsonVersion']}",
            "User-Agent": client.meta.config.user_agent,
        }

    def call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """One call, by the name that boto3 gives its operation. Raises what the client would raise."""
        name = self._names[operation]
        headers = {**self._headers, "X-Amz-Target": f"{self._target}.{name}"}
        request = self._request("POST", self._url, headers=headers, data=_encode(arguments))
        self.client._request_signer.get_auth_instance(*self._signing).add_auth(request)
        prepared = request.prepare()
        heard = self.client.meta.events.emit_until_response(f"before-send.dynamodb.{name}", request=prepared)[1]
        response = self.client._endpoint.http_session.send(prepared) if heard is None else heard
        told = _whole(response)
        if response.status_code >= 300:
            raise _refusal(response.status_code, told, name)
        try:
            return cast("dict[str, Any]", _answer(told))
        except msgspec.MsgspecError as problem:
            raise ConnectionError(f"DynamoDB's answer to {name} cannot be read: {problem}") from None


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
