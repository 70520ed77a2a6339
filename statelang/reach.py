"""Reaching executions while they run, whoever drives them: answers to tasks, tasks of activities, limits of Map Runs.

Rule: everything here is a post to the store, or read from it; nothing is driven.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from statelang.clock import Clock
from statelang.core.execution import Execution
from statelang.core.map_run import MapRun, Tally
from statelang.core.stimulus import MapRunUpdated, Posted, TaskFailed, TaskHeartbeat, TaskStarted, TaskSucceeded
from statelang.core.token import command_of, execution_of
from statelang.errors import ExecutionNotFound, InvalidInput, MapRunEnded, TaskEnded, UnknownToken
from statelang.ports import Store
from statelang.result import input_text
from statelang.values import Json, decode

POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class ActivityTask:
    """A task that a worker has taken: the token its answer must carry, and its input."""

    token: str
    input: Json


class Reach:
    """The part of an Engine that reaches what others drive."""

    store: Store
    _clock: Clock

    def _wake(self) -> None:
        """Have the worker of this process, if there is one, look around."""

    def _execution(self, name: str) -> Execution:
        """An execution as it stands. Raises ExecutionNotFound."""
        return self.store.read(name)

    def get_activity_task(
        self, activity: str, worker_name: str | None = None, *, timeout: float = 60.0
    ) -> ActivityTask | None:
        """Take the next task of an activity (its ARN), waiting up to `timeout` seconds for one; None: there was none.

        From here on its TimeoutSeconds and HeartbeatSeconds run. It is given out once: a worker that goes without an
        answer is noticed by those alone.
        """
        end = time.monotonic() + timeout
        while True:
            queued = self.store.take(activity, lambda token: TaskStarted(self._clock.now(), token, worker_name))
            if queued is None:
                if time.monotonic() >= end:
                    return None
                time.sleep(min(POLL_SECONDS, max(0.001, end - time.monotonic())))
            elif _waits_for(self.store.read(queued.execution), queued.token):
                self._wake()
                return ActivityTask(queued.token, decode(queued.input))

    def map_runs(self, name: str) -> Sequence[tuple[MapRun, Tally]]:
        """The Map Runs of an execution, the oldest first, each with how its children stand."""
        return self.store.map_runs(name)

    def map_run(self, id: str) -> tuple[MapRun, Tally]:
        """A Map Run by its id or ARN. Raises MapRunNotFound."""
        return self.store.map_run(id.rpartition(":")[2])

    def update_map_run(
        self,
        id: str,
        *,
        max_concurrency: int | None = None,
        tolerated_count: int | None = None,
        tolerated_percentage: float | None = None,
    ) -> None:
        """Change the limits of a Map Run while it runs, whoever drives it; None leaves one as it is.

        Raises MapRunNotFound, InvalidInput for a limit that is none, MapRunEnded.
        """
        if min(max_concurrency or 0, tolerated_count or 0, tolerated_percentage or 0) < 0:
            raise InvalidInput("a limit of a Map Run cannot be negative")
        if (tolerated_percentage or 0) > 100:
            raise InvalidInput("the tolerated percentage must be between 0 and 100")
        run, _ = self.map_run(id)
        if run.status != "RUNNING":
            raise MapRunEnded(f"the Map Run {run.id} has ended: {run.status}")
        limits = (max_concurrency, tolerated_count, tolerated_percentage)
        self.post(run.execution, MapRunUpdated(self._clock.now(), os.urandom(16), run.token, *limits))

    def send_task_success(self, token: str, output: Json = None) -> None:
        """Answer a task by its token. Raises UnknownToken and TaskEnded."""
        text = input_text(output, default="null")
        self._answer(token, TaskSucceeded(self._clock.now(), os.urandom(16), token, text))

    def send_task_failure(self, token: str, error: str | None = None, cause: str | None = None) -> None:
        """Fail a task by its token. Raises UnknownToken and TaskEnded."""
        self._answer(token, TaskFailed(self._clock.now(), os.urandom(16), token, error, cause))

    def send_task_heartbeat(self, token: str) -> None:
        """Tell that a task lives. Raises UnknownToken and TaskEnded."""
        self._answer(token, TaskHeartbeat(self._clock.now(), token))

    def _answer(self, token: str, stimulus: Posted) -> None:
        name = execution_of(token)
        try:
            execution = self._execution(name)
        except ExecutionNotFound:
            raise UnknownToken from None
        if not _waits_for(execution, token):
            command = command_of(token)
            ended = command not in execution.waiting and 0 < command <= execution.head.counter
            raise TaskEnded() if ended else UnknownToken()
        self.post(name, stimulus)

    def post(self, name: str, stimulus: Posted) -> None:
        self.store.post(name, stimulus)
        self._wake()


def _waits_for(execution: Execution, token: str) -> bool:
    frame = execution.frames.get(execution.waiting.get(command_of(token), -1))
    return frame is not None and getattr(frame.waiting, "token", None) == token
