"""The pytest plugin: `*.cases.yaml` beside a definition are tests, and `simulate` is a fixture.

    pytest --asl-coverage --asl-fail-under 100

Rule: pytest without a file of cases must not notice this: nothing is imported, and no file is opened, but for those
that are called `*.cases.yaml`; and one of those is left alone unless a definition stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from statelang.errors import StatelangError

if TYPE_CHECKING:
    from statelang.testing.cases import Case
    from statelang.testing.suite import Suite, Verdict
    from statelang.testing.trial import Happened

ENDINGS: Final = (".cases.yaml", ".cases.yml", ".cases.json")
BESIDE: Final = (".asl.json", ".asl.yaml", ".asl.yml", ".asl")
SUITES: Final = pytest.StashKey[dict[str, "Suite"]]()
LOW: Final = pytest.StashKey[str]()
WORKER: Final = "statelang"
"""Where a worker of pytest-xdist leaves what its cases exercised."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("statelang", "state machines (Statelang)")
    group.addoption("--asl-coverage", action="store_true", help="tell which parts of state machines no case exercises")
    group.addoption("--asl-fail-under", type=float, metavar="PERCENT", help="fail below this coverage")
    parser.addini("statelang_cases", "collect *.cases.yaml beside state machines as tests", "bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SUITES] = {}


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if not file_path.name.endswith(ENDINGS) or not parent.config.getini("statelang_cases"):
        return None
    if parent.session.isinitpath(file_path) or _is_ours(file_path):
        found: CasesCollector = CasesCollector.from_parent(parent, path=file_path)
        return found
    return None


def _is_ours(file: Path) -> bool:
    """Whether a file is about a state machine: one stands beside it, or it names one."""
    stem = next(file.name[: -len(ending)] for ending in ENDINGS if file.name.endswith(ending))
    if any(file.with_name(stem + suffix).is_file() for suffix in BESIDE):
        return True
    text = file.read_text(encoding="utf-8", errors="replace")
    return all(re.search(rf"^[\"']?{key}[\"']?\s*:", text, re.MULTILINE) for key in ("definition", "cases"))


class CasesCollector(pytest.File):
    """A file of cases."""

    def collect(self) -> Iterator[CaseItem]:
        from statelang.testing.suite import open_suite

        suite = self.config.stash[SUITES][str(self.path)] = open_suite(self.path)
        for case in suite.cases:
            yield CaseItem.from_parent(self, name=case.name, suite=suite, case=case)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, StatelangError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class CaseFailed(Exception):
    """Something happened that the case does not say."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict.differences[0]))
        self.verdict = verdict


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, suite: Suite, case: Case, **rest: Any) -> None:
        super().__init__(**rest)
        self.suite = suite
        self.case = case

    def runtest(self) -> None:
        verdict = self.suite.run(self.case)
        if not verdict.holds:
            raise CaseFailed(verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from statelang.testing.report import failure_lines

        if isinstance(excinfo.value, CaseFailed):
            return "\n".join(failure_lines(excinfo.value.verdict))
        if isinstance(excinfo.value, StatelangError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, (self.case.line or 1) - 1, self.case.name


@pytest.fixture
def simulate(request: pytest.FixtureRequest) -> Callable[..., Happened]:
    """Run a state machine in virtual time: `statelang.testing.simulate`, which names its executions after the test."""
    from functools import partial

    from statelang.names import name_from
    from statelang.testing.simulate import simulate

    return partial(simulate, name=name_from(request.node.name))


def pytest_sessionfinish(session: pytest.Session) -> None:
    from_worker = getattr(session.config, "workeroutput", None)
    suites = session.config.stash.get(SUITES, {})
    if from_worker is not None:
        from_worker[WORKER] = {name: dict(suite.coverage.counts) for name, suite in suites.items()}
        return
    least = session.config.getoption("--asl-fail-under")
    if least is None or session.config.getoption("collectonly"):
        return
    from statelang.testing.coverage import percent_of
    from statelang.testing.report import percent_text

    percent = percent_of(suite.coverage for suite in suites.values())
    if percent < least:
        session.config.stash[LOW] = f"the state machines' coverage is {percent_text(percent)}, below {least:g} %"
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """What a worker of pytest-xdist has exercised counts too."""
    exercised = getattr(node, "workeroutput", {}).get(WORKER) or {}
    suites = node.config.stash[SUITES]
    for name, counts in exercised.items():
        if name not in suites:
            from statelang.testing.suite import open_suite

            suites[name] = open_suite(name)
        suites[name].coverage.counts.update(counts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    low, suites = config.stash.get(LOW, None), config.stash.get(SUITES, {})
    if (config.getoption("--asl-coverage") or low is not None) and suites:
        from statelang.testing.report import missing_lines, tally_text

        terminalreporter.section("coverage of state machines")
        for suite in suites.values():
            terminalreporter.line(f"{suite.definition}: {tally_text(suite.coverage)}")
            for line in missing_lines(suite):
                terminalreporter.line(f"  {line}")
    if low is not None:
        terminalreporter.line(low, red=True)
