"""`list`, `show`, `history`, `stop`: commands that look at executions, whoever drives them.

Rule: none of these drives anything: they may be used beside a running worker at any time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from statelang.core.map_run import MapRun, Tally
from statelang.engine import Engine
from statelang.errors import InvalidSettings
from statelang.ports import Summary
from statelang.tasks import Bindings
from statelang.values import Json, encode

from .options import bind_option, bindings, output_option, query_option, settings, shared_store, store_option
from .output import (
    EXIT,
    child_json,
    counts_text,
    map_run_json,
    position_json,
    position_text,
    print_json,
    say,
    span_text,
    summary_json,
    table,
    time_text,
)
from .progress import message

STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
SHOWN_CHILDREN: Final = 3
"""Of how many children of a Map Run that failed `show` tells at once."""


def reader(store: str | None, *, fresh: bool = False) -> Engine:
    """An engine over the store, by which nothing is driven. Raises as `shared_store`; it may be `fresh`."""
    return Engine(shared_store(store, existing=not fresh))


@click.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only executions of this status.")
@click.option("--machine", help="Only executions of this state machine.")
@click.option("--map-run", "map_run", metavar="ID", help="The children of this Map Run, in order.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many at most.")
@store_option
@output_option
@query_option
def list_command(
    status: str | None,
    machine: str | None,
    map_run: str | None,
    limit: int,
    store: str | None,
    output: str | None,
    query: str | None,
) -> None:
    """List executions, the newest first, with what the running ones wait for."""
    with reader(store) as engine:
        if map_run is not None:
            engine.map_run(map_run)
        found = engine.executions(machine=machine, status=status, limit=limit, map_run=map_run)
    if query is not None or (output or settings().output) == "json":
        print_json([summary_json(summary) for summary in found], query)
        return
    now = time.time_ns() // 1_000_000
    rows = [
        (
            summary.id,
            summary.machine,
            summary.status,
            time_text(summary.started_at) or "",
            span_text((summary.stopped_at or now) - summary.started_at),
            _note(summary, now),
        )
        for summary in found
    ]
    table(("NAME", "MACHINE", "STATUS", "STARTED", "TOOK", ""), rows, colour=2)


def _note(summary: Summary, now: int) -> str:
    """What a person must know: why it failed, or who moves a running one next."""
    if summary.status != "RUNNING":
        return summary.error or ""
    if summary.driven:
        return "driven now"
    if summary.due is None:
        return "waits for an answer"
    if summary.due > now:
        return f"waits until {time_text(summary.due)} at the latest"  # a Wait, or a time-out of what answers
    return "nobody drives it: statelang resume or worker"


@click.command("show")
@click.argument("name", metavar="NAME")
@store_option
@output_option
@query_option
def show_command(name: str, store: str | None, output: str | None, query: str | None) -> None:
    """Show the execution NAME: how it stands, where, since when, and what it waits for."""
    with reader(store) as engine:
        summary = engine.describe(name)
        execution = engine.store.read(name)
        standing = engine.positions(name)
        runs = engine.map_runs(name)
        failed = {run.id: _failed_children(engine, run, tally) for run, tally in runs}
    told = summary_json(summary)
    if runs:
        told["mapRuns"] = [{**map_run_json(run, tally), "failed": failed[run.id]} for run, tally in runs]
    told["input"] = execution.input.json
    if execution.head.output is not None:
        told["output"] = execution.head.output.json
    told["positions"] = [position_json(position) for position in standing]
    if query is not None or (output or settings().output) == "json":
        print_json(told, query)
        return
    now = time.time_ns() // 1_000_000
    for key, value in told.items():
        if key not in ("positions", "mapRuns"):
            click.echo(f"{key + ':':<14}{value if isinstance(value, str) else encode(value)}")
    if summary.status == "RUNNING":
        click.echo(f"{'note:':<14}{_note(summary, now)}")
    for run, tally in runs:
        _print_map_run(run, tally, failed[run.id])
    for position in standing:
        click.echo(f"{'at:':<14}{position_text(position, now)}")
        if position.token is not None and position.doing == "waiting for its answer":
            click.echo(f"{'token:':<14}{position.token}")


def _failed_children(engine: Engine, run: MapRun, tally: Tally) -> list[dict[str, Json]]:
    """The first children of a Map Run that failed."""
    if not tally.failed + tally.timed_out:
        return []
    found = engine.store.members(run.id, ("FAILED", "TIMED_OUT"), limit=SHOWN_CHILDREN)
    return [child_json(index, engine.describe(id)) for index, id in found]


def _print_map_run(run: MapRun, tally: Tally, failed: Sequence[Mapping[str, Any]]) -> None:
    """How a Map Run stands, the first children that failed, and where the others are."""
    click.echo(f"{'map run:':<14}{run.id} of {run.state}: {run.status}, {counts_text(run, tally)}")
    what = "item" if run.read == run.made else "batch"
    for child in failed:
        cause = f": {message(child['cause'])}" if child["cause"] else ""
        error = child["error"] or child["status"]
        click.echo(f"{'failed:':<14}{what} {child['index']} ({child['name']}): {error}{cause}")
    if tally.failed + tally.timed_out > len(failed):
        only = "" if tally.failed and tally.timed_out else f" --status {'FAILED' if tally.failed else 'TIMED_OUT'}"
        click.echo(f"{'failed:':<14}… all of them: statelang list --map-run {run.id}{only}")


@click.command("history")
@click.argument("name", metavar="NAME")
@click.option("--follow", "-f", is_flag=True, help="Go on until the execution has ended.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only events after this number.")
@store_option
@output_option
@query_option
def history_command(
    name: str, follow: bool, after: int, store: str | None, output: str | None, query: str | None
) -> None:
    """Show the history of the execution NAME: AWS's events, in order, one JSON object a line with -o json."""
    kind = output or settings().output
    with reader(store) as engine:
        while True:
            running = engine.describe(name).status == "RUNNING"
            for event in engine.history(name, after=after):
                after = event["id"]
                _print_event({**event, "timestamp": time_text(event["timestamp"])}, kind, query)
            if not (follow and running):
                return
            time.sleep(0.1)


def _print_event(event: dict[str, Json], kind: str, query: str | None) -> None:
    if query is not None:
        print_json(event, query)
    elif kind == "json":
        click.echo(encode(event))
    else:
        details: dict[str, Json] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        click.echo(f"{event['id']:>5}  {event['timestamp']}  {event['type']:<26}{_details(details)}".rstrip())


def _details(details: dict[str, Json]) -> str:
    parts = []
    for key, value in details.items():
        if key in ("name", "resource", "error", "cause", "index", "length"):
            parts.append(str(value))
        elif key in ("input", "output", "parameters"):
            parts.append(value if len(value) <= 120 else f"{value[:119]}…")
    return "  ".join(parts)


def _tell(name: str, problem: BaseException) -> None:
    say(f"{name}: {problem}")


def _bound(bind: tuple[str, ...]) -> Bindings:
    """What is bound; bindings that nobody named and that cannot be read must not keep anything from being stopped."""
    try:
        return bindings(bind)
    except InvalidSettings:
        if bind:
            raise
        return Bindings()


@click.command("stop")
@click.argument("name", metavar="NAME")
@click.option("--error", help="The error the execution ends with.")
@click.option("--cause", help="Why it is stopped, for its history.")
@store_option
@bind_option
def stop_command(name: str, error: str | None, cause: str | None, store: str | None, bind: tuple[str, ...]) -> None:
    """Stop the execution NAME, whoever drives it: it ends as ABORTED and can be redriven.

    Where nobody drives it, what is bound here stops the jobs that it waits for.
    """
    with Engine(shared_store(store), bindings=_bound(bind), trouble=_tell) as engine:
        before = engine.describe(name).status
        if before != "RUNNING":
            say(f"{name} has ended already: {before}")
            return
        engine.stop(name, error=error, cause=cause)
        status = engine.wait(name, timeout=5).status
    say(f"{name}: {status}" if status != "RUNNING" else f"{name} will stop as soon as its worker takes it up")
    if status == "RUNNING":
        raise SystemExit(EXIT["RUNNING"])
