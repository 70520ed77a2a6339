"""One HTTP exchange: a request is sent once, and its answer read whole.

Rule: nothing is tried again and no redirect is followed: whoever asks decides what an answer means.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from statelang.ports import TaskCall

MOST_SECONDS: Final = 60.0
"""AWS's own limit for a request."""


class NoAnswer(Exception):
    """No answer came: no such host, no connection, or not in time. Its text says what happened."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `headers` as name -> all values of that name, in order."""

    status: int
    reason: str
    headers: Mapping[str, list[str]]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type, in lower case and without parameters."""
        for name, values in self.headers.items():
            if name.lower() == "content-type" and values:
                return values[0].partition(";")[0].strip().lower()
        return ""

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode(errors="replace")


def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    seconds: float,
    authority: str | None = None,
) -> Reply:
    """Send a request. `authority` is a PEM certificate that is trusted instead of the public ones.

    Raises NoAnswer.
    """
    import ssl

    import urllib3

    context = None if authority is None else ssl.create_default_context(cadata=authority)
    pool = urllib3.PoolManager(ssl_context=context)
    try:
        answer = pool.request(
            method,
            url,
            body=body,
            headers=dict(headers),
            timeout=urllib3.Timeout(total=seconds),
            retries=False,
            redirect=False,
        )
        found: dict[str, list[str]] = {name: answer.headers.getlist(name) for name in answer.headers}
        return Reply(answer.status, answer.reason or "", found, answer.data)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
        raise NoAnswer(f"{method} {url}: {problem}") from None
    finally:
        pool.clear()


def seconds_left(call: TaskCall, most: float = MOST_SECONDS) -> float:
    """How long a request of a task may take."""
    return most if call.deadline is None else max(0.001, min(most, call.deadline / 1000 - time.time()))
