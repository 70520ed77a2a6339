"""The Lambda Runtime API on loopback, one port for each environment, driving the real `awslambdaric` process.

Rule: what Lambda does, it does: an invocation at a time, a process that ends at its deadline, a new one after that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

from tests.aws.dynoxide import CREDENTIALS
from tests.shared import ROOT

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:machines"
START_SECONDS = 30


@dataclass
class Outcome:
    """What became of an invocation: `body` is what the handler returned, or the error that it raised."""

    kind: Literal["response", "error", "killed", "timeout", "init error"]
    body: Any = None
    seconds: float = 0.0


@dataclass
class Invocation:
    """An event on its way, and where its outcome goes."""

    event: Any
    deadline: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    done: SimpleQueue[Outcome] = field(default_factory=SimpleQueue)
    began: float = 0.0


class Server(ThreadingHTTPServer):
    """Processes that are killed do not say goodbye."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing is said of it."""


class Process(Protocol):
    """A process of a function."""

    def ended(self) -> bool: ...

    def kill(self) -> None: ...


Starts = Callable[[str, dict[str, str], Path, Path], Process]
"""Starts a process: handler, variables, folder, and the file that its output is appended to."""


class Spawned:
    """A process from nothing, as on a cold start of Lambda's."""

    def __init__(self, handler: str, variables: dict[str, str], folder: Path, output: Path) -> None:
        words = [sys.executable, "-m", "awslambdaric", handler]
        with output.open("ab") as file:
            self._process = subprocess.Popen(words, cwd=folder, env=variables, stdout=file, stderr=subprocess.STDOUT)

    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


class Watch(Protocol):
    """Somebody who may want an invocation killed: told when one begins, and asked before its answer is taken."""

    def begin(self, kill: Callable[[], None]) -> None: ...

    def answered(self) -> bool: ...


class Environment:
    """One environment: a server, and a process that is started when there is something to do."""

    def __init__(
        self,
        handler: str,
        variables: dict[str, str],
        folder: Path = ROOT,
        *,
        start: Starts = Spawned,
        watch: Watch | None = None,
    ) -> None:
        self.cold_starts = 0
        self._handler, self._variables, self._folder = handler, variables, folder
        self._starts, self._watch = start, watch
        self._temporary = TemporaryDirectory()
        self._output = Path(self._temporary.name) / "output"
        self._output.touch()
        self._next: SimpleQueue[Invocation | None] = SimpleQueue()
        self._now: Invocation | None = None
        self._process: Process | None = None
        self._guard = threading.Lock()
        self._number = 0
        self._ready = threading.Event()
        environment = self

        class Api(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body in one packet: else each answer waits for an acknowledgement

            def setup(self) -> None:
                super().setup()
                self.process = environment._number

            def do_GET(self) -> None:
                environment.give(self, self.process)

            def do_POST(self) -> None:
                environment.take(self)

            def log_message(self, *args: object) -> None:
                """Nothing is logged."""

        self._server = Server(("127.0.0.1", 0), Api)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def output(self) -> bytes:
        """The last of what its processes have said."""
        return self._output.read_bytes()[-20_000:]

    def give(self, request: BaseHTTPRequestHandler, process: int) -> None:
        """`/invocation/next`: wait for an event."""
        self._ready.set()
        while process == self._number:
            try:
                found = self._next.get(timeout=0.05)
            except Empty:
                continue
            if found is None or process != self._number:
                break
            self._now = found
            found.began = time.perf_counter()
            body = json.dumps(found.event).encode()
            request.send_response(200)
            for name, value in {
                "Lambda-Runtime-Aws-Request-Id": found.id,
                "Lambda-Runtime-Deadline-Ms": str(int(found.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": ARN,
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
            }.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(body)
            return
        request.close_connection = True

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """A response, or an error."""
        body, now = _read(request), self._now
        kind: Any = "error" if request.path.endswith("/error") else "response"
        if request.path.endswith("/init/error"):
            kind = "init error"
        if now is not None and (now.id in request.path or kind == "init error"):
            if self._watch is not None and self._watch.answered():
                request.close_connection = True
                return
            now.done.put(Outcome(kind, json.loads(body or b"null"), time.perf_counter() - now.began))
        request.send_response(202)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def invoke(self, event: Any, *, seconds: float = 15.0, kill_after: float | None = None) -> Outcome:
        """Hand over an event, starting a process if there is none; kill it at its deadline, or sooner."""
        if self._process is None or self._process.ended():
            self._start()
        invocation = Invocation(event, time.time() + seconds)
        if self._watch is not None:
            self._watch.begin(lambda: self._strike(invocation))
        self._next.put(invocation)
        wait = seconds if kill_after is None else min(kill_after, seconds)
        try:
            return invocation.done.get(timeout=wait)
        except Empty:
            self.kill()
            return Outcome("killed" if wait < seconds else "timeout", seconds=wait)

    def _strike(self, invocation: Invocation) -> None:
        self.kill()
        invocation.done.put(Outcome("killed", seconds=time.perf_counter() - invocation.began))

    def warm(self) -> None:
        """Have a process that waits for an event."""
        if self._process is None or self._process.ended():
            self._start()

    def _start(self) -> None:
        self.kill()
        self.cold_starts += 1
        self._ready.clear()
        host, port = self._server.server_address[:2]
        told = {
            "AWS_LAMBDA_RUNTIME_API": f"{host!s}:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": "machines",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "_HANDLER": self._handler,
            "LAMBDA_TASK_ROOT": str(self._folder),
            "PYTHONPATH": str(ROOT),
        }
        variables = {"PATH": os.environ["PATH"], **CREDENTIALS, **told, **self._variables}
        process = self._process = self._starts(self._handler, variables, self._folder, self._output)
        end = time.monotonic() + START_SECONDS
        while not self._ready.wait(0.01):
            if process.ended() or time.monotonic() > end:
                raise RuntimeError(f"the process did not start:\n{self.output.decode()[-3000:]}")

    def kill(self) -> None:
        """End the process at once."""
        with self._guard:
            process, self._process, self._now = self._process, None, None
            self._number += 1
            if process is not None:
                process.kill()

    def close(self) -> None:
        """End all of it."""
        self.kill()
        self._server.shutdown()
        self._server.server_close()
        self._temporary.cleanup()


def _read(request: BaseHTTPRequestHandler) -> bytes:
    """The body of a request, chunked or not."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    found = b""
    while True:
        size = int(request.rfile.readline().split(b";")[0], 16)
        found += request.rfile.read(size)
        request.rfile.readline()
        if size == 0:
            return found
