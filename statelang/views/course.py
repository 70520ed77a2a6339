"""The course of one execution: which states it visited, how each visit ended, and which ways it took.

Rule: it is read off the history, event by event, along `previousEventId`; only what still runs is known from where
the execution stands. Nothing is guessed: a visit that neither ended nor stands anywhere was stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from statelang.positions import Position
from statelang.values import Json
from statelang.views.chart import START
from statelang.views.words import count, took

Outcome = Literal["succeeded", "caught", "failed", "stopped", "running", "never"]

FAILURES: Final = (
    "TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed", "LambdaFunctionFailed",
    "LambdaFunctionTimedOut", "LambdaFunctionStartFailed", "LambdaFunctionScheduleFailed", "ActivityFailed",
    "ActivityTimedOut", "ActivityScheduleFailed", "MapStateFailed", "ParallelStateFailed", "MapRunFailed",
    "EvaluationFailed",
)  # fmt: skip
TRIES: Final = ("TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled", "MapStateStarted",
                "ParallelStateStarted", "MapRunRedriven")  # fmt: skip
HOLDERS: Final = {"MapStateFailed": "Map", "MapRunFailed": "Map", "ParallelStateFailed": "Parallel"}
"""What follows, in `previousEventId`, the failure inside it, and is about the state around that."""

ENDS: Final = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
WORST: Final[tuple[Outcome, ...]] = ("running", "failed", "stopped", "caught", "succeeded")
"""Of several visits of a state the first of these is its outcome."""


@dataclass(slots=True)
class Visit:
    """One visit of a state. Times in milliseconds since 1970; `tries` counts attempts, the first included.

    `type` is the state's, `number` that of the event that entered it; `within` is the visit of the Parallel or Map it
    happened in, `item` the number of the Map iteration.
    """

    state: str
    type: str
    number: int
    entered_at: int
    outcome: Outcome = "stopped"
    left_at: int | None = None
    tries: int = 0
    error: str | None = None
    cause: str | None = None
    went_to: str | None = None
    item: int | None = None
    within: Visit | None = field(default=None, repr=False)


@dataclass(slots=True)
class Items:
    """The iterations of a Map state, over all its visits: `length` is how many items there were, where that is told.

    `apart`: child executions of a Map Run did them, of which this history tells no more.
    """

    length: int = 0
    started: int = 0
    succeeded: int = 0
    failed: int = 0
    apart: bool = False


@dataclass(slots=True)
class Course:
    """What happened so far. `ways` counts how often each way was taken, by (source, target, caught)."""

    status: str = "RUNNING"
    started_at: int = 0
    ended_at: int | None = None
    error: str | None = None
    cause: str | None = None
    redrives: int = 0
    input: str | None = None
    output: str | None = None
    visits: list[Visit] = field(default_factory=list)
    ways: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    items: dict[str, Items] = field(default_factory=dict)
    positions: tuple[Position, ...] = ()
    _by_state: dict[str, list[Visit]] = field(default_factory=dict, repr=False)

    def add(self, visit: Visit) -> None:
        """One more visit, the latest."""
        self.visits.append(visit)
        self._by_state.setdefault(visit.state, []).append(visit)

    def of(self, state: str) -> list[Visit]:
        """The visits of a state, in order."""
        return self._by_state.get(state, [])

    def outcome(self, state: str) -> Outcome:
        """How a state stands: the worst of its visits."""
        found = {visit.outcome for visit in self.of(state)}
        return next((outcome for outcome in WORST if outcome in found), "never")

    def note(self, state: str, now: int | None = None) -> str:
        """How a state stands, in a few words; `now` is in milliseconds since 1970."""
        visits = self.of(state)
        if not visits:
            return "never reached"
        words = [_ended(self, visits, now)]
        again = sum(max(0, visit.tries - 1) for visit in visits)
        if again:
            words.append(f"tried again {count(again, 'time')}")
        if state in self.items:
            words.append(items_text(self.items[state]))
        return ", ".join(words)


def items_text(items: Items) -> str:
    """`8 of 10 items done, 1 failed`; of a Map Run, whose children have histories of their own, only how many."""
    if items.apart:
        return f"{count(items.length, 'item') if items.length else 'items'} in executions of their own"
    failed = f", {items.failed} failed" if items.failed else ""
    return f"{items.succeeded} of {count(items.length, 'item')} done{failed}"


def _ended(course: Course, visits: list[Visit], now: int | None) -> str:
    """What became of the visits: `done in 0.4 s`, `3 times: 2 done, 1 failed`, `running for 2 h 10 min`."""
    said = {"succeeded": "done", "caught": "failed, dealt with", "failed": "failed", "stopped": "stopped"}
    if len(visits) > 1:
        many = Counter("running" if v.outcome == "running" else said[v.outcome] for v in visits)
        if len(many) == 1:
            return f"{next(iter(many))} {count(len(visits), 'time')}"
        return f"{count(len(visits), 'time')}: {', '.join(f'{n} {word}' for word, n in many.items())}"
    visit = visits[0]
    if visit.outcome == "running":
        since = f" for {took(now - visit.entered_at)}" if now is not None else ""
        return f"{_doing(course, visit.state)}{since}"
    until = visit.left_at if visit.left_at is not None else course.ended_at
    spent = "" if until is None else took(until - visit.entered_at)
    if visit.outcome == "succeeded":
        return done_in(spent)
    error = f" ({visit.error})" if visit.error else ""
    word = "stopped" if visit.outcome == "stopped" else "failed"
    after = f" after {spent}" if spent not in ("", AT_ONCE) else ""
    return f"{word}{after}{error}{', dealt with' if visit.outcome == 'caught' else ''}"


AT_ONCE: Final = "0 s"


def done_in(spent: str) -> str:
    """`done in 0.4 s`, `done at once`."""
    return "done at once" if spent == AT_ONCE else f"done in {spent}"


def _doing(course: Course, state: str) -> str:
    doing = next((position.doing for position in course.positions if position.state == state), "running")
    return "under way" if doing.startswith("running its") else doing


def course(events: Iterable[Mapping[str, Json]], positions: Collection[Position] = ()) -> Course:
    """The course that a history tells. `timestamp` of its events is in milliseconds since 1970.

    `positions` are where the execution stands, where it is still running.
    """
    reader = _Reader(Course(positions=tuple(positions)))
    for event in events:
        reader.read(event)
    running = Counter(position.state for position in positions if reader.told.status == "RUNNING")
    for visit in reversed(reader.told.visits):
        if visit.left_at is None and running[visit.state] > 0:
            running[visit.state] -= 1
            visit.outcome = "running"
    return reader.told


def _around(visit: Visit, kind: str) -> Visit:
    """The innermost visit of a kind that is still open around a visit, or the visit itself."""
    found: Visit | None = visit
    while found is not None and (found.type != kind or found.left_at is not None):
        found = found.within
    return found or visit


class _Reader:
    """Follows the history; `at` is the visit each event belongs to, `kinds` the type of each event."""

    def __init__(self, told: Course) -> None:
        self.told = told
        self.at: dict[int, Visit] = {}
        self.exits: dict[int, Visit] = {}
        self.item: dict[int, int] = {}
        self.kinds: dict[int, str] = {}

    def read(self, event: Mapping[str, Json]) -> None:
        kind, number, before = str(event["type"]), event["id"], event.get("previousEventId") or 0
        details = next((value for key, value in event.items() if key.endswith("EventDetails")), None) or {}
        self.kinds[number] = kind
        if before in self.item and not kind.startswith("MapState"):
            self.item[number] = self.item[before]
        if kind.endswith("StateEntered"):
            self._entered(event, details, before)
            return
        visit = self.at.get(before)
        if visit is not None and kind in HOLDERS:
            visit = _around(visit, HOLDERS[kind])
        if visit is not None:
            self.at[number] = visit
        if kind.endswith("StateExited"):
            self._exited(event, visit, before)
        elif kind in FAILURES:
            self._failed(visit, details, self.at.get(before))
        elif kind in TRIES and visit is not None:
            visit.tries += 1
            visit.outcome = "stopped"
            if kind == "MapStateStarted":
                self._items(visit.state).length += details.get("length") or 0
        elif kind == "MapRunStarted" and visit is not None:
            self._items(visit.state).apart = True
        elif kind.startswith("MapIteration"):
            self._iteration(kind, number, details)
        elif kind.startswith("Execution"):
            self._execution(kind, event, details, visit)

    def _entered(self, event: Mapping[str, Json], details: Mapping[str, Json], before: int) -> None:
        number, name = event["id"], str(details.get("name"))
        source = self.exits.get(before)
        within = source.within if source is not None else self.at.get(before)
        kind = str(event["type"]).removesuffix("StateEntered")
        visit = Visit(name, kind, number, event["timestamp"], item=self.item.get(number), within=within)
        if source is not None:
            source.went_to = name
        self.told.ways[source.state if source else START, name, bool(source and source.outcome == "caught")] += 1
        self.told.add(visit)
        self.at[number] = visit
        if event["type"] == "FailStateEntered":
            visit.outcome = "failed"

    def _exited(self, event: Mapping[str, Json], visit: Visit | None, before: int) -> None:
        details = event.get("stateExitedEventDetails") or {}
        if visit is None or visit.state != details.get("name"):
            visits = self.told.of(str(details.get("name")))
            visit = next((v for v in reversed(visits) if v.left_at is None), visit)
        if visit is None:
            return
        visit.left_at = event["timestamp"]
        visit.outcome = "caught" if self.kinds.get(before) in FAILURES else "succeeded"
        self.at[event["id"]] = visit
        self.exits[event["id"]] = visit

    def _failed(self, visit: Visit | None, details: Mapping[str, Json], inner: Visit | None) -> None:
        """A Parallel or Map fails with what failed inside it, which its own event does not say."""
        if visit is not None:
            visit.outcome = "failed"
            told = inner if inner is not visit else None
            visit.error = details.get("error") or (told.error if told else visit.error)
            visit.cause = details.get("cause") or (told.cause if told else visit.cause)

    def _items(self, state: str) -> Items:
        return self.told.items.setdefault(state, Items())

    def _iteration(self, kind: str, number: int, details: Mapping[str, Json]) -> None:
        items = self._items(str(details.get("name")))
        what = kind.removeprefix("MapIteration").lower()
        if what == "started":
            self.item[number] = details.get("index") or 0
            items.started += 1
        elif what in ("succeeded", "failed"):
            setattr(items, what, getattr(items, what) + 1)

    def _execution(
        self, kind: str, event: Mapping[str, Json], details: Mapping[str, Json], visit: Visit | None
    ) -> None:
        told = self.told
        if kind == "ExecutionStarted":
            told.started_at, told.input = event["timestamp"], details.get("input")
        elif kind == "ExecutionRedriven":
            told.redrives += 1
            told.status, told.ended_at, told.error, told.cause = "RUNNING", None, None, None
        elif kind in ENDS:
            told.status, told.ended_at = ENDS[kind], event["timestamp"]
            told.error, told.cause, told.output = details.get("error"), details.get("cause"), details.get("output")
            if kind == "ExecutionFailed" and visit is not None and visit.left_at is None:
                visit.outcome = "failed"
                visit.error, visit.cause = visit.error or told.error, visit.cause or told.cause
