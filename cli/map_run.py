"""`map-run`: looking at the Map Runs of Distributed Maps, and changing their limits while they run.

Rule: whoever drives a Map Run goes on driving it; a changed limit reaches it through the store.
"""

from __future__ import annotations

import click

from .executions import reader
from .options import output_option, query_option, settings, store_option
from .output import counts_text, map_run_json, print_json, say, table, time_text


@click.group("map-run")
def map_run_command() -> None:
    """Look at Map Runs (`statelang show NAME` tells an execution's), or change their limits."""


@map_run_command.command("list")
@click.argument("name", metavar="NAME")
@store_option
@output_option
def list_command(name: str, store: str | None, output: str | None) -> None:
    """List the Map Runs of the execution NAME, the oldest first."""
    with reader(store) as engine:
        engine.describe(name)
        found = engine.map_runs(name)
    if (output or settings().output) == "json":
        print_json([map_run_json(run, tally) for run, tally in found])
        return
    rows = [
        (run.id, run.state, run.status, time_text(run.at) or "", counts_text(run, tally), run.error or "")
        for run, tally in found
    ]
    table(("MAP RUN", "STATE", "STATUS", "STARTED", "CHILDREN", ""), rows, colour=2)


@map_run_command.command("show")
@click.argument("id", metavar="ID")
@store_option
@output_option
@query_option
def show_command(id: str, store: str | None, output: str | None, query: str | None) -> None:
    """Show the Map Run ID (or ARN): its limits, and how its items and children stand."""
    with reader(store) as engine:
        told = map_run_json(*engine.map_run(id))
    if query is not None or (output or settings().output) == "json":
        print_json(told, query)
        return
    for key, value in told.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {count}" for name, count in value.items() if count or name == "total")
        click.echo(f"{key + ':':<28}{value}")


@map_run_command.command("set")
@click.argument("id", metavar="ID")
@click.option("--max-concurrency", type=click.IntRange(0), help="How many children at once; 0: no limit.")
@click.option("--tolerated-count", type=click.IntRange(0), help="How many items may fail.")
@click.option("--tolerated-percentage", type=click.FloatRange(0, 100), help="What share of all items may fail.")
@store_option
def set_command(
    id: str,
    max_concurrency: int | None,
    tolerated_count: int | None,
    tolerated_percentage: float | None,
    store: str | None,
) -> None:
    """Change limits of the Map Run ID while it runs."""
    if max_concurrency is None and tolerated_count is None and tolerated_percentage is None:
        raise click.UsageError("name a limit to change: --max-concurrency, --tolerated-count, --tolerated-percentage")
    with reader(store) as engine:
        engine.update_map_run(
            id,
            max_concurrency=max_concurrency,
            tolerated_count=tolerated_count,
            tolerated_percentage=tolerated_percentage,
        )
    say("the change is in the store")
