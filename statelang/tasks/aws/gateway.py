"""`apigateway:invoke`: a request to an API of API Gateway, signed where it asks for IAM.

Rule: the request goes where Stage and Path say and nowhere else; errors are `ApiGateway.` and the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from statelang.errors import InvalidInput
from statelang.ports import Answer, Failed, Succeeded, TaskCall
from statelang.tasks.aws.clients import Clients, role_of
from statelang.tasks.aws.errors import Told
from statelang.tasks.aws.request import guarded
from statelang.tasks.aws.shapes import BadParameters
from statelang.tasks.exchange import NoAnswer, Reply, exchange, seconds_left
from statelang.tasks.http_invoke import told, with_query
from statelang.values import Json, decode, encode

METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Gateway:
    """Performs `apigateway:invoke`."""

    clients: Clients

    def perform(self, call: TaskCall) -> Answer:
        """Send the request and answer with what comes back."""
        answer: Answer = guarded(call, "ApiGateway", _refused, "sts", lambda: _send(self.clients, call))
        return answer


def _refused(told: Told) -> Failed:
    return Failed(f"ApiGateway.{told.code}", told.message)


def _send(clients: Clients, call: TaskCall) -> Answer:
    given = call.input if isinstance(call.input, dict) else {}
    for name in ("ApiEndpoint", "Method"):
        if not isinstance(given.get(name), str):
            raise BadParameters(f"The field '{name}' is required but was missing")
    if given["Method"] not in METHODS:
        raise BadParameters("The value of the field 'Method' has an invalid format")
    body = _body(given)
    headers = {"Content-Type": "application/json", **_headers(given.get("Headers") or {})}
    url = with_query(_address(clients, given), given.get("QueryParameters") or {})
    if given.get("AuthType") == "IAM_ROLE":
        headers = _signed(clients, call, given["Method"], url, headers, body)
    try:
        reply = exchange(given["Method"], url, headers, body, seconds_left(call))
    except NoAnswer as problem:
        return Failed("ApiGateway.SdkClientException", str(problem))
    if reply.status // 100 != 2:
        return Failed(f"ApiGateway.{reply.status}", encode(_told(reply)))
    return Succeeded(_told(reply))


def _address(clients: Clients, given: Mapping[str, Any]) -> str:
    """The URL; an `execute-api` among the endpoints of the settings stands in for the API's own host."""
    base = clients.place.endpoints.get("execute-api") or f"https://{given['ApiEndpoint']}"
    parts = [quote(str(given[name]).strip("/"), safe="/") for name in ("Stage", "Path") if given.get(name)]
    return "/".join([base.rstrip("/"), *parts])


def _body(given: Mapping[str, Any]) -> bytes | None:
    """The body as JSON; members that are null are left out unless AllowNullValues says otherwise."""
    body = given.get("RequestBody")
    if body is None:
        return None
    return encode(body if given.get("AllowNullValues") is True else _without_nulls(body)).encode()


def _without_nulls(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _headers(given: Mapping[str, Json]) -> dict[str, str]:
    """Headers, whose values may be lists."""
    found = {}
    for name, value in given.items():
        values = value if isinstance(value, list) else [value]
        found[name] = ",".join(item if isinstance(item, str) else encode(item) for item in values)
    return found


def _signed(
    clients: Clients, call: TaskCall, method: str, url: str, headers: dict[str, str], body: bytes | None
) -> dict[str, str]:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    credentials, region = clients.signing(role_of(call))
    request = AWSRequest(method, url, headers, body)
    SigV4Auth(credentials, "execute-api", region).add_auth(request)
    return dict(request.headers.items())


def _told(reply: Reply) -> Json:
    """The response; a body that is JSON is read as JSON, whatever it says of itself."""
    whole = told(reply)
    body = whole["ResponseBody"]
    try:
        return {**whole, "ResponseBody": decode(body)} if isinstance(body, str) and body else whole
    except InvalidInput:
        return whole
