"""Collecting the results of one Map Run: what is done for it on another thread, from the store to the ResultWriter.

Rule: only the store is read, and everything that comes of it is a stimulus.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from statelang.clock import Clock
from statelang.core.execution import Head, Started
from statelang.core.map_run import MapRun, Written
from statelang.core.stimulus import MapRunFailed, ResultsCollected, ResultsWritten, RunStimulus
from statelang.errors import Fault
from statelang.items.results import Writer, gathered
from statelang.ports import Integrations, Store
from statelang.values import Json


@dataclass(frozen=True, slots=True)
class Collecting:
    """The Map Run as it was when collecting began, and its evaluated ResultWriter (None: it has none)."""

    run: MapRun
    writer: Json
    payload: int | None
    store: Store
    integrations: Integrations
    tell: Callable[[RunStimulus], None]
    clock: Clock
    pending: Callable[[], Iterator[str]]
    """What the children would get that have not been begun."""

    @property
    def exported(self) -> bool:
        """Whether the results go elsewhere than into the state's output."""
        return self.writer is not None and "Resource" in self.writer

    def collected(self) -> ResultsCollected | MapRunFailed:
        """All results, now that every child has ended."""
        run = self.run
        try:
            output = self._export() if self.exported else gathered(run, self._read, self.writer, self.payload)
        except Fault as problem:
            return self._failed(problem.error, problem.cause)
        except Exception as problem:
            return self._failed("States.ResultWriterFailed", f"{type(problem).__name__}: {problem}")
        return ResultsCollected(self.clock.now(), os.urandom(16), run.token, output)

    def some(self) -> None:
        """What can be written already, while children are on their way."""
        written = self.run.written
        try:
            writer = self._writer()
            while (further := writer.stretch(written, last=False)) is not None:
                written = self._told(further)
        except Fault as problem:
            self.tell(self._failed(problem.error, problem.cause))
        except Exception:
            return  # what is in trouble still at the end is told there

    def _export(self) -> str:
        run, writer = self.run, self._writer()
        written = run.written
        while (further := writer.stretch(written, last=True)) is not None:
            written = self._told(further)
        return writer.manifest(written, () if run.exhausted else writer.pending(self.pending()))

    def stopped(self) -> None:
        """Results of a Map Run that was stopped with its parent: what can be written is, and nobody waits for it."""
        with contextlib.suppress(Exception):
            self._export()

    def _writer(self) -> Writer:
        return Writer(self.run, self.writer, self.integrations.objects, self._read)

    def _read(self, first: int, most: int) -> Sequence[tuple[Started, Head]]:
        return self.store.children(self.run.id, first=first, limit=most)

    def _told(self, written: Written) -> Written:
        self.tell(ResultsWritten(self.clock.now(), self.run.token, written))
        return written

    def _failed(self, error: str, cause: str) -> MapRunFailed:
        return MapRunFailed(self.clock.now(), os.urandom(16), self.run.token, error, cause, writing=True)
