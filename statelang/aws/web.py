"""HTTP events: a function URL, or API Gateway in either format.

    POST /executions                     start: {"machine": …, "name": …, "input": …}
    GET  /executions                     list, with ?machine= &status= &limit=
    GET  /executions/NAME                how it stands
    GET  /executions/NAME/history        its events, with ?after=
    POST /executions/NAME/stop           stop it; /redrive redrives it
    POST /tasks/success, /failure, /heartbeat    answer a task: {"token": …, …}

Rule: who may call is decided before an event gets here (IAM, an authorizer); nothing here is public by itself. A
function URL without IAM (AuthType NONE) may answer tasks, as their tokens are secrets, and nothing else.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from statelang.aws.requests import Request, read_request
from statelang.errors import (
    ExecutionExists,
    ExecutionNotFound,
    ExecutionNotRedrivable,
    InvalidInput,
    InvalidSettings,
    StatelangError,
    StoreError,
    TaskEnded,
    UnknownToken,
)
from statelang.values import Json, decode, encode

STATUS: Final[Mapping[type[StatelangError], int]] = {
    InvalidInput: 400,
    InvalidSettings: 400,
    UnknownToken: 400,
    TaskEnded: 410,
    ExecutionNotFound: 404,
    ExecutionExists: 409,
    ExecutionNotRedrivable: 409,
}
"""The HTTP status of each error a caller can make."""


ROOTS: Final = ("executions", "tasks")
AWAY: Final = "the store cannot be used now, and the log of the function says why; ask again"
LONGEST: Final = 18
"""How many digits a number in a query has at most."""


class NoSuchRoute(InvalidInput):
    """There is nothing at this path."""


class NotAllowed(StatelangError):
    """Nobody knows who calls."""


def is_request(event: Json) -> bool:
    """Whether an event is an HTTP request."""
    return isinstance(event, dict) and ("httpMethod" in event or "http" in _of(event, "requestContext"))


def answer(event: Mapping[str, Any], perform: Callable[[Request], Json], say: Callable[[str], None]) -> Json:
    """The response to an HTTP event. What is wrong with the store is for the log (`say`), and not for who calls."""
    try:
        return _response(200, perform(read_request(_event(event))))
    except NoSuchRoute as problem:
        return _response(404, {"error": "NotFound", "message": str(problem)})
    except NotAllowed as problem:
        return _response(403, {"error": "Forbidden", "message": str(problem)})
    except StoreError as problem:
        say(f"{type(problem).__name__}: {problem}")
        return _response(503, {"error": "ServiceUnavailable", "message": AWAY})
    except StatelangError as problem:
        status = STATUS.get(type(problem))
        if status is None:
            raise
        return _response(status, {"error": type(problem).__name__, "message": str(problem)})


def _response(status: int, body: Json) -> Json:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": encode(body)}


def _of(event: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object in an event, empty where it is something else."""
    found = event.get(key)
    return found if isinstance(found, dict) else {}


def _is_open(event: Mapping[str, Any]) -> bool:
    """Whether an event comes from a function URL that everybody may call."""
    context = _of(event, "requestContext")
    return ".lambda-url." in str(context.get("domainName")).lower() and not _of(context, "authorizer").get("iam")


def _event(event: Mapping[str, Any]) -> Json:
    """The direct event that a request means."""
    context = _of(event, "requestContext")
    method = str(_of(context, "http").get("method") or event.get("httpMethod")).upper()
    path = str(event.get("rawPath") or event.get("path") or "/")
    parts = [unquote(part) for part in path.split("/") if part]
    if parts[:1] == [context.get("stage")] and parts[1:2] and parts[1] in ROOTS:
        parts = parts[1:]
    if _is_open(event) and parts[:1] != ["tasks"]:
        raise NotAllowed("this function URL asks nobody who calls (AuthType NONE): it answers tasks, by their tokens")
    query = _query(event)
    body = _body(event) if method == "POST" else {}
    match method, parts:
        case "POST", ["executions"]:
            return {"start": body}
        case "GET", ["executions"]:
            limit = {"limit": _number(query, "limit")} if "limit" in query else {}
            return {"list": {**{k: query[k] for k in ("machine", "status") if k in query}, **limit}}
        case "GET", ["executions", name]:
            return {"describe": name}
        case "GET", ["executions", name, "history"]:
            return {"history": name, "after": _number(query, "after") if "after" in query else 0}
        case "POST", ["executions", name, "stop"]:
            return {"stop": {**body, "name": name}}
        case "POST", ["executions", name, "redrive"]:
            return {"redrive": name}
        case "POST", ["tasks", "success" | "failure" | "heartbeat" as kind]:
            return {kind: body}
    raise NoSuchRoute(f"{method} {path} is nothing here; see /executions and /tasks/success")


def _query(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of a query; a load balancer may tell them with several values each, of which the last counts."""
    many = _of(event, "multiValueQueryStringParameters")
    last = {name: values[-1] for name, values in many.items() if isinstance(values, list) and values}
    return {**last, **_of(event, "queryStringParameters")}


def _body(event: Mapping[str, Any]) -> dict[str, Json]:
    text = event.get("body") or "{}"
    try:
        body = decode(b64decode(text, validate=True) if event.get("isBase64Encoded") else text)
    except (ValueError, TypeError) as problem:
        raise InvalidInput(f"the body is not what it is said to be: {problem}") from None
    if not isinstance(body, dict):
        raise InvalidInput("the body must be a JSON object")
    return body


def _number(query: Mapping[str, Any], name: str) -> int:
    text = str(query[name])
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST:
        raise InvalidInput(f"{name!r} must be a number of at most {LONGEST} digits")
    return int(text)
