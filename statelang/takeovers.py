"""Taking executions over: those that somebody asks for, and those that nobody drives; and giving them back.

Rule: what is taken over goes on from its last commit, and what it had asked for is asked for again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from statelang.aside import RETRY_MS, Aside
from statelang.core.execution import Started
from statelang.core.frame import TaskWait
from statelang.core.machine import outstanding
from statelang.core.stimulus import DriveMapRun, PollTask, Redriven, RunTask, Stopped
from statelang.errors import ExecutionNotFound, LeaseLost, MapRunNotFound, StatelangError, StoreError
from statelang.live import Live
from statelang.messages import Why
from statelang.pace import ADOPT, KEEP_MS, MOST, PROGRAMS
from statelang.ports import Commit, Lease, Post
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

    def adopt(self, id: str, why: Why = "resume") -> bool:
        """Take an execution over, do what was posted to it, and ask again for the tasks it waits for.

        Raises StatelangError where that cannot be done: then it is left to others.
        """
        program = self.program(self._worker.store.summary(id).digest)
        if why != "settle":
            self._worker.integrations.check(program.uses)
        store = self._worker.store
        lease = self.aside.lease(id) or (store.reopen(id) if why == "redrive" else store.claim(id))
        if lease is None:
            return False
        live = None
        try:
            execution, posts = store.load(lease)
            over = self._is_over(execution.started)
            live = self._worker.drive(Live(lease, execution, program))
            self._go_on(live, posts, why, over=over)
        except StatelangError:
            if live is not None:
                self._worker.drop(live)
            self._release(lease)
            raise
        return self._worker.live.get(id) is live

    def _go_on(self, live: Live, posts: Sequence[Post], why: Why, *, over: bool) -> None:
        if over or any(isinstance(post.stimulus, Stopped) for post in posts):
            self._worker.runs.foresee(live)
        for post in posts:
            self._worker.take_post(live, post)
        now = self._worker.clock.now()
        if over:
            self._worker.step(live, Stopped(now))
        if why == "redrive":
            self._worker.step(live, Redriven(now, live.execution.head.redrives + 1))
        if self._worker.live.get(live.lease.execution) is live:  # else it was given up
            self._perform_outstanding(live)

    def follow(self, id: str, why: Why = "resume") -> bool:
        """Take over what goes with an execution that is driven here; where that fails, whoever watches is told."""
        try:
            return self.adopt(id, why)
        except StatelangError as problem:
            self._worker.observer.gave_up(id, problem)
            return False

    def _is_over(self, started: Started) -> bool:
        """Whether what began an execution, and waits for it, has ended, or is gone: nobody told it to stop then."""
        try:
            if started.map_run:
                run, _ = self._worker.store.map_run(started.map_run)
                return run.status != "RUNNING" or run.ending == "FAILED"
            return started.answers != "no" and self._worker.store.summary(started.parent).status != "RUNNING"
        except (ExecutionNotFound, MapRunNotFound):
            return True

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
                        self.follow(waiting.job.json)

    def _perform_outstanding(self, live: Live) -> None:
        """Ask again for the tasks that were asked for; those that posts have led to are asked for once committed."""
        new = {command.command for step in live.steps for command in step.commands}
        for command in outstanding(live.program, live.execution):
            if command.command not in new and command.command not in live.tasks:
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

    def resting_on(self, lost: Iterable[Live]) -> dict[str, Live]:
        """What has gone on since its last commit by the end of an execution that others drive now, all the way up.

        That end was not written, and may come to be another one.
        """
        found: dict[str, Live] = {}
        pending = list(lost)
        while pending:
            child = pending.pop()
            parent = self._worker.live.get(child.execution.started.parent)
            told = child.answered or any(child.tally.counts())
            if told and parent is not None and parent.lease.execution not in found:
                found[parent.lease.execution] = parent
                pending.append(parent)
        return found

    def load_again(self, live: Live) -> None:
        """Have an execution as it was last committed; the tasks that it waits for then go on."""
        self._worker.forget(live.lease.execution)
        self._worker.runs.forget(live)
        execution, posts = self._worker.store.load(live.lease)
        again = self._worker.drive(Live(live.lease, execution, live.program, tasks=live.tasks))
        for post in posts:
            self._worker.take_post(again, post)
        self._perform_outstanding(again)

    def give_back(self) -> bool:
        """Cancel what is under way, and give every execution back, to be driven on at once; False: it may not be."""
        worker = self._worker
        commits = [Commit(live.lease, (), release=True, due=0) for live in worker.live.values()]
        for live in list(worker.live.values()):
            worker.drop(live)
        while commits:
            try:
                worker.store.commit(commits, sync=False)
                break
            except LeaseLost as problem:  # nothing was written, or what was is passed over
                commits = [one for one in commits if one.lease.execution not in problem.executions]
            except StoreError:  # what cannot be given back is free once nobody renews its lease
                return False
        return True

    def can_let_go(self, live: Live) -> bool:
        """Whether an execution waits for nothing that this process does, and for no timer that is near."""
        worker, execution = self._worker, live.execution
        if not worker.lets_go or execution.ready or live.tasks or live.put_off or execution.head.status != "RUNNING":
            return False
        if worker.runs.holds(live):
            return False
        if any(
            isinstance(command, (RunTask, PollTask, DriveMapRun)) for step in live.steps for command in step.commands
        ):
            return False
        timer = execution.due()
        return timer is None or timer[0] - worker.clock.now() > KEEP_MS

    def let_go(self) -> None:
        """Give back, as of when it is due, what waits for nothing that is done here: children, then their parents."""
        worker = self._worker
        while found := {id: live for id, live in worker.live.items() if self.can_let_go(live)}:
            worker.changed.update(found)
            worker.commit()
