"""Those who wait for an execution's end: a task of Step Functions, or one of ours, whose token it was started with.

Rule: whoever could not be told is told again by a later wake-up; telling twice does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from statelang.aws.by_hand import ByHand
from statelang.core.token import execution_of
from statelang.errors import ExecutionNotFound, StoreError, TaskEnded, UnknownToken
from statelang.result import Result
from statelang.values import encode

GONE: Final = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")
"""What Step Functions says where nobody waits any more."""

LONGEST_CAUSE: Final = 32_768


def tell(engine: ByHand, token: str, result: Result, client: Callable[[str], Any]) -> str | None:
    """Answer the task that waits for an execution; of one of ours, returns the name of its execution.

    Raises StoreError where it could not be told.
    """
    if _is_ours(engine, token):
        return _answer_ours(engine, token, result)
    _answer_theirs(client("stepfunctions"), token, result)
    return None


def _is_ours(engine: ByHand, token: str) -> bool:
    try:
        return bool(execution_of(token)) and engine.describe(execution_of(token)) is not None
    except ExecutionNotFound:
        return False


def _answer_ours(engine: ByHand, token: str, result: Result) -> str | None:
    try:
        if result.succeeded:
            engine.send_task_success(token, result.output)
        else:
            engine.send_task_failure(token, result.error, result.cause)
    except (TaskEnded, UnknownToken):
        return None
    return execution_of(token)


def _answer_theirs(client: Any, token: str, result: Result) -> None:
    try:
        if result.succeeded:
            client.send_task_success(taskToken=token, output=encode(result.output))
        else:
            cause = (result.cause or "")[:LONGEST_CAUSE]
            client.send_task_failure(taskToken=token, error=result.error or result.status, cause=cause)
    except Exception as problem:
        code = getattr(problem, "response", {}).get("Error", {}).get("Code")
        if code not in GONE:
            raise StoreError(f"the caller of {result.name} could not be told: {problem}") from problem
