"""The worker: one loop of rounds that drives executions.

A round takes every message that has arrived, fires the timers that are due, moves every frame that is ready by one
transition (under `effect` until an effect or a bound), commits all of it in one transaction, and only then hands the
commands to the pool. A transition has happened once its commit returned.

Rule: commit, then act. Everything that changes an execution passes through `step`, and nothing that the core asked for
is done before the commit that holds it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from itertools import islice
from queue import SimpleQueue
from typing import Literal

from msgspec.structs import replace

from statelang.beginnings import Beginnings
from statelang.chance import Chance
from statelang.clock import Clock
from statelang.commits import answer_here, beginning, commit_of
from statelang.core.execution import Step, apply
from statelang.core.machine import advance
from statelang.core.stimulus import (
    Cancel,
    Command,
    DriveMapRun,
    Posted,
    RunStimulus,
    Stimulus,
    Tick,
    TimerFired,
)
from statelang.core.token import command_of
from statelang.errors import LeaseLost, StatelangError, StoreError
from statelang.live import ANSWERS, QUIET, Live, Performer, must_last
from statelang.lookout import Lookout
from statelang.map_runs import MapRuns
from statelang.messages import Begin, Fed, Left, Message, Observer, Take, Told
from statelang.pace import BATCH, BATCH_MS, FRAMES_PER_ROUND, MAIL_PER_ROUND, SWEEP
from statelang.ports import Commit, Integrations, Post, Store
from statelang.takeovers import Compile, Takeovers
from statelang.timers import Timers

Policy = Literal["transition", "effect", "strict"]


class Worker:
    """Drives executions of one store. `adopts`: also those that nobody drives, whoever began them.

    `lets_go`: it gives back what waits for nothing that is done here (one that adopts finds it again). `until`: a round
    waits no longer than to this time (ms since 1970).
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
        self.lets_go = adopts
        self.until: int | None = None
        self.live: dict[str, Live] = {}
        self.integrations = integrations
        self.observer = observer
        self.clock = clock
        self._policy = policy
        self._mail: SimpleQueue[Message] = SimpleQueue()
        self.performer = Performer(integrations, clock, threads, self.tell)
        self.runs = MapRuns(self, integrations, clock, lambda: self.performer.backlog, self.tell)
        self.changed: dict[str, Live] = {}
        self._ready: dict[str, Live] = {}
        self.takeovers = Takeovers(self, compile)
        self.follow = self.takeovers.follow
        self.beginnings = Beginnings(self, ahead=policy == "effect")
        self._timers = Timers(self.live)
        self.chance = Chance()
        self.lookout = Lookout(self)

    def tell(self, message: Message) -> None:
        """Leave a message, from any thread."""
        self._mail.put(message)

    def round(self) -> None:
        """One round; waits first where there is nothing to do."""
        self._read_mail()
        now = self.clock.now()
        self.lookout.look(now)
        if self._timers.next is not None and self._timers.next <= now:
            self._fire_timers(now)
        self.runs.feed()
        self._move()
        self._commit_round()

    def drain(self, grace: int) -> None:
        """Take the answers of tasks under way for up to `grace` milliseconds, cancel the rest, give everything back."""
        self.commit()
        self.runs.part(self.commit)
        end = self.clock.now() + grace
        while self.clock.now() < end and (self.runs.parting.busy or self.performer.is_busy(self.live)):
            message = self.clock.wait(self._mail, end, poll=None, busy=True)
            if message is not None:
                self._handle(message)
                self.commit()
        self.takeovers.give_back()
        self.performer.close()

    def fall(self) -> None:
        """Something has broken: cancel what is under way, since whoever is next begins it again."""
        for live in list(self.live.values()):
            self.drop(live)
        self.performer.close()

    def _read_mail(self) -> None:
        message = None
        if not self._ready and not self.runs.due:
            busy = self.runs.busy or any(live.tasks for live in self.live.values())
            message = self.clock.wait(self._mail, self._next_time(), poll=self.store.poll_ms, busy=busy)
        for _ in range(MAIL_PER_ROUND):
            if message is not None:
                self._handle(message)
            if self._mail.empty():
                return
            message = self._mail.get_nowait()
        if message is not None:
            self._handle(message)

    def _next_time(self) -> int | None:
        """When there is something to do: a timer here or (where this worker adopts) in the store, or `until`."""
        times = [time for time in (self._timers.next, self.until) if time is not None]
        times += [live.quiet_until for live in self.changed.values()]
        if self.adopts:
            with contextlib.suppress(StoreError):  # the lookout asks the same store, and bears only so much
                due = self.store.next_due()
                if due is not None and due > self.clock.now():
                    times.append(due)
        return min(times, default=None)

    def _handle(self, message: Message) -> None:
        if isinstance(message, Begin):
            self.beginnings.begin(message)
        elif isinstance(message, Told):
            self._told(message)
        elif isinstance(message, Take):
            self._take(message)
        elif isinstance(message, Fed):
            self.runs.came(message)
        elif isinstance(message, Left):
            self.performer.stopped(message, self.observer)
        else:
            self.lookout.hurry()

    def drive(self, live: Live) -> Live:
        """Have an execution among those that are driven here."""
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

    def forget(self, id: str) -> None:
        """Drive an execution no further."""
        for known in (self.live, self._ready, self.changed):
            known.pop(id, None)

    def _told(self, message: Told) -> None:
        live = self.live.get(message.execution)
        if live is not None:
            self._answered(live, message.stimulus)
            with self.runs.bearing(live):
                if self.step(live, self.runs.informed(live, message.stimulus)) and message.begins is not None:
                    self.drive(beginning(message.begins, live))
        elif isinstance(message.stimulus, ANSWERS) and message.begins is None:
            with contextlib.suppress(StatelangError):
                self.store.post(message.execution, message.stimulus)

    def _answered(self, live: Live, stimulus: Posted | RunStimulus) -> None:
        if isinstance(stimulus, ANSWERS):
            live.tasks.pop(command_of(stimulus.token), None)

    def _take(self, message: Take) -> None:
        try:
            taken = message.execution in self.live or self.takeovers.adopt(message.execution, message.why)
            if message.why != "resume":
                self.lookout.take_posts()
                self.commit()  # who stops or redrives may look at the store right away
            message.taken(taken)
        except StatelangError as problem:
            message.taken(problem)

    def take_post(self, live: Live, post: Post) -> None:
        """Let what was posted happen; the next commit consumes it."""
        if post.number in live.posts:
            return
        self._answered(live, post.stimulus)
        self.step(live, self.runs.informed(live, post.stimulus))
        if self.live.get(live.lease.execution) is live:  # else it was given up over this
            live.posts.append(post.number)
            self.changed[live.lease.execution] = live

    def _fire_timers(self, now: int) -> None:
        for live in self._timers.due(now):
            timer = live.execution.due()
            while timer is not None and timer[0] <= now:
                if not self.step(live, TimerFired(now, self.chance.draw(), timer[1])):
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
            while self.step(live, Tick(self.clock.now(), self.chance.draw(), id)):
                left -= 1
                if left <= 0 or id not in execution.ready or execution.frames[id].phase == "ready":
                    break

    def _run_ahead(self, live: Live) -> None:
        end = self.clock.now() + BATCH_MS
        while live.execution.ready and len(live.steps) < BATCH:
            now = self.clock.now()
            if now > end or not self.step(live, Tick(now, self.chance.draw())):
                return

    def step(self, live: Live, stimulus: Stimulus) -> bool:
        """One transition, if the stimulus makes one."""
        try:
            step = advance(live.program, live.execution, stimulus)
        except Exception as problem:
            self.give_up(live, problem)
            return False
        if step is None:
            return False
        apply(live.execution, step)
        live.loud = live.loud or not isinstance(stimulus, QUIET)
        live.steps.append(step)
        self.changed[live.lease.execution] = live
        self._mark(live)
        return True

    def give_up(self, live: Live, problem: BaseException) -> None:
        """Drive an execution no further; its lease is kept (see Aside).

        One that the store does not know yet goes with the execution whose commit would begin it.
        """
        self.drop(live)
        if live.parent is not None:
            if self.live.get(live.parent.lease.execution) is live.parent:
                self.give_up(live.parent, problem)
            return
        if not isinstance(problem, LeaseLost):
            self.takeovers.aside.keep(live.lease, problem, self.clock.now())
        self.observer.gave_up(live.lease.execution, problem)

    def drop(self, live: Live) -> None:
        """Have nothing of an execution here any more: what it has under way is cancelled."""
        self.forget(live.lease.execution)
        self.runs.forget(live)
        for command in list(live.tasks):
            self.performer.cancel(live, command)

    def _commit_round(self) -> None:
        """Write what this round has done; under `effect` not yet that tasks have begun, if their answers come soon."""
        now, quiet = self.clock.now(), []
        if self._policy == "effect":
            quiet = [live for live in self.changed.values() if live.tasks and now < live.quiet_until]
        for live in quiet:
            del self.changed[live.lease.execution]
        self.commit()
        self.changed.update(
            (live.lease.execution, live) for live in quiet if self.live.get(live.lease.execution) is live
        )

    def commit(self) -> None:
        """Write what this round has done, then do what it asked for."""
        if not self.changed:
            with contextlib.suppress(StoreError):  # nothing needs it done now
                self.store.sweep(SWEEP)
            return
        born: Sequence[Live] = ()
        if [live for live in self.changed.values() if live.execution.started.parent]:
            self._forget_orphans()
            answer_here(self.changed, self.live, self._told)
            self.runs.count(self.changed)
            born = [live for live in self.changed.values() if live.parent is not None]
        changed, self.changed = self.changed, {}
        if born:
            changed = {id: live for id, live in changed.items() if live.parent is None}
        try:
            commits = [self._commit_of(live, born) for live in changed.values()]
            sync = self._policy == "strict" or any(must_last(commit) for commit in commits)
            leases = self.store.commit(commits, sync=sync)
        except LeaseLost as problem:
            self._lose(changed, problem, born)
            return
        except StoreError as problem:
            while self.live:
                self.give_up(next(iter(self.live.values())), problem)
            return
        for live in changed.values():
            live.execution.swept = []
        if leases:
            for new, lease in zip([new for commit in commits for new in commit.begun], leases):
                self.beginnings.settle(self.live[new.started.id], lease)
        self.settle(list(zip(changed.values(), commits)))

    def _lose(self, changed: Mapping[str, Live], problem: LeaseLost, born: Sequence[Live]) -> None:
        """Others have taken executions over: let go of those, and write the rest."""
        for id in problem.executions:
            self.give_up(changed[id], problem)
        doubtful = self.takeovers.resting_on([changed[id] for id in problem.executions])
        for live in doubtful.values():
            with self.runs.bearing(live):
                self.takeovers.load_again(live)
        kept = {live.lease.execution: live for live in (*changed.values(), *born)}
        for live in kept.values():
            parent = live.execution.started.parent
            live.answered = live.answered and parent in self.live and parent not in doubtful
        self.changed = {id: live for id, live in kept.items() if self.live.get(id) is live}
        self.commit()

    def _forget_orphans(self) -> None:
        """What is not in the store yet goes with the execution whose commit would begin it, where that was given up."""
        for live in list(self.changed.values()):
            if live.parent is not None and self.live.get(live.parent.lease.execution) is not live.parent:
                self.forget(live.lease.execution)

    def _commit_of(self, live: Live, born: Sequence[Live]) -> Commit:
        commit = commit_of(live, born, self.runs, self.integrations)
        if not self.takeovers.can_let_go(live):
            return commit
        timer = live.execution.due()
        return replace(commit, release=True, due=None if timer is None else timer[0])

    def settle(self, written: Sequence[tuple[Live, Commit]]) -> None:
        """After the commit: tell the observer, let go of what has ended or sleeps, and do what was asked for.

        That comes last, since it may move others of these: what they do then is not in the store yet.
        """
        told = [(live, live.written()) for live, _ in written]
        for (live, commit), (_, steps) in zip(written, told):
            self._committed(live, commit, steps)
        for live, steps in told:
            for step in steps:
                self._act(live, step)

    def _committed(self, live: Live, commit: Commit, steps: Sequence[Step]) -> None:
        ended = live.execution.head.status != "RUNNING"
        if steps:
            self.observer.committed(live.execution, steps)
        if ended or commit.release:  # only now: whoever waits asks the store for what is not driven here
            self.forget(live.lease.execution)
        if commit.release and not ended:
            self.runs.forget(live)
            self.observer.released(live.lease.execution, commit.due)

    def _act(self, live: Live, step: Step) -> None:
        for command in step.commands:
            with self.runs.bearing(live):
                self.do(live, command)
        for run in step.runs.values():
            if run.status != "RUNNING":
                self.runs.end(run.id)

    def do(self, live: Live, command: Command) -> None:
        """Do what the core asked for: a Map Run's part here, all else on the pool."""
        if isinstance(command, DriveMapRun):
            self.runs.look(live, command.run)
        elif isinstance(command, Cancel) and command.run:
            self.runs.cancel(command.run)
        else:
            self.performer.do(live, command)
