"""Programs as tasks: real processes."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from statelang import Failed, Succeeded
from statelang.tasks.exec import exec_task
from tests.tasks.calls import call

PYTHON = sys.executable


def perform(code: str, given: Any = None, **options: Any) -> Any:
    """What a Python program of this text answers."""
    import shlex

    return exec_task(f"{PYTHON} -c {shlex.quote(code)}", options, None).perform(call(given))


def test_json_in_and_json_out() -> None:
    assert perform("import json, sys; print(json.dumps({'got': json.load(sys.stdin)}))", {"n": 1}) == Succeeded(
        {"got": {"n": 1}}, '{"got": {"n": 1}}'
    )


def test_text_and_nothing() -> None:
    assert perform("print('all is well')") == Succeeded("all is well")
    assert perform("pass") == Succeeded(None)
    assert perform("print('[1]')", output="text") == Succeeded("[1]")
    assert perform("print('no json')", output="json").error == "Exec.InvalidOutput"


def test_the_exit_status_and_stderr_make_the_error() -> None:
    assert perform("import sys; print('disk is gone', file=sys.stderr); sys.exit(3)") == Failed(
        "Exec.3", "disk is gone"
    )
    assert perform("import os; os.kill(os.getpid(), 15)").error == "Exec.SIGTERM"


def test_a_program_may_name_its_own_error() -> None:
    told = json.dumps({"Error": "Bank.Busy", "Cause": "later"})
    code = f"import sys; print('log'); print('noise\\n' + {told!r}, file=sys.stderr); sys.exit(1)"
    assert perform(code) == Failed("Bank.Busy", "later")


def test_what_is_no_program() -> None:
    failed = exec_task("no-such-program-anywhere --x", {}, None).perform(call())
    assert isinstance(failed, Failed)
    assert failed.error == "Exec.NotFound"
    folder = exec_task("/tmp", {}, None).perform(call())
    assert isinstance(folder, Failed)
    assert folder.error == "Exec.CannotRun"


def test_the_environment_tells_what_the_task_is() -> None:
    code = (
        "import os, json; print(json.dumps({k: v for k, v in os.environ.items() if 'STATELANG_' in k or k == 'MINE'}))"
    )
    told = perform(code, env={"MINE": "yes"}).output
    assert told["STATELANG_TASK_TOKEN"] == "e.1.00"
    assert told["STATELANG_IDEMPOTENCY_KEY"] == "e.0.2"
    assert told["STATELANG_ATTEMPT"] == "0"
    assert told["STATELANG_EXECUTION"] == "e"
    assert told["STATELANG_STATE"] == "S"
    assert told["MINE"] == "yes"


def test_much_output_and_much_input_do_not_block() -> None:
    big = "x" * 1_000_000
    assert perform("import sys; sys.stdout.write(sys.stdin.read())", big) == Succeeded(big, f'"{big}"')


def test_much_input_reaches_a_program_that_reads_late() -> None:
    big = "x" * 1_000_000
    late = "import sys, time; time.sleep(0.2); sys.stdout.write(sys.stdin.read())"
    assert perform(late, big) == Succeeded(big, f'"{big}"')


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX")
@pytest.mark.parametrize("heeds", [True, False], ids=["heeds SIGTERM", "needs SIGKILL"])
def test_the_whole_group_ends_on_cancel(heeds: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that has started a child of its own: both are gone."""
    monkeypatch.setattr("statelang.tasks.exec.TERM_SECONDS", 0.3)
    pids, cancel = tmp_path / "pids", threading.Event()
    ignore = "" if heeds else "trap '' TERM; "
    script = f"{ignore}sleep 60 & echo $! $$ > {pids}; wait; sleep 60"
    task = exec_task(f'sh -c "{script}"', {}, None)
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(task.perform(call(cancel=cancel))))
    thread.start()
    while not (pids.exists() and pids.read_text().strip()):
        time.sleep(0.01)
    cancel.set()
    thread.join(10)
    assert isinstance(answers[0], Failed)
    for pid in pids.read_text().split():
        _gone(int(pid))


def _gone(pid: int) -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").exists() and " Z " in Path(f"/proc/{pid}/stat").read_text():
                return
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")
