"""`run`, `start`, `worker`, `resume`, `redrive`: commands that drive executions.

Rule: Ctrl-C and SIGTERM end a command, never an execution: what was under way is given back and can be resumed.
"""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import click

from statelang.config import Settings, open_store
from statelang.core.execution import Execution, Step
from statelang.core.limits import AWS, Limits
from statelang.engine import Engine
from statelang.errors import JobLeft
from statelang.names import check_name, new_name
from statelang.ports import Store
from statelang.result import JsonText, Result, check_size
from statelang.state_machine import StateMachine
from statelang.tasks import Bindings

from .options import (
    bind_option,
    bindings,
    bindings_files,
    machine_and_bindings,
    output_option,
    policy_option,
    read_input,
    set_option,
    settings,
    shared_store,
    store_option,
    warn,
)
from .output import EXIT, print_json, result_json, say
from .progress import Progress, message, progress

GRACE_MS = 5_000
"""How long tasks under way may take to end after Ctrl-C, in milliseconds."""


@click.command("run")
@click.argument("file", metavar="FILE")
@click.option("-i", "--input", "given", metavar="JSON|@FILE|-", help="The input: JSON, a file, or stdin. [default: {}]")
@click.option("--name", help="The execution's name: the same name and input is the same execution.")
@click.option("--lift-limits", is_flag=True, help="Do without AWS's quotas (256 KiB payloads, 25,000 events, …).")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@store_option
@bind_option
@set_option
@policy_option
@output_option
def run_command(
    file: str,
    given: str | None,
    name: str | None,
    lift_limits: bool,
    quiet: bool,
    store: str | None,
    bind: tuple[str, ...],
    sets: tuple[str, ...],
    policy: str | None,
    output: str | None,
) -> None:
    """Run the state machine in FILE to its end, showing it live.

    The execution is durable: interrupted, it is resumed where it stood, by the same command or by `resume`. The
    bindings file beside the definition (order.asl.yaml: order.bindings.yaml) is used where --bind names none.
    """
    machine, bound = machine_and_bindings(file, bind, sets)
    text, chosen = read_input(given), settings()
    if not quiet:
        warn(machine)
    execution = _checked(machine, bound, text, name, Limits.lifted() if lift_limits else AWS)
    opened = open_store(store or chosen.store)
    with (
        progress(quiet=quiet) as shown,
        _engine(chosen, opened, bound, policy, shown, lift_limits, awaited=execution) as engine,
    ):
        if not quiet:
            say(f"{machine.name}: execution {execution}")

        def begin() -> str:
            return engine.start(machine, text, name=execution)

        result = _drive(engine, begin, execution)
    _end(result, chosen, store, bindings_files(bind, beside=file), output, told=shown.told)


@click.command("start")
@click.argument("file", metavar="FILE")
@click.option("-i", "--input", "given", metavar="JSON|@FILE|-", help="The input: JSON, a file, or stdin. [default: {}]")
@click.option("--name", help="The execution's name: the same name and input is the same execution.")
@store_option
@bind_option
@set_option
def start_command(
    file: str,
    given: str | None,
    name: str | None,
    store: str | None,
    bind: tuple[str, ...],
    sets: tuple[str, ...],
) -> None:
    """Start an execution of FILE and print its name; a worker drives it (`statelang worker`)."""
    machine, bound = machine_and_bindings(file, bind, sets)
    text = read_input(given)
    warn(machine)
    execution = _checked(machine, bound, text, name, AWS)
    chosen = settings()
    with _engine(chosen, shared_store(store, existing=False), bound, None, Progress()) as engine:
        click.echo(engine.start(machine, text, name=execution, drive=False))


def _checked(machine: StateMachine, bound: Bindings, text: JsonText | None, name: str | None, limits: Limits) -> str:
    """The name of the execution to start. What can be wrong with it is said before a store is made."""
    bound.check(machine.program.uses)
    check_size(text or "{}", limits)
    return check_name(new_name() if name is None else name)


@click.command("worker")
@click.option("--threads", type=click.IntRange(1, 1024), help="How many tasks may run at once. [default: 32]")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@store_option
@bind_option
@policy_option
def worker_command(
    threads: int | None, quiet: bool, store: str | None, bind: tuple[str, ...], policy: str | None
) -> None:
    """Drive every execution of the store that nobody else drives, until Ctrl-C or SIGTERM.

    Any number of workers may share a store. What this one cannot perform is left to others.
    """
    chosen, bound, ended = settings(), bindings(bind), threading.Event()
    _on_signals(lambda: ended.set())
    opened = shared_store(store, existing=False)
    with progress(quiet=quiet, named=True) as shown:
        engine = _engine(chosen, opened, bound, policy, shown, serve=True, threads=threads)
        say(f"driving the executions of {store or chosen.store}; Ctrl-C ends this, not them")
        try:
            while not ended.wait(0.2):
                engine.check()
        finally:
            engine.close(grace_ms=GRACE_MS)


def _going_on(how: Callable[[Engine, str], None]) -> click.Command:
    """A command that drives an execution of the store on; `how` it is begun is told by its name and docstring."""

    @click.argument("name", metavar="NAME")
    @click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
    @store_option
    @bind_option
    @policy_option
    @output_option
    def command(
        name: str, quiet: bool, store: str | None, bind: tuple[str, ...], policy: str | None, output: str | None
    ) -> None:
        chosen, bound = settings(), bindings(bind)
        opened = shared_store(store)
        with progress(quiet=quiet) as shown, _engine(chosen, opened, bound, policy, shown, awaited=name) as engine:
            result = _drive(engine, lambda: how(engine, name), name)
        _end(result, chosen, store, bindings_files(bind), output, told=shown.told)

    return click.command(how.__name__.removesuffix("_command"), help=how.__doc__)(command)


@_going_on
def resume_command(engine: Engine, name: str) -> None:
    """Drive the execution NAME on from where it stands, to its end."""
    status = engine.describe(name).status
    if status != "RUNNING":
        say(f"{name} has ended already: {status}")
    elif not engine.resume(name):
        say(f"another process drives {name}; this one waits for its end")


@_going_on
def redrive_command(engine: Engine, name: str) -> None:
    """Let the execution NAME, which ended without success, go on from the state that failed."""
    engine.redrive(name)


def _engine(
    chosen: Settings,
    store: Store,
    bound: Bindings,
    policy: str | None,
    shown: Progress,
    lift_limits: bool = False,
    serve: bool = False,
    threads: int | None = None,
    awaited: str | None = None,
) -> Engine:
    """The engine of a command. Who waits for `awaited` is told by an error that it cannot be driven: not twice."""

    def watch(execution: Execution, steps: Sequence[Step]) -> None:
        if not execution.started.map_run:  # a Map Run may have a million children
            with suppress(OSError):  # nobody looks any more: that stops no execution
                shown.committed(execution, steps)

    def trouble(name: str, problem: BaseException) -> None:
        if name != awaited or isinstance(problem, JobLeft):
            shown.trouble(name, problem)

    policies: Any = policy or chosen.policy
    return Engine(
        store,
        bindings=bound,
        policy=policies,
        limits=Limits.lifted() if lift_limits else AWS,
        threads=threads or chosen.threads,
        serve=serve,
        account=chosen.account,
        region=chosen.region,
        role_arn=chosen.role_arn,
        watch=watch,
        trouble=trouble,
    )


def _drive(engine: Engine, begin: Callable[[], object], name: str) -> Result:
    """Begin, and wait for the end of the execution, or for a signal: then it is given back as it stands."""
    stopped = threading.Event()
    _on_signals(stopped.set)
    begin()
    result = engine.wait(name, timeout=0)
    while result.status == "RUNNING" and not stopped.is_set():
        result = engine.wait(name, timeout=0.5, unless=stopped, drive=True)
    if result.status == "RUNNING":
        engine.close(grace_ms=GRACE_MS)
    return result


def _on_signals(do: Callable[[], None]) -> None:
    """Do something once on Ctrl-C or SIGTERM; a second one ends the process at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        do()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


def _end(
    result: Result, chosen: Settings, store: str | None, bind: tuple[str, ...], output: str | None, *, told: bool
) -> None:
    """Print how an execution ended, unless its progress `told`, and leave with its exit status."""
    kind = output or chosen.output
    if kind == "json":
        print_json(result_json(result))
    elif result.status == "SUCCEEDED":
        print_json(result.output)
    if result.status == "RUNNING" and (store or chosen.store).startswith("memory:"):
        say("it had not ended, and is gone with the store memory:; with --store sqlite:///runs.db it can be resumed")
    elif result.status == "RUNNING":
        words = ["statelang", "resume", result.name, "--store", store or chosen.store]
        for file in bind:
            words += ["--bind", file]
        say(f"still running; resume it with: {shlex.join(words)}")
    elif result.status != "SUCCEEDED" and kind != "json" and not told:
        cause = f": {message(result.cause)}" if result.cause else ""
        say(click.style(f"{result.status}: {result.error or 'no error was named'}{cause}", fg="red"))
    sys.exit(EXIT.get(result.status, 1))
