"""Progress: what an execution does, as it does it. Live on a terminal, plain lines where stderr is piped.

Rule: only what is committed is shown.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final

import click

from statelang.core.execution import Execution, Step
from statelang.core.frame import ROOT
from statelang.errors import InvalidInput, JobLeft
from statelang.positions import Position, path_of, positions
from statelang.values import decode

from .output import clock_text, say, span_text

SHOWN: Final = 12
"""How many places of an execution the terminal shows at once."""

KEPT: Final = 100
"""Of how many executions it knows where they stand: those that moved last."""

ENDINGS: Final = {
    "StateExited": ("done", "green"),
    "Failed": ("failed", "red"),
    "TimedOut": ("timed out", "red"),
    "Aborted": ("stopped", "yellow"),
}


def progress(*, quiet: bool = False, named: bool = False) -> Progress:
    """The progress that suits stderr; `named`: of many executions, so that each line says of which."""
    if quiet:
        return Progress()
    return LiveProgress(named) if sys.stderr.isatty() else PlainProgress(named)


class Progress(AbstractContextManager["Progress"]):
    """Shows nothing but trouble; `committed` and `trouble` are called on the worker's thread.

    `told`: the end of an execution has been shown.
    """

    told = False

    def committed(self, execution: Execution, steps: Sequence[Step]) -> None:
        """These steps of an execution are in the store."""

    def trouble(self, execution: str, problem: BaseException) -> None:
        """This worker cannot drive an execution, or left a job of it: whoever looks at it must learn so."""
        say(_trouble(execution, problem))

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class PlainProgress(Progress):
    """A line for each state entered and each thing that went wrong."""

    def __init__(self, named: bool) -> None:
        self._named = named

    def committed(self, execution: Execution, steps: Sequence[Step]) -> None:
        name = f"{execution.started.id} " if self._named else ""
        for at, text, colour in lines(execution, steps):
            click.echo(f"{clock_text(at)} {name}{click.style(text, fg=colour)}", err=True)
        self.told = self.told or execution.head.status != "RUNNING"


class LiveProgress(Progress):
    """What is over scrolls by above; below, where the execution stands, with what it waits for and for how long."""

    def __init__(self, named: bool) -> None:
        from rich.console import Console
        from rich.live import Live

        self._named = named
        self._lock = threading.Lock()
        self._standing: dict[str, list[Position]] = {}
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(self, console=self._console, refresh_per_second=8, transient=True)

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def committed(self, execution: Execution, steps: Sequence[Step]) -> None:
        from rich.text import Text

        told = lines(execution, steps)
        running = execution.head.status == "RUNNING"
        with self._lock:
            name = execution.started.id
            self._standing.pop(name, None)
            if running:
                self._standing[name] = list(positions(execution))
            if len(self._standing) > KEPT:
                del self._standing[next(iter(self._standing))]
        for at, text, colour in told:
            name = f"{execution.started.id} " if self._named else ""
            self._console.print(Text(f"{clock_text(at)} {name}", style="dim") + Text(text, style=colour or ""))
        self.told = self.told or not running

    def trouble(self, execution: str, problem: BaseException) -> None:
        with contextlib.suppress(OSError):
            self._console.print(_trouble(execution, problem), style="red", markup=False)

    def __rich__(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        now = time.time_ns() // 1_000_000
        with self._lock:
            places = [place for standing in self._standing.values() for place in standing]
        for place in places[:SHOWN]:
            grid.add_row(Text("●", style="cyan"), Text(place.place, style="bold"), _doing(place, now))
        if len(places) > SHOWN:
            grid.add_row(Text(" "), Text(f"… and {len(places) - SHOWN} more places", style="dim"), Text(""))
        return grid


def _trouble(execution: str, problem: BaseException) -> str:
    return (
        f"{execution}: {problem}" if isinstance(problem, JobLeft) else f"{execution}: cannot be driven here: {problem}"
    )


def _doing(place: Position, now: int) -> Any:
    from rich.text import Text

    if place.count is not None:
        width = 20 * (place.done or 0) // max(1, place.count)
        return Text(f"{'━' * width}{'╌' * (20 - width)} {place.done} of {place.count}")
    words = place.doing + (f", attempt {place.attempt}" if place.attempt > 1 else "")
    if place.until is not None:
        return Text(f"{words}, {span_text(place.until - now)} left")
    return Text(f"{words}, {span_text(now - place.since)}")


def lines(execution: Execution, steps: Sequence[Step]) -> list[tuple[int, str, str | None]]:
    """What happened in some steps, for people: (milliseconds since 1970, text, colour)."""
    found = []
    for step in steps:
        first, at, events = (0, 0, ()) if step.record is None else step.record
        inside = _inside(execution, step, range(first, first + len(events)))
        for event in events:
            line = _line(execution, list(event), inside)
            if line is not None:
                found.append((at, *line))
    return found


def _inside(execution: Execution, step: Step, events: range) -> str:
    """In what a step happened that moved a branch or an iteration, as long as that is there: `Settle > 3 > `."""
    moved = (
        one for one in step.frames.values() if one.id != ROOT and (one.previous in events or one.entered in events)
    )
    frame = max(moved, key=lambda one: one.previous, default=None)
    if frame is not None:
        with contextlib.suppress(KeyError):
            return "".join(f"{part} > " for part in path_of(execution, frame)[:-1])
    return ""


def _line(execution: Execution, event: list[Any], inside: str) -> tuple[str, str | None] | None:
    kind = str(event[0])
    if kind.endswith("StateEntered"):
        return f"{inside}{event[2]}", None
    if kind.startswith("Execution"):
        status = execution.head.status
        if status == "RUNNING":
            return None
        return f"{status}{_why(event[2:], whole=True)}", None if status == "SUCCEEDED" else "red"
    for ending in ("Failed", "TimedOut"):
        if kind.endswith(ending) and not kind.startswith(("Map", "Parallel")):
            details = event[4:] if kind.startswith("Task") else event[3:5] if kind[0] == "E" else event[2:]
            where = f"{inside.removesuffix(' > ')}: " if inside else ""
            return f"  {where}{ENDINGS[ending][0]}{_why(details)}", "red"
    return None


def _why(details: list[Any], *, whole: bool = False) -> str:
    texts = ": ".join(message(text) for text in details if isinstance(text, str) and text)
    return f": {texts if whole or len(texts) <= 300 else f'{texts[:299]}…'}" if texts else ""


def message(cause: str) -> str:
    """What a person wants of a cause: of a Lambda function's error JSON, its message."""
    if cause.startswith("{"):
        with contextlib.suppress(InvalidInput):
            told = decode(cause).get("errorMessage")
            return told if isinstance(told, str) else cause
    return cause
