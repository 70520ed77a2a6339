"""Tasks that begin a job (`.sync`): the machine asks for it through its own timers, and stops it when nobody waits."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.compiler import compile_definition
from statelang.core.machine import advance, outstanding
from statelang.core.stimulus import PollTask, Stopped, TaskPending, TaskSucceeded, TimerFired
from statelang.program import Program
from statelang.testing.simulation import WAYS, Reply, Simulation, Way, start
from statelang.values import Json, encode

SYNC = "arn:aws:states:::glue:startJobRun.sync"
JOB = '{"id":7}'


def program(states: Json, start_at: str = "Job") -> Program:
    return compile_definition(encode({"StartAt": start_at, "States": states}), name="definition")


def job_state(**fields: Json) -> Json:
    return {"Type": "Task", "Resource": SYNC, "End": True, **fields}


def simulated(states: Json, reply: Reply, way: Way = "straight", **options: Any) -> Simulation:
    compiled = program(states, next(iter(states)))
    return Simulation(compiled, start(compiled), lambda request, execution: reply, way, **options)


def kinds(simulation: Simulation) -> list[str]:
    return [str(event["type"]) for event in simulation.events()]


RUNS = Reply(output='{"done":true}', submitted='{"JobRunId":"7"}', job=JOB, polls=3, after=5_000)


@pytest.mark.parametrize("way", WAYS)
def test_a_job_is_asked_until_it_has_ended(way: Way) -> None:
    simulation = simulated({"Job": job_state()}, RUNS, way)
    head = simulation.run().head
    assert head.status == "SUCCEEDED"
    assert head.output is not None
    assert head.output.json == {"done": True}
    assert len(simulation.requests) == 1
    assert [poll.polls for poll in simulation.polled] == [1, 2, 3, 4]
    assert all(poll.job.json == {"id": 7} for poll in simulation.polled)
    assert {poll.task.token for poll in simulation.polled} == {simulation.requests[0].token}
    assert simulation.now - simulation.started.at == 4 * 5_000
    assert simulation.stopped == []
    told = ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    assert kinds(simulation) == ["ExecutionStarted", "TaskStateEntered", *told, "TaskStateExited", "ExecutionSucceeded"]


@pytest.mark.parametrize("way", WAYS)
def test_the_end_of_a_job_may_be_a_failure_that_is_tried_again(way: Way) -> None:
    failing = Reply(failed=True, error="States.TaskFailed", cause="it broke", submitted="{}", job=JOB, after=1_000)
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    simulation = simulated({"Job": job_state(Retry=retry)}, failing, way)
    head = simulation.run().head
    assert (head.status, head.error, head.cause) == ("FAILED", "States.TaskFailed", "it broke")
    first, second = simulation.requests
    assert first.token != second.token
    assert kinds(simulation).count("TaskSubmitted") == 2
    assert simulation.stopped == []


@pytest.mark.parametrize("way", WAYS)
def test_a_job_whose_time_is_up_is_stopped(way: Way) -> None:
    endless = Reply(submitted="{}", job=JOB, polls=1_000, after=4_000)
    simulation = simulated({"Job": job_state(TimeoutSeconds=10)}, endless, way)
    head = simulation.run().head
    assert (head.status, head.error) == ("FAILED", "States.Timeout")
    assert simulation.now - simulation.started.at == 10_000
    assert len(simulation.polled) == 2
    assert [stop.job.json for stop in simulation.stopped] == [{"id": 7}]


@pytest.mark.parametrize("way", WAYS)
def test_stopping_the_execution_stops_its_jobs_in_every_branch(way: Way) -> None:
    states = {
        "Both": {
            "Type": "Parallel",
            "End": True,
            "Branches": [{"StartAt": name, "States": {name: job_state()}} for name in ("One", "Two")],
        }
    }
    endless = Reply(submitted="{}", job=JOB, polls=1_000, after=4_000)
    simulation = simulated(states, endless, way, posts=[(9_000, lambda at, execution: Stopped(at))])
    assert simulation.run().head.status == "ABORTED"
    assert sorted(stop.task.token for stop in simulation.stopped) == sorted(r.token for r in simulation.requests)
    assert len(simulation.stopped) == 2


@pytest.mark.parametrize("way", WAYS)
def test_a_sibling_that_fails_stops_the_job(way: Way) -> None:
    states = {
        "Both": {
            "Type": "Parallel",
            "End": True,
            "Branches": [
                {"StartAt": "Job", "States": {"Job": job_state()}},
                {
                    "StartAt": "Wait",
                    "States": {
                        "Wait": {"Type": "Wait", "Seconds": 6, "Next": "Fail"},
                        "Fail": {"Type": "Fail", "Error": "Enough"},
                    },
                },
            ],
        }
    }
    endless = Reply(submitted="{}", job=JOB, polls=1_000, after=4_000)
    simulation = simulated(states, endless, way)
    assert simulation.run().head.error == "Enough"
    assert len(simulation.stopped) == 1
    assert "TaskStateAborted" in kinds(simulation)


def test_a_token_may_end_the_task_before_its_job_and_polls_that_come_late_change_nothing() -> None:
    simulation = simulated({"Job": job_state()}, RUNS)
    while not simulation.polled:
        stimulus = simulation.upcoming()
        assert stimulus is not None
        simulation.deliver(stimulus)
    token = simulation.requests[0].token
    simulation.deliver(TaskSucceeded(simulation.now, b"x" * 16, token, '"early"'))
    late = TaskPending(simulation.now, token, simulation.now + 1_000)
    assert advance(simulation.program, simulation.execution, late) is None
    head = simulation.run().head
    assert head.output is not None
    assert head.output.json == "early"
    assert simulation.stopped == []


def test_what_is_asked_again_after_a_crash() -> None:
    """A job that sleeps until its next poll is not asked again; one that was being asked is; none is begun twice."""
    simulation = simulated({"Job": job_state()}, RUNS)
    seen = []
    while (stimulus := simulation.upcoming()) is not None:
        before = len(simulation.polled)
        simulation.deliver(stimulus)
        again = list(outstanding(simulation.program, simulation.execution))
        if isinstance(stimulus, TimerFired):
            assert again == simulation.polled[before:]
            assert all(isinstance(command, PollTask) for command in again)
        elif isinstance(stimulus, TaskPending):
            assert again == []
        seen.append(type(stimulus).__name__)
    assert seen.count("TaskPending") == 3


@pytest.mark.parametrize("way", WAYS)
def test_a_redrive_begins_a_new_job(way: Way) -> None:
    from statelang.core.stimulus import Redriven

    endless = Reply(submitted="{}", job=JOB, polls=2, after=4_000, output='"done"')
    posts = [(1_000, lambda at, execution: Stopped(at)), (2_000, lambda at, execution: Redriven(at, 1))]
    simulation = simulated({"Job": job_state()}, endless, way, posts=posts)
    head = simulation.run().head
    assert head.status == "SUCCEEDED"
    assert len(simulation.requests) == 2
    assert len(simulation.stopped) == 1
