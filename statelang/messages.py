"""What the worker is told, by the engine, by tasks and by whoever posts; and whom it tells what it has done.

Rule: a message is data, and who waits for its outcome is told through its callback, on the worker's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from statelang.core.execution import Execution, Step
from statelang.core.stimulus import Posted, RunStimulus
from statelang.errors import JobLeft
from statelang.ports import Begins, NewExecution
from statelang.program import Program

Why = Literal["resume", "redrive", "settle"]
"""What an execution is taken over for: see `Take`."""


class Begin(msgspec.Struct):
    """A message: make these executions, and drive them or leave them to whoever serves the store.

    `made` is told which existed already, or what went wrong.
    """

    executions: Sequence[tuple[NewExecution, Execution, Program]]
    drive: bool
    made: Callable[[Sequence[str] | BaseException], None]


class Told(msgspec.Struct):
    """A message: something has happened to an execution."""

    execution: str
    stimulus: Posted | RunStimulus
    begins: Begins | None = None
    """What begins with the commit of this, if it happens."""


class Take(msgspec.Struct):
    """A message: drive this execution, if nobody else does.

    `why`: "resume" it; "redrive" it, if it has ended without success; "settle" what was posted to it (a stop), for
    which nothing needs to be bound. `taken` is told whether it was taken here, or what went wrong.
    """

    execution: str
    why: Why
    taken: Callable[[bool | BaseException], None]


class Fed(msgspec.Struct):
    """A message: what was read or written for a Map Run on another thread is there; `done` notes it down."""

    run: str
    done: Callable[[], object] = bool


class Left(msgspec.Struct):
    """A message: a job was stopped that an execution had begun and does not wait for any more.

    `token` is that of its task; with a `problem` it could not be stopped, and may go on without anybody waiting.
    """

    execution: str
    token: str
    problem: JobLeft | None


class Wake(msgspec.Struct):
    """A message without content: look around."""


Message = Begin | Told | Take | Fed | Left | Wake


class Observer(Protocol):
    """Who wants to know what a worker does. Called on the worker's thread, after the commit; must not raise."""

    def left(self, execution: str, problem: JobLeft) -> None:
        """A job of an execution could not be stopped, and may go on without anybody waiting for it."""
        ...

    def committed(self, execution: Execution, steps: Sequence[Step]) -> None:
        """These steps of an execution are in the store."""
        ...

    def released(self, execution: str, due: int | None) -> None:
        """An execution was given back: it moves by itself at `due` (None: it does not), or when something is posted."""
        ...

    def gave_up(self, execution: str, problem: BaseException) -> None:
        """This worker cannot drive an execution on; it is as it was at its last commit."""
        ...
