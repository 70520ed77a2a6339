"""Steps: what one state does, in sentences, with what follows from it.

Rule: a kind of state is one row of `TELLERS`; a sentence says what is written in the definition, never what is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from statelang.values import Json
from statelang.views.chart import MISSING, Box, Node, caught, reading_order, tries, waits
from statelang.views.deeds import deed
from statelang.views.document import Item, plain, strong
from statelang.views.glossary import Glossary
from statelang.views.maps import around, grouped, items, together
from statelang.views.words import (
    count,
    duration,
    listing,
    number,
    path,
    quoted,
    sentence,
    shortened,
    split_name,
)

FEW: Final = 4
"""Up to how many pauses between tries are listed."""


def steps(box: Box, glossary: Glossary) -> list[Item]:
    """Every state of a box as a point of a list, in reading order."""
    main, troubled = reading_order(box)
    return listed(box, [*main, *troubled], glossary)


def listed(box: Box, nodes: list[Node], glossary: Glossary) -> list[Item]:
    """Some states of a box as points of a list, in the order given."""
    following = [*nodes[1:], None]
    return [step(box, node, after, glossary) for node, after in zip(nodes, following)]


def step(box: Box, node: Node, after: Node | None, glossary: Glossary) -> Item:
    """One state; `after` is the one that is told next: what simply goes on with it need not say so."""
    said, under, numbered = TELLERS.get(node.type, _unknown)(box, node, glossary)
    notes = [*_tries(node, glossary), *_catches(box, node, glossary)]
    remembered, onward = _remembered(node.definition), _goes_on(box, node, after)
    if said and said[-1].endswith(":"):  # points follow: what comes after them is said after them
        said, notes = [*remembered, *said], [*onward, *notes]
    else:
        said = [*said, *remembered, *onward]
    comment = node.definition.get("Comment")
    if isinstance(comment, str) and comment.strip():
        said.insert(0, sentence(plain(comment)))
    elif said and not said[0].startswith("**"):
        said[0] = said[0][0].lower() + said[0][1:]
    title = strong(node.title)
    text = f"{title}: {' '.join(said)}" if said else title
    return Item(text, under, numbered, [Item(note) for note in notes])


Told = tuple[list[str], list[Item], bool]
"""Sentences, points under them, and whether those are numbered."""


def _unknown(box: Box, node: Node, glossary: Glossary) -> Told:
    return ["This step is named, but nothing says what it does."] if node.type == MISSING else [], [], False


def _task(box: Box, node: Node, glossary: Glossary) -> Told:
    state, done = node.definition, deed(node.definition, glossary)
    ends = {"answer": ", and waits until somebody answers", "end": ", and waits until that has ended"}
    said = [sentence(f"It {plain(done.says)}{ends.get(done.waits or '', '')}")]
    limit = _limit(state, "TimeoutSeconds", glossary)
    if limit:
        said.append(f"It has {limit} for that.")
    elif done.waits == "answer":
        said.append("There is no limit to how long that may take.")
    beat = _limit(state, "HeartbeatSeconds", glossary)
    if beat:
        said.append(f"A sign of life must come at least every {beat}.")
    return said, [], False


def _limit(state: Mapping[str, Json], key: str, glossary: Glossary) -> str:
    value = state.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return duration(value)
    given = state.get(f"{key}Path", value)
    if not isinstance(given, str):
        return ""
    if re.fullmatch(r"\$\{[\w.:]+\}", given):
        return f"{quoted(given[2:-1])} seconds"
    said = glossary.values.get(given) or (path(given) if given.startswith("$") else "a formula")
    return plain(f"as many seconds as {said} says")


def _choice(box: Box, node: Node, glossary: Glossary) -> Told:
    points = []
    for edge in box.out(node.name):
        target = strong(box.node(edge.target).title)
        if edge.kind == "rule" and edge.label != "otherwise":
            points.append(Item(f"If {plain(edge.label.removesuffix(', or otherwise'))}: {target}."))
            if edge.label.endswith(", or otherwise"):
                points.append(Item(f"Otherwise: {target} as well."))
        elif edge.kind in ("rule", "default"):
            points.append(Item(f"Otherwise: {target}."))
    points.sort(key=lambda item: item.text.startswith("Otherwise"))
    if not node.definition.get("Default"):
        points.append(Item("If none of these is so, it fails."))
    return ["It decides how to go on:"], points, False


def _pass(box: Box, node: Node, glossary: Glossary) -> Told:
    state = node.definition
    place = state.get("ResultPath")
    if isinstance(place, str) and place.startswith("$."):
        name = glossary.values.get(place) or path(place).removeprefix("the ").strip("“”")
        return [f"It prepares data, kept as {plain(quoted(name))}."], [], False
    given = next((state[key] for key in ("Output", "Parameters", "Result") if key in state), None)
    if isinstance(given, Mapping) and given:
        names = [quoted(split_name(key.removesuffix(".$"))) for key in given]
        more = [f"{len(names) - FEW} more"] if len(names) > FEW else []
        return [f"It prepares data: {plain(listing([*names[:FEW], *more]))}."], [], False
    return ["It prepares data." if set(state) & DATA else "It passes the data on."], [], False


DATA: Final = {"Result", "Parameters", "InputPath", "OutputPath", "Output", "Assign", "ResultPath"}


def _wait(box: Box, node: Node, glossary: Glossary) -> Told:
    return [f"It waits {plain(waits(node.definition, glossary))}."], [], False


def _succeed(box: Box, node: Node, glossary: Glossary) -> Told:
    return (["The work is done."] if not box.pointer else ["This part is done."]), [], False


def _fail(box: Box, node: Node, glossary: Glossary) -> Told:
    state = node.definition
    error, cause = state.get("Error"), state.get("Cause")
    said = "This part ends as failed" if box.pointer else "It ends as failed"
    if isinstance(error, str) and error and "{%" not in error:
        known = glossary.errors.get(error)
        said += f": {plain(known or quoted(error))}"
    elif isinstance(state.get("ErrorPath"), str) or error:
        said += ", with the error that the data names"
    if isinstance(cause, str) and cause and "{%" not in cause:
        said += f", because {plain(quoted(shortened(cause, 200)))}"
    else:
        template = re.match(r"States\.Format\('((?:[^'\\]|\\.)*)'", str(state.get("CausePath", "")))
        if template is not None:
            said += f", because {plain(quoted(template[1].replace('{}', '…')))}"
    return [f"{said}."], [], False


def _parallel(box: Box, node: Node, glossary: Glossary) -> Told:
    points = []
    for branch in node.boxes:
        inner = steps(branch, glossary)
        points.append(inner[0] if len(inner) == 1 else Item(_heading(branch), inner, True))
    what = count(len(points), "thing")
    return [f"It does {what} at the same time, and goes on when all of them are done:"], points, False


def _heading(branch: Box) -> str:
    return sentence(plain(branch.comment)) if branch.comment else "Step by step:"


def _map(box: Box, node: Node, glossary: Glossary) -> Told:
    state = node.definition
    each = ", ".join(filter(None, (f"for each of {items(state, glossary)}", grouped(state), together(state))))
    points = [point for inner in node.boxes for point in steps(inner, glossary)]
    said = [*(plain(text) for text in around(state)), sentence(plain(f"{each}, it does this:"))]
    return said, points, len(points) > 1


TELLERS: Final[Mapping[str, Callable[[Box, Node, Glossary], Told]]] = {
    "Task": _task,
    "Choice": _choice,
    "Pass": _pass,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}


def _remembered(state: Mapping[str, Json]) -> list[str]:
    given = state.get("Assign")
    if not isinstance(given, Mapping) or not given:
        return []
    names = [quoted(split_name(name.removesuffix(".$"))) for name in given]
    shown = names if len(names) <= FEW else [*names[:FEW], f"{len(names) - FEW} more"]
    return [f"It remembers {plain(listing(shown))} for later."]


def _goes_on(box: Box, node: Node, after: Node | None) -> list[str]:
    """Where it goes on, where that is not simply the step that is told next."""
    if node.type in ("Fail", "Succeed"):
        return []
    if node.ends and not box.pointer:
        return ["With that the work is done."]
    if node.ends:
        return ["With that this part is done."] if after is not None else []
    ways = [edge for edge in box.out(node.name) if edge.kind == "next"]
    if not ways or (after is not None and ways[0].target == after.name):
        return []
    return [f"Then it goes on with {strong(box.node(ways[0].target).title)}."]


def _list(value: Json) -> list[Mapping[str, Json]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _tries(node: Node, glossary: Glossary) -> Iterator[str]:
    for position, retrier in enumerate(_list(node.definition.get("Retry"))):
        yield f"If {plain(caught(retrier, glossary, other=position > 0))}, {tried(retrier)}."


def tried(retrier: Mapping[str, Json]) -> str:
    """A Retrier in words: `it tries again up to 3 times, after 1, 2 and 4 seconds`."""
    most = tries(retrier)
    if most <= 0:
        return "it does not try again"
    pauses = list(_pauses(retrier, min(most, FEW)))
    rate, highest = _number(retrier.get("BackoffRate"), 2.0), retrier.get("MaxDelaySeconds")
    times = "once more" if most == 1 else f"again up to {most} times"
    if most == 1:
        when = f", after {duration(pauses[0])}"
    elif rate == 1 or len(set(pauses)) == 1:
        when = f", {duration(pauses[0])} apart"
    elif most <= FEW:
        when = f", after {_durations(pauses)}"
    else:
        when = f", after {', '.join(number(pause) for pause in pauses[:3])} seconds and so on"
        when += f", at most {duration(highest)}" if isinstance(highest, (int, float)) else ""
    chance = " (each pause shortened by chance)" if retrier.get("JitterStrategy") == "FULL" else ""
    return f"it tries {times}{when}{chance}"


def _durations(pauses: list[float]) -> str:
    if max(pauses) < 120:
        return f"{listing(map(number, pauses))} seconds"
    return listing(map(duration, pauses))


def _number(value: Json, otherwise: float) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else otherwise


def _pauses(retrier: Mapping[str, Json], many: int) -> Iterator[float]:
    pause, rate = _number(retrier.get("IntervalSeconds"), 1), _number(retrier.get("BackoffRate"), 2.0)
    highest = _number(retrier.get("MaxDelaySeconds"), float("inf"))
    for _ in range(many):
        yield min(pause, highest)
        pause *= rate


def _catches(box: Box, node: Node, glossary: Glossary) -> Iterator[str]:
    again = " still" if any(tries(retrier) > 0 for retrier in _list(node.definition.get("Retry"))) else ""
    for position, catcher in enumerate(_list(node.definition.get("Catch"))):
        target = catcher.get("Next")
        if isinstance(target, str):
            clause = caught(catcher, glossary, other=position > 0).replace(
                "anything goes wrong", f"anything{again} goes wrong", 1
            )
            yield f"If {plain(clause)}, it goes on with {strong(box.node(target).title)}."
