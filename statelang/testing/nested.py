"""Nested executions of a trial: what `machines:` binds is simulated too, under the same mocks.

A child is run to its end as soon as it begins, in virtual time that goes on from there; its parent is told when that
time has come. Nobody answers a token of a child from outside: it then waits for ever.

Rule: how an execution begins another, and what it is told of it, is the word of `statelang.nested`, as with an engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from statelang.core.execution import Answers, Execution
from statelang.core.limits import Limits
from statelang.core.machine import begin
from statelang.errors import ExecutionNotFound, StatelangError
from statelang.nested import Nested, definition
from statelang.ports import Begins, NewExecution
from statelang.program import Program
from statelang.result import check_size
from statelang.state_machine import StateMachine
from statelang.tasks.bindings import Bindings
from statelang.testing.simulation import Simulation, start
from statelang.values import decode

DEEPEST: Final = 20
"""How many executions may have begun one another: one that begins itself would never end."""


class Children:
    """What nested executions run on in place of an engine: their simulations, by name."""

    def __init__(self, bindings: Bindings, limits: Limits) -> None:
        self.bindings = bindings
        self.store = self
        self.now = 0
        self._limits = limits
        self._simulations: dict[str, Simulation] = {}

    @property
    def integrations(self) -> Nested:
        """The bindings, with their machines."""
        return Nested(self.bindings, self)

    def nest(self, machine: StateMachine, name: str, input: str, *, token: str, answers: Answers) -> Begins:
        """An execution that a task begins now. Raises InvalidInput, InvalidSettings."""
        decode(input)
        check_size(input, self._limits)
        program = machine.program
        started = start(program, input, name=name, machine=machine.name, at=self.now, limits=self._limits)
        execution, step = begin(program, started)
        return Begins(NewExecution(started, program.source, step), execution, program)

    def run(self, begins: Begins, **world: Any) -> Simulation:
        """Simulate a nested execution to its end."""
        started = begins.new.started
        simulation = self._simulations[started.id] = Simulation(begins.program, started, **world)
        simulation.run()
        return simulation

    def read(self, name: str) -> Execution:
        """A nested execution that has begun. Raises ExecutionNotFound."""
        if name not in self._simulations:
            raise ExecutionNotFound(name)
        return self._simulations[name].execution

    def resume(self, name: str) -> bool:
        """All have gone as far as they go."""
        return False

    def stop(self, name: str) -> None:
        """What a child did is done."""


def programs(bindings: object) -> Iterator[Program]:
    """The programs of the machines that are bound, as far as they can be loaded."""
    if isinstance(bindings, Bindings):
        for file in bindings.machines.values():
            with suppress(StatelangError):
                yield definition(bindings, file, "nested").program
