"""The errors of Statelang: exceptions for callers, and the one value that the language itself moves.

Rule: every exception a caller may catch descends from `StatelangError`, and the docstring of its class is the
sentence a user reads when no message is given. A failure *of the running state machine* is never one of these: it is a
`Fault`, raised by the language floor, caught in one place of the core, and from there on a plain value.
"""

from __future__ import annotations

from typing import Any


class StatelangError(Exception):
    """Statelang could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class InvalidDefinition(StatelangError):
    """The definition is not a valid state machine."""

    def __init__(self, message: str | None = None, problems: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class InvalidInput(StatelangError):
    """The input is not JSON that a state machine can take."""


class InvalidSettings(StatelangError):
    """A setting, a bindings file or a store address is wrong."""


class UnboundResource(StatelangError):
    """A Task names a Resource that nothing here performs."""


class ExecutionExists(StatelangError):
    """An execution of this name exists already, with another definition or input."""


class ExecutionNotFound(StatelangError):
    """There is no execution of this name in the store."""


class ObjectError(StatelangError):
    """An object cannot be read or written where it should be."""


class JobLeft(StatelangError):
    """A job that nobody waits for any more could not be stopped, and may go on."""


class MapRunEnded(StatelangError):
    """The Map Run has ended; its limits cannot be changed any more."""


class MapRunNotFound(StatelangError):
    """There is no Map Run of this name in the store."""


class ExecutionNotRedrivable(StatelangError):
    """This execution cannot be redriven in its present state."""


class UnknownToken(StatelangError):
    """No task waits for this token: it is forged, or its execution is gone."""


class TaskEnded(StatelangError):
    """The task of this token has ended already: it was answered, it timed out, or its execution stopped."""


class LeaseLost(StatelangError):
    """Another worker has taken this execution over; what this one wanted to write was not written."""

    def __init__(self, message: str | None = None, executions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.executions = executions


class StoreError(StatelangError):
    """The store could not be used."""


class StoreNotFound(StoreError):
    """There is no such store."""


class StoreNotOurs(StoreError):
    """This file is not a Statelang store."""


class StoreTooNew(StoreError):
    """This store was written by a newer version of Statelang."""


class StoreReadOnly(StoreError):
    """This store cannot be written to."""


class StoreFull(StoreError):
    """There is no space left for the store."""


class UnreadableCheckpoint(StoreError):
    """A checkpoint in the store has a format that this version cannot read."""


QUERY_ERROR = "States.QueryEvaluationError"
"""What every error of JSONata is called (spec 3.4)."""


class Fault(Exception):
    """A States Language error on its way to Retry and Catch: `error` is its name, `cause` its text.

    Raised below the core (a path, an intrinsic, a template, a comparison) and caught by the core alone. `location`
    is the field of the state that was being evaluated, where AWS reports one (EvaluationFailed, spec 3.4).
    """

    def __init__(self, error: str, cause: str, location: str | None = None) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause
        self.location = location
