"""boto3 clients: one per service, region, endpoint, role and patience, made when first needed (50 to 120 ms each).

Rule: a client tries once; whether to try again is for the state's Retry to say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from statelang.errors import InvalidSettings
from statelang.ports import TaskCall
from statelang.tasks.aws.roles import Roles

PATIENCE: Final = (10, 65, 905)
"""The read time-outs that clients are made with, in seconds: the shortest that the task's own time fits into."""

OPTIONS: Final[Mapping[str, type]] = {
    "region": str,
    "endpoint": str,
    "endpoints": dict,
    "profile": str,
    "role": str,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Which AWS is meant. Everything that is not said is found as boto3 finds it: environment, profile, instance.

    `endpoint` is the address of all services, `endpoints` that of single ones (by boto3's name, which wins); `role` is
    assumed before anything else is done: the execution role of the machine.
    """

    region: str | None = None
    endpoint: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    role: str | None = None


def place_of(options: Mapping[str, Any]) -> Place:
    """A Place from settings. Raises InvalidSettings."""
    for name, value in options.items():
        kind = OPTIONS.get(name)
        if kind is None:
            raise InvalidSettings(f"aws: unknown option {name!r}; known are {', '.join(OPTIONS)}")
        if not isinstance(value, kind):
            raise InvalidSettings(f"aws: {name} must be {'a mapping' if kind is dict else 'a text'}, not {value!r}")
    return Place(**options)


class Clients:
    """The clients of one Place, for all threads."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._lock = threading.Lock()
        self._made: dict[tuple[object, ...], Any] = {}
        self._session: Any = None
        self._roles = Roles(self._sts)

    def of(self, call: TaskCall, service: str, *, region: str | None = None, seconds: int = PATIENCE[1]) -> Any:
        """The client for a task: in its role, and with no more patience than it has time. `seconds`: at most."""
        role = role_of(call) or self.place.role
        return self.client(service, seconds=_patience(call, seconds), role=role, region=region)

    def client(self, service: str, *, seconds: int, role: str | None, region: str | None = None) -> Any:
        """The client of a service, by boto3's name. Raises RoleRefused, and what boto3 raises where settings lack."""
        credentials = None if role is None else self._roles.credentials(role)
        key = (service, seconds, region, credentials)
        with self._lock:
            made = self._made.get(key)
            if made is None:
                if credentials is not None:
                    self._forget(key)
                made = self._made[key] = self._make(service, seconds, region, credentials)
        return made

    def _sts(self, role: str) -> Any:
        """Who is asked for a role: the execution role, or whoever we are for that one itself."""
        return self.client("sts", seconds=PATIENCE[0], role=None if role == self.place.role else self.place.role)

    def _forget(self, key: tuple[object, ...]) -> None:
        """The clients of a role whose credentials have been renewed are used no more."""
        old = [k for k in self._made if k[3] is not None and k[3].expired(time.time())]  # type: ignore[attr-defined]
        for other in old:
            if other != key:
                del self._made[other]

    def _make(self, service: str, seconds: int, region: str | None, credentials: Any) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": 1},
            read_timeout=seconds,
            connect_timeout=min(seconds, PATIENCE[0]),
            parameter_validation=False,
            max_pool_connections=64,
            user_agent_extra="statelang",
            s3={"addressing_style": "path"} if self._endpoint("s3") else None,
        )
        return self._boto().client(
            service,
            region_name=region or self.place.region,
            endpoint_url=self._endpoint(service),
            config=config,
            **({} if credentials is None else credentials.keys()),
        )

    def signing(self, role: str | None) -> tuple[Any, str]:
        """Credentials that requests outside boto3's clients are signed with, and the region. Raises BotoCoreError."""
        from botocore.credentials import Credentials
        from botocore.exceptions import NoCredentialsError, NoRegionError

        role = role or self.place.role
        if role is not None:
            given = self._roles.credentials(role)
            credentials = Credentials(given.access_key, given.secret_key, given.token)
        else:
            credentials = self._boto().get_credentials()
        region = self.place.region or self._boto().region_name
        if credentials is None or region is None:
            raise NoCredentialsError() if credentials is None else NoRegionError()
        return credentials, region

    def _endpoint(self, service: str) -> str | None:
        return self.place.endpoints.get(service, self.place.endpoint)

    def _boto(self) -> Any:
        if self._session is None:
            import boto3

            self._session = boto3.Session(profile_name=self.place.profile)
        return self._session


def role_of(call: TaskCall) -> str | None:
    """The role that the task's Credentials name."""
    given = call.credentials
    role = given.get("RoleArn") if isinstance(given, dict) else None
    return str(role) if role is not None else None


def _patience(call: TaskCall, most: int) -> int:
    if call.deadline is None:
        return most
    left = call.deadline / 1000 - time.time()
    return next((seconds for seconds in PATIENCE if left <= seconds and seconds <= most), most)
