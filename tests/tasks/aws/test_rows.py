"""The tables of the optimized integrations against botocore's models: every word of them exists where it is said to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from statelang.compiler.resources import OPTIMIZED, REQUIRED
from statelang.tasks.aws import names, shapes
from statelang.tasks.aws.jobs import JOBS, MOST_SECONDS, Job, at, filled, pause
from statelang.tasks.aws.optimized import ACTIONS, PLAIN, SERVICES
from statelang.tasks.aws.service import KINDS

JOBS_BY_NAME = [pytest.param(key, job, id=":".join(key)) for key, job in JOBS.items()]


def test_every_action_that_a_definition_may_name_is_performed_and_its_patterns_too() -> None:
    missing = []
    for service, actions in OPTIMIZED.items():
        for action, patterns in actions.items():
            if (service, action) in KINDS:
                continue
            if service not in SERVICES:
                missing.append((service, action))
            elif (service, action) not in ACTIONS:
                names.operation(SERVICES[service].boto, action)
            if any(pattern.startswith(".sync") for pattern in patterns) and (service, action) not in JOBS:
                missing.append((service, action, "sync"))
    assert missing == []
    for service, action in JOBS:
        assert any(pattern.startswith(".sync") for pattern in OPTIMIZED[service][action])


class Answering:
    """In the place of an action that asks its service first: there is a fleet and a group of any name."""

    def ask(self, call: Any, operation: str, given: Any) -> tuple[Any, dict[str, Any]]:
        there = [{"Name": "given", "Id": "id"}]
        return {"InstanceFleets": there, "InstanceGroups": there}, {}


MODELLED = [
    pytest.param(service, action, id=f"{service}:{action}")
    for service, actions in OPTIMIZED.items()
    for action in actions
    if (service, action) not in KINDS or service == "lambda"
]


@pytest.mark.parametrize(("service", "action"), MODELLED)
def test_the_parameters_that_are_asked_for_are_those_that_the_service_requires(service: str, action: str) -> None:
    """But for tokens that are made where none is given. EMR's actions are renamed: there, what is sent is complete."""
    row = ACTIONS.get((service, action), PLAIN)
    boto = row.boto or (SERVICES[service].boto if service in SERVICES else service)
    model = names.model(boto).operation_model(row.operation) if row.operation else names.operation(boto, action)
    shape = model.input_shape
    asked = REQUIRED.get(service, {}).get(action, ())
    required = {names.raised(name) for name in (shape.required_members if shape else ())}
    made = {names.raised(name) for name, member in (shape.members if shape else {}).items() if _is_token(member)}
    if row.operation is not None and row.prepare is not None:
        prepare: Any = row.prepare
        given: dict[str, Any] = {name: {} if name in ("InstanceFleet", "InstanceGroup") else "given" for name in asked}
        assert required <= set(prepare(Answering(), None, given))
    else:
        assert required - made <= set(asked) <= required


def _is_token(member: Any) -> bool:
    return bool(member.metadata.get("idempotencyToken"))


def test_what_has_no_model_is_asked_for_by_name() -> None:
    modelled = {(one.values[0], one.values[1]) for one in MODELLED}
    rest = {(service, action) for service, actions in REQUIRED.items() for action in actions} - modelled
    assert rest == set(KINDS) - {("lambda", "invoke")}
    assert all(action in OPTIMIZED[service] for service, actions in REQUIRED.items() for action in actions)


def operation(service: str, name: str) -> Any:
    return names.model(SERVICES[service].boto).operation_model(name)


def began(key: tuple[str, str]) -> Any:
    service, action = key
    name = ACTIONS.get(key, PLAIN).operation
    return operation(service, name) if name else names.operation(SERVICES[service].boto, action)


def walk(shape: Any, path: str) -> Any:
    """The shape at a path, members as the optimized integrations write them."""
    for part in path.split("."):
        if part.isdigit():
            shape = shape.member
        else:
            shape = shape.members[shapes.spelled(shape, names.raised)[part]]
    return shape


@pytest.mark.parametrize(("key", "job"), JOBS_BY_NAME)
def test_a_job_is_described_and_stopped_by_what_exists(key: tuple[str, str], job: Job) -> None:
    describe = operation(key[0], job.describe)
    _parameters(describe, job.ask, key)
    if job.stop is not None:
        _parameters(operation(key[0], job.stop), job.ask if job.stop_with is None else job.stop_with, key)
    if job.result:
        assert walk(describe.output_shape, job.result).type_name == "structure"
    if job.judge is None:
        status = walk(describe.output_shape, job.status)
        assert status.type_name == "string"
        known = set(status.enum)
        assert known, "a status without a list of its words"
        assert {*job.done, *job.failed} <= known
        assert job.done or job.gone


RENAMED: Mapping[str, str] = {"out.ClusterId": "out.JobFlowId", "out.StepId": "out.StepIds.0", "in.StepId": "x"}


def _parameters(model: Any, template: Mapping[str, str], key: tuple[str, str]) -> None:
    members = shapes.spelled(model.input_shape, names.raised)
    for name, path in template.items():
        assert name.removesuffix("[]") in members, name
        shape = model.input_shape.members[members[name.removesuffix("[]")]]
        assert (shape.type_name == "list") == name.endswith("[]")
        source, _, rest = path.partition(".")
        if path.startswith("="):
            continue
        if key[0] == "elasticmapreduce":
            source, _, rest = RENAMED.get(path, path).partition(".")
            if source == "in":
                continue  # the state's own words are mapped by the action
        found = began(key).output_shape if source == "out" else began(key).input_shape
        assert walk(found, rest).type_name == "string"
    missing = set(model.input_shape.required_members) - {members[name.removesuffix("[]")] for name in template}
    assert not missing


def test_pauses_grow_and_stay_within_reason() -> None:
    pauses = [pause(polls) for polls in range(40)]
    assert pauses[0] == 1
    assert pauses == sorted(pauses)
    assert pauses[-1] == MOST_SECONDS


def standings() -> Iterator[Any]:
    stopped = {"LastStatus": "STOPPED"}
    good, bad = {"ExitCode": 0}, {"ExitCode": 1}
    yield {"Tasks": [{"LastStatus": "RUNNING"}]}, "runs"
    yield {"Tasks": [{**stopped, "Containers": [good, good]}]}, "done"
    yield {"Tasks": [{**stopped, "Containers": [good, bad]}]}, "failed"
    yield {"Tasks": [{**stopped, "Containers": [{}], "StopCode": "TaskFailedToStart"}]}, "failed"
    yield {"Tasks": [{**stopped, "Containers": [{}]}]}, "failed"
    yield {"Tasks": [], "Failures": [{"Reason": "MISSING"}]}, "failed"
    yield {"Tasks": []}, "runs"


@pytest.mark.parametrize(("told", "standing"), list(standings()))
def test_a_task_of_ecs_is_judged_by_its_containers(told: Any, standing: str) -> None:
    assert JOBS["ecs", "runTask"].standing(told) == standing


def test_paths_and_templates() -> None:
    told = {"A": [{"B": "x"}]}
    assert at(told, "A.0.B") == "x"
    assert at(told, "A.1.B") is None
    assert at(told, "") == told
    template = {"One": "out.A.0.B", "Many[]": "in.C", "Fixed": "=word", "None": "in.None"}
    assert filled(template, {"C": 1}, told) == {"One": "x", "Many": [1], "Fixed": "word"}
    assert filled({"One": "out.Z"}, {}, told) is None
