"""`http:invoke`: a request to an API, with a connection that says who we are (asl.md 8.4).

Rule: what the connection adds wins over what the definition says; nothing secret of it is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from statelang.core.http_parameters import problem_with
from statelang.core.resource import REFUSED
from statelang.errors import InvalidInput
from statelang.ports import Answer, Failed, Succeeded, TaskCall
from statelang.tasks.connections import Connection, Connections, ConnectionTrouble
from statelang.tasks.exchange import NoAnswer, Reply, exchange, seconds_left
from statelang.tasks.secrets import Secrets
from statelang.values import Json, decode, encode

BINARY: Final = re.compile(r"application/octet-stream|(image|video|audio)/.*")

FORM: Final = "application/x-www-form-urlencoded"

FORMATS: Final = ("INDICES", "REPEAT", "COMMAS", "BRACKETS")


class _Refused(Exception):
    """A parameter that AWS would not start the task with."""


@dataclass(frozen=True, slots=True)
class HttpInvoke:
    """Performs `http:invoke` with the connections that are known here."""

    connections: Connections

    def perform(self, call: TaskCall) -> Answer | None:
        """Send the request and answer with what comes back."""
        secrets = Secrets(self.connections.folder)
        try:
            answer = self._send(call, secrets)
        except _Refused as problem:
            answer = Failed("States.Runtime", REFUSED.format(encode(call.input), problem))
        except ConnectionTrouble as trouble:
            answer = Failed(trouble.error, trouble.cause)
        except NoAnswer as problem:
            answer = Failed("States.Http.Socket", str(problem))
        return secrets.clean(answer)

    def _send(self, call: TaskCall, secrets: Secrets) -> Answer:
        given = call.input if isinstance(call.input, dict) else {}
        arn = _connection_arn(given)
        checked = _checked(given)
        connection = self.connections.resolve(arn, call, secrets)
        reply = self._exchange(checked, arn, connection, call, secrets)
        if reply.status in (401, 407) and self.connections.can_renew(connection):
            reply = self._exchange(checked, arn, connection, call, secrets, again=True)
        return _answer(reply)

    def _exchange(
        self,
        given: Mapping[str, Any],
        arn: str,
        connection: Connection,
        call: TaskCall,
        secrets: Secrets,
        *,
        again: bool = False,
    ) -> Reply:
        who = self.connections.authorization(arn, connection, call, secrets, again=again)
        url = with_query(str(given["ApiEndpoint"]), {**(given.get("QueryParameters") or {}), **connection.query})
        body, kind = _body(given, connection)
        headers = _headers(given.get("Headers") or {}, connection, who, kind, _region(call))
        return exchange(str(given["Method"]), url, headers, body, seconds_left(call))


def _connection_arn(given: Mapping[str, Any]) -> str:
    for name in ("InvocationConfig", "Authentication"):
        part = given.get(name)
        if isinstance(part, dict) and isinstance(part.get("ConnectionArn"), str):
            return str(part["ConnectionArn"])
    raise _Refused("The field 'Authentication' is required but was missing")


def _checked(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters, once they are of the kinds they should be."""
    for name in ("ApiEndpoint", "Method"):
        if name not in given:
            raise _Refused(f"The field '{name}' is required but was missing")
    problem = problem_with(given)
    if problem is not None:
        raise _Refused(problem)
    return given


def _want(holds: bool, field: str) -> None:
    if not holds:
        raise _Refused(f"The value of the field '{field}' has an invalid format")


def _region(call: TaskCall) -> str:
    machine: Any = call.context.get("StateMachine") or {}
    parts = str(machine.get("Id", "")).split(":")
    return parts[3] if len(parts) > 3 else ""


def _headers(
    given: Mapping[str, Json], connection: Connection, who: Mapping[str, str], kind: str | None, region: str
) -> dict[str, str]:
    """All headers; of two that differ in case alone the later one wins."""
    forced = {"User-Agent": f"Amazon|StepFunctions|HttpInvoke|{region}", "Range": "bytes=0-262144"}
    default = {} if kind is None else {"Content-Type": kind}
    texts = {name: _text(value) for name, value in given.items()}
    merged: dict[str, tuple[str, str]] = {}
    for source in (default, texts, dict(connection.headers), dict(who), forced):
        for name, value in source.items():
            merged[name.lower()] = (name, value)
    return dict(merged.values())


def _text(value: Json) -> str:
    return value if isinstance(value, str) else encode(value)


def with_query(url: str, query: Mapping[str, Json]) -> str:
    """A URL with query parameters added; a list makes one for each of its items."""
    pairs = [
        f"{quote(name, safe='')}={quote(_text(item), safe='')}"
        for name, value in query.items()
        for item in (value if isinstance(value, list) else [value])
    ]
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(pairs)}" if pairs else url


def _body(given: Mapping[str, Any], connection: Connection) -> tuple[bytes | None, str | None]:
    """The body and what kind it is, with what the connection adds to it."""
    body = given.get("RequestBody")
    if connection.body:
        if body is not None and not isinstance(body, dict):
            raise _Refused("The value of the field 'RequestBody' has an invalid format")
        body = {**(body or {}), **connection.body}
    if body is None:
        return None, None
    transform = given.get("Transform") or {}
    if transform.get("RequestBodyEncoding") == "URL_ENCODED":
        _want(isinstance(body, dict), "RequestBody")
        style = (transform.get("RequestEncodingOptions") or {}).get("ArrayFormat", "INDICES")
        _want(style in FORMATS, "Transform")
        return url_encoded(body, style).encode(), FORM
    return _text(body).encode(), "application/json; charset=UTF-8"


def url_encoded(body: Mapping[str, Json], style: str) -> str:
    """A body as a form: `a[b]=c` for objects, and for arrays as `style` says (one of FORMATS)."""
    pairs = (pair for name, value in body.items() for pair in _pairs(name, value, style))
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe=',' if style == 'COMMAS' else '')}" for name, value in pairs
    )


def _pairs(name: str, value: Json, style: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]", item, style)
    elif isinstance(value, list) and style == "COMMAS":
        yield name, ",".join(map(_text, value))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            suffix = {"INDICES": f"[{index}]", "BRACKETS": "[]", "REPEAT": ""}[style]
            yield from _pairs(f"{name}{suffix}", item, style)
    elif value is not None:
        yield name, _text(value)


def _answer(reply: Reply) -> Answer:
    if reply.status // 100 != 2:
        return Failed(f"States.Http.StatusCode.{reply.status}", reply.text or reply.reason)
    try:
        reply.body.decode()
        readable = not BINARY.fullmatch(reply.content_type)
    except UnicodeDecodeError:
        readable = False
    if not readable:
        return Failed("States.Runtime", f"The response is not text but {reply.content_type or 'of no known kind'}")
    return Succeeded(told(reply))


def told(reply: Reply) -> Json:
    """What a state sees of a response."""
    return {
        "Headers": {name: list(values) for name, values in reply.headers.items()},
        "ResponseBody": content(reply),
        "StatusCode": reply.status,
        "StatusText": reply.reason,
    }


def content(reply: Reply) -> Json:
    """The body: JSON where it says that it is JSON, else text."""
    if reply.content_type == "application/json" or reply.content_type.endswith("+json"):
        try:
            return decode(reply.text) if reply.text else ""
        except InvalidInput:
            return reply.text
    return reply.text
