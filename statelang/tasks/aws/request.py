"""One request to an AWS service, and what comes of it: the answer, or the failure that the state sees.

Rule: every request to AWS is made here, once, and whatever goes wrong with it is a Failed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from statelang.errors import Fault
from statelang.ports import Failed, TaskCall
from statelang.tasks.aws import errors, names, shapes
from statelang.tasks.aws.clients import Clients
from statelang.tasks.aws.roles import RoleRefused
from statelang.values import Json

Refused = Callable[[errors.Told], Failed]
"""What a service's refusal becomes."""


@dataclass(frozen=True, slots=True)
class Request:
    """An operation (botocore's model of it) of a service, by botocore's name, on behalf of a task."""

    clients: Clients
    call: TaskCall
    service: str
    operation: Any
    region: str | None = None
    seconds: int = 65

    def send(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The response as botocore gives it. Raises what botocore raises, RoleRefused and BadParameters."""
        self._check(parameters)
        for member in self.operation.idempotent_members:
            parameters.setdefault(member, idempotency_token(self.call))
        client = self.clients.of(self.call, self.service, region=self.region, seconds=self.seconds)
        response: dict[str, Any] = getattr(client, names.method(self.operation.name))(**parameters)
        return response

    def _check(self, parameters: dict[str, Any]) -> None:
        """What is part of the address cannot be left to the service to miss."""
        shape = self.operation.input_shape
        for member in () if shape is None else shape.required_members:
            if shape.members[member].serialization.get("location") == "uri" and not parameters.get(member):
                raise shapes.BadParameters(f"The field '{names.key(member)}' is required but was missing")


def idempotency_token(call: TaskCall) -> str:
    """The same for the same attempt, also after a crash; another one for every Retry, which wants another job."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, call.token))


def guarded(call: TaskCall, prefix: str, refused: Refused, service: str, work: Callable[[], Any]) -> Any:
    """What the work gives, or the Failed that its trouble is; `prefix` begins the names of errors."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return work()
    except shapes.BadParameters as problem:
        return Failed(problem.error, problem.told(call.input))
    except Fault as problem:
        return Failed(problem.error, problem.cause)
    except RoleRefused as problem:
        return Failed("States.TaskFailed", _not_allowed(call, problem.role))
    except ClientError as problem:
        return refused(errors.told(problem, names.model(service)))
    except (BotoCoreError, OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
        return errors.unreached(prefix, problem)


def _not_allowed(call: TaskCall, role: str) -> str:
    execution: Json = call.context.get("Execution") or {}
    return f"The role {execution.get('RoleArn')} is not authorized to assume the task state's role, {role}."
