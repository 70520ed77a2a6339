"""The small machine of the golden files, and two executions of it in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from statelang.compiler.source import read_source
from statelang.core.execution import Execution
from statelang.core.stimulus import RunTask
from statelang.positions import positions
from statelang.state_machine import load
from statelang.testing.simulation import Reply, Simulation, start
from statelang.values import encode
from statelang.views.course import Course, course

GOLDEN = Path(__file__).resolve().parent / "golden"
PARCEL = GOLDEN / "parcel.asl.yaml"
ITEMS = {"items": ["tea", "cup"]}


def definition() -> dict[str, Any]:
    value: dict[str, Any] = read_source(PARCEL.read_text(encoding="utf-8"), PARCEL.name).value
    return value


def simulation(replies: Any, *, until: int = 1_000) -> Simulation:
    """An execution in which the tasks answer as told, or as far as it goes in so many stimuli."""
    program = load(PARCEL, substitutions={"Region": "eu-west-1", "Account": "111122223333"}).program
    made = Simulation(program, start(program, encode(ITEMS)), replies, most=until)
    made.run()
    return made


def course_of(made: Simulation) -> Course:
    return course(made.events(), list(positions(made.execution)))


def _state(request: RunTask, execution: Execution) -> str:
    return execution.frames[request.frame].state


def unlucky() -> Simulation:
    """The scale is busy once, then broken."""
    answers = iter(
        [Reply(failed=True, error="ScaleBusy", after=1_000), Reply(failed=True, error="ScaleBroken", after=500)]
    )

    def replies(request: RunTask, execution: Execution) -> Reply:
        return next(answers) if _state(request, execution) == "Weigh" else Reply(output='{"MessageId": "1"}', after=100)

    return simulation(replies)


def halfway() -> Simulation:
    """One item is packed, nobody answers for the other."""
    packed = iter([Reply(submitted="{}", output='"packed"', after=60_000), Reply(submitted="{}", silent=True)])

    def replies(request: RunTask, execution: Execution) -> Reply:
        state = _state(request, execution)
        if state == "Pack":
            return next(packed)
        return Reply(output='{"grams": 900, "scale": "A"}' if state == "Weigh" else '"printed"', after=2_000)

    return simulation(replies)
