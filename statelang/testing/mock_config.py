"""AWS's `MockConfigFile.json`, as Step Functions Local reads it: mocked responses by state and call (asl.md 8.6).

    {"StateMachines": {"Order": {"TestCases": {"Declined": {"Charge card": "CardDeclined"}}}},
     "MockedResponses": {"CardDeclined": {"0": {"Throw": {"Error": "CardDeclined", "Cause": "no funds"}}}}}

Rule: the file is read as it is; what it says becomes the same mocks that cases have.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from statelang.testing.mocks import Mock, Mocks, call_range
from statelang.testing.reading import Faulty, Part, read_file


@dataclass(frozen=True, slots=True)
class MockConfig:
    """State machine -> test case -> its mocks."""

    name: str
    machines: Mapping[str, Mapping[str, Mocks]]

    def find(self, case: str, machine: str | None = None) -> Mocks:
        """The mocks of `Machine#Case`, or of a case of `machine`. Raises Faulty with what there is."""
        owner, found, name = case.rpartition("#")
        known = self.cases(owner if found else machine)
        title = f"{owner}#{name}" if found else name
        for key, mocks in known.items():
            if title in (key, key.partition("#")[2]):
                return mocks
        near = difflib.get_close_matches(title, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"
        raise Faulty(f"{self.name}: no test case {case!r}; {hint}")

    def cases(self, machine: str | None = None) -> dict[str, Mocks]:
        """`Machine#Case` -> its mocks: of one machine, or of all where there is none of that name."""
        machines = self.machines
        if machine is not None and machine in machines:
            machines = {machine: machines[machine]}
        return {f"{owner}#{name}": mocks for owner, cases in machines.items() for name, mocks in cases.items()}


def read_mock_config(path: str | Path) -> MockConfig:
    """The mocks of a file. Raises Faulty with its place."""
    whole = read_file(Path(path))
    whole.keys("StateMachines", "MockedResponses")
    given = whole["MockedResponses"] if "MockedResponses" in whole.value else None
    responses = {} if given is None else {name: _response(part) for name, part in given.items()}
    machines = {}
    for machine, part in whole["StateMachines"].items() if "StateMachines" in whole.value else ():
        part.keys("TestCases")
        cases = part["TestCases"].items() if "TestCases" in part.value else ()
        machines[machine] = {name: _case(case, responses) for name, case in cases}
    return MockConfig(str(path), machines)


def _case(given: Part, responses: Mapping[str, Sequence[Mock]]) -> Mocks:
    mocks = {}
    for state, part in given.items():
        if not isinstance(part.value, str) or part.value not in responses:
            near = difflib.get_close_matches(str(part.value), responses, n=1)
            raise part.faulty(f"no mocked response {part.value!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        mocks[state] = responses[part.value]
    return mocks


def _response(given: Part) -> Sequence[Mock]:
    return [_mock(key, part) for key, part in given.items()]


def _mock(key: str, given: Part) -> Mock:
    calls = call_range(key)
    if calls is None:
        raise given.faulty(f"{key!r} is no range of calls: write 0 or 1-2")
    given.keys("Return", "Throw")
    if len(given.value) != 1:
        raise given.faulty("a mocked response has one of Return and Throw")
    if "Return" in given.value:
        return Mock("return", given.value["Return"], calls=calls, times=None)
    thrown = given["Throw"]
    thrown.keys("Error", "Cause")
    return Mock("throw", error=thrown.text("Error"), cause=thrown.text("Cause"), calls=calls, times=None)
