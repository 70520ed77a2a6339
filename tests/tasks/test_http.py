"""HTTP as a task, against a real server on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from statelang import Failed, Succeeded
from statelang.tasks.http import http_task
from tests.tasks.calls import call


class Handler(BaseHTTPRequestHandler):
    """Answers as the path says: /STATUS, /echo, /text, /slow, /redirect."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/echo":
            told = {"method": self.command, "body": json.loads(body), "key": self.headers["Idempotency-Key"]}
            self._answer(200, json.dumps({**told, "mine": self.headers.get("X-Mine")}).encode())
        elif self.path == "/text":
            self._answer(200, b"all is well\n")
        elif self.path == "/empty":
            self._answer(204, b"")
        elif self.path == "/slow":
            time.sleep(1.5)
            self._answer(200, b"{}")
        elif self.path == "/redirect":
            self.send_response(307)
            self.send_header("Location", "/echo")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._answer(int(self.path[1:]), b'{"why": "no"}')

    do_PUT = do_POST

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_input_is_posted_and_the_body_is_the_result(url: str) -> None:
    answer = http_task(f"{url}/echo", {}).perform(call({"n": 1}))
    assert isinstance(answer, Succeeded)
    assert answer.output == {"method": "POST", "body": {"n": 1}, "key": "e.0.2", "mine": None}


def test_options_change_the_request(url: str) -> None:
    answer = http_task(f"{url}/echo", {"method": "PUT", "headers": {"X-Mine": "yes"}}).perform(call(1))
    assert isinstance(answer, Succeeded)
    assert (answer.output["method"], answer.output["mine"]) == ("PUT", "yes")


def test_text_nothing_and_redirects(url: str) -> None:
    assert http_task(f"{url}/text", {}).perform(call()) == Succeeded("all is well")
    assert http_task(f"{url}/empty", {}).perform(call()) == Succeeded(None)
    followed = http_task(f"{url}/redirect", {}).perform(call(5))
    assert isinstance(followed, Succeeded)
    assert followed.output["body"] == 5


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_status_is_an_error_by_its_number(url: str, status: int) -> None:
    assert http_task(f"{url}/{status}", {}).perform(call()) == Failed(
        f"States.Http.StatusCode.{status}", '{"why": "no"}'
    )


def test_nobody_there_and_too_slow_are_socket_errors(url: str) -> None:
    nobody = http_task("http://127.0.0.1:9/x", {}).perform(call())
    assert isinstance(nobody, Failed)
    assert nobody.error == "States.Http.Socket"
    slow = http_task(f"{url}/slow", {"timeout": 0.2}).perform(call())
    assert isinstance(slow, Failed)
    assert slow.error == "States.Http.Socket"
    deadline = http_task(f"{url}/slow", {}).perform(call(deadline=time.time_ns() // 1_000_000 + 200))
    assert isinstance(deadline, Failed)
