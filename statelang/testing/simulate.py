"""`simulate`: one execution in virtual time, from Python.

Rule: what it is given means what the keys of a case mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from statelang.core.limits import AWS, Limits
from statelang.result import input_text
from statelang.state_machine import StateMachine, load
from statelang.tasks.bindings import Bindings, read_bindings
from statelang.testing.cases import Case, read_meanwhile
from statelang.testing.coverage import Coverage
from statelang.testing.mocks import Mock, Mocks, read_mocks
from statelang.testing.reading import Faulty, part_of
from statelang.testing.report import context_lines
from statelang.testing.trial import Happened, try_case
from statelang.values import Json

CALLER = "simulate"


def simulate(
    machine: StateMachine | str | Path | Mapping[str, Json],
    input: Json = None,
    *,
    mocks: Mapping[str, object] | None = None,
    tasks: Mapping[str, object] | None = None,
    bindings: str | Path | Bindings | None = None,
    meanwhile: Sequence[Mapping[str, Json]] = (),
    substitutions: Mapping[str, Json] | None = None,
    limits: Limits = AWS,
    name: str = CALLER,
    coverage: Coverage | None = None,
) -> Happened:
    """Run a state machine to its end in virtual time, and tell what happened.

    `mocks` is state (or Resource with `*`) -> a mock as cases write it, a list of them, a `Mock`, or a function of the
    input that does the task. `tasks` and `bindings` perform what is not mocked, as for an Engine. `meanwhile` as in a
    case. `coverage`, made of the machine's program, counts along.

    Raises Faulty where a task has neither a mock nor a binding, or a mock is wrong, and InvalidDefinition.
    """
    bound = read_bindings(bindings) if isinstance(bindings, (str, Path)) else bindings
    if tasks is not None:
        bound = (bound or Bindings()) | Bindings.of(tasks)
    if not isinstance(machine, StateMachine):
        machine = load(machine, substitutions={**(bound.substitutions if bound else {}), **(substitutions or {})})
    case = Case(
        name,
        input_text(input),
        _mocks(mocks or {}),
        read_meanwhile(part_of(list(meanwhile), "meanwhile")),
        execution=name,
    )
    program, watch = machine.program, None
    if coverage is not None:
        coverage.begin()
        program, watch = coverage.program, coverage.took
    happened = try_case(program, case, bound, machine=machine.name, limits=limits, watch=watch)
    if happened.trouble is not None:
        lines = context_lines(happened, happened.trouble.event)
        raise Faulty("\n".join([happened.trouble.message, *lines]))
    return happened


def _mocks(given: Mapping[str, object]) -> Mocks:
    return {key: _each(key, value) for key, value in given.items()}


def _each(key: str, value: object) -> Sequence[Mock]:
    if isinstance(value, Mock):
        return (value,)
    if callable(value):
        return (Mock("perform", target=value, times=None),)
    return read_mocks(part_of({key: value}, "mocks"))[key]
