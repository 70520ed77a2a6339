"""Tasks that answer by the output shapes of their APIs, through the very code that would ask AWS.

Only the client is not there: what it would be sent is made, and what it would give is what its model allows.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from statelang import Engine, Failed, Succeeded, TaskCall
from statelang.core.resource import classify
from statelang.ports import Answer, Integration, Pending
from statelang.tasks import Bindings
from statelang.tasks.aws.clients import Place
from statelang.tasks.aws.jobs import JOBS
from statelang.tasks.aws.names import method, model
from statelang.tasks.aws.optimized import SERVICES
from statelang.tasks.aws.service import AwsTask
from statelang.tasks.connections import Connections
from statelang.tasks.http_invoke import HttpInvoke
from statelang.tasks.lambda_function import envelope
from statelang.values import Json
from tests.conformance.buckets import Buckets
from tests.real.wants import merged
from tests.tasks.aws.models import sampled

GOOD = re.compile(r"succe|complet|ready|active|available|stopped|deleted|finish|done|ok$", re.IGNORECASE)

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


class Client:
    """A boto3 client whose operations give what their output shapes allow: every member, one item in each list.

    `choose` takes the words that a text may be (none: any) and gives one.
    """

    def __init__(self, service: str, choose: Callable[[list[str]], str]) -> None:
        self._service = service
        self._choose = choose

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operations = {method(known): known for known in model(self._service).operation_names}
        operation = model(self._service).operation_model(operations[name])
        return lambda **parameters: self._answer(operation, parameters)

    def _answer(self, operation: Any, parameters: Mapping[str, Any]) -> Any:
        told = sampled(operation.output_shape, self._choose)
        for (service, _), job in JOBS.items():
            if SERVICES[service].boto == self._service and job.describe == operation.name:
                _end(told, operation.output_shape, job.status, job.done)
                if job.judge is not None:
                    told["tasks"] = [{"taskArn": "text", "lastStatus": "STOPPED", "containers": [{"exitCode": 0}]}]
        if operation.name == "DescribeExecution":
            told |= {"input": "{}", "output": "{}"}
        if operation.name == "RunTask":
            told = {"tasks": [{"taskArn": "text"}], "failures": []}
        return told


def _end(told: Any, shape: Any, path: str, done: tuple[str, ...]) -> None:
    """Have the job stand as done."""
    parts = path.split(".") if path and done else []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part.isdigit():
            if not told:
                told.append({})
            told, shape = told[0], shape.member
            continue
        name = next((known for known in shape.members if known.lower() == part.lower()), part)
        shape = shape.members[name]
        if last:
            told[name] = done[0]
        else:
            told = told.setdefault(name, [] if shape.type_name == "list" else {})


class ShapedClients:
    """Stands where `statelang.tasks.aws.clients.Clients` does."""

    place = Place(region="us-east-1")

    def __init__(self, choose: Callable[[list[str]], str]) -> None:
        self._choose = choose

    def of(self, call: TaskCall, service: str, *, region: str | None = None, seconds: int = 0) -> Any:
        return Client(service, self._choose)


@dataclass
class Shaped:
    """Performs everything. `wants` is what the definition reads, `words` the texts that it compares with; parameters
    that were refused are kept."""

    wants: dict[str, Any]
    words: Sequence[str] = ()
    engine: Engine | None = None
    refused: list[tuple[str, str]] = field(default_factory=list)
    _aws: AwsTask = field(init=False)

    def __post_init__(self) -> None:
        clients: Any = ShapedClients(self._choose)
        self._aws = AwsTask(clients, HttpInvoke(Connections()))

    def _choose(self, allowed: list[str]) -> str:
        """A text that gets an execution on: one that the definition waits for, best one that means an end."""
        mentioned = [word for word in self.words if not allowed or word in allowed]
        good = [word for word in mentioned if GOOD.search(word)]
        return next(iter([*good, *mentioned, *allowed, "text"]))

    def perform(self, call: TaskCall) -> Answer | None:
        answer = self._answer(call)
        if isinstance(answer, Failed) and answer.error == "States.Runtime":
            self.refused.append((call.resource, answer.cause or ""))
        if classify(call.resource).later and not isinstance(answer, Failed):
            threading.Thread(target=self._call_back, args=(call.token,), daemon=True).start()
        return answer

    def _call_back(self, token: str) -> None:
        assert self.engine is not None
        self.engine.send_task_success(token, self.wants)

    def poll(self, call: TaskCall, job: Json, polls: int) -> Succeeded | Failed | Pending:
        return self._aws.poll(call, job, polls)

    def stop(self, call: TaskCall, job: Json) -> None:
        return None

    def _answer(self, call: TaskCall) -> Answer | None:
        resource = call.resource
        if ":states:::lambda:invoke" in resource:
            return Succeeded(envelope(merged(self._payload(), self.wants), "request", at=0))
        if ":states:::http:invoke" in resource or ":states:::apigateway:invoke" in resource:
            return Succeeded({"Headers": {}, "ResponseBody": self.wants, "StatusCode": 200, "StatusText": "OK"})
        if classify(resource).family != "Task" or not resource.startswith("arn:"):
            return Succeeded(self.wants)
        return self._aws.perform(call)

    def _payload(self) -> Json:
        """What is read behind any `Payload`."""
        found: Json = {}
        for payload in _payloads(self.wants):
            found = merged(found, payload)
        return found


def _payloads(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        if isinstance(value.get("Payload"), dict):
            yield value["Payload"]
        for item in value.values():
            yield from _payloads(item)
    elif isinstance(value, list):
        for item in value:
            yield from _payloads(item)


@dataclass(frozen=True)
class ShapedBindings(Bindings):
    """Bindings by which everything is performed by shape."""

    shaped: Shaped | None = None
    buckets_of: Any = None

    def check(self, uses: Any) -> None:
        return None

    def find(self, resource: str, input: Json) -> Integration | None:
        return self.shaped

    def objects(self, bucket: str) -> Any:
        return AnyObjects()


class AnyObjects(Buckets):
    """Buckets in which every object is there: two rows of CSV, JSON or JSON Lines, by its name."""

    def __init__(self) -> None:
        super().__init__([])

    def open(self, bucket: str, key: str, *, start: int = 0, version: str | None = None) -> Any:
        body = b'[{"a": "1"}, {"a": "2"}]' if "json" in key.lower() else b"a,b\n1,2\n3,4\n"
        self.known.setdefault((bucket, key), body)
        return super().open(bucket, key, start=start)

    def list(self, bucket: str, prefix: str, after: str = "") -> Any:
        self.known.setdefault((bucket, f"{prefix}one.csv"), b"a,b\n1,2\n")
        return super().list(bucket, prefix, after)
