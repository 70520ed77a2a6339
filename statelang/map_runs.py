"""The Map Runs that a worker drives: it reads their items, begins and counts their children, collects their results.

A Map Run goes with its parent execution: who holds the parent's lease drives it. Children are executions like any
other; in the commit that ends one it is counted, and where the run is driven elsewhere its parent is told by a post.

Rule: what to do next follows from the Map Run and its tally alone (`needed`), so that whoever takes it over does it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from statelang.chance import Chance
from statelang.clock import Clock
from statelang.collecting import Collecting
from statelang.core.execution import Status
from statelang.core.frame import RunWait
from statelang.core.inputs import inputs_of
from statelang.core.machine import begin
from statelang.core.map_run import MapRun, Tally, needed, suspect, tally_of
from statelang.core.stimulus import (
    ChildrenRevived,
    ItemsCounted,
    MapRunChanged,
    MapRunFailed,
    Posted,
    Redriven,
    StartChild,
    Stimulus,
)
from statelang.core.token import command_of
from statelang.errors import Fault, MapRunNotFound, StoreError
from statelang.feed import AHEAD, Feed
from statelang.items.results import CHILDREN
from statelang.items.source import unread
from statelang.live import Live
from statelang.messages import Fed, Message, Told
from statelang.parting import Parting
from statelang.pool import Pool
from statelang.ports import Integrations, Lease
from statelang.stopping import RUNNING, Stopping

if TYPE_CHECKING:
    from statelang.worker import Worker

PER_ROUND: Final = 256
"""How many children of one Map Run begin in one round."""

BACKLOG: Final = 1_000
"""No more children begin while so many tasks wait for a thread."""

AT_ONCE: Final = 500
"""A Map Run of so few children is collected without another thread."""

UNSUCCESSFUL: Final[tuple[Status, ...]] = ("FAILED", "TIMED_OUT", "ABORTED")


class MapRuns:
    """All Map Runs of one worker. Everything here is called by its thread; what reads and writes has its own."""

    def __init__(
        self,
        worker: Worker,
        integrations: Integrations,
        clock: Clock,
        backlog: Callable[[], int],
        tell: Callable[[Message], None],
    ) -> None:
        self._worker = worker
        self._integrations = integrations
        self._clock = clock
        self._backlog = backlog
        self._tell = tell
        self._chance = Chance()
        self._pool = Pool(4, "statelang-items")
        self._feeds: dict[str, Feed] = {}
        self._due: dict[str, None] = {}
        self.parting = Parting(worker.store, self._pool, tell)
        self.stopping = Stopping(worker)

    @property
    def due(self) -> bool:
        """Whether something can be done for a Map Run now."""
        return bool(self._due) or self.parting.due

    @property
    def busy(self) -> bool:
        """Whether something is being read or written."""
        return self.parting.busy or any(feed.reading or feed.writing for feed in self._feeds.values())

    def moves(self, live: Live) -> bool:
        """Whether something is being done, or to be done now, for a Map Run of an execution."""
        feeds = [self._feeds[id] for id in live.execution.runs if id in self._feeds]
        return any(feed.id in self._due or feed.reading or feed.writing for feed in feeds)

    def holds(self, live: Live) -> bool:
        """Whether an execution has a Map Run that goes on here: it moves, or a child of it is driven here."""
        going = {run.id for run in live.execution.runs.values() if run.status == "RUNNING"}
        here = (one.execution.started.map_run for one in self._worker.live.values())
        return bool(going) and (self.moves(live) or any(id in going for id in here))

    @contextmanager
    def bearing(self, live: Live) -> Iterator[None]:
        """Where the store is in trouble meanwhile, an execution is given up, as over a commit; nothing breaks."""
        try:
            yield
        except StoreError as problem:
            self._worker.give_up(live, problem)

    def look(self, live: Live, id: str) -> None:
        """Drive a Map Run that has begun, or was taken over with its parent: then its children too.

        Raises StoreError.
        """
        feed = self._feeds.get(id)
        if feed is None or feed.live is not live:
            run = live.execution.runs.get(id)
            if run is None or run.status != "RUNNING":
                return
            feed = self._feeds[id] = self._feed_of(live, run)
            self.parting.forget(id)
            self._changed(feed)  # children may have ended whose end it was not told
            if run.made and not self._worker.lets_go:  # else they are found when they are due, as what sleeps is
                self._adopt_children(id)
        self._due[id] = None

    def _feed_of(self, live: Live, run: MapRun) -> Feed:
        execution = live.execution
        waiting = execution.frames[execution.waiting[command_of(run.token)]].waiting
        assert isinstance(waiting, RunWait)
        inputs = inputs_of(live.program, execution, run, self._chance.draw())
        return Feed(live, run.id, self._tally(run.id), waiting, inputs)

    def foresee(self, live: Live) -> None:
        """Know the Map Runs of an execution that was taken over to be stopped: their results are written, too."""
        for run in live.execution.runs.values():
            if run.status == "RUNNING":
                self._feeds[run.id] = self._feed_of(live, run)

    def came(self, message: Fed) -> None:
        """Something was read or written on another thread."""
        message.done()
        self.parting.look(message.run)
        if message.run in self._feeds:
            self._due[message.run] = None

    def _adopt_children(self, id: str) -> None:
        for _, child in self._worker.store.members(id, RUNNING, limit=1 << 30):
            if child not in self._worker.live:
                self._worker.follow(child)

    def forget(self, live: Live) -> None:
        """The execution is driven here no more."""
        for id in [id for id, feed in self._feeds.items() if feed.live is live]:
            del self._feeds[id]
            self._due.pop(id, None)

    def part(self, commit: Callable[[], None]) -> None:
        """Begin to write what is left of stopped Map Runs, whose children's end is not in the store yet."""
        commit()
        self.parting.write(self._collecting)

    def feed(self) -> None:
        """Do for each Map Run what it needs now, as far as it can be done at once."""
        self.stopping.go_on()
        self.parting.write(self._collecting)
        due, self._due = self._due, {}
        for id in due:
            feed = self._feeds.get(id)
            run = None if feed is None else feed.run
            if feed is not None and run is not None and run.status == "RUNNING":
                with self.bearing(feed.live):
                    self._go_on(feed, run)

    def _go_on(self, feed: Feed, run: MapRun) -> None:
        need = needed(run, feed.tally, feed.live.execution.started.limits.map_run_concurrency)
        if need is not None:
            getattr(self, f"_{need}")(feed, run)
        if run.ending is None:
            self._write_some(feed, run)
        if suspect(run, feed.tally):
            self._count(feed, run)

    def _read(self, feed: Feed, run: MapRun) -> None:
        """Give items to children, and see that there are more."""
        if feed.items is None:
            self._open(feed, run)
        if (feed.buffer or feed.done) and self._backlog() < BACKLOG:
            self._give(feed, run)
        if not feed.done and not feed.reading and (feed.hungry or len(feed.buffer) < AHEAD):
            feed.reading = True
            self._pool.submit(lambda: self._read_more(feed))

    def _give(self, feed: Feed, run: MapRun) -> None:
        if not feed.buffer and feed.problem is not None:
            error, cause = feed.problem.error, feed.problem.cause
            now, entropy = self._clock.now(), self._chance.draw()
            self._worker.step(feed.live, MapRunFailed(now, entropy, run.token, error, cause, tally=feed.tally))
            return
        most = len(feed.buffer) if feed.waiting.batcher is not None else PER_ROUND
        told = feed.stimulus(self._clock.now(), self._chance.draw(), most)
        feed.hungry = not self._worker.step(feed.live, told)
        after = feed.run
        if feed.hungry or after is None:
            return
        for _ in range(after.read - run.read):
            feed.buffer.popleft()
        self._begin(feed)
        if after.read > run.read and feed.buffer:
            self._due[feed.id] = None

    def _begin(self, feed: Feed) -> None:
        """Begin the children that the machine asked for: they are written with the parent's commit."""
        live = feed.live
        for command in live.steps[-1].commands:
            if isinstance(command, StartChild):
                execution, step = begin(live.program, command.started)
                child = Live(Lease(command.started.id, 0, 0), execution, live.program, [step], parent=live)
                self._worker.drive(child)

    def _open(self, feed: Feed, run: MapRun) -> None:
        feed.items = unread(feed.waiting, self._integrations.objects, run)
        if feed.waiting.reader is None:
            feed.buffer.extend(feed.items)
            feed.done = True

    def _read_more(self, feed: Feed) -> None:
        """On a thread of its own."""
        try:
            feed.read()
        except Fault as problem:
            feed.problem, feed.done = problem, True
        except Exception as problem:
            feed.problem, feed.done = Fault("States.ItemReaderFailed", f"{type(problem).__name__}: {problem}"), True
        self._tell(Fed(feed.id, feed.was_read))

    def _count(self, feed: Feed, run: MapRun) -> None:
        """Find out how many items there are, while children go on: a percentage of them is tolerated."""
        if feed.counting:
            return
        feed.counting = True

        def count() -> None:
            try:
                total = run.read + sum(1 for _ in unread(feed.waiting, self._integrations.objects, run))
            except Exception:
                return  # what cannot be read to its end is told where reading comes to it
            counted = ItemsCounted(self._clock.now(), os.urandom(16), run.token, total, feed.tally)
            self._tell(Told(run.execution, counted))

        self._pool.submit(count)

    def _revive(self, feed: Feed, run: MapRun) -> None:
        """A redrive: begin again those children that had not succeeded."""
        assert run.reviving is not None
        store = self._worker.store
        room = min(PER_ROUND, run.room(feed.tally, feed.live.execution.started.limits.map_run_concurrency))
        found = store.members(run.id, UNSUCCESSFUL, first=run.reviving, limit=room)
        for _, id in found:
            lease = store.reopen(id)
            if lease is not None:
                execution, posts = store.load(lease)
                ended = tally_of(execution.head.status, execution.started.items, -1)
                child = self._worker.drive(Live(lease, execution, feed.live.program, posts=[p.number for p in posts]))
                if self._worker.step(child, Redriven(self._clock.now(), execution.head.redrives + 1)):
                    child.tally = ended
                    feed.tally += ended
        next = found[-1][0] + 1 if len(found) == room else None
        revived = ChildrenRevived(self._clock.now(), self._chance.draw(), run.token, next, feed.tally)
        self._worker.step(feed.live, revived)
        self._due[feed.id] = None

    def _stop(self, feed: Feed, run: MapRun) -> None:
        if not feed.stopping:
            feed.stopping = True
            self.stopping.stop(run.id)

    def cancel(self, id: str) -> None:
        """A Map Run was stopped with its parent."""
        feed = self.end(id)
        self.stopping.stop(id)
        if feed is not None:
            self.parting.keep(feed)

    def end(self, id: str) -> Feed | None:
        """A Map Run has ended, and that is written: nothing of it is kept here. Returns what was."""
        self._due.pop(id, None)
        return self._feeds.pop(id, None)

    def _collect(self, feed: Feed, run: MapRun) -> None:
        """All children have ended: collect what they leave behind."""
        if feed.writing:
            return
        collecting = self._collecting(feed, run)
        if run.made <= AT_ONCE and not collecting.exported:
            self._worker.step(feed.live, collecting.collected())
            return
        feed.writing = True

        def collect() -> None:
            self._tell(Told(run.execution, collecting.collected()))
            self._tell(Fed(feed.id, feed.was_written))

        self._pool.submit(collect)

    def _write_some(self, feed: Feed, run: MapRun) -> None:
        """Write results of children that have ended, while others are on their way."""
        if feed.writing or feed.tally.ended - feed.tried < CHILDREN:
            return
        collecting = self._collecting(feed, run)
        if not collecting.exported:
            return
        feed.tried, feed.writing = feed.tally.ended, True

        def write() -> None:
            collecting.some()
            self._tell(Fed(feed.id, feed.was_written))

        self._pool.submit(write)

    def _collecting(self, feed: Feed, run: MapRun) -> Collecting:
        writer = feed.waiting.writer
        return Collecting(
            run,
            None if writer is None else writer.json,
            feed.live.execution.started.limits.payload,
            self._worker.store,
            self._integrations,
            lambda stimulus: self._tell(Told(run.execution, stimulus)),
            self._clock,
            lambda: feed.pending(run, self._integrations),
        )

    def count(self, changed: Mapping[str, Live]) -> None:
        """Count the children that have ended in this round, and let their parents move by it."""
        while ended := [live for live in changed.values() if _to_count(live)]:
            touched: dict[str, Feed] = {}
            for live in ended:
                started, live.counted = live.execution.started, True
                tally = tally_of(live.execution.head.status, started.items)
                live.tally += tally
                self.parting.look(started.map_run)
                feed = self._feeds.get(started.map_run)
                if feed is not None:
                    feed.tally += tally
                    touched[feed.id] = feed
            for feed in touched.values():
                self._changed(feed)

    def _changed(self, feed: Feed) -> None:
        run = feed.run
        if run is not None and run.status == "RUNNING":
            self._worker.step(feed.live, MapRunChanged(self._clock.now(), self._chance.draw(), run.token, feed.tally))
            self._due[feed.id] = None

    def informed(self, live: Live, stimulus: Stimulus) -> Stimulus:
        """A stimulus with the tally of its Map Run: as it is counted here, or (a post) as the store has it."""
        if not isinstance(stimulus, (MapRunChanged, MapRunFailed, ItemsCounted)):
            return stimulus
        id = next((run.id for run in live.execution.runs.values() if run.token == stimulus.token), "")
        feed = self._feeds.get(id)
        if feed is None:
            return replace(stimulus, tally=self._tally(id)) if id else stimulus
        if isinstance(stimulus, MapRunChanged):
            feed.tally = self._tally(id)
            self._due[id] = None
        return replace(stimulus, tally=feed.tally)

    def _tally(self, id: str) -> Tally:
        """How the children of a Map Run stand: what the store says, and what the next commit here will add."""
        here = (live.tally for live in self._worker.live.values() if live.execution.started.map_run == id)
        return sum(here, start=self._worker.store.map_run(id)[1])

    def told_elsewhere(self, live: Live) -> list[tuple[str, Posted]]:
        """What has to be posted with the commit that ends a child: its parent is driven elsewhere."""
        started = live.execution.started
        if not started.map_run or started.map_run in self._feeds or not any(live.tally.counts()):
            return []
        with suppress(MapRunNotFound):  # removed since
            run, _ = self._worker.store.map_run(started.map_run)
            if run.status == "RUNNING":
                return [(run.execution, MapRunChanged(self._clock.now(), self._chance.draw(), run.token))]
        return []


def _to_count(live: Live) -> bool:
    execution = live.execution
    return not live.counted and execution.head.status != "RUNNING" and bool(execution.started.map_run)
