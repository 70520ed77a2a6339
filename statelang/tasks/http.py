"""HTTP as a task: the input is POSTed as JSON, and the body of the answer is the result.

Rule: transport problems are ASL errors under the names AWS's `http:invoke` gives them; whether to try again is for the
state's Retry to say.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from statelang.errors import InvalidInput, InvalidSettings
from statelang.ports import Answer, Failed, Succeeded, TaskCall
from statelang.values import Json, decode, encode

SECONDS: Final = 60.0
"""How long a request may take where neither the binding nor TimeoutSeconds says: AWS's own limit."""


@dataclass(frozen=True, slots=True)
class HttpTask:
    """A request: `timeout` in seconds. The token and the idempotency key go along as headers."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = SECONDS

    def perform(self, call: TaskCall) -> Answer | None:
        """Send it and answer with what comes back."""
        import urllib3

        try:
            answer = urllib3.request(
                self.method,
                self.url,
                body=encode(call.input).encode(),
                headers={**self._headers(call), **self.headers},
                timeout=self._seconds(call),
                retries=urllib3.Retry(None, connect=0, read=0, status=0, other=0, redirect=5),
            )
            return _answer(answer.status, answer.data, f"{self.method} {self.url}")
        except urllib3.exceptions.HTTPError as problem:
            return Failed("States.Http.Socket", f"{self.method} {self.url}: {problem}")

    def _headers(self, call: TaskCall) -> Mapping[str, str]:
        return {
            "Content-Type": "application/json",
            "Accept": "application/json, */*",
            "Idempotency-Key": call.idempotency_key,
            "Statelang-Task-Token": call.token,
        }

    def _seconds(self, call: TaskCall) -> float:
        if call.deadline is None:
            return self.timeout
        return max(0.001, min(self.timeout, call.deadline / 1000 - time.time()))


def _answer(status: int, body: bytes, request: str) -> Answer:
    text = body.decode(errors="replace").strip()
    if status >= 300:
        return Failed(f"States.Http.StatusCode.{status}", text or f"{request} answered {status}")
    if not text:
        return Succeeded(None)
    try:
        return Succeeded(decode(text), text)
    except InvalidInput:
        return Succeeded(text)


def http_task(url: str, options: Mapping[str, Json]) -> HttpTask:
    """The integration of a URL; options: method, headers, timeout (seconds). Raises InvalidSettings."""
    try:
        import urllib3  # noqa: F401
    except ImportError:
        raise InvalidSettings(f"{url} needs the extra 'http': pip install 'statelang[http]'") from None
    headers: Any = options.get("headers", {})
    timeout: Any = options.get("timeout", SECONDS)
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise InvalidSettings(f"{url}: headers must be a mapping of names to texts")
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool) or timeout <= 0:
        raise InvalidSettings(f"{url}: timeout must be a number of seconds above 0")
    return HttpTask(url, str(options.get("method", "POST")), headers, float(timeout))
