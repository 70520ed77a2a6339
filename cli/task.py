"""`task`: answers to tasks that wait for a token, from any shell on any machine that reaches the store.

Rule: an answer is durable once the command has ended with 0, whether or not anybody drives the execution.
"""

from __future__ import annotations

import click

from .executions import reader
from .options import read_input, store_option
from .output import say


@click.group("task")
def task_command() -> None:
    """Answer a task by its token (`statelang show NAME` tells it)."""


@task_command.command("success")
@click.argument("token", metavar="TOKEN")
@click.option("-i", "--output", "given", metavar="JSON|@FILE|-", help="The task's output. [default: {}]")
@store_option
def success_command(token: str, given: str | None, store: str | None) -> None:
    """The task has succeeded."""
    output = read_input(given)
    with reader(store) as engine:
        engine.send_task_success(token, {} if output is None else output)
    say("the answer is in the store")


@task_command.command("failure")
@click.argument("token", metavar="TOKEN")
@click.option("--error", help="The error's name, for Retry and Catch.")
@click.option("--cause", help="Why, for people.")
@store_option
def failure_command(token: str, error: str | None, cause: str | None, store: str | None) -> None:
    """The task has failed."""
    with reader(store) as engine:
        engine.send_task_failure(token, error, cause)
    say("the answer is in the store")


@task_command.command("heartbeat")
@click.argument("token", metavar="TOKEN")
@store_option
def heartbeat_command(token: str, store: str | None) -> None:
    """The task lives: its HeartbeatSeconds start again."""
    with reader(store) as engine:
        engine.send_task_heartbeat(token)
