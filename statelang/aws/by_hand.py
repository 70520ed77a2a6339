"""An engine without a thread: whoever calls it drives it, for as long as there is something to do and time to do it.

Rule: it is the same engine and the same worker; only who calls `round` differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final

import msgspec

from statelang.clock import RealClock
from statelang.core.execution import Execution, Step
from statelang.core.stimulus import RunTask
from statelang.engine import Engine
from statelang.errors import LeaseLost, StatelangError, StoreError, UnreadableCheckpoint
from statelang.messages import Message
from statelang.ports import Commit, Lease, NewExecution
from statelang.program import Program
from statelang.result import Result, result_of
from statelang.state_machine import StateMachine
from statelang.values import Json

TASK_MS: Final = 10_000
"""How long a task without TimeoutSeconds is expected to take."""

FRESH: Final = 0.8
"""A task is begun in any case while this much of the time is left: no other invocation would have more."""


class Time:
    """How much time an invocation has. `left` tells, in milliseconds, what is left until it must give back.

    `reserve` is kept for that, but never more than half: a function of three seconds would do nothing, for ever.
    """

    def __init__(self, remaining: Callable[[], int] | None, reserve: int) -> None:
        self._remaining = remaining
        self._reserve = reserve if remaining is None else min(reserve, remaining() // 2)
        self.whole = self.left()

    def left(self) -> int:
        """Milliseconds until this invocation must give back what it drives."""
        return 1 << 40 if self._remaining is None else self._remaining() - self._reserve

    def fits(self, task: RunTask, expected: int) -> bool:
        """Whether a task can be expected to end in time."""
        left = self.left()
        need = expected if task.timeout is None else round(task.timeout * 1000)
        return left > 0 and (need <= left or left >= self.whole * FRESH)

    def up(self, now: int) -> int | None:
        """When it must give back (ms since 1970)."""
        return None if self._remaining is None else now + self.left()

    def ends(self, now: int) -> int | None:
        """The latest deadline of a task or a call: it has to give back by then, and to answer before it is ended."""
        return None if self._remaining is None else now + self.left() + self._reserve // 2


class ByHand(Engine):
    """See `Engine`. What has become of the executions it held is in `ended`, `asleep`, `unfinished` and `problems`.

    `told` are the parents of what has ended, which wait for it.
    """

    def __init__(self, *args: Any, expected_ms: int = TASK_MS, **options: Any) -> None:
        super().__init__(*args, **options)
        self._worker.lets_go = True
        self._worker.performer.fits = self._fits
        self._expected = expected_ms
        self._kept: dict[str, Lease] = {}
        self.begin(Time(None, 0))

    def begin(self, time: Time) -> None:
        """A new invocation."""
        now = RealClock().now()
        self._time = time
        self.callback = ""
        self._worker.performer.ends = time.ends(now)
        self._worker.until = time.up(now)
        hurry = getattr(self.store, "hurry", None)
        if hurry is not None:
            hurry(time.ends(now))
        self.ended: dict[str, tuple[Execution, Result]] = {}
        self.asleep: dict[str, int | None] = {}
        self.unfinished: list[str] = []
        self.problems: dict[str, BaseException] = {}
        self.told: dict[str, None] = {}
        self._free()

    def drive(self) -> None:
        """Go on until all that is held has ended and is written, sleeps, or the time is up; then hold nothing."""
        worker = self._worker
        while (worker.live or worker.runs.parting.moves) and self._time.left() > 0 and not self._only_waits():
            worker.round()
        if worker.live and self._time.left() > 0:
            worker.takeovers.let_go()
        worker.commit()
        self._give_back()
        self._free()

    def _give_back(self) -> None:
        leases = {name: live.lease for name, live in self._worker.live.items()}
        self.unfinished += leases
        if not self._worker.takeovers.give_back():
            self._kept |= leases

    def _free(self) -> None:
        """Give back what was given up, or could not be given back: this process lives on, and so does its lease."""
        for name, lease in list(self._kept.items()):
            try:
                with suppress(UnreadableCheckpoint):
                    self.store.load(lease)  # what it wrote last may be written, and only the answer lost
                self.store.commit([Commit(lease, (), release=True, due=0)], sync=False)
            except StoreError:
                return  # the next invocation tries it again
            except StatelangError:  # it is somebody else's by now
                pass
            del self._kept[name]

    def holds(self, name: str) -> bool:
        """Whether an execution is driven here now."""
        return name in self._worker.live

    def time_left(self) -> int:
        """Milliseconds until this invocation must give back what it drives."""
        return self._time.left()

    def drop(self) -> None:
        """Something went wrong: give back what can be given back."""
        self._give_back()

    def _begin(
        self, machine: StateMachine, name: str, input: Json, **link: Any
    ) -> tuple[NewExecution, Execution, Program]:
        new, execution, program = super()._begin(machine, name, input, **link)
        if link:  # begun by another one, whose own caller waits for that one's end
            return new, execution, program
        execution.started = msgspec.structs.replace(new.started, callback=self.callback)
        return msgspec.structs.replace(new, started=execution.started), execution, program

    def _only_waits(self) -> bool:
        """Whether nothing here moves, or is performed, or is due within moments."""
        if self._worker.performer.stops or self._worker.runs.parting.moves:
            return False
        soon = self._clock.now() + min(1_000, self._time.left())
        for live in self._worker.live.values():
            timer = live.execution.due()
            if (
                live.execution.ready
                or live.tasks
                or self._worker.runs.moves(live)
                or (timer is not None and timer[0] <= soon)
            ):
                return False
        return True

    def _fits(self, task: RunTask) -> bool:
        return self._time.fits(task, self._expected)

    def committed(self, execution: Execution, steps: Sequence[Step]) -> None:
        super().committed(execution, steps)
        started = execution.started
        if execution.head.status != "RUNNING":
            self.ended[started.id] = execution, result_of(execution)
            if started.map_run or (started.parent and started.answers != "no"):
                self.told[started.parent] = None

    def released(self, execution: str, due: int | None) -> None:
        self.asleep[execution] = due

    def gave_up(self, execution: str, problem: BaseException) -> None:
        super().gave_up(execution, problem)
        if not isinstance(problem, LeaseLost):  # somebody else drives it
            self.problems[execution] = problem
            lease = self._worker.takeovers.aside.lease(execution)
            self._kept.update({} if lease is None else {execution: lease})

    def _ask(self, message: Callable[[Callable[[Any], None]], Message]) -> Any:
        self._work()
        answered: SimpleQueue[Any] = SimpleQueue()
        self._worker.tell(message(answered.put))
        while answered.empty():
            self._worker.round()
        answer = answered.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _work(self) -> None:
        if self._closing.is_set():
            raise StatelangError("the engine is closed")
