"""A recorded case as a simulation: the machine as written, its input, and tasks that answer as they did on AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from statelang.compiler import compile_definition, error_message, validate
from statelang.compiler.problems import aws_code
from statelang.core.execution import Execution, Started
from statelang.core.stimulus import RunTask
from statelang.errors import InvalidDefinition
from statelang.program import Program
from statelang.testing.simulation import Replies, Reply, Simulation, Way
from statelang.values import Json, encode
from tests.conformance.buckets import Buckets
from tests.conformance.functions import perform

RECORDED_AT = 1_795_403_940_000
"""2026-11-23T03:19:00Z: the recordings' times are relative to this minute."""

EXECUTED = ("history", "choice-case", "sync-execution", "describe-execution", "log-end-event")
REFUSED = ("definition-error",)

Case = dict[str, Any]
Check = dict[str, Any]


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of a file, or of every file of a folder."""
    files = sorted(path.glob("cases-*.jsonl")) if path.is_dir() else [path]
    for file in files:
        with file.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def answer(case: Case, check: Check, way: Way = "straight", replies: Replies | None = None) -> Json:
    """What we do where AWS did what the check recorded. Raises NotImplementedError for what is not built yet.

    `replies` says what tasks do; None: what was recorded.
    """
    if check["type"] in EXECUTED and not check.get("unusable"):
        return _executed(case, check, way, replies or recorded_replies(case, check))
    if check["type"] == "definition-error":
        return _refused(case, check)
    if check["type"] == "validate-definition":
        return _validated(case, check)
    raise NotImplementedError(check["type"])


def _machine(case: Case, check: Check) -> Json:
    machines = case["machines"]
    number = check.get("machine")
    return machines[0 if number is None else number]


def _executed(case: Case, check: Check, way: Way, replies: Replies) -> Json:
    machine = _machine(case, check)
    program = _compiled(machine)
    buckets = Buckets(case.get("s3_objects") or [])
    started = _started(case, check, machine, program)
    simulation = Simulation(program, started, replies, way, find=lambda bucket: buckets)
    _run(simulation, check)
    head = simulation.execution.head
    if check["type"] == "history":
        events = [_as_told(event) for event in simulation.events()]
        return {"events": events[::-1] if check.get("reverse") else events}
    told = {"status": head.status, "error": head.error, "cause": head.cause}
    if head.output is not None:
        told["output"] = head.output.text
    return {name: value for name, value in told.items() if value is not None}


def _compiled(machine: Json) -> Program:
    return compile_definition(machine["definition"], name="definition", type=machine["type"])


def _run(simulation: Simulation, check: Check) -> None:
    """To the end, or to where AWS stood when it was asked."""
    if check.get("expect", {}).get("status") != "RUNNING":
        simulation.run()
        return
    while (stimulus := simulation.upcoming()) is not None and stimulus.at == simulation.started.at:
        simulation.deliver(stimulus)


def _started(case: Case, check: Check, machine: Json, program: Program) -> Started:
    name = machine["name"]
    express = machine["type"] == "EXPRESS"
    base = f"arn:aws:states:us-east-1:111111111111:{'express' if express else 'execution'}:{name}"
    execution = "0000abcd-ef00-0000-4000-800000000003"
    return Started(
        id="simulation",
        arn=f"{base}:{execution}:00000000-0000-4000-8000-000000000004" if express else f"{base}:{execution}",
        name=execution,
        machine=name,
        machine_arn=machine["arn"] or f"arn:aws:states:us-east-1:111111111111:stateMachine:{name}",
        digest=program.digest,
        input=check["input"] if check.get("input") is not None else "{}",
        at=RECORDED_AT,
        role_arn=machine.get("role") or "",
        redrivable=check["type"] != "sync-execution",
    )


def _as_told(event: Json) -> Json:
    return {**event, "timestamp": event["timestamp"] / 1000}


def recorded_replies(case: Case, check: Check) -> Replies:
    """Tasks answer as recorded, attempt by attempt; where nothing was recorded, as the function behaves."""
    recorded = list(check.get("task_replay") or _recorded_elsewhere(case, check))
    worker = _worker_name(case)
    functions = {r["arn"]: r["behaviour"] for r in case["resources"] if r["kind"] == "lambda" and r.get("behaviour")}

    def reply(request: RunTask, execution: Execution) -> Reply:
        state = execution.frames[request.frame].state if request.frame in execution.frames else None
        for number, replay in enumerate(recorded):
            if replay["state"] == state and replay["attempt"] == request.attempt + 1:
                return _replayed(recorded.pop(number), request, worker)
        return _behaved(functions, request)

    return reply


def _recorded_elsewhere(case: Case, check: Check) -> Json:
    """The same execution's tasks, where another check of the case recorded them."""
    same = (other for other in case["checks"] if other.get("start_step") == check["start_step"])
    return next((other["task_replay"] for other in same if other.get("task_replay")), [])


def _worker_name(case: Case) -> str | None:
    """What the activity worker of a case calls itself."""
    for step in case["steps"]:
        consumer = (step.get("args") or {}).get("consumer_definition") or {}
        for state in consumer.get("States", {}).values():
            if "WorkerName" in (state.get("Parameters") or {}):
                return str(state["Parameters"]["WorkerName"])
    return None


def _replayed(replay: Json, request: RunTask, worker: str | None) -> Reply:
    outcome = replay["outcome"]
    submitted = _text(replay["submitted"]["output"]) if "submitted" in replay else None
    if outcome is None or "timed_out" in outcome:
        return Reply(silent=True, submitted=submitted, worker=worker)
    if "succeeded" in outcome:
        return Reply(output=_text(outcome["succeeded"]), submitted=submitted, worker=worker)
    (failure,) = outcome.values()
    cause = failure.get("cause")
    return Reply(
        failed=True,
        error=failure.get("error"),
        cause=_text(cause, request.resource) if isinstance(cause, dict) else cause,
        submitted=submitted,
        worker=worker,
    )


def _text(value: Json, resource: str = "") -> str:
    """JSON text of what the recorder parsed; a direct Lambda's error has blanks, as the function wrote it."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if ":lambda:" in resource and ":states:::" not in resource else encode(value)


def _behaved(functions: dict[str, str], request: RunTask) -> Reply:
    data = request.input.json
    if ":states:::lambda:invoke" not in request.resource:
        return perform(functions[request.resource], data, request.resource)
    named = data["FunctionName"]
    behaviour = next(b for arn, b in functions.items() if named in (arn, arn.rpartition(":")[2]))
    return perform(behaviour, data.get("Payload"), request.resource)


def _refused(case: Case, check: Check) -> Json:
    step = next(step for step in case["steps"] if step.get("n") == check["step"])
    definition = (step.get("params") or {}).get("definition")
    kind = (step.get("params") or {}).get("type", "STANDARD")
    if check["expect"]["code"] != "InvalidDefinition" or definition is None:
        raise NotImplementedError("a refusal by the API, not of the definition")
    try:
        compile_definition(definition, name="definition", type=kind)
    except InvalidDefinition as problem:
        return {"code": "InvalidDefinition", "message": error_message(problem.problems)}
    return None


def _validated(case: Case, check: Check) -> Json:
    step = next(step for step in case["steps"] if step.get("n") == check["step"])
    params = step["params"]
    problems = validate(params["definition"], name="definition", type=params.get("type", "STANDARD"))
    found = [
        {"severity": p.severity, "code": aws_code(p), "message": p.message}
        | ({"location": p.location} if p.location else {})
        for p in problems
        if p.severity == "ERROR"
    ]
    metadata = {"HTTPHeaders": {}, "HTTPStatusCode": 200}
    return {
        "diagnostics": found,
        "result": "FAIL" if found else "OK",
        "truncated": False,
        "ResponseMetadata": metadata,
    }
