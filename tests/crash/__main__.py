"""Kill a case of a machine at every commit boundary and before and after every effect, by SIGKILL, and resume it.

    python -m tests.crash MACHINE CASE FOLDER

Each life is a process of its own, forked from this one, which imports much and opens nothing. Prints one JSON object:
how many places there were, and what went wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statelang.engine import Engine
from statelang.ports import (
    Answer,
    Commit,
    Failed,
    Integration,
    Jobs,
    Lease,
    NewExecution,
    Pending,
    Succeeded,
    TaskCall,
)
from statelang.stores.sqlite import SqliteStore
from statelang.tasks import Bindings
from statelang.testing.clock import VirtualClock
from statelang.values import Json
from tests.machines import Case, bindings_of, cases, machine_of

NAME = "crash"


class Reaper:
    """Counts the places where a process may die, and kills it at one of them (None: at none)."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.passed = 0
        self._lock = threading.Lock()

    def place(self) -> None:
        """A place to die."""
        with self._lock:
            self.passed += 1
            if self.passed == self.at:
                os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(SqliteStore):
    """A store whose process may die before and after each commit."""

    def __init__(self, path: str, reaper: Reaper) -> None:
        super().__init__(path)
        self._reaper = reaper

    def create(self, executions: Sequence[NewExecution]) -> Sequence[Lease | None]:
        self._reaper.place()
        leases = super().create(executions)
        self._reaper.place()
        return leases

    def commit(self, commits: Sequence[Commit], *, sync: bool) -> Sequence[Lease | None]:
        self._reaper.place()
        leases = super().commit(commits, sync=sync)
        self._reaper.place()
        return leases


class DyingTask:
    """A task whose process may die before and after its effect; the effect is a line in a file."""

    def __init__(
        self, integration: Integration, reaper: Reaper, effects: Path, answer: Callable[[TaskCall], None]
    ) -> None:
        self._integration = integration
        self._reaper = reaper
        self._effects = effects
        self._answer = answer

    def perform(self, call: TaskCall) -> Answer | None:
        """Perform it, dying on the way."""
        self._reaper.place()
        line = json.dumps({"state": call.context["State"]["Name"], "token": call.token, "key": call.idempotency_key})
        file = os.open(self._effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, f"{line}\n".encode())
        os.close(file)
        answer = self._integration.perform(call)
        self._answer(call)
        self._reaper.place()
        return answer

    def poll(self, call: TaskCall, job: Json, polls: int) -> Succeeded | Failed | Pending:
        """Ask how a job stands, dying on the way."""
        self._reaper.place()
        assert isinstance(self._integration, Jobs)
        told = self._integration.poll(call, job, polls)
        self._reaper.place()
        return told

    def stop(self, call: TaskCall, job: Json) -> None:
        """Nothing to stop here."""


@dataclass(frozen=True)
class DyingBindings(Bindings):
    """Bindings whose tasks may die."""

    wrap: Callable[[Integration], DyingTask] | None = None

    def find(self, resource: str, input: Json) -> Integration | None:
        found = super().find(resource, input)
        return found if found is None or self.wrap is None else self.wrap(found)


def live(case: Case, folder: Path, at: int | None) -> None:
    """One life: start the execution, or take it up where it stands, and drive it to its end."""
    reaper, person = Reaper(at), dict(case.answers)
    engines: list[Engine] = []

    def answer(call: TaskCall) -> None:
        if call.context["State"]["Name"] in person:
            engines[0].send_task_success(call.token, person[call.context["State"]["Name"]])

    plain, effects = bindings_of(case.machine), folder / "effects"
    bindings = DyingBindings(
        plain.bound,
        plain.substitutions,
        plain.folder,
        wrap=lambda task: DyingTask(task, reaper, effects, answer),
    )
    engine = Engine(DyingStore(str(folder / "store.db"), reaper), clock=VirtualClock(), bindings=bindings)
    engines.append(engine)
    engine.run(machine_of(case.machine), case.input, name=NAME, timeout=30)
    engine.close(grace_ms=1_000)
    (folder / "places").write_text(str(reaper.passed))


def fork(do: Callable[[], None]) -> int:
    """Do it in a process of its own; the status it ended with."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            do()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def look(folder: Path) -> dict[str, Any]:
    """The execution as it is in the store now."""
    if not (folder / "store.db").exists():
        return {"history": [], "status": None}
    engine = Engine(SqliteStore(str(folder / "store.db")))
    try:
        if not engine.executions():
            return {"history": [], "status": None}
        result = engine.result(NAME)
        history = list(engine.history(NAME))
        return {"history": history, "status": result.status, "output": result.output, "error": result.error}
    finally:
        engine.close()


def seen(folder: Path) -> list[dict[str, str]]:
    """The effects that were seen outside, in order."""
    file = folder / "effects"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def wrong(case: Case, folder: Path, before: dict[str, Any], reference: dict[str, Any]) -> list[str]:
    """What does not hold after an execution was killed, looked at (`before`), and driven to its end."""
    after, problems = look(folder), []
    for part in ("status", "output", "error"):
        if after.get(part) != reference[part]:
            problems.append(f"{part}: {after.get(part)!r} instead of {reference[part]!r}")
    if after["history"][: len(before["history"])] != before["history"]:
        problems.append("the history does not extend what was committed before")
    if [event["id"] for event in after["history"]] != list(range(1, len(after["history"]) + 1)):
        problems.append("the history has a gap")
    told = Counter(event["type"] for event in after["history"])
    scheduled = sum(count for kind, count in told.items() if kind.endswith("Scheduled"))
    tokens = {effect["token"] for effect in seen(folder)}
    if len(tokens) > scheduled:
        problems.append(f"{len(tokens)} tokens were seen outside, but only {scheduled} tasks were scheduled")
    ends = ("Succeeded", "Failed", "TimedOut")
    answered = sum(told[f"{family}{end}"] for family in ("Task", "LambdaFunction") for end in ends)
    if answered > scheduled:
        problems.append(f"{answered} answers to {scheduled} tasks")
    return problems


def crash(case: Case, folder: Path) -> dict[str, Any]:
    """Every place of a case, one after the other."""
    reference_folder = folder / "reference"
    reference_folder.mkdir(parents=True)
    fork(lambda: live(case, reference_folder, None))
    reference = look(reference_folder)
    places = int((reference_folder / "places").read_text())
    problems: dict[str, list[str]] = {}
    if reference["status"] != case.status:
        problems["reference"] = [f"ended as {reference['status']}"]
    killed = 0
    for at in range(1, places + 1):
        place = folder / str(at)
        place.mkdir()
        status = fork(lambda place=place, at=at: live(case, place, at))  # type: ignore[misc]
        killed += os.WIFSIGNALED(status)
        before = look(place)
        if fork(lambda place=place: live(case, place, None)) != 0:  # type: ignore[misc]
            problems[f"place {at}"] = ["it could not be driven to its end"]
            continue
        found = wrong(case, place, before, reference)
        if found:
            problems[f"place {at}"] = found
        shutil.rmtree(place)
    return {"places": places, "killed": killed, "problems": problems}


def main() -> None:
    """Run one case."""
    machine, name, folder = sys.argv[1:]
    (case,) = [case for case in cases(machine) if case.name == name]
    print(json.dumps(crash(case, Path(folder))))


if __name__ == "__main__":
    main()
