"""Parameters that AWS would not start a task with: of http:invoke before it is scheduled, of others as their answer."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.compiler import compile_definition
from statelang.core.http_parameters import problem_with
from statelang.testing.simulation import WAYS, Reply, Simulation, Way, start
from statelang.values import Json, encode

OCCURRED = "An error occurred while executing the state 'S' (entered at the event id #2). "
GOOD: Json = {"ApiEndpoint": "https://api.example", "Method": "GET", "Headers": {"X-Id": "1"}}


def run(resource: str, parameters: Json, way: Way, reply: Reply) -> Any:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True}
    catch = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S"}], "Retry": [{"ErrorEquals": ["States.ALL"]}]}
    program = compile_definition(encode({"StartAt": "S", "States": {"S": {**task, **catch}}}))
    simulation = Simulation(program, start(program), lambda request, execution: reply, way)
    simulation.run()
    return simulation


@pytest.mark.parametrize("way", WAYS)
def test_a_header_that_may_not_be_set_is_refused_before_the_task_is_scheduled(way: Way) -> None:
    given = {**GOOD, "Headers": {"Host": "elsewhere"}}
    simulation = run("http:invoke", given, way, Reply())
    head = simulation.execution.head
    assert head.error == "States.Runtime"
    problem = "[The value of the field 'Headers' has an invalid format]"
    assert head.cause == f"{OCCURRED}The Parameters '{encode(given)}' could not be used to start the Task: {problem}"
    assert [event["type"] for event in simulation.events()] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "ExecutionFailed",
    ]
    assert simulation.requests == []


@pytest.mark.parametrize("way", WAYS)
def test_what_an_integration_refuses_is_told_of_the_state(way: Way) -> None:
    reply = Reply(failed=True, error="States.Runtime", cause="The Parameters '{}' could not be used.")
    head = run("aws-sdk:s3:listBuckets", {}, way, reply).execution.head
    assert (head.error, head.cause) == ("States.Runtime", f"{OCCURRED}The Parameters '{{}}' could not be used.")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("ApiEndpoint", ["ftp://x", "api.example", 5, "https:"]),
        ("Method", ["get", "TRACE", None]),
        ("Headers", [[], "x", {"x-amz-date": "1"}, {"If-Match": "1"}, {"AUTHORIZATION": "1"}]),
        ("QueryParameters", ["a=b", [1]]),
        ("Transform", ["x", {"RequestBodyEncoding": "BASE64"}]),
    ],
)
def test_each_field_is_named(field: str, values: list[Json]) -> None:
    for value in values:
        assert problem_with({**GOOD, field: value}) == f"The value of the field '{field}' has an invalid format", value


def test_what_is_good_or_missing_is_no_matter() -> None:
    for given in (GOOD, {}, [], None, {**GOOD, "Headers": None, "Transform": {"RequestBodyEncoding": "URL_ENCODED"}}):
        assert problem_with(given) is None
