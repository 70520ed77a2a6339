"""Connections: who `http:invoke` is to an API, and what it adds to every request.

A connection is named in the bindings, under the name, the ARN or a pattern (`*`) of an EventBridge connection:

    connections:
      crm:
        basic: {username: shop, password: {env: CRM_PASSWORD}}
      billing:
        api_key: {name: X-Api-Key, value: {file: billing.key}}
      bank:
        oauth: {endpoint: https://bank.example.com/token, client_id: shop, client_secret: {secret: bank}}
        headers: {X-Tenant: "7"}

Where none is, and AWS may be asked, it is EventBridge's own, with its secret from Secrets Manager.

Rule: a connection is resolved for one task, and everything secret in it is learnt by that task's Secrets.
"""

from __future__ import annotations

import base64
import fnmatch
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from statelang.errors import InvalidInput, InvalidSettings
from statelang.ports import TaskCall
from statelang.tasks.exchange import NoAnswer, Reply, exchange, seconds_left
from statelang.tasks.secrets import Secrets
from statelang.values import Json, decode

SHAPES: Final[Mapping[str, frozenset[str]]] = {
    "basic": frozenset(("username", "password")),
    "api_key": frozenset(("name", "value")),
    "oauth": frozenset(("endpoint", "method", "client_id", "client_secret", "headers", "query", "body")),
}
"""How a connection may authorize -> what that takes."""

ADDED: Final = ("headers", "query", "body")

MARGIN_SECONDS: Final = 30.0


class ConnectionTrouble(Exception):
    """A connection cannot be used; `error` is the States Language error, `cause` says why."""

    def __init__(self, kind: str, cause: str) -> None:
        super().__init__(cause)
        self.error = f"Events.ConnectionResource.{kind}"
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection with its secrets revealed: `kind` of SHAPES (None: it authorizes nothing) and its parts."""

    kind: str | None
    parts: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Json] = field(default_factory=dict, repr=False)


def check_connections(connections: Mapping[str, Json]) -> None:
    """Raises InvalidSettings with the connection that is wrong, and what it may hold."""
    for name, given in connections.items():
        if not isinstance(given, dict):
            raise InvalidSettings(f"the connection {name} must be a mapping")
        kinds = [kind for kind in SHAPES if kind in given]
        unknown = sorted(set(given) - {*SHAPES, *ADDED})
        if unknown or len(kinds) > 1:
            problem = f"unknown key {unknown[0]!r}" if unknown else f"both {kinds[0]} and {kinds[1]}"
            raise InvalidSettings(
                f"the connection {name} has {problem}; it takes one of {', '.join(SHAPES)}, and {', '.join(ADDED)}"
            )
        for kind in kinds:
            _check_parts(name, kind, given[kind])
        if not all(isinstance(given.get(part, {}), dict) for part in ADDED):
            raise InvalidSettings(f"the connection {name}: {', '.join(ADDED)} must be mappings")


def _check_parts(name: str, kind: str, parts: Json) -> None:
    needed = SHAPES[kind] - {"method", "headers", "query", "body"}
    if not isinstance(parts, dict) or set(parts) - SHAPES[kind] or needed - set(parts):
        raise InvalidSettings(f"the connection {name}: {kind} takes {', '.join(sorted(SHAPES[kind]))}")


@dataclass(slots=True)
class Connections:
    """The connections of some bindings.

    `clients` (of `statelang.tasks.aws`) reach EventBridge for those that are not local; None: it is not asked.
    """

    local: Mapping[str, Json] = field(default_factory=dict)
    folder: Path | None = None
    clients: Any = None
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)

    def resolve(self, arn: str, call: TaskCall, secrets: Secrets) -> Connection:
        """A connection with what is secret in it. Raises ConnectionTrouble."""
        name = arn.rpartition("connection/")[2].partition("/")[0]
        given = self._local(arn, name)
        if given is not None:
            return self._revealed(name, given, secrets)
        if self.clients is None:
            known = ", ".join(sorted(self.local)) or "none"
            raise ConnectionTrouble("ResourceNotFound", f"no connection {name} is bound here (bound are: {known})")
        from statelang.tasks.aws.eventbridge import connection

        return connection(self.clients, name, call, secrets)

    def _local(self, arn: str, name: str) -> Any:
        for wanted in (arn, name):
            if wanted in self.local:
                return self.local[wanted]
        found = [p for p in self.local if fnmatch.fnmatchcase(name, p) or fnmatch.fnmatchcase(arn, p)]
        return self.local[max(found, key=len)] if found else None

    def _revealed(self, name: str, given: Any, secrets: Secrets) -> Connection:
        try:
            revealed = secrets.reveal(given)
        except InvalidSettings as problem:
            raise ConnectionTrouble("InvalidConnectionState", f"the connection {name}: {problem}") from None
        kind = next((kind for kind in SHAPES if kind in revealed), None)
        added = {part: revealed.get(part, {}) for part in ADDED}
        return Connection(kind, revealed.get(kind, {}) if kind else {}, **added)

    def authorization(
        self, arn: str, connection: Connection, call: TaskCall, secrets: Secrets, *, again: bool = False
    ) -> Mapping[str, str]:
        """The headers that say who we are. `again`: a token that was refused is not used again.

        Raises ConnectionTrouble.
        """
        parts = connection.parts
        if connection.kind == "basic":
            pair = f"{parts['username']}:{parts['password']}"
            return {"Authorization": f"Basic {secrets.learn(base64.b64encode(pair.encode()).decode())}"}
        if connection.kind == "api_key":
            return {str(parts["name"]): str(parts["value"])}
        if connection.kind == "oauth":
            return {"Authorization": f"Bearer {self._token(arn, parts, call, secrets, again=again)}"}
        return {}

    def can_renew(self, connection: Connection) -> bool:
        """Whether another try with a new token makes sense after a refusal."""
        return connection.kind == "oauth"

    def _token(self, arn: str, parts: Mapping[str, Any], call: TaskCall, secrets: Secrets, *, again: bool) -> str:
        known = self._tokens.get(arn)
        if known is None or again or known[1] < time.monotonic():
            known = self._tokens[arn] = _ask_token(parts, call)
        return secrets.learn(known[0])


def _ask_token(parts: Mapping[str, Any], call: TaskCall) -> tuple[str, float]:
    """A token of the client credentials flow, and until when (of the monotonic clock) it is used."""
    form = {
        "grant_type": "client_credentials",
        "client_id": parts["client_id"],
        "client_secret": parts["client_secret"],
        **(parts.get("body") or {}),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    query = urlencode(parts.get("query") or {})
    url = f"{parts['endpoint']}{'?' if query else ''}{query}"
    method = str(parts.get("method") or "POST")
    try:
        reply = exchange(
            method, url, {**headers, **(parts.get("headers") or {})}, urlencode(form).encode(), seconds_left(call)
        )
    except NoAnswer as problem:
        raise ConnectionTrouble("InternalError", str(problem)) from None
    return _granted(reply, url)


def _granted(reply: Reply, url: str) -> tuple[str, float]:
    try:
        told = decode(reply.text)
    except InvalidInput:
        told = None
    token = told.get("access_token") if isinstance(told, dict) else None
    if reply.status // 100 != 2 or not isinstance(token, str):
        said = f"{url} answered {reply.status} and gave no token"
        raise ConnectionTrouble("InvalidConnectionState", said)
    seconds = told.get("expires_in")
    life = float(seconds) if isinstance(seconds, (int, float)) else 0.0
    return token, time.monotonic() + max(0.0, life - MARGIN_SECONDS)
