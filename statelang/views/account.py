"""The account of one execution, in plain sentences: did it finish, when, and if not, where did it stall?

Rule: it tells the course and nothing else; what the definition says is for `explanation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from statelang.errors import InvalidInput
from statelang.positions import Position
from statelang.values import Json, decode
from statelang.views.chart import Box, Node, chart, every_node
from statelang.views.course import AT_ONCE, Course, Visit, done_in
from statelang.views.document import Document, Item, plain, strong
from statelang.views.glossary import Glossary
from statelang.views.words import ERRORS, count, moment, quoted, sentence, shortened, took

MOST: Final = 60
"""How many steps are told one by one; of more, the first and the last ones are."""

FIRST: Final = 15

DOING: Final[Mapping[str, str]] = {
    "running": "is being worked on",
    "requested": "has been asked for, and nobody has begun yet",
    "waiting for its answer": "waits until somebody answers",
    "waiting": "waits",
    "pausing before a retry": "pauses before it tries again",
    "running its branches or iterations": "goes on inside",
    "about to run": "is about to begin",
}
"""What goes on at a place -> how it is said; what is not here is said as it is."""


def account(
    definition: Mapping[str, Json], course: Course, name: str, now: int, glossary: Glossary | None = None
) -> Document:
    """The account of the execution `name`; `now` in milliseconds since 1970."""
    words = glossary or Glossary()
    box = chart(definition, words)
    nodes = {node.name: node for node in every_node(box)}
    told = Document()
    told.heading(1, f"What happened in {name}")
    told.paragraph(*_outcome(course, name, nodes, now, words))
    if course.status == "RUNNING":
        told.heading(2, "Where it stands now")
        told.items([_standing(position, nodes, now) for position in course.positions if not _outer(position)])
    told.heading(2, "Step by step")
    told.items(_steps(box, course, words, now), numbered=True)
    never = [strong(node.title) for node in box.nodes if course.outcome(node.name) == "never"]
    if never and course.status != "RUNNING":
        told.paragraph(f"Not needed this time, or never reached: {', '.join(never)}.")
    return told


def _outcome(course: Course, name: str, nodes: Mapping[str, Node], now: int, glossary: Glossary) -> Iterator[str]:
    until = course.ended_at if course.ended_at is not None else now
    spent = took(until - course.started_at)
    said = {
        "SUCCEEDED": f"{strong(name)} **finished well**, {spent} after its start.",
        "FAILED": f"{strong(name)} **failed**, {spent} after its start.",
        "ABORTED": f"{strong(name)} **was stopped**, {spent} after its start.",
        "TIMED_OUT": f"{strong(name)} **ran out of time** and was given up, {spent} after its start.",
        "RUNNING": f"{strong(name)} **has not finished**: it has been running for {spent}.",
    }
    yield said[course.status]
    yield f"It started on {moment(course.started_at)}."
    yield from _stalled(course, nodes, glossary)
    if course.redrives:
        yield f"After a failure it was taken up again {count(course.redrives, 'time')}."


def _stalled(course: Course, nodes: Mapping[str, Node], glossary: Glossary) -> Iterator[str]:
    """Where a run that did not finish came to its end, and what had failed before."""
    reason = _reason(course.error, course.cause, glossary)
    if course.status in ("FAILED", "ABORTED", "TIMED_OUT"):
        open_ = [visit for visit in course.visits if visit.outcome in ("failed", "stopped") and visit.left_at is None]
        inner = [visit for visit in open_ if visit.type not in ("Map", "Parallel")] or open_
        last = max(inner, key=lambda visit: (visit.outcome == "failed", visit.number), default=None)
        before = [visit for visit in course.visits if visit.outcome == "caught"]
        if last is not None and last.type == "Fail" and before:
            broke = _root(before[-1], course)
            why = _reason(broke.error, broke.cause, glossary)
            name = _title(broke.state, nodes)
            broken = "was reached, which counts as a failure" if broke.type == "Fail" else "failed"
            yield sentence(f"{name} {broken}{f': {why}' if why else ''}")
            yield f"So it came to its end at {_title(last.state, nodes)}."
        elif last is not None:
            yield f"It stalled at {_title(last.state, nodes)}."
    if reason:
        yield sentence(f"The reason it gives: {reason}")


def _root(visit: Visit, course: Course) -> Visit:
    """Inside a Parallel or Map, the visit that made it fail."""
    inner = [other for other in course.visits if other.within is visit and other.outcome == "failed"]
    return _root(inner[-1], course) if inner else visit


def _reason(error: str | None, cause: str | None, glossary: Glossary) -> str:
    known = (glossary.errors.get(error) or ERRORS.get(error)) if error else None
    parts = [known, quoted(error) if error and not known else None, _message(cause) if cause else None]
    return plain(": ".join(part for part in parts if part))


def _message(cause: str) -> str:
    """What a cause says; of the JSON a function fails with, its message alone."""
    try:
        value = decode(cause)
    except InvalidInput:
        value = None
    if isinstance(value, dict) and isinstance(value.get("errorMessage"), str):
        cause = value["errorMessage"]
    return shortened(cause, 300)


def _outer(position: Position) -> bool:
    """A place that only holds others."""
    return position.count is not None and position.doing.startswith("running its")


def _standing(position: Position, nodes: Mapping[str, Node], now: int) -> Item:
    where = [_part(holder, index, nodes) for holder, index in zip(position.path[::2], position.path[1::2])]
    inside = f" ({plain(', '.join(where))})" if where else ""
    said = f"{_title(position.state, nodes)}{inside} {DOING.get(position.doing, position.doing)}"
    details = [f"for {took(now - position.since)} now"]
    if position.attempt > 1:
        details.append(f"at the {_th(position.attempt)} try")
    if position.until is not None:
        details.append(f"until {moment(position.until)} at the latest")
    return Item(f"{said}, {', '.join(details)}.")


def _part(holder: str | int, index: str | int, nodes: Mapping[str, Node]) -> str:
    node = nodes.get(str(holder))
    kind = "item" if node is not None and node.type == "Map" else "part"
    return f"{kind} {int(index) + 1} of {node.title if node is not None else holder}"


def _title(state: str, nodes: Mapping[str, Node]) -> str:
    return strong(nodes[state].title if state in nodes else state)


def _steps(box: Box, course: Course, glossary: Glossary, now: int) -> list[Item]:
    nodes = {node.name: node for node in box.nodes}
    visits = [visit for visit in course.visits if visit.state in nodes]
    points = [_step(visit, nodes, course, glossary, now) for visit in visits]
    if len(points) <= MOST:
        return points
    left = len(points) - MOST
    return [*points[:FIRST], Item(f"… and {count(left, 'more step')} like these …"), *points[FIRST + left :]]


def _step(visit: Visit, nodes: Mapping[str, Node], course: Course, glossary: Glossary, now: int) -> Item:
    node = nodes[visit.state]
    clock = f"{datetime.fromtimestamp(visit.entered_at // 1000, UTC):%H:%M:%S}"
    said = [f"{clock} {strong(node.title)}: {_became(visit, course, glossary, now)}"]
    target = nodes.get(visit.went_to or "")
    if visit.outcome == "caught" and target is not None:
        said.append(f"This is dealt with: it goes on with {strong(target.title)}.")
    elif node.type == "Choice" and target is not None:
        said.append(f"It goes on with {strong(target.title)}.")
    return Item(" ".join(said), [point for inner in node.boxes for point in _inside(inner, course, now)])


def _became(visit: Visit, course: Course, glossary: Glossary, now: int) -> str:
    until = visit.left_at if visit.left_at is not None else course.ended_at
    spent = took(until - visit.entered_at) if until is not None else ""
    again = f" at the {_th(visit.tries)} try" if visit.tries > 1 else ""
    if visit.outcome == "succeeded":
        return f"{done_in(spent)}{again}."
    if visit.outcome == "running":
        return f"not done yet, for {took(now - visit.entered_at)}{again}."
    after = f" after {spent}" if spent not in ("", AT_ONCE) else ""
    if visit.outcome == "stopped":
        return f"stopped{after}."
    reason = _reason(visit.error, visit.cause, glossary)
    word = "ends as failed" if visit.type == "Fail" else f"failed{after}{again}"
    said = sentence(f"{word}{f': {reason}' if reason else ''}")
    return said[:1].lower() + said[1:]


def _th(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _inside(box: Box, course: Course, now: int) -> list[Item]:
    """What happened inside a Parallel or Map, state by state; what was never reached is left out."""
    points = []
    for node in box.nodes:
        if course.outcome(node.name) != "never":
            under = [point for inner in node.boxes for point in _inside(inner, course, now)]
            points.append(Item(f"{strong(node.title)}: {plain(course.note(node.name, now))}.", under))
    return points
