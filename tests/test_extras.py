"""Without an extra, what needs it says so in one sentence that names the extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PASS = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
PASS_YAML = "StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n"
HTTP = '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "http://localhost:9/", "End": true}}}'
WITHOUT = """
import sys

absent = sys.argv[1].split(",")

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in absent else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


def without(absent: str, then: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python code, told by `words`, on a machine where some packages are absent."""
    command = [sys.executable, "-c", WITHOUT + then, absent, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("absent", "extra", "words"),
    [
        ("click", "cli", "list"),
        ("ruamel", "yaml", "run pass.asl.yaml"),
        ("ruamel", "yaml", "validate pass.asl.yaml"),
        ("ruamel", "yaml", "fmt --check pass.asl.yaml"),
        ("ruamel", "yaml", "convert pass.asl.yaml"),
        ("ruamel", "yaml", "convert pass.asl.json"),
        ("graphlay", "graph", "graph pass.asl.json -o svg"),
        ("urllib3", "http", "run http.asl.json"),
        ("boto3,botocore", "aws", "run pass.asl.json --bind aws:"),
        ("boto3,botocore", "aws", "list --store dynamodb://t?region=eu-west-1"),
        ("boto3,botocore", "aws", "store info --store dynamodb://t?region=eu-west-1"),
    ],
)
def test_a_missing_extra_is_named(absent: str, extra: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "pass.asl.json").write_text(PASS)
    (tmp_path / "pass.asl.yaml").write_text(PASS_YAML)
    (tmp_path / "http.asl.json").write_text(HTTP)
    then = "from statelang_cli.main import main; sys.argv = ['statelang', *sys.argv[2:]]; main()"
    ran = without(absent, then, tmp_path, *words.split())
    assert ran.returncode == 2, ran.stderr
    assert f"pip install 'statelang[{extra}]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_python_runs_a_machine_in_json_without_any_extra(tmp_path: Path) -> None:
    (tmp_path / "pass.asl.json").write_text(PASS)
    absent = "click,rich,jsonschema,jsonpath_ng,ruamel,urllib3,graphlay,ijson,pyarrow,zstandard,boto3,botocore"
    then = (
        "import statelang\n"
        "with statelang.Engine('sqlite:///runs.db') as engine:\n"
        "    print(engine.run(statelang.load('pass.asl.json'), {'n': 1}).output)\n"
    )
    ran = without(absent, then, tmp_path)
    assert ran.stdout == "{'n': 1}\n", ran.stderr
