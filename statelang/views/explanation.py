"""The explanation of a state machine: plain sentences for somebody who will never read JSON.

What starts it, what happens step by step, what happens when something goes wrong and who is told, how it can end.

Rule: it is made of the chart and the words that the picture has; the same definition gives the same sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from statelang.values import Json
from statelang.views.chart import Box, Node, chart, every_node, reading_order
from statelang.views.deeds import deed, last_name
from statelang.views.document import Document, Item, fragment, plain, strong
from statelang.views.glossary import Glossary
from statelang.views.steps import listed, step
from statelang.views.words import duration, listing, quoted, sentence, split_name

MOST_NAMED: Final = 8
"""How many fields of the input are named."""


def explanation(definition: Mapping[str, Json], title: str, glossary: Glossary | None = None) -> Document:
    """The explanation of a definition."""
    words = glossary or Glossary()
    box = chart(definition, words)
    told = Document()
    told.heading(1, words.title or title)
    told.paragraph(sentence(plain(box.comment)) if box.comment else "")
    told.heading(2, "What starts it")
    told.paragraph(*_start(definition, box, words))
    main, troubled = reading_order(box)
    told.heading(2, "What happens")
    told.items(listed(box, main, words), numbered=True)
    told.heading(2, "When something goes wrong")
    told.items(_failures(box, words))
    if troubled:
        told.paragraph("These steps happen only after a failure:")
        told.items(listed(box, troubled, words))
    told.heading(2, "How it ends")
    told.items(_ends(definition, box))
    return told


def step_texts(box: Box, glossary: Glossary) -> dict[str, str]:
    """What is said of each state, as HTML, by name."""

    def all_of(scope: Box) -> Iterator[tuple[str, str]]:
        for node in scope.nodes:
            document = Document()
            told = step(scope, node, None, glossary)
            document.paragraph(told.text)
            document.items(told.items, numbered=told.numbered)
            document.items(told.notes)
            yield node.name, fragment(document.markdown())
            for inner in node.boxes:
                yield from all_of(inner)

    return dict(all_of(box))


def _start(definition: Mapping[str, Json], box: Box, glossary: Glossary) -> Iterator[str]:
    yield "Somebody or something starts it and hands it data; every start is a run of its own."
    needed = list(inputs(definition))
    if needed:
        shown = [glossary.values.get(f"$.{name}") or quoted(split_name(name) or name) for name in needed[:MOST_NAMED]]
        more = [f"{len(needed) - MOST_NAMED} more"] if len(needed) > MOST_NAMED else []
        yield f"From that data it uses {plain(listing([*shown, *more]))}."
    if box.start is not None:
        first = next((node for node in box.nodes if node.name == box.start), None)
        if first is not None:
            yield f"It begins with {strong(first.title)}."


_READ: Final = re.compile(r"(?<![$\w])\$\.([A-Za-z_]\w*)")
_GIVEN: Final = re.compile(r"(?:\$\$\.Execution\.Input|\$states\.context\.Execution\.Input)\.([A-Za-z_]\w*)")
_STATES: Final = re.compile(r"\$states\.input\.([A-Za-z_]\w*)")


def inputs(definition: Mapping[str, Json]) -> dict[str, None]:
    """The fields of the input that the states read while it is still the input: until some state replaces the data.

    What a state has put beside it (ResultPath) is not the input's.
    """
    states = _all_states(definition)
    found: dict[str, None] = {}
    for state in states.values():
        found |= dict.fromkeys(name for text in _texts(state) for name in _GIVEN.findall(text))
    waiting: list[tuple[Json, frozenset[str]]] = [(definition.get("StartAt"), frozenset())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, made = waiting.pop()
        if not isinstance(name, str) or name not in states or (name, made) in seen or len(seen) > 1_000:
            continue
        state = states[name]
        seen.add((name, made))
        found |= dict.fromkeys(field for field in _reads(state, definition) if field not in made)
        waiting += _onward(state, definition, made)
    return dict.fromkeys(sorted(found))


def _all_states(scope: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    """Every state by its name, which is the only one of that name in the whole machine."""
    given, found = scope.get("States"), {}
    for name, state in given.items() if isinstance(given, Mapping) else ():
        if isinstance(state, Mapping):
            found[name] = state
            inner = [*_maps(state.get("Branches")), *_maps([state.get("ItemProcessor"), state.get("Iterator")])]
            for each in inner:
                found |= _all_states(each)
    return found


def _jsonata(state: Mapping[str, Json], definition: Mapping[str, Json]) -> bool:
    return "JSONata" in (state.get("QueryLanguage"), definition.get("QueryLanguage"))


def _reads(state: Mapping[str, Json], definition: Mapping[str, Json]) -> Iterator[str]:
    """The fields of its input that a state reads, in its own fields alone."""
    pattern = _STATES if _jsonata(state, definition) else _READ
    skipped = (
        "ItemProcessor",
        "Iterator",
        "Branches",
        "ResultSelector",
        "ResultPath",
        "Comment",
        "Catch",
        "OutputPath",
    )
    before = state.get("InputPath") in (None, "$") or pattern is _STATES
    for key, value in state.items():
        if key in skipped or (not before and key != "InputPath"):
            continue
        for text in _texts(value):
            yield from pattern.findall(text)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _onward(
    state: Mapping[str, Json], definition: Mapping[str, Json], made: frozenset[str]
) -> Iterator[tuple[Json, frozenset[str]]]:
    """Where the input goes on from a state, still whole, with what was put beside it."""
    for rule in _maps(state.get("Choices")):
        if "Output" not in rule:
            yield rule.get("Next"), made
    yield state.get("Default"), made
    for catcher in _maps(state.get("Catch")):
        caught = _beside(catcher.get("ResultPath", "$"))
        if caught is not None:
            yield catcher.get("Next"), made | caught
    if state.get("Type") == "Parallel" and not {"Parameters", "Arguments"} & set(state):
        for branch in _maps(state.get("Branches")):
            yield branch.get("StartAt"), made
    replaces = state.get("Type") in ("Task", "Parallel", "Map") or {"Result", "Parameters"} & set(state)
    if "Output" in state or state.get("OutputPath", "$") != "$" or (_jsonata(state, definition) and replaces):
        return
    beside = _beside(state.get("ResultPath", "$")) if replaces else frozenset()
    if beside is not None:
        yield state.get("Next"), made | beside


def _beside(place: Json) -> frozenset[str] | None:
    """The field a ResultPath writes; nothing where it writes none; None where it replaces everything."""
    if place is None:
        return frozenset()
    match = re.match(r"\$\.([A-Za-z_]\w*)", str(place))
    return frozenset((match[1],)) if match else None


WORKING: Final = ("Task", "Parallel", "Map")
"""The types of states that can fail with what others do."""


def _failures(box: Box, glossary: Glossary) -> list[Item]:
    working = [node for node in box.nodes if node.type in WORKING]
    bare = [node for node in working if not node.definition.get("Catch")]
    partly = [node for node in working if node.definition.get("Catch") and not _catches_all(node)]
    points = []
    if len(bare) == len(working) > 1:
        points.append(Item(f"If any of these steps fails, {STOPS}."))
    elif bare:
        points.append(Item(f"If {listing([strong(node.title) for node in bare], 'or')} fails, {STOPS}."))
    if partly:
        names = listing([strong(node.title) for node in partly], "or")
        points.append(Item(f"If {names} fails in a way that is not named there, {STOPS}."))
    if not working:
        points.append(Item("No step calls anything that could fail."))
    return [*points, *_told(box, glossary)]


STOPS: Final = "the whole run ends as failed, there and then"


def _catches_all(node: Node) -> bool:
    return any("States.ALL" in (catcher.get("ErrorEquals") or ()) for catcher in _maps(node.definition.get("Catch")))


def _maps(value: Json) -> list[Mapping[str, Json]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _told(box: Box, glossary: Glossary) -> Iterator[Item]:
    """Who is told of a failure, as far as the definition says."""
    after = {node.name for node in _after_failure(box)}
    tasks = [(node, deed(node.definition, glossary)) for node in every_node(box) if node.type == "Task"]
    told = [(node, done) for node, done in tasks if done.told or done.message]
    heard = [(node, done) for node, done in told if node.name in after]
    for node, done in heard:
        yield Item(f"{strong(node.title)} {plain(f'tells {done.told} about it' if done.told else done.says)}.")
    own = [strong(node.title) for node, done in tasks if node.name in after and done.own]
    if heard:
        return
    if own:
        yield Item(f"Whether {listing(own, 'or')} tells anybody is up to what is called there.")
    elif told:
        names = listing([strong(node.title) for node, _ in told])
        yield Item(f"Messages are sent by {names}, but none because a step has failed.")
    elif tasks:
        yield Item("No step tells anybody about a failure: it has to be looked for.")


def _after_failure(box: Box) -> Iterator[Node]:
    """The states that only a failure leads to, in this box and in those inside it, with all that these hold."""
    _, troubled = reading_order(box)
    for node in box.nodes:
        if node in troubled:
            yield node
        for inner in node.boxes:
            yield from every_node(inner) if node in troubled else _after_failure(inner)


def _ends(definition: Mapping[str, Json], box: Box) -> list[Item]:
    good = [node for node in box.nodes if node.ends and node.type != "Fail"]
    bad = [node for node in box.nodes if node.type == "Fail"]
    points = []
    if good:
        points.append(Item(f"Well, with {listing([strong(node.title) for node in good], 'or')}."))
    else:
        points.append(Item("It has no good end."))
    if bad:
        points.append(Item(f"As failed, with {listing([strong(node.title) for node in bad], 'or')}."))
    limit = definition.get("TimeoutSeconds")
    if isinstance(limit, (int, float)) and not isinstance(limit, bool):
        points.append(Item(f"As timed out, {duration(limit)} after its start."))
    elif isinstance(limit, str):
        points.append(Item(f"As timed out, {plain(last_name(limit))} seconds after its start."))
    return points
