"""Cases: a file of `NAME.cases.yaml` beside a definition, as data. Its JSON Schema is `schemas/cases.schema.json`.

    bindings: order.bindings.yaml            # what performs the tasks that nothing mocks; without it, nothing does
    cases:
      the card is declined:
        input: {orderId: 7, card: visa}
        mocks: {Charge card: {throw: {error: CardDeclined}}}
        meanwhile: [{after: 2h, stop: {error: Called.Off}}]
        status: FAILED
        error: CardDeclined
        path: [Reserve stock, Charge card, Cancelled]

Rule: a new key is read here, checked by the schema, and given its meaning in `trial` (what happens) or in
`expectations` (what should have happened).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from statelang.language.scope import ABSENT, Absent
from statelang.state_machine import SUFFIXES, machine_name
from statelang.testing.clock import START
from statelang.testing.mock_config import read_mock_config
from statelang.testing.mocks import Mocks, read_mocks
from statelang.testing.reading import Faulty, Part, read_file
from statelang.values import Json, decode, encode

ENDINGS: Final = (".cases.yaml", ".cases.yml", ".cases.json")
BINDINGS: Final = (".bindings.yaml", ".bindings.yml", ".bindings.json")

STATUSES: Final = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "RUNNING")
FILE_KEYS: Final = ("definition", "bindings", "substitutions", "limits", "mocks", "cases")
HAPPENS: Final = ("input", "input-file", "at", "mocks", "mock-config", "meanwhile", "execution-name")
EXPECTS: Final = ("status", "output", "includes", "error", "cause", "path", "calls", "took")


@dataclass(frozen=True, slots=True)
class Happening:
    """What somebody does to the execution `after` so many milliseconds from its start.

    `does` is `stop`, `redrive`, or what is done with the token of `state` (of those whose input holds `when`, the one
    that has waited longest): `return`, `throw`, `heartbeat`.
    """

    after: int
    does: Literal["stop", "redrive", "return", "throw", "heartbeat"]
    state: str = ""
    output: Json = None
    error: str | None = None
    cause: str | None = None
    when: Json | Absent = ABSENT


@dataclass(frozen=True, slots=True)
class CallExpected:
    """A task that should be asked for: what is not ABSENT or None must be equal."""

    state: str
    input: Json | Absent = ABSENT
    resource: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What should happen; None or ABSENT: it does not matter. `took` in milliseconds.

    `calls` are all tasks in the order in which they were asked for, `calls_of` those of some states: how many, or
    their inputs.
    """

    status: str | None = None
    output: Json | Absent = ABSENT
    includes: Json | Absent = ABSENT
    error: str | None = None
    cause: str | None = None
    path: tuple[str, ...] | None = None
    calls: tuple[CallExpected, ...] | None = None
    calls_of: Mapping[str, int | Sequence[Json]] = field(default_factory=dict)
    took: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One execution to try: `input` is JSON text, `at` its start in milliseconds since 1970."""

    name: str
    input: str = "{}"
    mocks: Mocks = field(default_factory=dict)
    meanwhile: tuple[Happening, ...] = ()
    expected: Expected = Expected()
    at: int = START
    execution: str | None = None
    comment: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class CasesFile:
    """The cases of a definition. `bindings` None: tasks without a mock are performed by nobody."""

    file: Path
    definition: Path
    cases: tuple[Case, ...]
    bindings: Path | None = None
    substitutions: Mapping[str, Json] = field(default_factory=dict)
    lifted: bool = False


def read_cases(path: str | Path) -> CasesFile:
    """The cases of a file. Raises Faulty with its place."""
    file = Path(path)
    whole = read_file(file)
    whole.keys(*FILE_KEYS)
    if "cases" not in whole.value:
        raise whole.faulty("there are no `cases`")
    shared = read_mocks(whole["mocks"]) if "mocks" in whole.value else {}
    bindings = whole.text("bindings")
    return CasesFile(
        file,
        file.parent / named if (named := whole.text("definition")) else definition_beside(file),
        tuple(_case(name, part, shared, file.parent) for name, part in whole["cases"].items()),
        None if bindings is None else file.parent / bindings,
        {name: part.value for name, part in whole["substitutions"].items()} if "substitutions" in whole.value else {},
        whole.choice("limits", "aws", "lifted") == "lifted",
    )


def stem_of(path: Path, endings: Sequence[str]) -> str | None:
    """The name of a file without the first of some endings that it has."""
    return next((path.name[: -len(ending)] for ending in endings if path.name.endswith(ending)), None)


def definition_beside(cases: Path) -> Path:
    """The definition that a file of cases belongs to by its name. Raises Faulty."""
    stem = stem_of(cases, ENDINGS) or cases.stem
    found = [file for suffix in SUFFIXES if (file := cases.with_name(stem + suffix)).is_file()]
    if not found:
        names = f"{stem}.asl.json or {stem}.asl.yaml"
        raise Faulty(f"{cases}: there is no definition {names} beside it; name it with `definition`")
    return found[0]


def cases_beside(definition: Path) -> Path | None:
    """The file of cases that belongs to a definition by its name."""
    name = machine_name(definition)
    return next((file for ending in ENDINGS if (file := definition.with_name(name + ending)).is_file()), None)


def _case(name: str, given: Part, shared: Mocks, folder: Path) -> Case:
    given.keys("comment", *HAPPENS, *EXPECTS)
    mocks = dict(shared)
    if (config := given.text("mock-config")) is not None:
        file, found, case = config.partition("#")
        if not found:
            raise given["mock-config"].faulty("mock-config is written FILE#StateMachine#Case")
        mocks.update(read_mock_config(folder / file).find(case))
    if "mocks" in given.value:
        mocks.update(read_mocks(given["mocks"]))
    return Case(
        name,
        _input(given, folder),
        mocks,
        read_meanwhile(given["meanwhile"]) if "meanwhile" in given.value else (),
        _expected(given),
        _at(given),
        given.text("execution-name"),
        given.text("comment"),
        given.line,
    )


def _input(given: Part, folder: Path) -> str:
    file = given.text("input-file")
    if file is None:
        return encode(given.value.get("input", {}))
    if "input" in given.value:
        raise given["input-file"].faulty("either input or input-file, not both")
    text = (folder / file).read_text(encoding="utf-8-sig") if (folder / file).is_file() else None
    if text is None:
        raise given["input-file"].faulty(f"there is no file {folder / file}")
    decode(text)
    return text


def _at(given: Part) -> int:
    text = given.text("at")
    if text is None:
        return START
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise given["at"].faulty("at is a time such as 2026-11-24T09:00:00Z") from None
    if at.tzinfo is None:
        raise given["at"].faulty("at needs a zone: 2026-11-24T09:00:00Z")
    return round(at.timestamp() * 1000)


def read_meanwhile(given: Part) -> tuple[Happening, ...]:
    """What others do while the execution runs, as cases write it. Raises Faulty."""
    return tuple(_happening(part) for part in given.elements())


def _happening(given: Part) -> Happening:
    given.keys("after", "stop", "redrive", "answer", "return", "throw", "heartbeat", "when")
    after = given.duration("after") or 0
    if "answer" in given.value:
        return _answer(given, after)
    (does, *more) = [key for key in ("stop", "redrive") if key in given.value] or ["nothing"]
    if more or does == "nothing":
        raise given.faulty("what happens is one of answer, stop, redrive")
    if does == "redrive":
        return Happening(after, "redrive")
    error, cause = _error(given["stop"])
    return Happening(after, "stop", error=error, cause=cause)


def _answer(given: Part, after: int) -> Happening:
    state, when = given.text("answer") or "", given.value.get("when", ABSENT)
    does = [key for key in ("return", "throw", "heartbeat") if key in given.value]
    if len(does) != 1:
        raise given.faulty("an answer has one of return, throw, heartbeat")
    if does[0] == "throw":
        error, cause = _error(given["throw"])
        return Happening(after, "throw", state, error=error, cause=cause, when=when)
    if does[0] == "heartbeat":
        return Happening(after, "heartbeat", state, when=when)
    return Happening(after, "return", state, given.value["return"], when=when)


def _error(given: Part) -> tuple[str | None, str | None]:
    if given.value is True or isinstance(given.value, str):
        return (None if given.value is True else given.value), None
    given.keys("error", "cause")
    return given.text("error"), given.text("cause")


def _expected(given: Part) -> Expected:
    value = given.value
    calls, calls_of = _calls(given["calls"]) if "calls" in value else (None, {})
    error = given.text("error")
    return Expected(
        given.choice("status", *STATUSES) or ("SUCCEEDED" if error is None else "FAILED"),
        value.get("output", ABSENT),
        value.get("includes", ABSENT),
        error,
        given.text("cause"),
        tuple(str(part.value) for part in given["path"].elements()) if "path" in value else None,
        calls,
        calls_of,
        given.duration("took"),
    )


def _calls(given: Part) -> tuple[tuple[CallExpected, ...] | None, Mapping[str, Any]]:
    if isinstance(given.value, list):
        return tuple(_call(part) for part in given.elements()), {}
    wanted = {}
    for state, part in given.items():
        if type(part.value) is not int and not isinstance(part.value, list):
            raise part.faulty("the calls of a state are their number, or the list of their inputs")
        wanted[state] = part.value
    return None, wanted


def _call(given: Part) -> CallExpected:
    if isinstance(given.value, str):
        return CallExpected(given.value)
    given.keys("state", "input", "resource", "attempt")
    state = given.text("state")
    if state is None:
        raise given.faulty("a call names its state")
    return CallExpected(state, given.value.get("input", ABSENT), given.text("resource"), given.number("attempt"))
