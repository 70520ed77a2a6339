"""AWS as the performer of a Resource: which module of this package performs it, by the Resource's own words.

Rule: what is more than an operation of a service is a row of `KINDS`; nothing is asked of AWS before a task needs it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from statelang.errors import Fault, InvalidSettings
from statelang.ports import Answer, Failed, Integration, Jobs, Pending, Succeeded, TaskCall
from statelang.tasks.aws.clients import Clients, place_of
from statelang.tasks.connections import Connections
from statelang.tasks.http_invoke import HttpInvoke
from statelang.tasks.lambda_function import DIRECT
from statelang.tasks.targets import SERVICE
from statelang.values import Json


@dataclass(frozen=True, slots=True)
class AwsTask:
    """Performs any Resource of AWS, in one Place. `http` performs `http:invoke`, whose tokens it keeps."""

    clients: Clients
    http: HttpInvoke

    def perform(self, call: TaskCall) -> Answer | None:
        """Have AWS do it."""
        try:
            return self._performer(call.resource).perform(call)
        except Fault as problem:
            return Failed(problem.error, problem.cause)

    def poll(self, call: TaskCall, job: Json, polls: int) -> Succeeded | Failed | Pending:
        """How a job stands that this has begun."""
        try:
            return self._jobs(call.resource).poll(call, job, polls)
        except Fault as problem:
            return Failed(problem.error, problem.cause)

    def stop(self, call: TaskCall, job: Json) -> Failed | None:
        """Stop a job that nobody waits for any more."""
        return self._jobs(call.resource).stop(call, job)

    def _jobs(self, resource: str) -> Jobs:
        performer = self._performer(resource)
        if not isinstance(performer, Jobs):
            raise Fault("States.Runtime", f"The resource {resource} begins no jobs")
        return performer

    def _performer(self, resource: str) -> Integration:
        """What performs a Resource. Raises Fault where nothing does."""
        if DIRECT.fullmatch(resource):
            return _direct(self)
        found = SERVICE.fullmatch(resource)
        if found is None:
            raise Fault("States.Runtime", f"The resource {resource} is none of AWS's")
        service, action = found["service"], found["action"]
        if found["sdk"]:
            from statelang.tasks.aws.sdk import Sdk

            return Sdk(self.clients, service, action)
        kind = KINDS.get((service, action))
        if kind is not None:
            return kind(self)
        from statelang.tasks.aws.optimized import optimized

        return optimized(self.clients, service, action, found["pattern"] or "")


def _direct(task: AwsTask) -> Integration:
    from statelang.tasks.aws.function import Direct

    return Direct(task.clients)


def _invoke(task: AwsTask) -> Integration:
    from statelang.tasks.aws.function import Invoke

    return Invoke(task.clients)


def _gateway(task: AwsTask) -> Integration:
    from statelang.tasks.aws.gateway import Gateway

    return Gateway(task.clients)


def _call_api(task: AwsTask) -> Integration:
    from statelang.tasks.aws.kubernetes import CallApi

    return CallApi(task.clients)


def _run_job(task: AwsTask) -> Integration:
    from statelang.tasks.aws.kubernetes import RunJob

    return RunJob(task.clients)


KINDS: Final[Mapping[tuple[str, str], Callable[[AwsTask], Integration]]] = {
    ("apigateway", "invoke"): _gateway,
    ("eks", "call"): _call_api,
    ("eks", "runJob"): _run_job,
    ("http", "invoke"): lambda task: task.http,
    ("lambda", "invoke"): _invoke,
}
"""(service, action) -> what performs it, where it is more than an operation of a service."""


def aws_task(options: Mapping[str, Any]) -> AwsTask:
    """AWS in the place that the options say. Raises InvalidSettings."""
    if importlib.util.find_spec("boto3") is None:
        raise InvalidSettings("AWS needs the extra 'aws': pip install 'statelang[aws]'")
    clients = Clients(place_of(options))
    return AwsTask(clients, HttpInvoke(Connections(clients=clients)))
