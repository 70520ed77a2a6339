"""A server on loopback that answers as a function says, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Says:
    """One answer: a `body` that is no text and no bytes is sent as JSON. `pause` in seconds."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0


@dataclass
class Loopback:
    """The server, while it runs."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    @property
    def last(self) -> Asked:
        return self.asked[-1]


@contextmanager
def loopback(answer: Callable[[Asked], Says]) -> Iterator[Loopback]:
    """Serve on a free port."""
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
            server.asked.append(asked)
            says = answer(asked)
            closing.wait(says.pause)
            body = says.body.encode() if isinstance(says.body, str) else says.body
            kind = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(says.status)
            for name, value in {**kind, "Content-Length": str(len(data)), **says.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_any

        def log_message(self, *arguments: Any) -> None:
            """Be silent."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *arguments: Any) -> None:
            """A client that has gone away is no error."""

    running = Server(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    server = Loopback(f"http://127.0.0.1:{running.server_port}")
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        closing.set()
        running.shutdown()
        running.server_close()
