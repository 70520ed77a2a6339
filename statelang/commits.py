"""What a commit says beyond the execution it is of: what it begins, counts for Map Runs, and leaves for activities.

Rule: all of it follows from the steps that are written with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeGuard

from statelang.core.execution import Step
from statelang.core.map_run import NOTHING, Tally
from statelang.core.resource import classify
from statelang.core.stimulus import Command, Posted, RunTask, TaskFailed, TaskSucceeded
from statelang.description import described
from statelang.errors import StatelangError
from statelang.live import Live
from statelang.messages import Told
from statelang.ports import Begins, Commit, Integrations, Lease, NewExecution, Queued
from statelang.values import encode


def beginning(begins: Begins, parent: Live) -> Live:
    """A nested execution, to be written with its parent's next commit."""
    new = begins.new
    lease = Lease(new.started.id, 0, 0)
    return Live(lease, begins.execution, begins.program, [new.step], parent=parent, source=new.source)


def begun_with(child: Live) -> NewExecution:
    """An execution that its parent's commit begins, with the steps it has made already."""
    return NewExecution(child.execution.started, child.source, child.steps[0], child.steps[1:])


def concerns_others(step: Step) -> bool:
    """Whether a step has to be written with a Map Run or the task of an activity."""
    return bool(step.runs) or any(_for_an_activity(command) for command in step.commands)


def _for_an_activity(command: Command) -> TypeGuard[RunTask]:
    return isinstance(command, RunTask) and classify(command.resource).family == "Activity"


class Elsewhere(Protocol):
    """Knows what a child's end has to tell a parent that is driven elsewhere."""

    def told_elsewhere(self, live: Live) -> Sequence[tuple[str, Posted]]: ...


def commit_of(live: Live, born: Collection[Live], runs: Elsewhere, integrations: Integrations) -> Commit:
    """What is written of an execution; `born` are those that a commit of this round begins."""
    if born or live.execution.started.parent:
        return _family_commit(live, born, runs, integrations)
    return Commit(live.lease, live.steps, live.posts, live.execution.swept, queued=queued(live, integrations))


def _family_commit(live: Live, born: Iterable[Live], runs: Elsewhere, integrations: Integrations) -> Commit:
    """What is written of an execution that begins others, or was begun by one."""
    together = [live, *(child for child in born if child.parent is live)]
    return Commit(
        live.lease,
        live.steps,
        live.posts,
        live.execution.swept,
        begun=[begun_with(child) for child in together[1:]],
        tallies=tallies(together),
        sends=[post for one in together for post in (*runs.told_elsewhere(one), *answers(one))],
        queued=[task for one in together for task in queued(one, integrations)],
    )


def tallies(together: Iterable[Live]) -> Mapping[str, Tally]:
    """What executions count for their Map Runs."""
    found: dict[str, Tally] = {}
    for live in together:
        if live.tally is not NOTHING:
            id = live.execution.started.map_run
            found[id] = found.get(id, NOTHING) + live.tally
    return found


def answers(live: Live) -> Iterator[tuple[str, Posted]]:
    """What the end of a nested execution answers the task that waits for it."""
    started, head = live.execution.started, live.execution.head
    if started.answers == "no" or head.status == "RUNNING" or not live.steps or live.answered:
        return
    told, at = described(started, head, parsed=started.answers == "json"), head.stopped_at or 0
    if head.status == "SUCCEEDED":
        yield started.parent, TaskSucceeded(at, os.urandom(16), started.token, encode(told))
    else:
        yield started.parent, TaskFailed(at, os.urandom(16), started.token, "States.TaskFailed", encode(told))


def answer_here(changed: Mapping[str, Live], known: Mapping[str, Live], tell: Callable[[Told], None]) -> None:
    """Tell parents that are driven here at once, so that the same commit holds both."""
    while ended := [live for live in changed.values() if live.execution.started.parent in known and any(answers(live))]:
        for live in ended:
            ((parent, stimulus),) = answers(live)
            live.answered = True
            tell(Told(parent, stimulus))


def queued(live: Live, integrations: Integrations) -> Sequence[Queued]:
    """The tasks of activities that nothing here performs: a worker that polls will take them."""
    found: list[Queued] = []
    for step in live.steps:
        for command in step.commands:
            if _for_an_activity(command):
                try:
                    bound = integrations.find(command.resource, command.input.json)
                except StatelangError:
                    continue
                if bound is None:
                    found.append(Queued(command.resource, live.lease.execution, command.token, command.input.text))
    return found
