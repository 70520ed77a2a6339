"""The command as users run it: real processes, real files, real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.machines import DEFINITIONS
from tests.shared import ROOT

QUOTE = DEFINITIONS / "quote" / "quote.asl.json"
BIND = DEFINITIONS / "quote" / "quote.bindings.yaml"
APPROVAL = DEFINITIONS / "approval" / "approval.asl.yaml"
LEAVES = {"number": 2, "cover": "car", "visit": {"email": "grace@example.com", "clicks": 6, "minutes": 8}}
STATELANG = [sys.executable, "-c", "from statelang_cli.main import main; main()"]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command in an empty folder."""

    def run(*words: str, input: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*STATELANG, *words],
            cwd=tmp_path,
            input=input,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **environment},
            check=False,
        )

    return run


def begin(tmp_path: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """The command in the background."""
    return subprocess.Popen(
        [*STATELANG, *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def shown(process: subprocess.Popen[str], word: str) -> None:
    """Wait until the progress of a command shows a word: at once, where asking would take a process of its own."""
    assert process.stderr is not None
    assert any(word in line for line in process.stderr)


def until(true: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found


def write(tmp_path: Path, name: str, definition: Any) -> str:
    (tmp_path / name).write_text(definition if isinstance(definition, str) else json.dumps(definition))
    return name


PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
RESULT = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true, "Result": %s}}}'
YAML = "StartAt: A\nStates:\n"
FAIL = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}


def test_help_names_every_command_and_every_command_has_help(run: Run) -> None:
    from statelang_cli.main import COMMANDS

    shown = run("--help")
    assert shown.returncode == 0
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", shown.stdout, re.MULTILINE)
        told = run(name, "--help")
        assert told.returncode == 0, told.stderr
        assert "Usage:" in told.stdout


def test_the_readme_names_every_command() -> None:
    from statelang_cli.main import COMMANDS

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [name for name in COMMANDS if f"statelang {name}" not in text]


def test_run_prints_the_output_and_tells_the_way_on_stderr(run: Run) -> None:
    ran = run("run", str(QUOTE), "-i", json.dumps(LEAVES), "--set", "AbandonedAfterSeconds=0", "--name", "q")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["followUp"] == {"channel": "e-mail", "about": "Q-2"}
    assert "Watch for abandonment" in ran.stderr
    assert "SUCCEEDED" in ran.stderr
    again = run("run", str(QUOTE), "-i", json.dumps(LEAVES), "--set", "AbandonedAfterSeconds=0", "--name", "q", "-q")
    assert again.stdout == ran.stdout
    assert again.stderr == ""


def test_run_reads_input_from_a_file_and_from_stdin(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    write(tmp_path, "input.json", '{"from": "file"}')
    assert json.loads(run("run", "pass.asl.json", "-i", "@input.json").stdout) == {"from": "file"}
    assert json.loads(run("run", "pass.asl.json", "-i", "-", input='{"from": "stdin"}').stdout) == {"from": "stdin"}


def test_a_failed_execution_ends_with_1(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "fail.asl.json", FAIL)
    ran = run("run", "fail.asl.json")
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "FAILED: Broken: on purpose" in ran.stderr
    told = json.loads(run("run", "fail.asl.json", "-o", "json", "--name", "f").stdout)
    assert told == {"name": "f", "status": "FAILED", "error": "Broken", "cause": "on purpose"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("broken.asl.json", '{"StartAt": "A",\n "States": }', r":2:12"),
        ("broken.asl.yaml", "StartAt: A\nStates: {", r":\d+"),
        ("wrong.asl.json", '{"StartAt": "A",\n "States": {"A": {"Type": "Pas", "End": true}}}', r":2:\d+.*\n?.*Pass"),
        ("missing.asl.yaml", f"{YAML}  A: {{Type: Pass, Next: B}}\n", r":3:\d+.*MISSING_TRANSITION_TARGET"),
        ("field.asl.yaml", f"{YAML}  A: {{Type: Pass, Ende: true}}\n", r":3.*\n?.*End"),
        ("deep.asl.json", '{"a":' * 500 + "1" + "}" * 500, r":1:\d+.*nested"),
        ("number.asl.json", RESULT % "1e999", r":1:\d+"),
        ("digits.asl.json", RESULT % ("9" * 5000), r":1:\d+"),
        ("lone.asl.json", RESULT % '"\\ud800"', r":1:\d+.*surrogate"),
        ("list.asl.json", "[1]", r""),
        ("empty.asl.json", "", r""),
        ("unset.asl.yaml", f"{YAML}  A: {{Type: Pass, Result: '${{Region}}', End: true}}\n", r":3:\d+.*--set Region"),
    ],
)
def test_a_definition_that_is_wrong_is_told_with_its_place(
    name: str, text: str, said: str, run: Run, tmp_path: Path
) -> None:
    write(tmp_path, name, text)
    ran = run("run", name)
    assert ran.returncode == 2
    assert re.search(re.escape(name) + said, ran.stderr), ran.stderr
    assert "Traceback" not in ran.stderr
    assert not list(tmp_path.glob("*.db*"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"a": }', r"--input.*:1:7"),
        ('{\n "a": 1,\n "a" 2}', r":3:\d+"),
        ('{"a": 1e999}', r":1:7"),
        ('{"a": ' + "9" * 4_301 + "}", r":1:7"),
        ('{"a": "\\ud800"}', r":1:\d+.*surrogate"),
        ("[" * 5_000 + "]" * 5_000, r"nested"),
        ("NaN", r":1:1"),
        ("", r"--input"),
        ("@nothing.json", r"nothing\.json: No such file"),
    ],
)
def test_an_input_that_is_wrong_is_told_with_its_place(given: str, said: str, run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    ran = run("run", "pass.asl.json", "-i", given)
    assert ran.returncode == 2
    assert re.search(said, ran.stderr), ran.stderr[:2_000]
    assert "Traceback" not in ran.stderr
    assert "RUNNING" not in run("list").stdout


def test_an_input_of_ten_megabytes_is_refused_by_its_size(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    write(tmp_path, "big.json", json.dumps({"x": ["y" * 100] * 100_000}))
    ran = run("run", "pass.asl.json", "-i", "@big.json", "--name", "big")
    assert ran.returncode == 2
    assert "262,144" in ran.stderr
    assert run("show", "big").returncode == 2
    lifted = run("run", "pass.asl.json", "-i", "@big.json", "--name", "big", "--lift-limits")
    assert lifted.returncode == 0


def test_wrong_usage_ends_with_2(run: Run) -> None:
    assert run("rum").returncode == 2
    assert "Did you mean 'run'?" in run("rum").stderr
    assert run("run").returncode == 2
    assert run("run", "none.asl.json").returncode == 2
    assert run("run", str(QUOTE), "--set", "novalue").returncode == 2
    assert run("show", "nobody").returncode == 2
    assert run("list", "--store", "redis://x").returncode == 2
    assert run("resume", "nobody").returncode == 2


def test_an_unbound_resource_is_refused_with_what_there_is(run: Run, tmp_path: Path) -> None:
    values = "substitutions: {Region: r, Account: '1', AbandonedAfterSeconds: 1}"
    (tmp_path / "none.yaml").write_text(f"{values}\nresources: {{other: 'python:json:loads'}}\n")
    ran = run("run", str(QUOTE), "--bind", "none.yaml")
    assert ran.returncode == 2
    assert "score-intent" in ran.stderr
    assert "bound are: other" in ran.stderr
    assert not (tmp_path / "statelang.db").exists()


def test_killed_at_work_it_is_resumed_where_it_stood(run: Run, tmp_path: Path) -> None:
    words = ("run", str(QUOTE), "-i", json.dumps(LEAVES), "--set", "AbandonedAfterSeconds=2", "--name", "killed")
    process = begin(tmp_path, *words)
    shown(process, "Watch for abandonment")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "nobody drives it" in run("show", "killed").stdout
    before = run("history", "killed", "-o", "json").stdout
    assert run("resume", "killed").returncode == 2, "nothing is bound here"
    resumed = run("resume", "killed", "--bind", str(BIND))
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["followUp"]["about"] == "Q-2"
    after = run("history", "killed", "-o", "json").stdout
    assert after.startswith(before)
    assert after.count("Identify customer") == 2, "entered and exited once"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_resumable_execution_and_says_how(number: int, run: Run, tmp_path: Path) -> None:
    words = ("run", str(QUOTE), "-i", json.dumps(LEAVES), "--set", "AbandonedAfterSeconds=2", "--name", "left")
    process = begin(tmp_path, *words)
    shown(process, "Watch for abandonment")
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 3
    (hint,) = re.findall(r"resume it with: statelang (.*)", told)
    resumed = run(*hint.split())
    assert resumed.returncode == 0, resumed.stderr
    assert not list(tmp_path.glob("*-owner-*"))


def test_one_runs_another_looks_follows_answers(run: Run, tmp_path: Path) -> None:
    """A person approves from another terminal."""
    words = ("run", str(APPROVAL), "-i", '{"who": "ada", "amount": 42000}', "--name", "ask", "-q")
    process = begin(tmp_path, *words)
    until(lambda: "waiting for its answer" in run("show", "ask").stdout)
    follower = begin(tmp_path, "history", "ask", "--follow", "-o", "json")
    token = json.loads(run("show", "ask", "--query", "$.positions[0].token").stdout)
    assert "driven now" in run("list").stdout
    assert run("task", "heartbeat", token).returncode == 0
    assert run("task", "success", token + "0", "-i", "{}").returncode == 2
    assert run("task", "success", token, "-i", '{"decision": "approved", "by": "grace"}').returncode == 0
    out, _ = process.communicate(timeout=20)
    assert json.loads(out)["payment"] == {"paid": 42000, "to": "ada"}
    followed, _ = follower.communicate(timeout=20)
    events = [json.loads(line) for line in followed.splitlines()]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "ExecutionSucceeded"
    assert run("task", "failure", token).returncode == 2


def test_stop_and_redrive_from_another_process(run: Run, tmp_path: Path) -> None:
    words = ("run", str(APPROVAL), "-i", '{"who": "ada", "amount": 42000}', "--name", "ask", "-q")
    process = begin(tmp_path, *words)
    until(lambda: "waiting for its answer" in run("show", "ask").stdout)
    stopped = run("stop", "ask", "--error", "Enough", "--cause", "too late")
    assert "ABORTED" in stopped.stderr
    process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Enough" in run("list").stdout
    redriven = begin(tmp_path, "redrive", "ask", "--bind", str(APPROVAL.with_name("approval.bindings.yaml")), "-q")
    until(lambda: "waiting for its answer" in run("show", "ask").stdout)
    token = json.loads(run("show", "ask", "--query", "$.positions[0].token").stdout)
    run("task", "failure", token, "--error", "States.Timeout")
    redriven.communicate(timeout=20)
    assert redriven.returncode == 1
    assert "Expense.Unanswered" in run("show", "ask").stdout


def test_a_worker_drives_what_was_started(run: Run, tmp_path: Path) -> None:
    started = run("start", str(QUOTE), "-i", json.dumps(LEAVES), "--set", "AbandonedAfterSeconds=1", "--name", "s")
    assert started.stdout == "s\n"
    assert "nobody drives it" in run("list").stdout
    worker = begin(tmp_path, "worker", "--bind", str(BIND))
    until(lambda: "SUCCEEDED" in run("list").stdout)
    worker.send_signal(signal.SIGTERM)
    _, told = worker.communicate(timeout=20)
    assert worker.returncode == 0
    assert "s Follow up" in told


def test_the_list_says_until_when_one_waits_that_nobody_has_to_drive(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "w.asl.json", {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": True}}})
    run("start", "w.asl.json", "--name", "w")
    worker = begin(tmp_path, "worker")
    try:
        until(lambda: re.search(r"waits until 2\d{3}-.+Z at the latest", run("list").stdout))
    finally:
        worker.terminate()
        worker.communicate(timeout=20)


def test_settings_are_read_from_the_nearest_file(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    (tmp_path / "statelang.toml").write_text('store = "sqlite:///mine.db"\noutput = "json"\n')
    assert json.loads(run("run", "pass.asl.json").stdout)["status"] == "SUCCEEDED"
    assert (tmp_path / "mine.db").exists()
    (tmp_path / "statelang.toml").write_text('stor = "x"\n')
    wrong = run("list")
    assert wrong.returncode == 2
    assert "'stor'" in wrong.stderr


def test_settings_mean_one_store_wherever_in_the_project_one_stands(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    (tmp_path / "statelang.toml").write_text('store = "mine.db"\n')
    (tmp_path / "below").mkdir()
    ran = subprocess.run([*STATELANG, "run", "../pass.asl.json"], cwd=tmp_path / "below", check=False)
    assert ran.returncode == 0
    assert (tmp_path / "mine.db").exists()
    assert not list((tmp_path / "below").iterdir())


@pytest.mark.parametrize("line", ['policy = "fast"', 'output = "xml"'])
def test_a_setting_that_is_no_choice_is_refused_with_its_file(line: str, run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    (tmp_path / "statelang.toml").write_text(f"{line}\n")
    wrong = run("run", "pass.asl.json")
    assert wrong.returncode == 2
    assert "statelang.toml" in wrong.stderr
    assert line.split('"')[1] in wrong.stderr


def test_an_input_that_is_the_name_of_a_file_is_told_how_to_be_one(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    (tmp_path / "input.json").write_text("{}")
    assert "write -i @input.json" in run("run", "pass.asl.json", "-i", "input.json").stderr
    broken = run("run", "pass.asl.json", "-i", "{name: 1}").stderr
    assert "Unrecognized token 'name'" in broken
    assert broken.count("[Source") <= 1


ASKING = (
    "list", "show x", "history x", "stop x", "resume x", "redrive x", "map-run list x", "map-run show x",
    "map-run set x --max-concurrency 1", "task success t", "task failure t", "task heartbeat t", "graph --execution x",
    "explain --execution x", "store info", "store check", "store backup copy.db", "store prune --older-than 1d",
)  # fmt: skip
"""Commands that look, or go on with what is there."""


@pytest.mark.parametrize("words", ASKING)
@pytest.mark.parametrize("named", [["--store", "runz.db"], []], ids=["named", "default"])
def test_a_store_that_is_not_there_is_not_made_by_who_asks(
    words: str, named: list[str], run: Run, tmp_path: Path
) -> None:
    asked = run(*words.split(), *named)
    assert asked.returncode == 2
    assert re.search(f"there is no store .*{'runz' if named else 'statelang'}.db", asked.stderr)
    assert not list(tmp_path.iterdir())


def test_a_worker_whose_bindings_are_wrong_makes_no_store(run: Run, tmp_path: Path) -> None:
    assert run("worker", "--bind", "nowhere.yaml").returncode == 2
    assert not list(tmp_path.iterdir())


def test_what_runs_and_is_worth_a_look_is_told(run: Run, tmp_path: Path) -> None:
    lost = {"Type": "Pass", "Comment": "statelang: ignore SL008", "Next": "A"}
    write(tmp_path, "warned.asl.json", {"StartAt": "A", "States": {**PASS["States"], "Lost": lost}})
    warned = r"warned.asl.json:1:\d+: warning SL001: .*Lost"
    assert re.search(warned, run("run", "warned.asl.json").stderr)
    assert re.search(warned, run("start", "warned.asl.json").stderr)
    assert run("run", "warned.asl.json", "--quiet").stderr == ""
    write(tmp_path, "statelang.toml", 'ignore = ["SL001"]')
    assert "SL001" not in run("run", "warned.asl.json").stderr
    (tmp_path / "statelang.toml").unlink()
    lost["Comment"] = "statelang: ignore SL001"
    write(tmp_path, "warned.asl.json", {"StartAt": "A", "States": {**PASS["States"], "Lost": lost}})
    assert "warning" not in run("run", "warned.asl.json").stderr


def test_the_package_is_the_command(tmp_path: Path) -> None:
    write(tmp_path, "fail.asl.json", FAIL)
    asked = [sys.executable, "-m", "statelang"]
    ran = subprocess.run(
        [*asked, "run", "fail.asl.json"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 1
    assert "FAILED: Broken: on purpose" in ran.stderr
    wrong = subprocess.run([*asked, "rum"], capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 2
    assert "Usage: statelang " in wrong.stderr


def test_an_execution_that_has_ended_is_resumed_by_telling_how(run: Run, tmp_path: Path) -> None:
    ran = run("run", str(QUOTE), "-i", json.dumps(LEAVES), "--set", "AbandonedAfterSeconds=0", "--name", "q", "-q")
    again = run("resume", "q")  # nothing is bound here, and nothing need be
    assert (again.returncode, again.stdout) == (0, ran.stdout)
    assert "q has ended already: SUCCEEDED" in again.stderr
    write(tmp_path, "fail.asl.json", FAIL)
    first = run("run", "fail.asl.json", "--name", "f")
    assert first.stderr.count("FAILED") == 1
    for words in (("resume", "f"), ("run", "fail.asl.json", "--name", "f"), ("resume", "f", "--quiet")):
        told = run(*words)
        assert told.returncode == 1
        assert "FAILED: Broken: on purpose" in told.stderr


def test_whoever_resumes_what_is_driven_waits_and_says_so(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "wait.asl.json", {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 600, "End": True}}})
    first = begin(tmp_path, "run", "wait.asl.json", "--name", "w")
    shown(first, " A")
    second = begin(tmp_path, "resume", "w")
    shown(second, "another process drives w")
    assert run("stop", "w").returncode == 0
    for process in (first, second):
        process.communicate(timeout=30)
        assert process.returncode == 1


def test_the_progress_says_of_which_item_it_speaks(run: Run, tmp_path: Path) -> None:
    retry = [{"ErrorEquals": ["Exec.3"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    try_it = {"Type": "Task", "Resource": "exec:sh -c 'read code; exit $code'", "Retry": retry, "End": True}
    one = {"StartAt": "First", "States": {"First": {"Type": "Pass", "Next": "Try"}, "Try": try_it}}
    each = {"Type": "Map", "ItemProcessor": one, "End": True}
    write(tmp_path, "each.asl.json", {"StartAt": "Each", "States": {"Each": each}})
    told = [line.partition(" ")[2] for line in run("run", "each.asl.json", "-i", "[0, 3]").stderr.splitlines()]
    assert told[1] == "Each"
    assert {"Each > 0 > First", "Each > 1 > First", "Each > 0 > Try", "Each > 1 > Try"} <= set(told)
    assert "  Each > 1: failed: Exec.3" in told


def test_a_name_that_is_empty_is_no_name(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    refused = run("run", "pass.asl.json", "--name", "")
    assert refused.returncode == 2
    assert "the execution name '' has 0 characters; it needs 1 to 80" in refused.stderr
    assert not (tmp_path / "statelang.db").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run pass.asl.json -i @", "-i @ names no file"),
        ("run pass.asl.json --store .", ": is a folder"),
        ("run pass.asl.json --store no/where.db", "there is no folder "),
        ("list --map-run none", "there is no Map Run 'none'"),
        ("store backup no/where.db", "there is no folder "),
        ("convert pass.asl.json --to pass.txt", "say with -o what it is to be"),
        ("validate none*.json pass.asl.json", "2 file(s): 0 error(s), 1 cannot be read"),
        ("validate empty", "there is no definition in this folder"),
        ("fmt --check empty", "there is no definition in this folder"),
    ],
)
def test_what_is_wrong_is_said(words: str, said: str, run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    (tmp_path / "empty").mkdir()
    run("run", "pass.asl.json")
    told = run(*words.split())
    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr


def test_an_age_beyond_all_time_prunes_nothing(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    run("run", "pass.asl.json")
    assert "0 execution(s) removed" in run("store", "prune", "--older-than", f"{10**20}d").stderr


def test_validate_reads_stdin(run: Run) -> None:
    told = run("validate", "-", "--stdin-name", "x.asl.yaml", input="StartAt: A\nStates: {A: {Type: Pas}}\n")
    assert told.returncode == 1
    assert told.stdout.startswith("x.asl.yaml:2:")
    assert run("validate", "-", input=json.dumps(PASS)).returncode == 0


def test_what_is_no_activity_is_not_waited_for(run: Run) -> None:
    refused = run("activity", "poll", "arn:aws:lambda:eu-west-1:111122223333:function:dig")
    assert refused.returncode == 2
    assert "is no activity" in refused.stderr


def test_files_that_cannot_be_read_are_counted(run: Run) -> None:
    asked = run("validate", "nowhere.asl.json")
    assert asked.returncode == 2
    assert "1 file(s): 0 error(s), 1 cannot be read" in asked.stderr


def test_a_machine_that_is_bound_is_run_by_its_parent(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "ship.asl.json", PASS)
    parameters = {"StateMachineArn": "arn:aws:states:eu-west-1:111122223333:stateMachine:ship", "Input": {"a": 1}}
    task = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": parameters}
    output = {"ResultSelector": {"shipped.$": "$.Output"}, "End": True}
    write(tmp_path, "order.asl.json", {"StartAt": "Ship", "States": {"Ship": {**task, **output}}})
    write(tmp_path, "order.bindings.json", {"machines": {"arn:aws:states:*:stateMachine:ship": "ship.asl.json"}})
    ran = run("run", "order.asl.json", "-q")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"shipped": {"a": 1}}
    assert run("start", "order.asl.json", "--name", "left").stdout == "left\n"
    write(tmp_path, "order.bindings.json", {"machines": {"arn:aws:states:*:stateMachine:pack": "ship.asl.json"}})
    refused = run("run", "order.asl.json")
    assert refused.returncode == 2
    assert "state 'Ship'" in refused.stderr


def test_aws_is_asked_only_where_it_is_said(run: Run, tmp_path: Path) -> None:
    parameters = {"TableName": "t", "Key": {"id": {"S": "1"}}}
    task = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": parameters, "End": True}
    write(tmp_path, "get.asl.json", {"StartAt": "Get", "States": {"Get": task}})
    refused = run("run", "get.asl.json")
    assert refused.returncode == 2
    assert "--bind aws:" in refused.stderr
    nowhere = 'aws = {endpoint = "http://127.0.0.1:9", region = "us-east-1"}\n'
    (tmp_path / "statelang.toml").write_text(nowhere)
    failed = run("run", "get.asl.json", "-o", "json")
    assert json.loads(failed.stdout)["error"] == "DynamoDB.SdkClientException"


def test_query_picks_from_the_json(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    for name in ("a", "b"):
        run("run", "pass.asl.json", "--name", name, "-i", '{"n": [1, 2]}')
    assert run("list", "--query", "$[*].name").stdout == '"b"\n"a"\n'
    assert run("show", "a", "--query", "$.input.n[*]").stdout == "1\n2\n"
    assert run("history", "a", "--query", "$.type").stdout.splitlines()[0] == '"ExecutionStarted"'
    assert run("list", "--query", "$[").returncode == 2


def test_validate_tells_every_problem(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "two.asl.yaml", "StartAt: B\nStates:\n  A: {Type: Pass, Next: C}\n")
    write(tmp_path, "good.asl.json", PASS)
    ran = run("validate", "two.asl.yaml", "good.asl.json")
    assert ran.returncode == 1
    assert ran.stdout.count("two.asl.yaml:") >= 2
    told = json.loads(run("validate", "two.asl.yaml", "-o", "json").stdout)
    assert {"file", "line", "column", "pointer", "severity", "code", "message"} <= set(told[0])
    assert run("validate", "good.asl.json").returncode == 0
    assert run("validate", "none.asl.json").returncode == 2
    for file in DEFINITIONS.glob("*/*.asl.*"):
        assert run("validate", str(file), "--strict").returncode == 0


def test_the_store_is_looked_after(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    run("run", "pass.asl.json")
    assert json.loads(run("store", "info", "-o", "json").stdout)["executions"] == {"SUCCEEDED": 1}
    assert run("store", "check").returncode == 0
    assert run("store", "backup", "copy.db").returncode == 0
    assert run("store", "backup", "copy.db").returncode == 2
    assert "0 execution" in run("store", "prune", "--older-than", "1h").stderr
    time.sleep(0.01)
    assert "1 execution" in run("store", "prune", "--older-than", "0s").stderr
    assert run("store", "prune", "--older-than", "soon").returncode == 2
    assert "SUCCEEDED" in run("list", "--store", "copy.db").stdout


def test_a_store_that_is_not_ours_is_left_alone(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "pass.asl.json", PASS)
    (tmp_path / "letter.db").write_text("Dear Sir or Madam,\n" * 100)
    ran = run("run", "pass.asl.json", "--store", "sqlite:///letter.db")
    assert ran.returncode == 2
    assert "not a Statelang store" in ran.stderr
    assert (tmp_path / "letter.db").read_text().startswith("Dear Sir")


def test_a_program_whose_time_is_up_is_gone_when_the_command_is(run: Run, tmp_path: Path) -> None:
    script = "sleep 300 & echo $! > pid; wait"
    task = {"Type": "Task", "Resource": f"exec:sh -c '{script}'", "TimeoutSeconds": 1, "End": True}
    definition = write(tmp_path, "hangs.asl.json", {"StartAt": "A", "States": {"A": task}})
    assert "States.Timeout" in run("run", definition).stderr
    state = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    until(lambda: not state.exists() or " Z " in state.read_text(), 5)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "."], "Is a directory"),
        (["run", "ok.json", "-i", ""], "--input: is empty"),
        (["run", "ok.json", "-i", "{bad"], "--input:1:2"),
        (["run", "ok.json", "-i", "@deep"], "deep: nested deeper than 300 levels"),
        (["run", "ok.json", "-i", "@large"], "at most 262,144"),
        (["run", "ok.json", "--name", "a b"], "AWS does not allow"),
        (["start", "ok.json", "--name", "a:b"], "AWS does not allow"),
        (["run", "unbound.json"], "nobody.here"),
    ],
)
def test_what_is_wrong_with_a_start_is_said_before_a_store_is_made(
    words: list[str], told: str, run: Run, tmp_path: Path
) -> None:
    write(tmp_path, "ok.json", PASS)
    task = {"Type": "Task", "Resource": "python:nobody.here:f", "End": True}
    write(tmp_path, "unbound.json", {"StartAt": "A", "States": {"A": task}})
    write(tmp_path, "deep", "[" * 100_000 + "]" * 100_000)
    write(tmp_path, "large", json.dumps("x" * 300_000))
    done = run(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""
    assert not list(tmp_path.glob("*.db*"))


def test_a_worker_says_what_it_cannot_drive(run: Run, tmp_path: Path) -> None:
    task = {"Type": "Task", "Resource": "python:mine:f", "End": True}
    definition = write(tmp_path, "later.asl.json", {"StartAt": "A", "States": {"A": task}})
    write(tmp_path, "mine.py", "def f(data):\n    return 'done'\n")
    assert run("start", definition, "--name", "one").returncode == 0
    (tmp_path / "elsewhere").mkdir()
    store = f"sqlite:///{tmp_path}/statelang.db"
    worker = begin(tmp_path / "elsewhere", "worker", "--quiet", "--store", store)
    assert worker.stderr is not None
    assert "driving the executions" in worker.stderr.readline()
    assert "one: cannot be driven here: python:mine:f" in worker.stderr.readline()
    time.sleep(0.3)
    worker.send_signal(signal.SIGINT)
    assert worker.communicate(timeout=20)[1] == "", "it says so once"
    resumed = run("resume", "one", "--quiet")
    assert resumed.stdout == '"done"\n', "what a Resource names is found in the folder one is in"


def test_a_job_that_is_left_is_told_of_by_whoever_ran_it(run: Run, tmp_path: Path) -> None:
    """It may go on and cost money, and the execution that began it has ended well."""
    sync = "arn:aws:states:::glue:startJobRun.sync"
    caught = [{"ErrorEquals": ["States.Timeout"], "Next": "B"}]
    job = {"Type": "Task", "Resource": sync, "TimeoutSeconds": 1, "Catch": caught, "End": True}
    end = {"Type": "Pass", "End": True}
    definition = write(tmp_path, "late.asl.json", {"StartAt": "A", "States": {"A": job, "B": end}})
    write(tmp_path, "late.bindings.yaml", f"resources: {{'{sync}': 'python:late:job'}}")
    code = (
        "import statelang\n"
        "class Job:\n"
        "    def perform(self, call): return statelang.Submitted({}, 'J-1', 60)\n"
        "    def poll(self, call, job, polls): return statelang.Pending(60)\n"
        "    def stop(self, call, job): return statelang.Failed('E', 'it does not heed')\n"
        "job = Job()\n"
    )
    write(tmp_path, "late.py", code)
    done = run("run", definition, "--name", "one", "--quiet")
    assert done.returncode == 0
    assert done.stderr == f'one: the job "J-1" of {sync} could not be stopped: it does not heed\n'


@pytest.mark.parametrize(
    "words",
    [
        ("start", "a.asl.json"),
        ("worker",),
        ("resume", "one"),
        ("redrive", "one"),
        ("stop", "one"),
        ("list",),
        ("show", "one"),
        ("history", "one"),
        ("task", "success", "token"),
        ("map-run", "list", "one"),
        ("activity", "poll", "arn:aws:states:eu-west-1:111122223333:activity:a"),
    ],
)
def test_a_store_that_ends_with_the_command_is_refused_where_others_would_have_to_see_it(
    run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    write(tmp_path, "a.asl.json", PASS)
    told = run(*words, "--store", "memory:")
    assert (told.returncode, told.stdout) == (2, "")
    assert "--store sqlite:///runs.db" in told.stderr
    assert run("run", "a.asl.json", "--store", "memory:").returncode == 0


@pytest.mark.parametrize(("no_color", "coloured"), [("1", False), ("", True)])
def test_a_terminal_gets_colours_unless_no_color_is_set(tmp_path: Path, no_color: str, coloured: bool) -> None:
    import pty

    write(tmp_path, "a.asl.json", {"StartAt": "B", "States": {"A": {"Type": "Pass", "End": True}}})
    leader, terminal = pty.openpty()
    subprocess.run(
        [*STATELANG, "validate", "a.asl.json"],
        cwd=tmp_path,
        stdout=terminal,
        stderr=terminal,
        timeout=60,
        env={**os.environ, "NO_COLOR": no_color},
        check=False,
    )
    os.close(terminal)
    told = os.read(leader, 65_536)
    os.close(leader)
    assert b"error" in told
    assert (b"\x1b[" in told) is coloured


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete_the_command(run: Run, shell: str) -> None:
    told = run(_STATELANG_COMPLETE=f"{shell}_source")
    assert (told.returncode, told.stderr) == (0, "")
    assert "_STATELANG_COMPLETE" in told.stdout
    at = "hist" if shell == "fish" else "1"  # fish tells the word itself, the others its number
    completed = run(_STATELANG_COMPLETE=f"{shell}_complete", COMP_WORDS="statelang hist", COMP_CWORD=at)
    assert "history" in completed.stdout
