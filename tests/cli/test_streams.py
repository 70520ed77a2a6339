"""What becomes of a command whose streams are closed, full, read by nobody, or in another encoding."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_cli import PASS, Run, begin, run, write  # noqa: F401

SHELL = f"{sys.executable} -m statelang"


def shell(tmp_path: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell, in which `statelang` is the command."""
    return subprocess.run(
        ["bash", "-c", line.replace("statelang ", f"{SHELL} ")],
        cwd=tmp_path,
        capture_output=True,
        encoding="latin-1" if environment.get("PYTHONIOENCODING") == "latin-1" else "utf-8",
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def test_a_closed_pipe_is_no_trouble(run: Run, tmp_path: Path) -> None:  # noqa: F811
    write(tmp_path, "pass.asl.json", PASS)
    run("run", "pass.asl.json", "--name", "a")
    ran = shell(tmp_path, "statelang history a -o json | true; echo ${PIPESTATUS[0]}")
    assert ran.stderr == ""
    assert ran.stdout == "141\n"


def test_who_reads_the_progress_no_more_stops_no_execution(tmp_path: Path) -> None:
    wait = {"Type": "Wait", "Seconds": 1}
    states = {"A": {**wait, "Next": "B"}, "B": {**wait, "Next": "C"}, "C": {"Type": "Succeed"}}
    write(tmp_path, "wait.asl.json", {"StartAt": "A", "States": states})
    ran = shell(tmp_path, "statelang run wait.asl.json --name w 2>&1 >out | head -1; echo ${PIPESTATUS[0]}")
    assert ran.stdout == "wait: execution w\n0\n"
    assert (tmp_path / "out").read_text() == "{}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    for line in ("statelang schema", "statelang convert pass.asl.json", "statelang run pass.asl.json"):
        ran = shell(tmp_path, f"{line} > /dev/full")
        assert ran.returncode == 2, line
        assert ran.stderr.endswith("error: what was to be written could not be: No space left on device\n")


def test_stdin_that_is_closed_is_empty(tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    ran = shell(tmp_path, "statelang run pass.asl.json -i - <&-")
    assert ran.stderr == "error: stdin: is empty, and must be JSON\n"


def test_ctrl_c_where_nothing_is_driven(run: Run, tmp_path: Path) -> None:  # noqa: F811
    write(tmp_path, "wait.asl.json", {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 60, "End": True}}})
    run("start", "wait.asl.json", "--name", "w")
    follower = begin(tmp_path, "history", "w", "--follow")
    assert follower.stdout is not None
    assert "ExecutionStarted" in follower.stdout.readline()
    follower.send_signal(signal.SIGINT)
    assert follower.communicate(timeout=20)[1].strip() == ""
    assert follower.returncode == 130


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
    ],
    ids=str,
)
def test_every_text_comes_through_every_locale(environment: dict[str, str], tmp_path: Path) -> None:
    states = {"Übergabe – 日本": {"Type": "Pass", "Parameters": {"got.$": "$"}, "End": True}}
    write(tmp_path, "p.asl.json", {"Comment": "Grüße – 日本", "StartAt": "Übergabe – 日本", "States": states})
    ran = shell(tmp_path, """statelang run p.asl.json --name p -i '{"a": "ö – 日"}'""", **environment)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"got": {"a": "ö – 日"}}
    for line in ("explain p.asl.json", "graph p.asl.json", "history p", "validate p.asl.json", "show p"):
        told = shell(tmp_path, f"statelang {line}", **environment)
        assert (told.returncode, "Traceback" in told.stderr) == (0, False), told.stderr


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "junit"])
def test_a_file_whose_name_is_no_text_is_checked_too(form: str, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"a\xff.asl.json")).write_text('{"StartAt": 1}')
    ran = shell(tmp_path, f"statelang validate . -o {form}")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert ".asl.json" in ran.stdout
