"""Paths, intrinsic calls and JSONata: what looks like one where none is read, and what is read where it does not exist
(asl.md 1.4, 3).

Rule: whether a path or an expression can be read at all is found where it is compiled; here it can, and is misplaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from statelang.compiler.findings import Place
from statelang.compiler.problems import NO_DOLLAR, NO_PATH, STATIC_RESULT, did_you_mean
from statelang.compiler.queries import Name, states_fields
from statelang.compiler.references import texts
from statelang.compiler.rules.rule import LAMBDA, Found, Rule, machine, one, state
from statelang.compiler.rules.timeouts import TOKEN, is_activity
from statelang.compiler.scopes import Given, StateAt, rows
from statelang.compiler.substitutions import opened
from statelang.language.comparisons import COMPARISONS
from statelang.language.intrinsics import is_intrinsic
from statelang.language.templates import is_query
from statelang.values import Json

STATES_FIELDS: Final = ("input", "context", "result", "errorOutput")
_TEMPLATES: Final = ("Parameters", "ResultSelector", "ItemSelector", "Assign", "BatchInput")
_QUERY_TEMPLATES: Final = ("Arguments", "Output", "Assign", "Items", "ItemSelector", "Condition")
_PATH_FIELDS: Final = ("Error", "Cause")
_COMPARED: Final = tuple(name for name in COMPARISONS if name.startswith("String"))
_MERGE: Final = re.compile(r"States\.JsonMerge\([^()]*,\s*true\s*\)")
_PATH: Final = re.compile(r"\$\$?[.\[]\S*|\$\$?")


def looks_dynamic(text: str) -> bool:
    """Whether a text looks like a path or an intrinsic call."""
    return text.startswith(("$.", "$$.", "$[")) or (is_intrinsic(text) and "(" in text)


def no_dollar(at: StateAt) -> Iterator[Found]:
    """A text that looks like a path under a key without `.$` is most often a slip."""
    if at.language == "JSONPath":
        for value, place in _templates(at):
            yield from _undollared(value, place)


def _templates(at: StateAt) -> Iterator[tuple[Json, Place]]:
    """The payload templates of a JSONPath state."""
    batcher = at.value.get("ItemBatcher")
    parts: list[tuple[Given, Place]] = [(at.value, at.place), *rows(at.value, "Choices", at.place)]
    parts += rows(at.value, "Catch", at.place)
    if isinstance(batcher, dict):
        parts.append((batcher, at.place / "ItemBatcher"))
    for part, place in parts:
        for key in _TEMPLATES:
            if isinstance(part.get(key), dict):
                yield part[key], place / key


def _undollared(value: Json, place: Place) -> Iterator[Found]:
    for key, item, at in _entries(value, place):
        if key is not None and not key.endswith(".$") and isinstance(item, str) and looks_dynamic(item):
            message = f"The field '{key}' looks like a path or intrinsic call, but its name lacks '.$'"
            yield Found(message, at, f"did you mean '{key}.$'?", on_key=True)


def _entries(value: Json, place: Place, key: str | None = None) -> Iterator[tuple[str | None, Json, Place]]:
    """A value and everything in it, each with its place and its key; what is in an array has none."""
    yield key, value, place
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _entries(item, place / name, name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _entries(item, place / index)


def no_path(at: StateAt) -> Iterator[Found]:
    """A path in a field that takes a text as it is."""
    if at.language != "JSONPath":
        return
    for field in _PATH_FIELDS if at.kind == "Fail" else ():
        value = at.value.get(field)
        if isinstance(value, str) and _PATH.fullmatch(value):
            yield Found(
                f"The value looks like a path, and '{field}' takes it as a text", at.place / field, _path(field)
            )
    for row, place in rows(at.value, "Choices", at.place):
        yield from _compared(row, place)


def _path(field: str) -> str:
    return f"did you mean '{field}Path'?"


def _compared(rule: Given, place: Place) -> Iterator[Found]:
    for test, at in _tests(rule, place):
        for key in _COMPARED:
            value = test.get(key)
            if isinstance(value, str) and len(value) > 1 and _PATH.fullmatch(value):
                yield Found(f"The value looks like a path, and '{key}' takes it as a text", at / key, _path(key))


def _tests(rule: Given, place: Place) -> Iterator[tuple[Given, Place]]:
    """A Choice rule, and every rule that And, Or and Not combine in it."""
    yield rule, place
    for key in ("And", "Or"):
        for row, at in rows(rule, key, place):
            yield from _tests(row, at)
    if isinstance(rule.get("Not"), dict):
        yield from _tests(rule["Not"], place / "Not")


def static_result(at: StateAt) -> Iterator[Found]:
    """Result is taken as it is."""
    if at.kind == "Pass" and at.language == "JSONPath":
        for key, item, place in _entries(at.value.get("Result"), at.place / "Result"):
            dynamic = key is not None and key.endswith(".$")
            if dynamic or (key is not None and isinstance(item, str) and looks_dynamic(item)):
                message = "Result is taken as it is: paths in it are not evaluated"
                yield Found(message, place, "use Parameters", on_key=dynamic)


def deep_merge(at: StateAt) -> Iterator[Found]:
    """States.JsonMerge merges the top level only."""
    for key, text, place in texts(at.value, at.place):
        match = _MERGE.search(text) if key.endswith(".$") else None
        if match is not None:
            yield Found("States.JsonMerge fails unless its third argument is false", place, character=match.start())


def query_in_jsonpath(at: StateAt) -> Iterator[Found]:
    """`{% … %}` in a JSONPath state is just a text."""
    if at.language == "JSONPath" and at.kind is not None:
        for _, text, place in texts(at.value, at.place):
            if is_query(text):
                message = "This state uses JSONPath, where {% %} is an ordinary text"
                yield Found(message, place, "set QueryLanguage to JSONata")


def path_in_jsonata(at: StateAt) -> Iterator[Found]:
    """A path in a JSONata state is just a text."""
    if at.language != "JSONata":
        return
    for field in _QUERY_TEMPLATES:
        for key, item, place in _entries(at.value.get(field), at.place / field):
            if key is not None and key.endswith(".$"):
                message = f"This state uses JSONata, where the name '{key}' is taken as it is"
                yield Found(message, place, f"did you mean '{key[:-2]}': '{{% … %}}'?", on_key=True)
            elif isinstance(item, str) and looks_dynamic(item):
                yield Found("This state uses JSONata, where a path is an ordinary text", place, "write '{% … %}'")


def misplaced_states(at: StateAt) -> Iterator[Found]:
    """$states.result and $states.errorOutput exist in a few fields only."""
    for name, place in _states_read(at):
        if name.name in ("result", "errorOutput") and name.name not in _there(at, place):
            whose = "a Catch" if name.name == "errorOutput" else "a Task, Parallel or Map"
            message = f"$states.{name.name} does not exist here, only in Output and Assign of {whose}"
            yield Found(message, place, character=name.offset + 2)


def _states_read(at: StateAt) -> Iterator[tuple[Name, Place]]:
    """The fields of $states that a JSONata state reads, each with the place of the expression."""
    if at.language == "JSONata":
        for _, text, place in texts(at.value, at.place):
            for name in states_fields(opened(text)[2:-2]) if is_query(text) else ():
                yield name, place


def _there(at: StateAt, place: Place) -> tuple[str, ...]:
    """Which of result and errorOutput a field may read."""
    parts = place.removeprefix(at.place).split("/")[1:]
    if parts[0] == "Catch":
        return ("errorOutput",)
    return ("result",) if parts[0] in ("Output", "Assign") and at.kind in ("Task", "Parallel", "Map") else ()


def unknown_states(at: StateAt) -> Iterator[Found]:
    """$states has four fields."""
    for name, place in _states_read(at):
        if name.name not in STATES_FIELDS:
            hint = did_you_mean(name.name, STATES_FIELDS)
            yield Found(f"$states has no field '{name.name}'", place, hint, character=name.offset + 2)


def no_token_here(at: StateAt) -> Iterator[Found]:
    """$$.Task.Token exists while a task waits for its answer."""
    resource = at.value.get("Resource")
    if isinstance(resource, str) and (resource.endswith((TOKEN, ".sync", ".sync:2")) or is_activity(resource)):
        return
    if isinstance(resource, str) and "${" in resource:
        return
    for key, text, place in texts(at.value, at.place):
        read = "$states.context.Task.Token" if is_query(text) else "$$.Task.Token"
        if read in text and (is_query(text) or key.endswith((".$", "Path")) or key == "Variable"):
            message = "There is no task token here: only a .waitForTaskToken, .sync or activity task has one"
            yield Found(message, place, character=text.find(read))


def bad_pattern(at: StateAt) -> Iterator[Found]:
    """A backslash in StringMatches stands before * or another backslash."""
    for row, place in rows(at.value, "Choices", at.place):
        for test, where in _tests(row, place):
            pattern = test.get("StringMatches")
            wrong = re.match(r"(?:[^\\]|\\[*\\])*", pattern, re.DOTALL) if isinstance(pattern, str) else None
            if wrong is not None and wrong.end() < len(wrong.string):
                message = "A backslash that escapes nothing: testing this fails the execution"
                yield Found(message, where / "StringMatches", character=wrong.end())


def _query(type: str, **fields: Json) -> dict[str, Json]:
    return one(type, QueryLanguage="JSONata", **fields)


def _choice(**test: Json) -> dict[str, Json]:
    return machine({"Which": state("Choice", Choices=[{"Variable": "$.name", "Next": "Done", **test}], Default="Done"),
                    "Done": state("Succeed")})  # fmt: skip


ROWS: Final = (
    Rule(
        NO_DOLLAR,
        "WARNING",
        "In a payload template only the value of a key that ends in '.$' is evaluated. This one is passed on as text.",
        one("Pass", Parameters={"id": "$.id"}),
        one("Pass", Parameters={"id.$": "$.id"}),
        state=no_dollar,
    ),
    Rule(
        NO_PATH,
        "WARNING",
        "This field takes its value as it is. To read it from the input, use the field of the same name with Path.",
        one("Fail", Error="Refused", Cause="$.reason"),
        one("Fail", Error="Refused", CausePath="$.reason"),
        state=no_path,
    ),
    Rule(
        STATIC_RESULT,
        "WARNING",
        "The Result of a Pass is taken as it is; to compute it, use Parameters.",
        one("Pass", Result={"id.$": "$.id"}),
        one("Pass", Parameters={"id.$": "$.id"}),
        state=static_result,
    ),
    Rule(
        "SL040",
        "WARNING",
        "A state uses JSONPath unless it or the machine says QueryLanguage: JSONata, and then '{% … %}' means nothing.",
        one("Pass", Parameters={"id": "{% $states.input.id %}"}),
        _query("Pass", Output={"id": "{% $states.input.id %}"}),
        state=query_in_jsonpath,
    ),
    Rule(
        "SL041",
        "WARNING",
        "In a JSONata state nothing but '{% … %}' is evaluated: neither '$.path' nor a name that ends in '.$'.",
        _query("Pass", Output={"id.$": "$.id"}),
        _query("Pass", Output={"id": "{% $states.input.id %}"}),
        state=path_in_jsonata,
    ),
    Rule(
        "SL042",
        "ERROR",
        "A result exists once a Task, Parallel or Map is done: in its Output and Assign. An error output exists in the "
        "Output and Assign of a catcher.",
        _query("Task", Resource=LAMBDA, Arguments="{% $states.result %}"),
        _query("Task", Resource=LAMBDA, Arguments="{% $states.input %}", Output="{% $states.result %}"),
        state=misplaced_states,
    ),
    Rule(
        "SL043",
        "WARNING",
        "$states holds input, context, result and errorOutput. Anything else is undefined, and fails where it is used.",
        _query("Pass", Output="{% $states.inputs %}"),
        _query("Pass", Output="{% $states.input %}"),
        state=unknown_states,
    ),
    Rule(
        "SL044",
        "WARNING",
        "Only a task that waits for its answer has a token. Elsewhere reading it fails the execution.",
        one("Task", Resource="arn:aws:states:::lambda:invoke",
            Parameters={"FunctionName": "work", "Payload": {"token.$": "$$.Task.Token"}}),
        one("Task", Resource="arn:aws:states:::lambda:invoke.waitForTaskToken", TimeoutSeconds=60,
            Parameters={"FunctionName": "work", "Payload": {"token.$": "$$.Task.Token"}}),
        state=no_token_here,
    ),
    Rule(
        "SL045",
        "WARNING",
        "In StringMatches a backslash takes its meaning from an asterisk or another backslash (both doubled in JSON). "
        "Before anything else it fails the execution.",
        _choice(StringMatches="C:\\temp*"),
        _choice(StringMatches="C:\\\\temp*"),
        state=bad_pattern,
    ),
    Rule(
        "SL081",
        "WARNING",
        "States.JsonMerge merges the top level only, as on AWS: with true as its third argument it fails.",
        one("Pass", Parameters={"all.$": "States.JsonMerge($.a, $.b, true)"}),
        one("Pass", Parameters={"all.$": "States.JsonMerge($.a, $.b, false)"}),
        state=deep_merge,
    ),
)  # fmt: skip
"""The rows of this subject."""
