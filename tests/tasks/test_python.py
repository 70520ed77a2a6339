"""Python functions as tasks, and as the Lambda functions they stand in for."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from statelang import LATER, Bindings, Failed, InvalidSettings, Succeeded, TaskCall, TaskError
from statelang.tasks.python import find_task, python_task
from tests.tasks.calls import call

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:f"
INVOKE = "arn:aws:states:::lambda:invoke"


def perform(function: Any, given: TaskCall) -> Any:
    return python_task(function).perform(given)


def test_it_gets_the_input_or_the_input_and_the_call() -> None:
    assert perform(lambda data: data, call({"a": (1, 2)})) == Succeeded({"a": [1, 2]})
    assert perform(lambda data, call: call.token, call()) == Succeeded("e.1.00")
    assert perform(lambda data, key="default": key, call()) == Succeeded("default")
    assert perform(lambda *arguments: len(arguments), call()) == Succeeded(2)
    assert perform(len, call([1, 2, 3])) == Succeeded(3)


def test_exceptions_become_errors_by_class_name() -> None:
    def fail(data: Any) -> None:
        raise KeyError("missing")

    def name(data: Any) -> None:
        raise TaskError("Card.Declined", "no funds")

    def leave(data: Any) -> None:
        raise SystemExit(3)

    failed = perform(fail, call())
    assert (failed.error, failed.cause) == ("KeyError", "'missing'")
    assert 'raise KeyError("missing")' in failed.trace[-1]
    assert len(failed.trace) == 1
    assert perform(name, call()).error == "Card.Declined"
    assert perform(leave, call()).error == "SystemExit"


def test_async_functions_run_and_are_cancelled() -> None:
    cancel, ended = threading.Event(), []

    async def work(data: Any) -> Any:
        await asyncio.sleep(0.01)
        return data

    async def hang(data: Any) -> Any:
        cancel.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    assert perform(work, call(7)) == Succeeded(7)
    failed = perform(hang, call(cancel=cancel))
    assert isinstance(failed, Failed)
    assert ended == [True]


def test_later_answers_nothing() -> None:
    assert perform(lambda data: LATER, call()) is None
    assert repr(LATER) == "LATER"


def lambda_task(function: Any, resource: str, given: Any) -> Any:
    found = Bindings.of({"f": function}).find(resource, given)
    assert found is not None
    return found.perform(call(given, resource))


def test_a_direct_function_gets_the_input_and_its_errors_are_lambdas() -> None:
    def fail(event: Any, context: Any) -> Any:
        raise ValueError(f"bad {event}")

    assert lambda_task(lambda event, context: [event, context.function_name], ARN, 5) == Succeeded([5, "f"])
    failed = lambda_task(fail, ARN, 5)
    assert failed.error == "ValueError"
    told = json.loads(failed.cause)
    assert (told["errorMessage"], told["errorType"]) == ("bad 5", "ValueError")
    assert list(told) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert failed.cause.startswith('{"errorMessage": "bad 5", ')


def test_an_invoked_function_gets_the_payload_and_answers_in_its_envelope() -> None:
    given = {"FunctionName": "f", "Payload": {"n": 1}}
    answer = lambda_task(lambda event: {"got": event}, INVOKE, given).output
    assert answer["Payload"] == {"got": {"n": 1}}
    assert answer["StatusCode"] == 200
    assert set(answer) == {"ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"}
    assert lambda_task(lambda event: event, INVOKE, {"FunctionName": ARN}).output["Payload"] == {}
    assert lambda_task(lambda event: 1, INVOKE, {**given, "InvocationType": "Event"}).output["StatusCode"] == 202


def test_an_invoked_functions_error_is_compact() -> None:
    def fail(event: Any) -> Any:
        raise RuntimeError("no")

    failed = lambda_task(fail, INVOKE, {"FunctionName": "f", "Payload": {}})
    assert failed.cause.startswith('{"errorMessage":"no","errorType":"RuntimeError",')


def test_the_context_is_what_lambda_handlers_ask_for() -> None:
    def ask(event: Any, context: Any) -> Any:
        return [context.aws_request_id, context.get_remaining_time_in_millis(), context.invoked_function_arn]

    once, again = (lambda_task(ask, ARN, {}).output for _ in range(2))
    assert once == again
    assert once[1:] == [900_000, ARN]


@pytest.mark.parametrize("raises", ["import os\nos.environ['NO_SUCH_SETTING']", "1 / 0", "raise SystemError"])
def test_a_module_that_raises_as_it_is_imported_is_wrong_settings(raises: str, tmp_path: Path) -> None:
    """A worker that comes upon it leaves the execution to others, and lives on."""
    (tmp_path / "raising.py").write_text(raises)
    with pytest.raises(InvalidSettings, match=r"cannot be imported: (KeyError|ZeroDivisionError|SystemError)"):
        find_task("raising:work", tmp_path)
