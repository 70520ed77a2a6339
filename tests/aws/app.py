"""The function under test: two machines, and tasks that leave a line of each effect in a file (EFFECTS)."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import statelang.aws
from statelang import LATER, TaskCall, TaskError
from tests.aws import machines

LINE = 512
"""The length of every line of effects: none goes beyond a page, where a SIGKILL could tear its write in two."""


def _note(call: TaskCall, what: str) -> None:
    execution: Any = call.context["Execution"]
    line = json.dumps([execution["Name"], what, call.token, call.idempotency_key, call.attempt])
    assert len(line) < LINE
    line = line.ljust(LINE - 1) + "\n"
    file = os.open(os.environ["EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


def work(data: Any, call: TaskCall) -> Any:
    """Fails at first, one time in four."""
    _note(call, "work")
    if call.attempt == 0 and data["n"] % 4 == 1:
        raise TaskError("Flaky", "at first")
    return data["n"] * 10


def later(data: Any, call: TaskCall) -> Any:
    _note(call, "later")
    return LATER


def slow(data: Any, call: TaskCall) -> Any:
    _note(call, "slow")
    end = time.monotonic() + data["seconds"]
    while time.monotonic() < end and not call.cancel.is_set():
        call.cancel.wait(0.01)
    return {"took": data["seconds"]}


def echo(data: Any, call: TaskCall) -> Any:
    _note(call, "echo")
    return data


def hangs(data: Any, call: TaskCall) -> Any:
    _note(call, "hangs")
    time.sleep(data["seconds"])  # and heeds nothing
    return data


def breaks(data: Any) -> Any:
    raise ValueError("broken")


TASKS = {"work": work, "later": later, "slow": slow, "echo": echo, "hangs": hangs, "breaks": breaks}

ONLY = os.environ.get("ONLY")
"""The one machine, and the one task, of a function that knows no other."""

handler = statelang.aws.handler(
    [one for one in machines.ALL if ONLY in (None, one.name)],
    tasks=TASKS if ONLY is None else {"work": work},
    aws=bool(os.environ.get("AWS_TOO")),
    reserve_ms=int(os.environ.get("RESERVE_MS", "300")),
    expected_ms=int(os.environ.get("EXPECTED_MS", "50")),
)
