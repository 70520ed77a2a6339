"""Roles: credentials through STS, kept until shortly before they end.

Rule: they live in memory only: nothing of them is written, told or logged.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MARGIN_SECONDS: Final = 300
"""How long before their end credentials are asked for anew."""


class RoleRefused(Exception):
    """STS would not let us assume a role; `role` is its ARN, `cause` what STS said."""

    def __init__(self, role: str, cause: str) -> None:
        super().__init__(role, cause)
        self.role = role
        self.cause = cause


@dataclass(frozen=True, slots=True, eq=False)
class Credentials:
    """What STS gave for a role; `expires` in seconds since 1970."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    expires: float

    def keys(self) -> Mapping[str, str]:
        """As boto3's client takes them."""
        return {
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "aws_session_token": self.token,
        }

    def expired(self, now: float) -> bool:
        """Whether they are too near their end to be used."""
        return now > self.expires - MARGIN_SECONDS


class Roles:
    """The credentials of each role that was assumed, for all threads."""

    def __init__(self, sts: Callable[[str], Any]) -> None:
        self._sts = sts
        self._lock = threading.Lock()
        self._known: dict[str, Credentials] = {}

    def credentials(self, role: str) -> Credentials:
        """Those of a role, asked for once. Raises RoleRefused."""
        with self._lock:
            known = self._known.get(role)
        if known is None or known.expired(time.time()):
            known = self._assume(role)
            with self._lock:
                self._known[role] = known
        return known

    def _assume(self, role: str) -> Credentials:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            given = self._sts(role).assume_role(RoleArn=role, RoleSessionName="statelang")["Credentials"]
        except (ClientError, BotoCoreError) as problem:
            raise RoleRefused(role, str(problem)) from None
        expires = given["Expiration"].timestamp()
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], expires)
