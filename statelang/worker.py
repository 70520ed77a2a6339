"""The worker: one loop of rounds that drives executions.

A round takes every message that has arrived, fires the timers that are due, moves every frame that is ready by one
transition (under `effect` until an effect or a bound), commits all of it in one transaction, and only then hands the
commands to the pool. A transition has happened once its commit returned.

Rule: commit, then act. Everything that changes an execution passes through `_step`, and nothing that the core asked for
is done before the commit that holds it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Literal

from statelang.aside import RETRY_MS, Aside
from statelang.chance import Chance
from statelang.clock import Clock
from statelang.core.execution import apply
from statelang.core.machine import advance, command_of, outstanding
from statelang.core.stimulus import (
    PollTask,
    Posted,
    Redriven,
    RunTask,
    Stimulus,
    Tick,
    TimerFired,
)
from statelang.errors import LeaseLost, StatelangError, StoreError
from statelang.live import ANSWERS, Live, Performer, must_last
from statelang.messages import Begin, Message, Observer, Take, Told
from statelang.pace import ADOPT, BATCH, BATCH_MS, FRAMES_PER_ROUND, KEEP_MS, MAIL_PER_ROUND, MOST, POLL_MS, SWEEP
from statelang.ports import Commit, Integrations, Lease, Post, Store
from statelang.program import Program
from statelang.timers import Timers

Policy = Literal["transition", "effect", "strict"]

Compile = Callable[[str], Program]
"""The text of a pinned definition -> its Program."""


class Worker:
    """Drives executions of one store. `adopts`: also those that nobody drives, whoever began them.

    Everything but `tell` is called by one thread.
    """

    def __init__(
        self,
        store: Store,
        compile: Compile,
        integrations: Integrations,
        observer: Observer,
        clock: Clock,
        *,
        policy: Policy = "transition",
        threads: int = 32,
        adopts: bool = False,
    ) -> None:
        self.store = store
        self.adopts = adopts
        self.live: dict[str, Live] = {}
        self._compile = compile
        self._integrations = integrations
        self._observer = observer
        self._clock = clock
        self._policy = policy
        self._mail: SimpleQueue[Message] = SimpleQueue()
        self._performer = Performer(integrations, clock, threads, self.tell)
        self._changed: dict[str, Live] = {}
        self._ready: dict[str, Live] = {}
        self._aside = Aside()
        self._timers = Timers()
        self._programs: dict[str, Program] = {}
        self._chance = Chance()
        self._looked = 0

    def tell(self, message: Message) -> None:
        """Leave a message, from any thread."""
        self._mail.put(message)

    def round(self) -> None:
        """One round; waits first where there is nothing to do."""
        self._read_mail()
        self._look_around()
        self._fire_timers()
        self._move()
        self._commit()

    def drain(self, grace: int) -> None:
        """Take the answers of tasks under way for up to `grace` milliseconds, cancel the rest, give everything back."""
        end = self._clock.now() + grace
        while (self._performer.stops or any(live.tasks for live in self.live.values())) and self._clock.now() < end:
            message = self._clock.wait(self._mail, end, poll=None, busy=True)
            if message is not None:
                self._handle(message)
                self._commit()
        for live in self.live.values():
            for task in live.tasks.values():
                task.cancel.set()
        commits = [Commit(live.lease, (), release=True, due=0) for live in self.live.values()]
        self.live.clear()
        if commits:
            with contextlib.suppress(StoreError):  # what cannot be given back is free once this process has ended
                self.store.commit(commits, sync=False)
        self._performer.close()

    def _read_mail(self) -> None:
        message = None
        if not self._ready:
            busy = any(live.tasks for live in self.live.values())
            message = self._clock.wait(self._mail, self._next_timer(), poll=POLL_MS, busy=busy)
        for _ in range(MAIL_PER_ROUND):
            if message is not None:
                self._handle(message)
            try:
                message = self._mail.get_nowait()
            except Empty:
                return
        if message is not None:
            self._handle(message)

    def _next_timer(self) -> int | None:
        """The time of the next timer, here or (where this worker adopts) in the store."""
        times = [self._timers.next] if self._timers.next is not None else []
        if self.adopts:
            due = self.store.next_due()
            if due is not None and due > self._clock.now():
                times.append(due)
        return min(times, default=None)

    def _handle(self, message: Message) -> None:
        if isinstance(message, Begin):
            self._begin(message)
        elif isinstance(message, Told):
            self._told(message)
        elif isinstance(message, Take):
            self._take(message)
        else:
            self._looked = 0

    def _begin(self, message: Begin) -> None:
        try:
            leases = self.store.create([new for new, _, _ in message.executions])
        except StatelangError as problem:
            message.made(problem)
            return
        if not message.drive:
            self.store.commit([Commit(lease, (), release=True, due=0) for lease in leases if lease], sync=True)
        for (new, execution, program), lease in zip(message.executions, leases):
            if lease is not None and message.drive:
                self._programs[program.digest] = program
                live = self._drive(Live(lease, execution, program))
                self._observer.committed(live.execution, [new.step])
        made = zip(message.executions, leases)
        message.made([new.started.id for (new, _, _), lease in made if lease is None])

    def _drive(self, live: Live) -> Live:
        self.live[live.lease.execution] = live
        self._mark(live)
        return live

    def _mark(self, live: Live) -> None:
        """Know an execution as ready or not, and when it is due."""
        if live.execution.ready:
            self._ready[live.lease.execution] = live
        else:
            self._ready.pop(live.lease.execution, None)
        self._timers.set(live)

    def _forget(self, id: str) -> None:
        """Drive an execution no further."""
        for known in (self.live, self._ready, self._changed):
            known.pop(id, None)

    def _told(self, message: Told) -> None:
        live = self.live.get(message.execution)
        if live is not None:
            self._answered(live, message.stimulus)
            self._step(live, message.stimulus)
        elif isinstance(message.stimulus, ANSWERS):
            with contextlib.suppress(StatelangError):
                self.store.post(message.execution, message.stimulus)

    def _answered(self, live: Live, stimulus: Posted) -> None:
        if isinstance(stimulus, ANSWERS):
            live.tasks.pop(command_of(stimulus.token), None)

    def _take(self, message: Take) -> None:
        try:
            taken = message.execution in self.live or self._adopt(message.execution, message.why)
            if message.why != "resume":
                self._commit()  # who stops or redrives may look at the store right away
            message.taken(taken)
        except StatelangError as problem:
            message.taken(problem)

    def _adopt(self, id: str, why: str = "resume") -> bool:
        """Take an execution over, do what was posted to it, and ask again for the tasks it waits for."""
        program = self._program(self.store.summary(id).digest)
        if why != "settle":
            self._integrations.check(program.uses)
        lease = self._aside.lease(id) or (self.store.reopen(id) if why == "redrive" else self.store.claim(id))
        if lease is None:
            return False
        try:
            execution, posts = self.store.load(lease)
        except StatelangError:
            self._release(lease)
            raise
        live = self._drive(Live(lease, execution, program))
        for post in posts:
            self._take_post(live, post)
        if why == "redrive":
            self._step(live, Redriven(self._clock.now(), execution.head.redrives + 1))
        self._perform_outstanding(live)
        return True

    def _release(self, lease: Lease) -> None:
        """Give back what cannot be read here; whoever can may try later."""
        now = self._clock.now()
        try:
            self.store.commit([Commit(lease, (), release=True, due=now + RETRY_MS)], sync=False)
        except StoreError as problem:
            self._aside.keep(lease, problem, now)

    def _perform_outstanding(self, live: Live) -> None:
        """Ask again for the tasks that were asked for; those that posts have led to are asked for once committed."""
        new = {command.command for step in live.steps for command in step.commands}
        for command in outstanding(live.program, live.execution):
            if command.command not in new:
                self._performer.do(live, command)
        if not live.execution.ready and not live.tasks:
            self._changed[live.lease.execution] = live

    def _program(self, digest: str) -> Program:
        program = self._programs.get(digest)
        if program is None:
            program = self._programs[digest] = self._compile(self.store.definition(digest))
        return program

    def _look_around(self) -> None:
        """What other processes have written, at most every POLL_MS: posts, and executions that nobody drives."""
        now = self._clock.now()
        if now - self._looked < POLL_MS and self.live:
            return
        self._looked = now
        if self.live:
            for post in self.store.posts():
                live = self.live.get(post.execution)
                if live is not None:
                    self._take_post(live, post)
        if self.adopts:
            self._adopt_due(now)

    def _adopt_due(self, now: int) -> None:
        """Take over what nobody drives; what this worker cannot drive is left to others, and tried again later."""
        room = min(ADOPT, MOST - len(self.live))
        due = self.store.due(now, room + self._aside.refused) if room > 0 else ()
        for id in self._aside.to_try(due, now):
            if len(self.live) >= MOST:
                return
            try:
                self._adopt(id)
                self._aside.accept(id)
            except StatelangError as problem:
                if self._aside.refuse(id, now):
                    self._observer.gave_up(id, problem)

    def _take_post(self, live: Live, post: Post) -> None:
        if post.number in live.posts:
            return
        self._answered(live, post.stimulus)
        self._step(live, post.stimulus)
        live.posts.append(post.number)
        self._changed[live.lease.execution] = live

    def _fire_timers(self) -> None:
        now = self._clock.now()
        for live in self._timers.due(now, self.live):
            timer = live.execution.due()
            while timer is not None and timer[0] <= now:
                if not self._step(live, TimerFired(now, self._chance.draw(), timer[1])):
                    break
                timer = live.execution.due()
            self._timers.set(live)

    def _move(self) -> None:
        """Every frame that is ready makes one transition; under `effect` as many as a checkpoint may hold."""
        move = self._run_ahead if self._policy == "effect" else self._move_each
        for live in list(self._ready.values()):
            move(live)

    def _move_each(self, live: Live) -> None:
        """One transition of each frame; a Parallel or Map makes child after child, each of which makes its first."""
        execution, left = live.execution, FRAMES_PER_ROUND
        for id in list(islice(execution.ready, FRAMES_PER_ROUND)):
            while self._step(live, Tick(self._clock.now(), self._chance.draw(), id)):
                left -= 1
                if left <= 0 or id not in execution.ready or execution.frames[id].phase == "ready":
                    break

    def _run_ahead(self, live: Live) -> None:
        end = self._clock.now() + BATCH_MS
        while live.execution.ready and len(live.steps) < BATCH:
            now = self._clock.now()
            if now > end or not self._step(live, Tick(now, self._chance.draw())):
                return

    def _step(self, live: Live, stimulus: Stimulus) -> bool:
        """One transition, if the stimulus makes one."""
        try:
            step = advance(live.program, live.execution, stimulus)
        except Exception as problem:
            self._give_up(live, problem)
            return False
        if step is None:
            return False
        apply(live.execution, step)
        live.steps.append(step)
        self._changed[live.lease.execution] = live
        self._mark(live)
        return True

    def _give_up(self, live: Live, problem: BaseException) -> None:
        """Drive an execution no further; its lease is kept (see Aside)."""
        id = live.lease.execution
        self._forget(id)
        if not isinstance(problem, LeaseLost):
            self._aside.keep(live.lease, problem, self._clock.now())
        for command in list(live.tasks):
            self._performer.cancel(live, command)
        self._observer.gave_up(id, problem)

    def _commit(self) -> None:
        """Write what this round has done, then do what it asked for."""
        if not self._changed:
            with contextlib.suppress(StoreError):  # nothing needs it done now
                self.store.sweep(SWEEP)
            return
        changed, self._changed = self._changed, {}
        commits = [self._commit_of(live) for live in changed.values()]
        sync = self._policy == "strict" or any(must_last(commit) for commit in commits)
        try:
            self.store.commit(commits, sync=sync)
        except LeaseLost as problem:
            self._lose(changed, problem)
            return
        except StoreError as problem:
            for live in list(self.live.values()):
                self._give_up(live, problem)
            return
        for live, commit in zip(changed.values(), commits):
            self._settle(live, commit)

    def _lose(self, changed: Mapping[str, Live], problem: LeaseLost) -> None:
        """Others have taken executions over: let go of those, and write the rest."""
        for id in problem.executions:
            self._give_up(changed[id], problem)
        self._changed = {id: live for id, live in changed.items() if id in self.live}
        self._commit()

    def _commit_of(self, live: Live) -> Commit:
        execution = live.execution
        swept, execution.swept = execution.swept, []
        if not self._can_let_go(live):
            return Commit(live.lease, live.steps, live.posts, swept)
        timer = execution.due()
        return Commit(live.lease, live.steps, live.posts, swept, True, None if timer is None else timer[0])

    def _can_let_go(self, live: Live) -> bool:
        """Whether an execution waits for nothing that this process does, and for no timer that is near."""
        execution = live.execution
        if not self.adopts or execution.ready or live.tasks or execution.head.status != "RUNNING":
            return False
        if any(isinstance(command, (RunTask, PollTask)) for step in live.steps for command in step.commands):
            return False
        timer = execution.due()
        return timer is None or timer[0] - self._clock.now() > KEEP_MS

    def _settle(self, live: Live, commit: Commit) -> None:
        """After the commit: tell the observer, do what was asked for, and let go of what has ended or sleeps."""
        steps, live.steps, live.posts = live.steps, [], []
        ended = live.execution.head.status != "RUNNING"
        for step in steps:
            for command in step.commands:
                self._performer.do(live, command)
        if ended or commit.release:
            self._forget(live.lease.execution)
        if steps:
            self._observer.committed(live.execution, steps)
