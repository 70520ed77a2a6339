"""The pytest plugin: cases are tests, `simulate` is a fixture, and nobody else notices it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

MACHINE = {
    "StartAt": "Do",
    "States": {
        "Do": {
            "Type": "Task",
            "Resource": "arn:aws:lambda:eu-west-1:111122223333:function:do",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}],
            "End": True,
        },
        "Sorry": {"Type": "Pass", "End": True},
    },
}
CASES = """
cases:
  it works:
    mocks: {Do: {return: 1}}
    output: 1
  it is sorry:
    mocks: {Do: {throw: Busy}}
    path: [Do, Done]
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.path.joinpath("m.asl.json").write_text(json.dumps(MACHINE))
    pytester.path.joinpath("m.cases.yaml").write_text(CASES)
    return pytester


def test_cases_are_tests_and_failures_show_the_difference(project: pytest.Pytester) -> None:
    result = project.runpytest("-p", "no:xdist")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*it is sorry*",
            "state 2 of the path: expected 'Done', but 'Sorry' was entered",
            "in the state 'Do', *",
            "> *",
        ]
    )


def test_one_case_by_name(project: pytest.Pytester) -> None:
    project.runpytest("-p", "no:xdist", "m.cases.yaml::it works").assert_outcomes(passed=1)


def test_coverage_is_told_and_held(project: pytest.Pytester) -> None:
    good = CASES.replace("[Do, Done]", "[Do, Sorry]")
    project.path.joinpath("m.cases.yaml").write_text(good)
    result = project.runpytest("-p", "no:xdist", "--asl-coverage", "--asl-fail-under", "100")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*m.asl.json: 100 % (states 2/2, transitions 4/4, catchers 1/1)"])
    assert result.ret == 0
    result = project.runpytest("-p", "no:xdist", "-k", "works", "--asl-fail-under", "90")
    result.stdout.fnmatch_lines(["*catcher not exercised: Do Catch 1 (States.ALL)", "*coverage is 42.8 %, below 90 %"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_workers_of_xdist_are_added_up(project: pytest.Pytester) -> None:
    project.path.joinpath("m.cases.yaml").write_text(CASES.replace("[Do, Done]", "[Do, Sorry]"))
    result = project.runpytest_subprocess("-n", "2", "--asl-fail-under", "100", "--asl-coverage")
    result.stdout.fnmatch_lines(["*m.asl.json: 100 %*"])
    assert result.ret == 0


def test_a_broken_file_of_ours_is_an_error_with_its_place(project: pytest.Pytester) -> None:
    project.path.joinpath("m.cases.yaml").write_text("cases:\n  one: {statsu: FAILED}\n")
    result = project.runpytest("-p", "no:xdist")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*m.cases.yaml:2:9: unknown key 'statsu'; did you mean 'status'?*"])


def test_files_of_others_are_left_alone(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("other.cases.yaml").write_text("cases: [1, 2]\nmore: !!weird {")
    pytester.path.joinpath("binary.cases.json").write_bytes(b"\xff\x00")
    assert pytester.runpytest("-p", "no:xdist").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_it_can_be_switched_off(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nstatelang_cases = false\n")
    assert project.runpytest("-p", "no:xdist").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_fixture(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_it(simulate):
            happened = simulate("m.asl.json", {"n": 1}, mocks={"Do": lambda data: data["n"] + 1})
            assert (happened.output, happened.path) == (2, ("Do",))
        """
    )
    project.path.joinpath("m.cases.yaml").unlink()
    project.runpytest("-p", "no:xdist").assert_outcomes(passed=1)


def test_loading_it_imports_next_to_nothing() -> None:
    code = "import sys, pytest, statelang.testing.plugin; print(*(m for m in sys.modules if m.startswith('statelang')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {
        "statelang",
        "statelang.errors",
        "statelang.testing",
        "statelang.testing.plugin",
    }
