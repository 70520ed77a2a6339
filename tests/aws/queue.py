"""SQS, EventBridge Scheduler and Step Functions on loopback, as much of each as the Lambda host asks for.

Rule: a message is there until it is deleted, and may be delivered twice and in any order.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.aws.runtime import Server

URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/wakes"


@dataclass
class Message:
    """One message, visible from a time on (seconds)."""

    id: str
    body: str
    visible: float


@dataclass
class Queue:
    """What was sent, and what was asked of the other services."""

    messages: dict[str, Message] = field(default_factory=dict)
    delays: list[int] = field(default_factory=list)
    schedules: dict[str, Any] = field(default_factory=dict)
    answers: list[tuple[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    sent: int = 0
    refuses: bool = False
    """Whether nothing is taken: no message, no answer to a task."""
    second: float = 1.0
    """How long a second of a delay takes: less, and every message comes early."""

    def send(self, body: str, delay: int = 0) -> dict[str, str]:
        """As SendMessage; refuses a delay that SQS refuses."""
        assert 0 <= delay <= 900
        with self.lock:
            self.sent += 1
            self.delays.append(delay)
            id = f"m{self.sent}"
            self.messages[id] = Message(id, body, time.monotonic() + delay * self.second)
        return {"MessageId": id, "MD5OfMessageBody": hashlib.md5(body.encode()).hexdigest()}

    def receive(self, most: int, visibility: float, draw: random.Random) -> list[Message]:
        """Some of those that are visible, in any order; they stay away for a while."""
        with self.lock:
            now = time.monotonic()
            seen = [message for message in self.messages.values() if message.visible <= now]
            draw.shuffle(seen)
            for message in seen[:most]:
                message.visible = now + visibility
            return seen[:most]

    def delete(self, id: str) -> None:
        with self.lock:
            self.messages.pop(id, None)

    def again(self, id: str) -> None:
        """Make a message visible at once: its delivery failed."""
        with self.lock:
            if id in self.messages:
                self.messages[id].visible = time.monotonic()

    def event(self, messages: list[Message]) -> Any:
        """The event of a mapping to Lambda."""
        return {"Records": [{"messageId": m.id, "eventSource": "aws:sqs", "body": m.body} for m in messages]}


@contextmanager
def serving(queue: Queue) -> Iterator[dict[str, str]]:
    """The services; the variables by which boto3 finds them."""

    class Services(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one packet: else each answer waits for an acknowledgement

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told = answer(queue, self.path, self.headers.get("X-Amz-Target", ""), json.loads(body or b"{}"))
            data = json.dumps(told).encode()
            self.send_response(status)
            if status != 200:
                self.send_header("x-amzn-ErrorType", told.get("__type", ""))
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Nothing is logged."""

    server = Server(("127.0.0.1", 0), Services)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    host, port = server.server_address[:2]
    names = ("SQS", "SCHEDULER", "SFN")
    try:
        yield {"STATELANG_QUEUE": URL, **{f"AWS_ENDPOINT_URL_{name}": f"http://{host!s}:{port}" for name in names}}
    finally:
        server.shutdown()
        server.server_close()


def answer(queue: Queue, path: str, target: str, given: Any) -> tuple[int, Any]:
    """What the services say to a request: the HTTP status, and the body."""
    operation = target.rpartition(".")[2]
    if queue.refuses:
        return 400, {"__type": "AccessDeniedException", "message": "not now"}
    if operation == "SendMessage":
        return 200, queue.send(given["MessageBody"], given.get("DelaySeconds", 0))
    if operation == "SendMessageBatch":
        sent = [
            {"Id": one["Id"], **queue.send(one["MessageBody"], one.get("DelaySeconds", 0))} for one in given["Entries"]
        ]
        return 200, {"Successful": sent, "Failed": []}
    if operation in ("SendTaskSuccess", "SendTaskFailure"):
        if given["taskToken"] == "gone":
            return 400, {"__type": "TaskTimedOut", "message": "gone"}
        queue.answers.append((operation, given))
        return 200, {}
    if path.startswith("/schedules/"):
        name = path.rpartition("/")[2]
        if name in queue.schedules:
            return 409, {"__type": "ConflictException", "Message": "exists"}
        queue.schedules[name] = given
        return 200, {"ScheduleArn": name}
    return 400, {"__type": "Unknown", "message": f"{path} {target}"}
