"""A suite: a file of cases with its state machine, its bindings and its coverage, ready to run.

Rule: the command, the pytest plugin and Python tests all run cases through here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from statelang.compiler.source import Source, read_source
from statelang.compiler.substitutions import substitute
from statelang.core.limits import AWS, Limits
from statelang.ports import Integrations
from statelang.state_machine import StateMachine, load, machine_name
from statelang.tasks.bindings import Bindings, read_bindings, read_substitutions
from statelang.testing.cases import BINDINGS, ENDINGS, Case, CasesFile, Expected, cases_beside, read_cases, stem_of
from statelang.testing.coverage import Coverage, Piece
from statelang.testing.expectations import Difference, differences
from statelang.testing.mock_config import read_mock_config
from statelang.testing.reading import Faulty
from statelang.testing.trial import Happened, try_case
from statelang.values import Json


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case went; it holds where there are no differences. `seconds` is real time."""

    suite: str
    case: Case
    happened: Happened
    differences: Sequence[Difference]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether all happened as the case says."""
        return not self.differences


@dataclass(slots=True)
class Suite:
    """Cases of one state machine. `name` is how it is called in reports: the file of the cases."""

    name: str
    machine: StateMachine
    cases: Sequence[Case]
    definition: Path | None = None
    folder: Path | None = None
    integrations: Integrations | None = None
    limits: Limits = AWS
    substitutions: Mapping[str, Json] = field(default_factory=dict)
    coverage: Coverage = field(init=False)
    _source: Source | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.coverage = Coverage(self.machine.program)

    def run(self, case: Case) -> Verdict:
        """Run a case, which counts for the coverage. Raises Faulty for a case that cannot be one."""
        began = time.perf_counter()
        self.coverage.begin()
        happened = try_case(
            self.coverage.program,
            case,
            self.integrations,
            machine=self.machine.name,
            folder=self.folder,
            limits=self.limits,
            watch=self.coverage.took,
        )
        found = differences(case, happened)
        return Verdict(self.name, case, happened, found, time.perf_counter() - began)

    def line_of(self, piece: Piece) -> int | None:
        """The line of the definition in which a part of it stands."""
        if self.definition is None:
            return None
        if self._source is None:
            text = substitute(self.definition.read_text(encoding="utf-8-sig"), self.substitutions)
            self._source = read_source(text, str(self.definition))
        place = self._source.place(piece.pointer)
        return None if place is None else place.line


def open_suite(file: str | Path, *, bind: Sequence[str] = (), substitutions: Mapping[str, Json] | None = None) -> Suite:
    """The suite of a file of cases, or of the one beside a definition.

    `bind` are bindings files instead of the one that the cases name; `substitutions` win over all others. The values of
    placeholders are also taken from the bindings file beside the definition; nothing it binds is imported for that.
    Raises Faulty, InvalidSettings, InvalidDefinition.
    """
    return _suite(read_cases(cases_file(Path(file))), bind, substitutions or {})


def _suite(found: CasesFile, bind: Sequence[str], substitutions: Mapping[str, Json]) -> Suite:
    files = [Path(name) for name in bind] or ([] if found.bindings is None else [found.bindings])
    values = {**_values(files, found.definition), **found.substitutions, **substitutions}
    limits = Limits.lifted() if found.lifted else AWS
    return _open(str(found.file), found.definition, found.cases, files, values, found.file.parent, limits)


def mocked_suite(
    definition: str | Path,
    config: str | Path,
    *,
    input: str = "{}",
    bind: Sequence[str] = (),
    substitutions: Mapping[str, Json] | None = None,
) -> Suite:
    """The test cases of AWS's `MockConfigFile.json` that mean a definition, each with the same input.

    Those of the state machine of the definition's name, or all where there is none. They expect success.
    """
    path, files = Path(definition), [Path(name) for name in bind]
    suite = _open(str(config), path, (), files, {**_values(files, path), **(substitutions or {})}, path.parent)
    found = read_mock_config(config).cases(suite.machine.name)
    suite.cases = [Case(name, input, mocks, expected=Expected("SUCCEEDED")) for name, mocks in found.items()]
    return suite


def _values(files: Sequence[Path], definition: Path) -> dict[str, Json]:
    """The values of placeholders, from bindings files or from the one beside the definition."""
    values: dict[str, Json] = {}
    for file in files or beside(definition, BINDINGS):
        values.update(read_substitutions(file))
    return values


def _open(
    name: str,
    definition: Path,
    cases: Sequence[Case],
    files: Sequence[Path],
    values: Mapping[str, Json],
    folder: Path,
    limits: Limits = AWS,
) -> Suite:
    machine = load(definition, substitutions=values)
    return Suite(name, machine, cases, definition, folder, _bound(files), limits, values)


def _bound(files: Sequence[Path]) -> Bindings | None:
    bindings: Bindings | None = None
    for file in files:
        read = read_bindings(file)
        bindings = read if bindings is None else bindings | read
    return bindings


def beside(definition: Path, endings: Sequence[str]) -> list[Path]:
    """The file of the same name with the first of some endings, in a list; none: an empty one."""
    name = machine_name(definition)
    return [file for ending in endings if (file := definition.with_name(name + ending)).is_file()][:1]


def cases_file(file: Path) -> Path:
    """The file of cases that a name means: itself, or the one beside a definition. Raises Faulty."""
    if stem_of(file, ENDINGS) is not None:
        return file
    found = cases_beside(file)
    if found is None:
        if not file.exists():
            raise Faulty(f"{file}: No such file or directory")
        raise Faulty(f"{file}: there is no {machine_name(file)}.cases.yaml beside it")
    return found


def case_files(paths: Iterable[str]) -> Iterator[Path]:
    """The files of cases that arguments mean: folders are searched. Raises Faulty where one means none."""
    for given in paths:
        path = Path(given)
        if path.is_dir():
            found = sorted(file for ending in ENDINGS for file in path.rglob(f"*{ending}"))
            if not found:
                raise Faulty(f"{given}: there are no *.cases.yaml in it")
            yield from found
        else:
            yield cases_file(path)
