"""The ports: what the engine asks of stores and integrations, as Protocols and the data that passes through them.

Rule: nothing but types. Stores, tasks and the worker meet only here; none imports another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from statelang.values import Json


@dataclass(frozen=True, slots=True)
class TaskSucceeded:
    """A task's answer: `output` as a JSON value; `text` its exact JSON text where the answer came as text."""

    output: Json
    text: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task's failure: a States Language error name and its cause; None where neither was given."""

    error: str | None
    cause: str | None


Answer = TaskSucceeded | TaskFailed


class Cancel(Protocol):
    """The cancel signal of one task: set when its time is up, its execution was stopped, or the worker must end."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


def _no_heartbeat() -> None:
    return None


@dataclass(frozen=True, slots=True)
class TaskCall:
    """One attempt of one task, as an integration gets it.

    `resource` is the Resource as written, `input` the effective input (after Parameters or Arguments). `token` is new
    for every attempt; `idempotency_key` is the same across Retry and crashes of one visit of the state. `attempt`
    counts from 0. `deadline` is in milliseconds since 1970 (None: no time-out). `context` is the Context object.
    `heartbeat()` resets HeartbeatSeconds. `cancel` tells a task to give up.
    """

    resource: str
    input: Json
    token: str
    idempotency_key: str
    attempt: int
    deadline: int | None
    context: Mapping[str, Json]
    cancel: Cancel
    heartbeat: Callable[[], None] = _no_heartbeat
    credentials: Json = None
    """The evaluated Credentials field, or None."""


class Integration(Protocol):
    """What performs the tasks of a Resource."""

    def perform(self, call: TaskCall) -> Answer | None:
        """Do it and answer; None: the answer comes later, by token. Called on a thread of the worker's pool.

        Must not raise: an exception here is a defect of the integration and fails the task as States.TaskFailed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Bound:
    """A Resource resolved: what performs it, and how it is shown (`python:shop.tasks:charge`)."""

    integration: Integration
    target: str
    options: Mapping[str, Json] = field(default_factory=dict)
