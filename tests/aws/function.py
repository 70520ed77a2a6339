"""The function under test, in the real Lambda runtime, with its queue and its table."""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.aws.queue import Queue, serving
from tests.aws.runtime import Environment
from tests.aws.wire import ENDPOINT, Gate, wired


class Function:
    """The function under test, with its queue and its table."""

    def __init__(self, environment: Environment, queue: Queue, table: str, effects: Path) -> None:
        self.environment, self.queue, self.table, self.effects = environment, queue, table, effects
        self.draw = random.Random(0)

    def __call__(self, event: Any, **how: Any) -> Any:
        outcome = self.environment.invoke(event, **how)
        assert outcome.kind == "response", f"{outcome}\n{self.environment.output.decode()}"
        return outcome.body

    def warm(self) -> None:
        """Have a process that has done something already."""
        self({"start": {"machine": "quick", "name": "warm", "input": {"n": 2}}})

    def deliver(self, seconds: float = 5.0) -> Any:
        """The next message, delivered when it is visible, and deleted where nothing failed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.queue.receive(1, 30, random.Random(0))
            if found:
                told = self(self.queue.event(found))
                if not told["batchItemFailures"]:
                    self.queue.delete(found[0].id)
                return told
            time.sleep(0.02)
        raise AssertionError("no message came")

    def deliver_some(self, seconds: float) -> bool:
        """A batch of what is visible, to an invocation of so many seconds; whether there was something."""
        found = self.queue.receive(10, 30, self.draw)
        if not found:
            return False
        failed = {one["itemIdentifier"] for one in self(self.queue.event(found), seconds=seconds)["batchItemFailures"]}
        for message in found:
            if message.id not in failed:
                self.queue.delete(message.id)
        return True

    def done(self) -> list[Any]:
        """The effects there were: [execution, task, token, idempotency key, attempt]."""
        return [json.loads(line) for line in self.effects.read_text().splitlines()] if self.effects.exists() else []

    def http(self, method: str, path: str, body: Any = None, version: str = "2.0", **query: str) -> tuple[int, Any]:
        """An HTTP request, as a function URL or API Gateway hands it over."""
        text = None if body is None else json.dumps(body)
        event: dict[str, Any] = {"queryStringParameters": query or None, "body": text, "requestContext": {}}
        if version == "2.0":
            event |= {"rawPath": path, "requestContext": {"http": {"method": method}, "stage": "$default"}}
            event |= {"body": base64.b64encode((text or "").encode()).decode(), "isBase64Encoded": True}
        else:
            event |= {"httpMethod": method, "path": f"/prod{path}", "requestContext": {"stage": "prod"}}
        told = self(event)
        return told["statusCode"], json.loads(told["body"])


@contextmanager
def running(
    table: str, folder: Path, gate: Gate | None = None, *, lease: int = 600, **variables: str
) -> Iterator[Function]:
    """A function with services of its own; with a `gate`, all of its requests pass that."""
    queue, effects = Queue(), folder / "effects.jsonl"
    with serving(queue) if gate is None else wired(gate, queue, endpoint_of(table)) as found:
        if gate is not None:
            table = table.replace(endpoint_of(table), found[ENDPOINT])
        told = {"STATELANG_STORE": f"{table}&lease={lease}", "EFFECTS": str(effects), **found, **variables}
        with closing(Environment("tests.aws.app.handler", told)) as environment:
            yield Function(environment, queue, table, effects)


def endpoint_of(table: str) -> str:
    """The endpoint in the address of a table."""
    return parse_qs(urlsplit(table).query)["endpoint"][0]
