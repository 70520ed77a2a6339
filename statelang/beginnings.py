"""Beginnings: executions on their way into the store, with what they have done before they are there.

Under `effect` an execution goes ahead to its first effect, or its end, before it is made: nothing has happened until
the store has it, and it then has all of that in the one write that makes it.

Rule: what concerns others than the execution itself is not written with its start, but with the commit after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from statelang.commits import begun_with, concerns_others
from statelang.core.execution import Step, apply
from statelang.core.machine import advance
from statelang.core.stimulus import Tick
from statelang.errors import StatelangError
from statelang.live import Live
from statelang.messages import Begin
from statelang.pace import BATCH, BATCH_MS
from statelang.ports import Commit, Lease

if TYPE_CHECKING:
    from statelang.worker import Worker


class Beginnings:
    """Makes the executions that one worker begins."""

    def __init__(self, worker: Worker, *, ahead: bool) -> None:
        self._worker = worker
        self._ahead = ahead

    def begin(self, message: Begin) -> None:
        """Make executions, and drive those that did not exist."""
        lives = [
            Live(Lease(new.started.id, 0, 0), execution, program, [new.step], source=new.source)
            for new, execution, program in message.executions
        ]
        later = self._go_ahead(lives) if self._ahead and message.drive else {}
        try:
            leases = self._worker.store.create([begun_with(live) for live in lives])
            left = [] if message.drive else [Commit(lease, (), release=True, due=0) for lease in leases if lease]
            if left:
                self._worker.store.commit(left, sync=True)
        except StatelangError as problem:
            message.made(problem)
            return
        if message.drive:
            self._drive(lives, leases, later)
        message.made([live.lease.execution for live, lease in zip(lives, leases) if lease is None])

    def _go_ahead(self, lives: Sequence[Live]) -> dict[str, Step]:
        """Let executions go on as far as they can be written with their start; the step each made beyond that."""
        later, end = {}, self._worker.clock.now() + BATCH_MS
        for live in lives:
            step = self._go(live, end)
            if step is not None:
                later[live.lease.execution] = step
        return later

    def _go(self, live: Live, end: int) -> Step | None:
        execution, worker = live.execution, self._worker
        while execution.ready and len(live.steps) < BATCH and (now := worker.clock.now()) <= end:
            try:
                step = advance(live.program, execution, Tick(now, worker.chance.draw()))
            except Exception:  # the worker comes upon it again, and gives the execution up
                return None
            if step is None:
                return None
            apply(execution, step)
            if concerns_others(step):
                return step
            live.steps.append(step)
        return None

    def _drive(self, lives: Sequence[Live], leases: Sequence[Lease | None], later: dict[str, Step]) -> None:
        for live, lease in zip(lives, leases):
            if lease is None:
                continue
            self._worker.takeovers.know(live.program)
            self._worker.drive(live)
            self.settle(live, lease)
            if lease.execution in later:
                live.steps.append(later[lease.execution])
                live.loud = True
                self._worker.changed[lease.execution] = live

    def settle(self, live: Live, lease: Lease | None) -> None:
        """An execution is in the store, with its parent's commit or alone. None: it was there already."""
        live.parent = None
        if lease is None:  # whoever drives it does
            self._worker.forget(live.lease.execution)
            return
        live.lease = lease
        self._worker.settle([(live, Commit(lease, live.steps))])
        self._worker.changed.update({lease.execution: live} if self._worker.takeovers.can_let_go(live) else {})
