"""`aws-sdk:SERVICE:ACTION`: any operation of any service that boto3 knows, with AWS's own casing and error names.

Rule: there is no list here; what a service, an action or a parameter is called comes from the models (`names`).
"""

from __future__ import annotations

from dataclasses import dataclass

from statelang.ports import Answer, Succeeded, TaskCall
from statelang.tasks.aws import errors, names, shapes
from statelang.tasks.aws.clients import Clients
from statelang.tasks.aws.request import Request, guarded


@dataclass(frozen=True, slots=True)
class Sdk:
    """Performs one action of one service, as a Resource names them."""

    clients: Clients
    service: str
    action: str

    def perform(self, call: TaskCall) -> Answer:
        """Call the action and answer with its output. Raises Fault where there is no such service or action."""
        service = names.service(self.service)
        operation = names.operation(service, self.action)
        prefix = names.prefix_of(names.model(service).service_id)

        def work() -> Answer:
            given = shapes.parameters(operation.input_shape, call.input)
            request = Request(self.clients, call, service, operation, seconds=905 if service == "lambda" else 65)
            return Succeeded(shapes.result(operation.output_shape, request.send(given)))

        answer: Answer = guarded(call, prefix, lambda told: errors.sdk_failure(prefix, told), service, work)
        return answer
