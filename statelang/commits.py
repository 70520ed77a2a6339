"""What a commit says beyond the execution it is of: what it begins, counts for Map Runs, and leaves for activities.

Rule: all of it follows from the steps that are written with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from statelang.core.map_run import NOTHING, Tally
from statelang.core.resource import classify
from statelang.core.stimulus import RunTask
from statelang.errors import StatelangError
from statelang.live import Live
from statelang.ports import Integrations, NewExecution, Queued


def begun_with(child: Live) -> NewExecution:
    """An execution that its parent's commit begins, with the steps it has made already."""
    return NewExecution(child.execution.started, child.source, child.steps[0], child.steps[1:])


def tallies(together: Iterable[Live]) -> Mapping[str, Tally]:
    """What executions count for their Map Runs."""
    found: dict[str, Tally] = {}
    for live in together:
        if live.tally is not NOTHING:
            id = live.execution.started.map_run
            found[id] = found.get(id, NOTHING) + live.tally
    return found


def queued(live: Live, integrations: Integrations) -> Iterator[Queued]:
    """The tasks of activities that nothing here performs: a worker that polls will take them."""
    for step in live.steps:
        for command in step.commands:
            if isinstance(command, RunTask) and classify(command.resource).family == "Activity":
                try:
                    bound = integrations.find(command.resource, command.input.json)
                except StatelangError:
                    continue
                if bound is None:
                    yield Queued(command.resource, live.lease.execution, command.token, command.input.text)
