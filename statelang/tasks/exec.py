"""Programs as tasks: JSON on stdin, JSON or text on stdout; exit status and stderr make the error.

Rule: a program runs in a process group of its own, and all of the group ends when its answer is not wanted any more.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from statelang.errors import InvalidInput, InvalidSettings
from statelang.ports import Answer, Failed, Succeeded, TaskCall
from statelang.values import Json, decode, encode

POLL_SECONDS: Final = 0.05
TERM_SECONDS: Final = 5.0
"""How long a program may take to end after SIGTERM before it gets SIGKILL."""

LONGEST_CAUSE: Final = 32_768
"""How much of stderr becomes the cause: what AWS allows a cause to have, in characters."""


@dataclass(frozen=True, slots=True)
class ExecTask:
    """A program: its words, the folder it runs in, what is added to its environment.

    `output` is "json" (stdout must be JSON), "text" (it is a text) or "auto" (JSON where it is JSON, else text).
    """

    words: tuple[str, ...]
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    output: str = "auto"

    def perform(self, call: TaskCall) -> Answer | None:
        """Run it and answer with what it wrote."""
        with TemporaryFile() as given:
            try:
                given.write(encode(call.input).encode())
                given.seek(0)
                process = self._start(call, given)
            except FileNotFoundError as problem:
                return Failed("Exec.NotFound", f"{self.words[0]}: {problem.strerror}: {problem.filename}")
            except OSError as problem:
                return Failed("Exec.CannotRun", f"{self.words[0]}: {problem.strerror or problem}")
        _running.add(process)
        try:
            with process:
                out, err = _communicate(process, call)
        finally:
            _running.discard(process)
        return self._answer(process.returncode, out, err)

    def _start(self, call: TaskCall, given: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.words,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={**os.environ, **_environment(call), **self.environment},
            start_new_session=True,
        )

    def _answer(self, status: int, out: bytes, err: bytes) -> Answer:
        if status != 0:
            return _failure(status, err.decode(errors="replace"))
        text = out.decode(errors="replace").strip()
        if self.output == "text":
            return Succeeded(text)
        if not text:
            return Succeeded(None)
        try:
            return Succeeded(decode(text), text)
        except InvalidInput as problem:
            if self.output == "json":
                return Failed("Exec.InvalidOutput", f"{self.words[0]}: stdout is {problem}")
            return Succeeded(text)


def _environment(call: TaskCall) -> Mapping[str, str]:
    execution, state = call.context.get("Execution", {}), call.context.get("State", {})
    told = {
        "STATELANG_TASK_TOKEN": call.token,
        "STATELANG_IDEMPOTENCY_KEY": call.idempotency_key,
        "STATELANG_ATTEMPT": str(call.attempt),
        "STATELANG_EXECUTION": execution.get("Name"),
        "STATELANG_STATE": state.get("Name"),
        "STATELANG_DEADLINE": None if call.deadline is None else str(call.deadline),
    }
    return {name: value for name, value in told.items() if value is not None}


def _communicate(process: subprocess.Popen[bytes], call: TaskCall) -> tuple[bytes, bytes]:
    """Take what a program writes, until it ends or its answer is not wanted any more.

    Its input is a file: `communicate` feeds no more of a pipe once it has timed out, and a program that reads late
    would wait for ever.
    """
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=POLL_SECONDS)
        if call.cancel.is_set():
            return _end(process)


def _end(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Ask the whole group to end, and make it end."""
    _signal(process, signal.SIGTERM)
    try:
        return process.communicate(timeout=TERM_SECONDS)
    except subprocess.TimeoutExpired:
        return b"", b""
    finally:
        _signal(process, signal.SIGKILL)  # those of the group that did not heed, whether or not the first one did


_running: Final[set[subprocess.Popen[bytes]]] = set()


def _end_all() -> None:
    """End every program that still runs: with this process end the threads that would see to it."""
    processes = list(_running)
    for process in processes:
        _signal(process, signal.SIGTERM)
    end = time.monotonic() + TERM_SECONDS
    while time.monotonic() < end and any(map(_alive, processes)):
        time.sleep(POLL_SECONDS)
    for process in processes:
        _signal(process, signal.SIGKILL)


def _alive(process: subprocess.Popen[bytes]) -> bool:
    """Whether anything of its group runs."""
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


atexit.register(_end_all)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _failure(status: int, stderr: str) -> Failed:
    """The error of a program that failed.

    A last line of stderr that is a JSON object with "Error" and "Cause" is the program's own word. Else the error is
    `Exec.` and the exit status or the signal's name, and the cause is the end of stderr.
    """
    text = stderr.strip()
    last = text.rpartition("\n")[2]
    if last.startswith("{"):
        with contextlib.suppress(InvalidInput):
            told = decode(last)
            if isinstance(told.get("Error"), str):
                cause = told.get("Cause")
                return Failed(told["Error"], cause if isinstance(cause, str) or cause is None else encode(cause))
    return Failed(f"Exec.{_name(status)}", text[-LONGEST_CAUSE:])


def _name(status: int) -> str:
    if status >= 0:
        return str(status)
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal{-status}"


def exec_task(rest: str, options: Mapping[str, Json], folder: Path | None) -> ExecTask:
    """The integration of `exec:command with 'its words'`; options: cwd, env, output. Raises InvalidSettings."""
    try:
        words = tuple(shlex.split(rest))
    except ValueError as problem:
        raise InvalidSettings(f"exec:{rest}: {problem}") from None
    if not words:
        raise InvalidSettings("exec: names no program")
    output = options.get("output", "auto")
    if output not in ("auto", "json", "text"):
        raise InvalidSettings(f"exec:{rest}: output must be auto, json or text, not {output!r}")
    place = options.get("cwd")
    if place is not None:
        folder = Path(place) if folder is None else folder / place
    return ExecTask(words, folder, _texts(options.get("env", {}), rest), output)


def _texts(value: Any, rest: str) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise InvalidSettings(f"exec:{rest}: env must be a mapping of names to texts")
    return {name: item if isinstance(item, str) else encode(item) for name, item in value.items()}
