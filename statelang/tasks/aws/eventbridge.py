"""EventBridge's connections: what they say of themselves, and their secrets from Secrets Manager.

Rule: everything a secret holds is learnt as secret, whatever EventBridge calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from statelang.errors import InvalidInput
from statelang.ports import TaskCall
from statelang.tasks.aws.clients import Clients
from statelang.tasks.aws.roles import RoleRefused
from statelang.tasks.connections import Connection, ConnectionTrouble
from statelang.tasks.secrets import Secrets
from statelang.values import Json, decode

KINDS: Final[Mapping[str, str]] = {
    "BASIC": "basic",
    "API_KEY": "api_key",
    "OAUTH_CLIENT_CREDENTIALS": "oauth",
}

TROUBLE: Final[Mapping[str, str]] = {
    "ResourceNotFoundException": "ResourceNotFound",
    "AccessDeniedException": "AccessDenied",
}
"""The code of a refusal -> what the connection's error is called."""


def connection(clients: Clients, name: str, call: TaskCall, secrets: Secrets) -> Connection:
    """A connection of EventBridge. Raises ConnectionTrouble."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        told = clients.of(call, "events").describe_connection(Name=name)
        if told.get("ConnectionState") != "AUTHORIZED":
            state = (
                f"the connection {name} is {told.get('ConnectionState')}: {told.get('StateReason', 'no reason told')}"
            )
            raise ConnectionTrouble("InvalidConnectionState", state)
        text = clients.of(call, "secretsmanager").get_secret_value(SecretId=told["SecretArn"])["SecretString"]
    except ClientError as problem:
        code = problem.response.get("Error", {}).get("Code", "")
        raise ConnectionTrouble(TROUBLE.get(code, "InternalError"), f"the connection {name}: {problem}") from None
    except RoleRefused as problem:
        raise ConnectionTrouble("AccessDenied", f"the connection {name}: {problem.cause}") from None
    except (BotoCoreError, KeyError) as problem:
        raise ConnectionTrouble(
            "InternalError", f"the connection {name}: {type(problem).__name__}: {problem}"
        ) from None
    return _made(name, told, _secret(name, text), secrets)


def _secret(name: str, text: str) -> Mapping[str, Json]:
    try:
        found = decode(text)
    except InvalidInput:
        found = None
    if not isinstance(found, dict):
        raise ConnectionTrouble("InvalidConnectionState", f"the secret of the connection {name} is no JSON object")
    return {_plain(key): value for key, value in found.items()}


def _plain(key: str) -> str:
    return key.replace("_", "").lower()


def _made(name: str, told: Mapping[str, Any], secret: Mapping[str, Json], secrets: Secrets) -> Connection:
    kind = KINDS.get(str(told.get("AuthorizationType")))
    parameters = told.get("AuthParameters") or {}
    added = secret.get("invocationhttpparameters") or parameters.get("InvocationHttpParameters") or {}
    return Connection(
        kind,
        _parts(name, kind, parameters, secret, secrets),
        _pairs(added, "headerparameters", secrets),
        _pairs(added, "querystringparameters", secrets),
        _pairs(added, "bodyparameters", secrets),
    )


def _parts(
    name: str, kind: str | None, parameters: Mapping[str, Any], secret: Mapping[str, Json], secrets: Secrets
) -> Mapping[str, Any]:
    def private(key: str) -> str:
        value = secret.get(key)
        if not isinstance(value, str):
            raise ConnectionTrouble("InvalidConnectionState", f"the connection {name} is without credentials ({key})")
        return secrets.learn(value)

    if kind == "basic":
        user = secret.get("username") or (parameters.get("BasicAuthParameters") or {}).get("Username")
        return {"username": user, "password": private("password")}
    if kind == "api_key":
        key = secret.get("apikeyname") or (parameters.get("ApiKeyAuthParameters") or {}).get("ApiKeyName")
        return {"name": key, "value": private("apikeyvalue")}
    oauth = parameters.get("OAuthParameters") or {}
    added = secret.get("oauthhttpparameters") or oauth.get("OAuthHttpParameters") or {}
    return {
        "endpoint": secret.get("authorizationendpoint") or oauth.get("AuthorizationEndpoint"),
        "method": secret.get("httpmethod") or oauth.get("HttpMethod"),
        "client_id": secret.get("clientid") or (oauth.get("ClientParameters") or {}).get("ClientID"),
        "client_secret": private("clientsecret"),
        "headers": _pairs(added, "headerparameters", secrets),
        "query": _pairs(added, "querystringparameters", secrets),
        "body": _pairs(added, "bodyparameters", secrets),
    }


def _pairs(added: Mapping[str, Any], kind: str, secrets: Secrets) -> Mapping[str, str]:
    """The parameters of one kind, by their keys; those that are secret are learnt."""
    listed = next((value for key, value in added.items() if _plain(key) == kind), None) or ()
    found = {}
    for one in listed:
        plain = {_plain(key): value for key, value in one.items()}
        value = str(plain.get("value", ""))
        found[str(plain.get("key"))] = secrets.learn(value) if plain.get("isvaluesecret") else value
    return found
