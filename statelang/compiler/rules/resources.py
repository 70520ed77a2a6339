"""Resources: the parameters that the integrations in use need, and how the SDK ones are written (asl.md 8).

Rule: AWS was not recorded refusing these, so they are warnings; that a service or an action does not exist is an error,
found while a Task is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from statelang.compiler.problems import did_you_mean
from statelang.compiler.resources import REQUIRED, service_call
from statelang.compiler.rules.rule import Found, Rule, one
from statelang.compiler.scopes import StateAt
from statelang.compiler.substitutions import is_function

_SDK: Final = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:aws-sdk:(?P<service>[^:]*):(?P<action>[^:.]*)(?P<rest>.*)")


def _given(at: StateAt) -> tuple[str, Mapping[str, object]] | None:
    """The field with the parameters of a Task, where they are written out."""
    key = "Arguments" if at.language == "JSONata" else "Parameters"
    value = at.value.get(key)
    written = at.kind == "Task" and isinstance(value, dict) and not is_function(value)
    return (key, value) if written and isinstance(value, dict) else None


def missing_parameters(at: StateAt) -> Iterator[Found]:
    """The parameters that an integration cannot do without are there."""
    given, resource = _given(at), at.value.get("Resource")
    call = service_call(resource) if isinstance(resource, str) else None
    if given is None or call is None:
        return
    key, parameters = given
    there = {name.removesuffix(".$") for name in parameters}
    service, action = call
    for name in REQUIRED.get(service, {}).get(action, ()):
        if name not in there:
            hint = did_you_mean(name, sorted(there))
            yield Found(f"The field '{name}' is required but was missing", at.place / key, hint, on_key=True)


def lower_parameters(at: StateAt) -> Iterator[Found]:
    """The parameters of a service begin with a capital letter, whatever its own API does."""
    given, resource = _given(at), at.value.get("Resource")
    if given is None or not isinstance(resource, str) or ":states:" not in resource or ":activity:" in resource:
        return
    key, parameters = given
    for name in parameters:
        if name[:1].islower():
            hint = f"did you mean '{name[0].upper()}{name[1:]}'?"
            message = f"The field '{name}' is not supported: parameters of a service begin with a capital letter"
            yield Found(message, at.place / key / name, hint, on_key=True)


def sdk_names(at: StateAt) -> Iterator[Found]:
    """aws-sdk:service:action, the service in lower case and the action as camelCase."""
    resource = at.value.get("Resource")
    match = _SDK.fullmatch(resource) if isinstance(resource, str) and "${" not in resource else None
    if match is None or not isinstance(resource, str):
        return
    service, action, rest = match["service"], match["action"], match["rest"]
    if not re.fullmatch(r"[a-z0-9]+", service):
        message = f"'{service}' is no name of a service: it is written in lower case, without hyphens"
        hint = f"did you mean '{re.sub('[^a-z0-9]', '', service.lower())}'?"
        yield Found(message, at.place / "Resource", hint, character=match.start("service"))
    if not re.fullmatch(r"[a-z][A-Za-z0-9]*", action):
        message = f"'{action}' is no name of an action: it begins with a small letter"
        hint = f"did you mean '{action[:1].lower()}{action[1:]}'?"
        yield Found(message, at.place / "Resource", hint, character=match.start("action"))
    if rest not in ("", ".waitForTaskToken"):
        message = f"An SDK integration cannot end in '{rest}': only in .waitForTaskToken"
        yield Found(message, at.place / "Resource", None, character=match.start("rest"))


_GET: Final = "arn:aws:states:::aws-sdk:dynamodb:getItem"

ROWS: Final = (
    Rule(
        "SL030",
        "WARNING",
        "The service that this task calls cannot do without this parameter: every call will fail.",
        one("Task", Resource="arn:aws:states:::lambda:invoke", Parameters={"Payload.$": "$"}),
        one("Task", Resource="arn:aws:states:::lambda:invoke", Parameters={"FunctionName": "work", "Payload.$": "$"}),
        state=missing_parameters,
    ),
    Rule(
        "SL031",
        "WARNING",
        "Step Functions writes the parameters of every service in PascalCase, also where the service's own API begins "
        "them with a small letter.",
        one("Task", Resource="arn:aws:states:::aws-sdk:ecs:listTasks", Parameters={"cluster": "main"}),
        one("Task", Resource="arn:aws:states:::aws-sdk:ecs:listTasks", Parameters={"Cluster": "main"}),
        state=lower_parameters,
    ),
    Rule(
        "SL032",
        "WARNING",
        "An SDK integration is arn:aws:states:::aws-sdk:SERVICE:ACTION, with the service in lower case and the action "
        "beginning with a small letter; of the patterns it has .waitForTaskToken alone.",
        one("Task", Resource="arn:aws:states:::aws-sdk:dynamodb:GetItem"),
        one("Task", Resource=_GET),
        state=sdk_names,
    ),
)
"""The rows of this subject."""
