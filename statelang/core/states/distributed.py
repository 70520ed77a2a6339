"""Distributed Map: its items are given to child executions of their own, by a Map Run (asl.md 7.2 to 7.5, 10.4).

The frame waits for the Map Run; each function here is what one stimulus does to it. What is read, written and counted
happens outside: see `statelang.core.map_run`.

Rule: no transition makes more children than one ItemsRead brings, and none holds what children leave behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from statelang.core import flow
from statelang.core.dataflow import TOO_LARGE, effective_input, resulted
from statelang.core.failure import Failure, fail, told
from statelang.core.frame import Frame, RunWait
from statelang.core.inputs import Inputs
from statelang.core.map_run import MapRun, Tally, Written, child_of, exceeded
from statelang.core.stimulus import (
    ChildrenRevived,
    DriveMapRun,
    ItemsCounted,
    ItemsRead,
    MapRunChanged,
    MapRunFailed,
    MapRunUpdated,
    ResultsCollected,
    ResultsWritten,
    StartChild,
)
from statelang.core.token import command_of, new_token
from statelang.core.transition import Transition
from statelang.core.value import Value
from statelang.errors import QUERY_ERROR, Fault
from statelang.language.scope import Scope
from statelang.program import Distributed, Map
from statelang.values import Json, encode

TOO_MANY_FAILED: Final = (
    "States.ExceedToleratedFailureThreshold",
    "The specified tolerated failure threshold was exceeded",
)
READER_FAILED: Final = "States.ItemReaderFailed"
NEVER_REDRIVEN: Final = ("States.DataLimitExceeded", "States.Runtime")
"""A Map Run that failed so is begun anew by a redrive (asl.md 9.4)."""


def enter(t: Transition, frame: Frame, node: Map, given: Distributed) -> None:
    """Begin a Map Run."""
    frame = flow.enter(t, frame, node)
    data = t.valued(effective_input(t, frame, node), frame.input)
    scope = t.scope(frame, data.json)
    concurrency = 0 if node.max_concurrency is None else int(node.max_concurrency(scope))
    items = keys = total = None
    if given.reader is None:
        all_items = found(node, scope)
        items, keys = listed(t, all_items, data)
        total = len(all_items)
    frame = replace(frame, previous=t.emit("MapStateStarted", frame.previous, total or 0))
    t.put(frame)
    run = _begun(t, node, given, scope, concurrency, total)
    fields = (None if field is None else t.value(field(scope)) for field in (given.reader, given.batcher, given.writer))
    reader, batcher, writer = fields
    waiting = RunWait(
        command_of(run.token),
        run.token,
        run.id,
        t.emit("MapRunStarted", frame.previous, run.arn),
        data,
        items,
        keys,
        reader,
        batcher,
        writer,
    )
    t.runs[run.id] = run
    t.put(replace(frame, phase="waiting", waiting=waiting, previous=waiting.event))
    t.commands.append(DriveMapRun(waiting.command, run.id))


def found(node: Map, scope: Scope) -> Json:
    """The array or object that a Map goes through. Raises Fault, with AWS's text in each query language (recorded)."""
    value = scope.data if node.items is None else node.items(scope)
    if isinstance(value, (list, dict)):
        return value
    if node.query_language == "JSONata":
        raise Fault(QUERY_ERROR, f"Map state input must be an array but was: {encode(value)}")
    raise Fault("States.Runtime", 'Reference path "$" must point to array.')


def listed(t: Transition, found: Json, data: Value) -> tuple[Value, Value | None]:
    """The items as an array and, of an object, the keys."""
    if isinstance(found, dict):
        return t.value(list(found.values())), t.value(list(found))
    return t.valued(found, data), None


def _begun(t: Transition, node: Map, given: Distributed, scope: Scope, concurrency: int, total: int | None) -> MapRun:
    count = None if node.tolerated_failure_count is None else int(node.tolerated_failure_count(scope))
    percentage = None if node.tolerated_failure_percentage is None else node.tolerated_failure_percentage(scope)
    started, id = t.started, t.entropy.uuid()
    label = given.label or _unnamed(started.digest, node.name)
    machine = started.machine_arn.replace(":stateMachine:", ":mapRun:", 1).partition("/")[0]
    return MapRun(
        id=id,
        arn=f"{machine}/{label}:{id}",
        execution=started.id,
        token=new_token(started.id, t.next_number(), t.entropy),
        state=node.name,
        label=label,
        at=t.at,
        express=given.express,
        max_concurrency=concurrency,
        tolerated_count=count,
        tolerated_percentage=percentage,
        total=total,
    )


def _unnamed(digest: str, state: str) -> str:
    """What stands for the Label that a state does not have: the same for all its Map Runs."""
    digits = hashlib.sha256(f"{digest}\n{state}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[12:15]}-a{digits[15:18]}-{digits[18:30]}"


def read(t: Transition, frame: Frame, node: Map, stimulus: ItemsRead) -> None:
    """Items have come: children are begun for as many as there is room for; the rest will be read again."""
    run = _run(t, frame)
    if run.ending is not None or run.exhausted or run.reviving is not None or stimulus.after != run.read:
        return
    try:
        _begin_children(t, frame, run, stimulus)
    except Fault as problem:
        _decide(t, run, problem.error, told(frame, problem.cause))
    _settle(t, frame, node, stimulus.tally)


def _begin_children(t: Transition, frame: Frame, run: MapRun, stimulus: ItemsRead) -> None:
    room = run.room(stimulus.tally, t.started.limits.map_run_concurrency)
    keys: Sequence[str | None] = stimulus.keys or [None] * len(stimulus.items)
    given = zip(stimulus.items, keys, stimulus.sources, strict=True)
    inputs = Inputs(t, frame).of(given, run.read, exhausted=stimulus.exhausted)
    taken = made = 0
    while made < room:
        count, text = next(inputs, (0, ""))
        if not count:
            break
        _check_size(t, text)
        t.commands.append(StartChild(0, child_of(t.started, run, run.made + made, text, count, t.at)))
        taken, made = taken + count, made + 1
    exhausted = stimulus.exhausted and taken == len(stimulus.items)
    if taken or exhausted:
        cursor = stimulus.marks[taken - 1] if taken else run.cursor
        t.runs[run.id] = replace(run, read=run.read + taken, made=run.made + made, cursor=cursor, exhausted=exhausted)


def _check_size(t: Transition, text: str) -> None:
    limit = t.started.limits.payload
    if limit is not None and len(text) * 4 > limit and (size := len(text.encode())) > limit:
        cause = f"The input of a child execution has {size} bytes, more than the limit of {limit} bytes."
        raise Fault("States.DataLimitExceeded", cause)


def changed(t: Transition, frame: Frame, node: Map, stimulus: MapRunChanged) -> None:
    """Children have ended."""
    _settle(t, frame, node, stimulus.tally)


def counted(t: Transition, frame: Frame, node: Map, stimulus: ItemsCounted) -> None:
    """It is known how many items there are in all."""
    run = _run(t, frame)
    if run.status == "RUNNING" and run.total is None:
        t.runs[run.id] = replace(run, total=stimulus.total)
        _settle(t, frame, node, stimulus.tally)


def updated(t: Transition, frame: Frame, node: Map, stimulus: MapRunUpdated) -> None:
    """Somebody changes its limits; they hold from the next time that children end or begin."""
    run, given = _run(t, frame), {}
    for name in ("max_concurrency", "tolerated_count", "tolerated_percentage"):
        value = getattr(stimulus, name)
        if value is not None and value != getattr(run, name):
            given[name] = value
    if given and run.status == "RUNNING":
        t.runs[run.id] = replace(run, **given)
        t.commands.append(DriveMapRun(_waiting(frame).command, run.id))


def failed(t: Transition, frame: Frame, node: Map, stimulus: MapRunFailed) -> None:
    """Its items cannot be read, or its results not be written."""
    run = _run(t, frame)
    if run.status != "RUNNING" or (run.ending is not None and not stimulus.writing):
        return
    run = _decide(t, run, stimulus.error, stimulus.cause)
    if stimulus.writing and run.running(stimulus.tally) <= 0:
        _end_badly(t, frame, node)
    else:
        _settle(t, frame, node, stimulus.tally)


def revived(t: Transition, frame: Frame, node: Map, stimulus: ChildrenRevived) -> None:
    """A redrive has begun children again."""
    run = _run(t, frame)
    if run.reviving is not None and (stimulus.next is None or stimulus.next > run.reviving):
        t.runs[run.id] = replace(run, reviving=stimulus.next)
        _settle(t, frame, node, stimulus.tally)


def written(t: Transition, frame: Frame, node: Map, stimulus: ResultsWritten) -> None:
    """Some results stand where they were asked for."""
    run = _run(t, frame)
    if stimulus.written.next > run.written.next:
        t.runs[run.id] = replace(run, written=stimulus.written)


def collected(t: Transition, frame: Frame, node: Map, stimulus: ResultsCollected) -> None:
    """All results are there: the Map Run ends as it was decided."""
    run, waiting = _run(t, frame), _waiting(frame)
    if run.status != "RUNNING" or run.ending is None:
        return
    if run.ending != "SUCCEEDED":
        _end_badly(t, frame, node)
        return
    limit, result = t.started.limits.payload, Value(t.next_number(), text=stimulus.output)
    if limit is not None and result.size > limit:
        _decide(t, run, "States.DataLimitExceeded", TOO_LARGE.format(node.name))
        _end_badly(t, frame, node)
        return
    t.runs[run.id] = replace(run, status="SUCCEEDED", ending=None, stopped_at=t.at)
    t.values.append(result)
    t.emit("MapStateSucceeded", t.emit("MapRunSucceeded", waiting.event))
    frame = replace(frame, previous=waiting.event, waiting=None, phase="ready")
    t.put(frame)
    flow.leave(t, frame, node, resulted(t, frame, node, result), node.next)


def _settle(t: Transition, frame: Frame, node: Map, tally: Tally) -> None:
    """Decide how the Map Run ends, where that can be told now."""
    run = t.run(_waiting(frame).run)
    if run.status != "RUNNING":
        return
    if run.ending is None and run.reviving is None:
        if exceeded(run, tally):
            run = _decide(t, run, *TOO_MANY_FAILED)
        elif run.exhausted and run.running(tally) <= 0:
            run = t.runs[run.id] = replace(run, ending="SUCCEEDED")
    if run.ending == "FAILED" and run.running(tally) <= 0 and not _has_results(run, _waiting(frame)):
        _end_badly(t, frame, node)
    else:
        t.commands.append(DriveMapRun(_waiting(frame).command, run.id))


def _has_results(run: MapRun, waiting: RunWait) -> bool:
    """Whether a Map Run that fails has something to write: children, or items that no child was begun for."""
    return waiting.writer is not None and (run.made > 0 or run.error != READER_FAILED)


def _decide(t: Transition, run: MapRun, error: str, cause: str) -> MapRun:
    """The Map Run will fail, once its children have stopped and their results are written."""
    run = t.runs[run.id] = replace(run, ending="FAILED", error=error, cause=cause)
    return run


def _end_badly(t: Transition, frame: Frame, node: Map) -> None:
    waiting = _waiting(frame)
    run = t.run(waiting.run)
    t.runs[run.id] = replace(run, status="FAILED", ending=None, stopped_at=t.at)
    event = t.emit("MapRunFailed", waiting.event, run.error, run.cause)
    fail(t, replace(frame, previous=event), Failure(run.error, run.cause, event))


def can_go_on(t: Transition, frame: Frame) -> bool:
    """Whether a redrive goes on with the frame's Map Run, instead of beginning a new one."""
    run = t.execution.runs.get(_waiting(frame).run)
    return run is not None and run.status != "SUCCEEDED" and run.error not in NEVER_REDRIVEN


def redriven(t: Transition, frame: Frame, previous: int) -> None:
    """Go on with the Map Run: its children that have not succeeded are redriven, then the rest of the items read."""
    waiting = _waiting(frame)
    run = t.run(waiting.run)
    count = run.redrives + 1
    event = t.emit("MapRunRedriven", previous, run.arn, count)
    t.runs[run.id] = replace(
        run,
        status="RUNNING",
        ending=None,
        error=None,
        cause=None,
        stopped_at=None,
        redrives=count,
        redriven_at=t.at,
        reviving=0,
        written=Written(),
        total=run.total if waiting.reader is None else None,
    )
    waiting = replace(waiting, event=event)
    t.put(replace(frame, phase="waiting", waiting=waiting, retries=(), attempt=0, previous=event))
    t.commands.append(DriveMapRun(_waiting(frame).command, run.id))


def _waiting(frame: Frame) -> RunWait:
    waiting = frame.waiting
    assert isinstance(waiting, RunWait)
    return waiting


def _run(t: Transition, frame: Frame) -> MapRun:
    return t.run(_waiting(frame).run)
