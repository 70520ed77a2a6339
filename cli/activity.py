"""`activity`: taking tasks of an activity, so that a worker in any language or place can do them.

Rule: a task that was taken is answered by its token, or timed out: it is not given out again.
"""

from __future__ import annotations

import shlex
import threading

import click

from statelang.core.resource import classify
from statelang.engine import Engine
from statelang.errors import InvalidInput
from statelang.ports import Failed, Succeeded, TaskCall
from statelang.reach import ActivityTask
from statelang.result import JsonText
from statelang.tasks.exec import exec_task

from .executions import reader
from .options import store_option
from .output import print_json, say

worker_option = click.option("--worker", metavar="NAME", help="What the worker calls itself, for the history.")


@click.group("activity")
def activity_command() -> None:
    """Take tasks of an activity, by its ARN."""


@activity_command.command("poll")
@click.argument("arn", metavar="ARN")
@click.option("--timeout", type=click.FloatRange(0), default=60.0, show_default=True, help="Seconds to wait for one.")
@worker_option
@store_option
def poll_command(arn: str, timeout: float, worker: str | None, store: str | None) -> None:
    """Take the next task and print it: {"taskToken": …, "input": …}. Exit 1: there was none.

    Answer it with `statelang task success TOKEN` or `failure`.
    """
    _check_arn(arn)
    with reader(store, fresh=True) as engine:
        task = engine.get_activity_task(arn, worker, timeout=timeout)
    if task is None:
        say("there was no task")
        raise SystemExit(1)
    print_json({"taskToken": task.token, "input": task.input})


@activity_command.command("work", context_settings={"ignore_unknown_options": True})
@click.argument("arn", metavar="ARN")
@click.argument("command", metavar="-- COMMAND…", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--once", is_flag=True, help="Do one task, or what is there now, and end.")
@worker_option
@store_option
def work_command(arn: str, command: tuple[str, ...], once: bool, worker: str | None, store: str | None) -> None:
    """Do tasks by a program until Ctrl-C: the input on its stdin, JSON or text on its stdout.

    Its exit status and stderr make the error where it fails, as for `exec:` bindings.
    """
    _check_arn(arn)
    with reader(store, fresh=True) as engine:
        say(f"taking tasks of {arn}; Ctrl-C ends this")
        while True:
            task = engine.get_activity_task(arn, worker, timeout=0 if once else 60.0)
            if task is not None:
                _do(engine, arn, task, command)
            if once:
                raise SystemExit(0 if task is not None else 1)


def _check_arn(arn: str) -> None:
    """Raises InvalidInput for what no state can name: its tasks would be waited for in vain."""
    if classify(arn).family != "Activity":
        raise InvalidInput(f"{arn!r} is no activity: write arn:aws:states:REGION:ACCOUNT:activity:NAME")


def _do(engine: Engine, arn: str, task: ActivityTask, command: tuple[str, ...]) -> None:
    call = TaskCall(
        resource=arn,
        input=task.input,
        token=task.token,
        idempotency_key=task.token,
        attempt=0,
        deadline=None,
        context={},
        cancel=threading.Event(),
        heartbeat=lambda: engine.send_task_heartbeat(task.token),
    )
    answer = exec_task(shlex.join(command), {}, None).perform(call)
    if isinstance(answer, Succeeded):
        engine.send_task_success(task.token, answer.output if answer.text is None else JsonText(answer.text))
    elif isinstance(answer, Failed):
        engine.send_task_failure(task.token, answer.error, answer.cause)
