"""`statelang fmt` and `statelang convert` as users run them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from statelang.errors import InvalidSettings

UGLY = '{"StartAt":"A",\n   "States": {"A": {"Type":"Succeed"}}}'
GOOD = '{ "StartAt": "A", "States": { "A": { "Type": "Succeed" } } }\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.asl.json").write_text(UGLY)
    (tmp_path / "b.asl.yaml").write_text("StartAt: A # first\nStates:\n  A: {Type: Succeed}\n")
    return tmp_path


def fmt(*words: str, input: str | None = None) -> Result:
    from statelang_cli.fmt import fmt_command

    return CliRunner().invoke(fmt_command, words, input=input)


def convert(*words: str, input: str | None = None) -> Result:
    from statelang_cli.convert import convert_command

    return CliRunner().invoke(convert_command, words, input=input)


def test_files_are_laid_out_in_place_and_keep_their_mode(folder: Path) -> None:
    os.chmod(folder / "a.asl.json", 0o640)
    result = fmt("a.asl.json", "b.asl.yaml")
    assert (result.exit_code, result.stderr) == (0, "2 file(s): 1 changed\n")
    assert (folder / "a.asl.json").read_text() == GOOD
    assert (folder / "a.asl.json").stat().st_mode & 0o777 == 0o640
    assert sorted(file.name for file in folder.iterdir()) == ["a.asl.json", "b.asl.yaml"]
    assert fmt("a.asl.json").stderr == "1 file(s): 0 changed\n"


def test_a_link_stays_a_link(folder: Path) -> None:
    (folder / "link.asl.json").symlink_to("a.asl.json")
    assert fmt("link.asl.json").exit_code == 0
    assert (folder / "link.asl.json").is_symlink()
    assert (folder / "a.asl.json").read_text() == GOOD


def test_check_writes_nothing_and_tells(folder: Path) -> None:
    result = fmt("--check", "a.asl.json", "b.asl.yaml")
    assert (result.exit_code, result.stdout) == (1, "a.asl.json\n")
    assert fmt("--check", "b.asl.yaml").exit_code == 0
    assert (folder / "a.asl.json").read_text() == UGLY


def test_diff_shows_what_would_change(folder: Path) -> None:
    result = fmt("--diff", "a.asl.json", "b.asl.yaml")
    assert result.exit_code == 0
    assert result.stdout == (
        '--- a.asl.json\n+++ a.asl.json\n@@ -1,2 +1 @@\n-{"StartAt":"A",\n'
        '-   "States": {"A": {"Type":"Succeed"}}}\n\\ No newline at end of file\n+' + GOOD
    )
    assert fmt("--diff", "--check", "a.asl.json").exit_code == 1
    assert (folder / "a.asl.json").read_text() == UGLY


def test_stdin_to_stdout() -> None:
    result = fmt("-", input=UGLY)
    assert (result.exit_code, result.stdout, result.stderr) == (0, GOOD, "")
    assert fmt("-", "--stdin-name", "x.yaml", input="a:   1\n").stdout == "a: 1\n"


def test_what_cannot_be_read_stays_as_it_is_and_the_others_go_on(folder: Path) -> None:
    (folder / "bad.asl.json").write_text('{"a": 1, "a": 2}')
    result = fmt("bad.asl.json", "a.asl.json", "none.asl.json")
    assert result.exit_code == 2
    assert "error: bad.asl.json:1:10: the key 'a' is there twice" in result.stderr
    assert "error: none.asl.json: No such file or directory" in result.stderr
    assert "3 file(s): 1 changed, 2 cannot be read" in result.stderr
    assert (folder / "bad.asl.json").read_text() == '{"a": 1, "a": 2}'


def test_convert_to_stdout_and_into_a_file(folder: Path) -> None:
    made = convert("a.asl.json")
    assert (made.exit_code, made.stderr) == (0, "")
    assert made.stdout == "StartAt: A\nStates:\n  A:\n    Type: Succeed\n"
    assert convert("a.asl.json", "--to", "c.asl.yaml").exit_code == 0
    assert (folder / "c.asl.yaml").read_text() == made.stdout
    assert convert("-", "--stdin-name", "x.yaml", input=made.stdout).stdout.startswith('{\n  "StartAt": "A"')


def test_convert_never_writes_over_a_file_by_itself(folder: Path) -> None:
    result = convert("a.asl.json", "--to", "b.asl.yaml")
    assert isinstance(result.exception, InvalidSettings)
    assert "# first" in (folder / "b.asl.yaml").read_text()
    assert convert("a.asl.json", "--to", "b.asl.yaml", "--force").exit_code == 0
    assert "# first" not in (folder / "b.asl.yaml").read_text()


def test_convert_names_what_is_lost(folder: Path) -> None:
    result = convert("b.asl.yaml")
    assert (result.exit_code, result.stderr) == (0, "lost: b.asl.yaml:1: the comment # first\n")
    strict = convert("b.asl.yaml", "--strict", "--to", "d.asl.json")
    assert strict.exit_code == 1
    assert not (folder / "d.asl.json").exists()
