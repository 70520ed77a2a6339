"""The wire between an environment and DynamoDB and SQS: it counts requests, throttles, and kills at one that was drawn.

A kill at a request is one of three: the request is never done; it is done and nobody hears of it; it is answered, and
the process ends some moments later. Where an invocation has fewer requests, it is killed as it gives its answer.

Rule: a blow that was drawn strikes. What is drawn comes from a seed.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Final, Literal
from urllib.parse import urlsplit

from statelang.stores.dynamodb.table import ENDPOINT
from tests.aws.queue import URL, Queue, answer
from tests.aws.runtime import Server

When = Literal["before", "unheard", "after"]
WHEN: Final[tuple[When, ...]] = ("before", "unheard", "after")
THROTTLED: Final = "com.amazonaws.dynamodb.v20120810#ThrottlingException"
MOMENTS: Final = 0.01
"""The longest a process lives on, in seconds, when it is killed after an answer."""


@dataclass
class Blow:
    """Kill at the request of this number; `struck` says where it did."""

    at: int
    when: When
    pause: float
    struck: str = ""

    @staticmethod
    def draw(draw: random.Random, most: int) -> Blow:
        return Blow(draw.randint(1, most), draw.choice(WHEN), draw.uniform(0, MOMENTS))


class Gate:
    """What a wire asks of each request, and an environment of each invocation and its answer (see `runtime.Watch`)."""

    def __init__(self) -> None:
        self.passed = 0
        self.throttled = False
        self.next: Blow | None = None
        self._blow: Blow | None = None
        self._kill: Callable[[], None] = lambda: None
        self._guard = threading.Lock()

    def begin(self, kill: Callable[[], None]) -> None:
        """An invocation begins, which the `next` blow is for."""
        with self._guard:
            self.passed, self._blow, self._kill = 0, self.next, kill

    def answered(self) -> bool:
        """Whether the invocation was killed instead of giving its answer."""
        return self._blow is not None and self.strike("answer", self._blow)

    def strike(self, where: str, blow: Blow) -> bool:
        """Kill, if that is still to be done; whether the invocation of this blow is over by now."""
        with self._guard:
            if blow is self._blow and not blow.struck:
                blow.struck = where
                self._kill()
            return bool(blow.struck)

    def count(self) -> Blow | None:
        """One more request: the blow, if it is this one's."""
        with self._guard:
            self.passed += 1
            return self._blow if self._blow is not None and self._blow.at == self.passed else None


@contextmanager
def wired(gate: Gate, queue: Queue, database: str) -> Iterator[dict[str, str]]:
    """A wire of its own; the variables by which a function's clients find it."""
    place = urlsplit(database).netloc

    class Wire(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def setup(self) -> None:
            super().setup()
            self.database = http.client.HTTPConnection(place)

        def finish(self) -> None:
            self.database.close()
            super().finish()

        def perform(self) -> tuple[int, dict[str, str], bytes]:
            body, target = self.rfile.read(int(self.headers["Content-Length"])), self.headers.get("X-Amz-Target", "")
            if not target.startswith("DynamoDB"):
                status, told = answer(queue, self.path, target, json.loads(body))
                return status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(told).encode()
            if gate.throttled:
                return (
                    400,
                    {"x-amzn-ErrorType": THROTTLED},
                    json.dumps({"__type": THROTTLED, "message": "slow"}).encode(),
                )
            self.database.request("POST", self.path, body, dict(self.headers.items()))
            found = self.database.getresponse()
            return found.status, dict(found.getheaders()), found.read()

        def do_POST(self) -> None:
            blow = gate.count()
            if blow is not None and blow.when == "before" and gate.strike("before", blow):
                self.close_connection = True
                return
            status, found, data = self.perform()
            if blow is not None and blow.when == "unheard" and gate.strike("unheard", blow):
                self.close_connection = True
                return
            self.send_response_only(status)
            for name, value in found.items():
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()
            if blow is not None and blow.when == "after":
                time.sleep(blow.pause)
                gate.strike("after", blow)

        def log_message(self, *args: object) -> None:
            """Nothing is logged."""

    server = Server(("127.0.0.1", 0), Wire)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    host, port = server.server_address[:2]
    names = ("SQS", "SCHEDULER", "SFN")
    endpoint = f"http://{host!s}:{port}"
    try:
        yield {
            "STATELANG_QUEUE": URL,
            ENDPOINT: endpoint,
            **{f"AWS_ENDPOINT_URL_{name}": endpoint for name in names},
        }
    finally:
        server.shutdown()
        server.server_close()
