"""Secrets by reference: what is read from the environment, a file or AWS Secrets Manager when a task needs it.

    {env: CRM_PASSWORD}                  the value of a variable of the environment
    {file: /run/secrets/crm}             the content of a file, without the line's end
    {secret: crm/login, key: password}   a secret of AWS Secrets Manager, or one key of its JSON

A reference stands wherever an option of a binding or a connection takes a text. What it stands for is used and never
told: in outputs, errors and causes it is replaced, however it is spelled there.

Rule: a secret's value lives for the length of one task and is no part of an input, a record or a log.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote, quote_plus

from msgspec.structs import replace

from statelang.errors import InvalidInput, InvalidSettings
from statelang.ports import Answer, Failed, Integration, Jobs, Pending, Submitted, Succeeded, TaskCall
from statelang.values import Json, decode

HIDDEN: Final = "***"
"""What stands where a secret would."""

KINDS: Final[Mapping[str, frozenset[str]]] = {
    "env": frozenset(("env",)),
    "file": frozenset(("file",)),
    "secret": frozenset(("secret", "key", "region", "endpoint")),
}
"""What a reference begins with -> the keys it may have."""

SHORTEST: Final = 4
"""Shorter values are no secrets: replacing them would only tear texts apart."""


def is_reference(value: Json) -> bool:
    """Whether a value is a reference to a secret."""
    if not isinstance(value, dict) or not all(isinstance(part, str) for part in value.values()):
        return False
    return any(kind in value and set(value) <= keys for kind, keys in KINDS.items())


def has_references(value: Json) -> bool:
    """Whether there is a reference anywhere in a value."""
    if is_reference(value):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(has_references(item) for item in inner)


@dataclass(slots=True)
class Secrets:
    """What one task has learnt of secrets, and so must not tell. Files are relative to `folder`."""

    folder: Path | None = None
    known: set[str] = field(default_factory=set, repr=False)

    def learn(self, value: str) -> str:
        """Know a text as secret; returns it."""
        if len(value) >= SHORTEST:
            self.known.add(value)
        return value

    def reveal(self, value: Json) -> Any:
        """The value with every reference replaced by what it stands for. Raises InvalidSettings."""
        if is_reference(value):
            return self.learn(self._read(value))
        if isinstance(value, dict):
            return {name: self.reveal(item) for name, item in value.items()}
        return [self.reveal(item) for item in value] if isinstance(value, list) else value

    def _read(self, reference: Any) -> str:
        if "env" in reference:
            found = os.environ.get(str(reference["env"]))
            if found is None:
                raise InvalidSettings(
                    f"the environment has no variable {reference['env']} (a secret is to be read there)"
                )
            return found
        return self._file(str(reference["file"])) if "file" in reference else _managed(reference)

    def _file(self, name: str) -> str:
        path = Path(name) if self.folder is None else self.folder / name
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as problem:
            raise InvalidSettings(f"{path}: a secret cannot be read there: {problem}") from None

    def hide(self, text: str) -> str:
        """A text without the secrets, in any spelling that a program would give them."""
        for spelling in sorted({s for secret in self.known for s in _spellings(secret)}, key=len, reverse=True):
            text = text.replace(spelling, HIDDEN)
        return text

    def hide_all(self, value: Json) -> Json:
        """A JSON value without the secrets."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {self.hide(name): self.hide_all(item) for name, item in value.items()}
        return [self.hide_all(item) for item in value] if isinstance(value, list) else value

    def clean(self, answer: Answer | None) -> Answer | None:
        """An answer that tells nothing of the secrets; its exact text is kept where it told nothing."""
        if answer is None or not self.known:
            return answer
        if isinstance(answer, Failed):
            error = None if answer.error is None else self.hide(answer.error)
            cause = None if answer.cause is None else self.hide(answer.cause)
            return Failed(error, cause, tuple(self.hide(line) for line in answer.trace))
        output = self.hide_all(answer.output)
        if output == answer.output:
            return answer
        if isinstance(answer, Submitted):
            return replace(answer, output=output, text=None)
        return Succeeded(output)


def _spellings(secret: str) -> set[str]:
    plain = secret.encode()
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(plain).decode(),
    }


def _managed(reference: Any) -> str:
    """A secret of AWS Secrets Manager, asked for anew: it may have been rotated."""
    from statelang.tasks.aws.clients import PATIENCE, Clients, Place

    name = str(reference["secret"])
    region = reference.get("region") or (name.split(":")[3] if name.startswith("arn:") else None)
    try:
        clients = Clients(Place(region=region, endpoint=reference.get("endpoint")))
        client = clients.client("secretsmanager", seconds=PATIENCE[0], role=None)
        text = str(client.get_secret_value(SecretId=name)["SecretString"])
    except Exception as problem:
        raise InvalidSettings(f"the secret {name} cannot be read: {type(problem).__name__}: {problem}") from None
    return text if "key" not in reference else _member(name, text, str(reference["key"]))


def _member(name: str, text: str, key: str) -> str:
    try:
        found = decode(text)
    except InvalidInput:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get(key), str):
        raise InvalidSettings(f"the secret {name} has no text under the key {key!r}")
    value: str = found[key]
    return value


@dataclass(frozen=True, slots=True)
class WithSecrets:
    """An integration whose options refer to secrets: made anew for every task, with what they are now.

    `make` gives the integration for the options revealed.
    """

    options: Mapping[str, Json]
    make: Callable[[Mapping[str, Json]], Integration]
    folder: Path | None = None

    def perform(self, call: TaskCall) -> Answer | None:
        """Perform it, and tell nothing of the secrets."""
        secrets = Secrets(self.folder)
        try:
            return secrets.clean(self._made(secrets).perform(call))
        except InvalidSettings as problem:
            return Failed("States.Runtime", secrets.hide(str(problem)))

    def poll(self, call: TaskCall, job: Json, polls: int) -> Succeeded | Failed | Pending:
        """How a job stands that it has begun. See `statelang.ports.Jobs`."""
        secrets = Secrets(self.folder)
        try:
            told = self._jobs(secrets).poll(call, job, polls)
        except InvalidSettings as problem:
            return Failed("States.Runtime", secrets.hide(str(problem)))
        if isinstance(told, Pending):
            return told
        return cast(Succeeded | Failed, secrets.clean(told))

    def stop(self, call: TaskCall, job: Json) -> Failed | None:
        """Stop a job that nobody waits for any more."""
        secrets = Secrets(self.folder)
        try:
            return cast(Failed | None, secrets.clean(self._jobs(secrets).stop(call, job)))
        except InvalidSettings as problem:
            return Failed("States.Runtime", secrets.hide(str(problem)))

    @property
    def clients(self) -> Any:
        """Its clients, if it is AWS: buckets and connections are asked for through them too."""
        return getattr(self._made(Secrets(self.folder)), "clients", None)

    def _made(self, secrets: Secrets) -> Integration:
        return self.make(secrets.reveal(dict(self.options)))

    def _jobs(self, secrets: Secrets) -> Jobs:
        made = self._made(secrets)
        if not isinstance(made, Jobs):
            raise InvalidSettings("what performs this now knows nothing of the job it began")
        return made
