"""AWS's history events, made from the compact records of transitions.

A record is (first event id, milliseconds since 1970, events); an event is (type, previousEventId, …) and what follows
is set per type by the table `DETAILS`. Values stand in it as their numbers.

Rule: `expand` is the only place that knows the shape of AWS's events (asl.md 10.3); what is not in a record cannot be
told. A new event type is one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from statelang.core.execution import Record
from statelang.values import Json

Text = Callable[[int], str]
"""The JSON text of a value, by its number."""

Detail = Callable[[list[Any], Text], Json]


def expand(records: Iterable[Record], text: Text) -> Iterator[dict[str, Json]]:
    """The events of GetExecutionHistory, in order; `timestamp` is in milliseconds since 1970.

    `text` gives the JSON text of a value by its number.
    """
    for first, at, events in records:
        for offset, event in enumerate(events):
            kind, previous, *rest = event
            told: dict[str, Json] = {
                "timestamp": at,
                "type": kind,
                "id": first + offset,
                "previousEventId": previous,
            }
            row = DETAILS.get(str(kind))
            if row is not None:
                name, detail = row
                told[name] = detail(rest, text)
            yield told


def _named(name: str, value: str | None, details: str) -> dict[str, Json]:
    return {} if value is None else {name: value, details: {"truncated": False}}


def _entered(rest: list[Any], text: Text) -> Json:
    name, data = rest
    return {"name": name, **_named("input", text(data), "inputDetails")}


def _exited(rest: list[Any], text: Text) -> Json:
    name, data, *assigned = rest
    told = {"name": name, **_named("output", text(data), "outputDetails")}
    if assigned:
        told["assignedVariables"] = {variable: text(value) for variable, value in assigned[0].items()}
        told["assignedVariablesDetails"] = {"truncated": False}
    return told


def _execution_started(rest: list[Any], text: Text) -> Json:
    data, role_arn = rest
    return {**_named("input", text(data), "inputDetails"), "roleArn": role_arn}


def _output(rest: list[Any], text: Text) -> Json:
    return _named("output", text(rest[0]), "outputDetails")


def _error(rest: list[Any], text: Text) -> Json:
    return _error_of(rest)


def _error_of(rest: list[Any]) -> dict[str, Json]:
    return {name: value for name, value in zip(("error", "cause"), rest) if value is not None}


def _lambda_scheduled(rest: list[Any], text: Text) -> Json:
    resource, data, timeout, _, role_arn = rest
    told = {"resource": resource, **_named("input", text(data), "inputDetails")}
    return {**told, **_limits(timeout, None, role_arn)}


def _activity_scheduled(rest: list[Any], text: Text) -> Json:
    resource, data, timeout, heartbeat, _ = rest
    told = {"resource": resource, **_named("input", text(data), "inputDetails")}
    return {**told, **_limits(timeout, heartbeat, None)}


def _limits(timeout: float | None, heartbeat: float | None, role_arn: str | None) -> dict[str, Json]:
    told: dict[str, Json] = {}
    if timeout is not None:
        told["timeoutInSeconds"] = timeout
    if heartbeat is not None:
        told["heartbeatInSeconds"] = heartbeat
    if role_arn is not None:
        told["taskCredentials"] = {"roleArn": role_arn}
    return told


def _task_scheduled(rest: list[Any], text: Text) -> Json:
    kind, action, region, data, timeout, heartbeat, role_arn = rest
    told = {"resourceType": kind, "resource": action, "region": region, "parameters": text(data)}
    return {**told, **_limits(timeout, heartbeat, role_arn)}


def _task(rest: list[Any], text: Text) -> Json:
    return {"resourceType": rest[0], "resource": rest[1]}


def _task_output(rest: list[Any], text: Text) -> Json:
    kind, action, data = rest
    return {"resourceType": kind, "resource": action, **_named("output", text(data), "outputDetails")}


def _task_error(rest: list[Any], text: Text) -> Json:
    return {"resourceType": rest[0], "resource": rest[1], **_error_of(rest[2:])}


def _worker(rest: list[Any], text: Text) -> Json:
    return {} if rest[0] is None else {"workerName": rest[0]}


def _iteration(rest: list[Any], text: Text) -> Json:
    return {"name": rest[0], "index": rest[1]}


def _length(rest: list[Any], text: Text) -> Json:
    return {"length": rest[0]}


def _map_run(rest: list[Any], text: Text) -> Json:
    return {"mapRunArn": rest[0]} if len(rest) == 1 else {"mapRunArn": rest[0], "redriveCount": rest[1]}


def _evaluation(rest: list[Any], text: Text) -> Json:
    state, error, cause, location = rest
    told = {"error": error, "cause": cause, "state": state}
    return told if location is None else {**told, "location": location}


def _redriven(rest: list[Any], text: Text) -> Json:
    return {"redriveCount": rest[0]}


def _rows() -> Iterator[tuple[str, tuple[str, Detail]]]:
    for state in ("Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait"):
        yield f"{state}StateEntered", ("stateEnteredEventDetails", _entered)
        yield f"{state}StateExited", ("stateExitedEventDetails", _exited)
    for ending in ("Failed", "Aborted", "TimedOut"):
        yield f"Execution{ending}", (f"execution{ending}EventDetails", _error)
    for family, name in (("LambdaFunction", "lambdaFunction"), ("Activity", "activity")):
        yield f"{family}Succeeded", (f"{name}SucceededEventDetails", _output)
        yield f"{family}Failed", (f"{name}FailedEventDetails", _error)
        yield f"{family}TimedOut", (f"{name}TimedOutEventDetails", _error)
    for ending in ("Started", "Succeeded", "Failed", "Aborted"):
        yield f"MapIteration{ending}", (f"mapIteration{ending}EventDetails", _iteration)
    yield "ExecutionStarted", ("executionStartedEventDetails", _execution_started)
    yield "ExecutionSucceeded", ("executionSucceededEventDetails", _output)
    yield "ExecutionRedriven", ("executionRedrivenEventDetails", _redriven)
    yield "LambdaFunctionScheduled", ("lambdaFunctionScheduledEventDetails", _lambda_scheduled)
    yield "ActivityScheduled", ("activityScheduledEventDetails", _activity_scheduled)
    yield "ActivityStarted", ("activityStartedEventDetails", _worker)
    yield "TaskScheduled", ("taskScheduledEventDetails", _task_scheduled)
    yield "TaskStarted", ("taskStartedEventDetails", _task)
    yield "TaskSubmitted", ("taskSubmittedEventDetails", _task_output)
    yield "TaskSucceeded", ("taskSucceededEventDetails", _task_output)
    yield "TaskFailed", ("taskFailedEventDetails", _task_error)
    yield "TaskTimedOut", ("taskTimedOutEventDetails", _task_error)
    yield "MapStateStarted", ("mapStateStartedEventDetails", _length)
    yield "MapRunStarted", ("mapRunStartedEventDetails", _map_run)
    yield "MapRunRedriven", ("mapRunRedrivenEventDetails", _map_run)
    yield "MapRunFailed", ("mapRunFailedEventDetails", _error)
    yield "EvaluationFailed", ("evaluationFailedEventDetails", _evaluation)


DETAILS: Final[Mapping[str, tuple[str, Detail]]] = dict(_rows())
"""Event type -> (the name of its details, what they are made from). A type without a row has no details."""
