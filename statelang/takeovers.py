"""Taking executions over: those that somebody asks for, and those that nobody drives; and giving them back.

Rule: what is taken over goes on from its last commit, and what it had asked for is asked for again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from statelang.aside import RETRY_MS, Aside
from statelang.core.execution import Started
from statelang.core.frame import TaskWait
from statelang.core.machine import outstanding
from statelang.core.stimulus import Redriven, Stopped
from statelang.errors import ExecutionNotFound, LeaseLost, StatelangError, StoreError
from statelang.live import Live
from statelang.pace import ADOPT, MOST, PROGRAMS
from statelang.ports import Commit, Lease
from statelang.program import Program

if TYPE_CHECKING:
    from statelang.worker import Worker

Compile = Callable[[str], Program]
"""The text of a pinned definition -> its Program."""


class Takeovers:
    """What one worker takes over, and what it has set aside."""

    def __init__(self, worker: Worker, compile: Compile) -> None:
        self.aside = Aside()
        self._worker = worker
        self._compile = compile
        self._programs: dict[str, Program] = {}

    def know(self, program: Program) -> None:
        """A Program that need not be compiled again, as long as it is among those that were used last."""
        self._programs.pop(program.digest, None)
        self._programs[program.digest] = program
        if len(self._programs) > PROGRAMS:
            del self._programs[next(iter(self._programs))]

    def adopt(self, id: str, why: str = "resume") -> bool:
        """Take an execution over, do what was posted to it, and ask again for the tasks it waits for."""
        summary = self._worker.store.summary(id)
        if why == "resume" and summary.status != "RUNNING":
            return False
        program = self.program(summary.digest)
        if why != "settle":
            self._worker.integrations.check(program.uses)
        store = self._worker.store
        lease = self.aside.lease(id) or (store.reopen(id) if why == "redrive" else store.claim(id))
        if lease is None:
            return False
        try:
            execution, posts = self._worker.store.load(lease)
        except StatelangError:
            self._release(lease)
            raise
        live = self._worker.drive(Live(lease, execution, program))
        for post in posts:
            self._worker.take_post(live, post)
        if execution.started.parent and self._is_over(execution.started):
            self._worker.step(live, Stopped(self._worker.clock.now()))
        if why == "redrive":
            self._worker.step(live, Redriven(self._worker.clock.now(), execution.head.redrives + 1))
        self._perform_outstanding(live)
        return True

    def _is_over(self, started: Started) -> bool:
        """Whether what began an execution, and waits for it, has ended: nobody told it to stop then."""
        if started.map_run:
            return self._worker.runs.is_over(started.map_run)
        return started.answers != "no" and self._worker.store.summary(started.parent).status != "RUNNING"

    def _release(self, lease: Lease) -> None:
        """Give back what cannot be read here; whoever can may try later."""
        now = self._worker.clock.now()
        try:
            self._worker.store.commit([Commit(lease, (), release=True, due=now + RETRY_MS)], sync=False)
        except StoreError as problem:
            self.aside.keep(lease, problem, now)

    def _adopt_nested(self, live: Live) -> None:
        """Take over, with an execution, the nested ones it waits for."""
        for id in list(live.execution.waiting.values()):
            waiting = live.execution.frames[id].waiting
            if isinstance(waiting, TaskWait) and waiting.job is not None and isinstance(waiting.job.json, str):
                with contextlib.suppress(ExecutionNotFound):
                    if self._worker.store.read(waiting.job.json).started.token == waiting.token:
                        self.adopt(waiting.job.json)

    def _perform_outstanding(self, live: Live) -> None:
        """Ask again for the tasks that were asked for; those that posts have led to are asked for once committed."""
        new = {command.command for step in live.steps for command in step.commands}
        for command in outstanding(live.program, live.execution):
            if command.command not in new:
                self._worker.do(live, command)
        self._adopt_nested(live)
        if not live.execution.ready and not live.tasks:
            self._worker.changed[live.lease.execution] = live

    def program(self, digest: str) -> Program:
        """The Program of a definition that an execution pins."""
        program = self._programs.get(digest) or self._compile(self._worker.store.definition(digest))
        self.know(program)
        return program

    def adopt_due(self, now: int) -> None:
        """Take over what nobody drives; what this worker cannot drive is left to others, and tried again later."""
        room = min(ADOPT, MOST - len(self._worker.live))
        due = self._worker.store.due(now, room + self.aside.refused) if room > 0 else ()
        for id in self.aside.to_try(due, now):
            if len(self._worker.live) >= MOST:
                return
            try:
                self.adopt(id)
                self.aside.accept(id)
            except StatelangError as problem:
                if self.aside.refuse(id, now):
                    self._worker.observer.gave_up(id, problem)

    def load_again(self, live: Live) -> None:
        """What an execution has done since its last commit rests on a child that is driven elsewhere now."""
        self._worker.forget(live.lease.execution)
        self._worker.runs.forget(live)
        execution, posts = self._worker.store.load(live.lease)
        again = self._worker.drive(Live(live.lease, execution, live.program))
        for post in posts:
            self._worker.take_post(again, post)
        self._perform_outstanding(again)

    def give_back(self) -> bool:
        """Cancel what is under way, and give every execution back, to be driven on at once; False: it may not be."""
        worker = self._worker
        commits = [Commit(live.lease, (), release=True, due=0) for live in worker.live.values()]
        for live in list(worker.live.values()):
            for command in list(live.tasks):
                worker.performer.cancel(live, command)
            worker.forget(live.lease.execution)
            worker.runs.forget(live)
        while commits:
            try:
                worker.store.commit(commits, sync=False)
                break
            except LeaseLost as problem:  # nothing was written, or what was is passed over
                commits = [one for one in commits if one.lease.execution not in problem.executions]
            except StoreError:  # what cannot be given back is free once nobody renews its lease
                return False
        return True

    def let_go(self) -> None:
        """Give back, as of when it is due, what waits for nothing that is done here: children, then their parents."""
        worker = self._worker
        while found := {id: live for id, live in worker.live.items() if worker.can_let_go(live)}:
            worker.changed.update(found)
            worker.commit()
