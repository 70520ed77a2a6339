"""The pre-commit hook and the GitHub Action: what they call is there, and does what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from statelang_cli.files import DEFINITIONS

from statelang.compiler.yaml import read_yaml
from tests.shared import ROOT


def read(name: str) -> Any:
    value, _, problems = read_yaml((ROOT / name).read_text(encoding="utf-8"))
    assert not problems
    return value


def test_the_hook_is_for_every_name_that_a_definition_has() -> None:
    (hook,) = read(".pre-commit-hooks.yaml")
    assert hook["entry"] == "statelang validate"
    for ending in DEFINITIONS:
        assert re.search(hook["files"], f"machines/order{ending}")
    assert not re.search(hook["files"], "machines/order.json")


@pytest.mark.parametrize(("arguments", "status"), [("", 0), ("--strict", 1)])
def test_the_action_writes_annotations_or_a_report(arguments: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "a.asl.json").write_text(
        '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"a": "$.a"}, "End": true}}}'
    )
    step = read("action.yml")["runs"]["steps"][-1]
    assert step["shell"] == "bash"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "FILES": "*.asl.json", "ARGUMENTS": arguments, "OUTPUT": "github", "REPORT": ""}
    run = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    ran = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ran.returncode == status
    assert ran.stdout.startswith("::warning file=a.asl.json,line=1,")
    subprocess.run(run, cwd=tmp_path, env={**env, "OUTPUT": "sarif", "REPORT": "found.sarif"}, capture_output=True)
    assert '"version": "2.1.0"' in (tmp_path / "found.sarif").read_text(encoding="utf-8")
