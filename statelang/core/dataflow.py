"""How data flows through a state: the effective input before its work, output and variables after (asl.md 1.4, 1.5).

    raw input -> InputPath -> Parameters | Arguments -> work
    -> Assign, ResultSelector -> ResultPath -> OutputPath (JSONPath) | Assign, Output (JSONata)

Rule: every state goes through these functions and no other; both query languages meet here. What passes untouched
stays the same Value, and so keeps its text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from statelang.core.frame import NO_VARIABLES, Frame
from statelang.core.transition import Transition
from statelang.core.value import Value
from statelang.errors import Fault
from statelang.language.scope import ABSENT
from statelang.program import Expression, State
from statelang.values import Json

Assigned = Mapping[str, Value]

TOO_LARGE = "The state/task '{}' returned a result with a size exceeding the maximum number of bytes service limit."


class Outcome(NamedTuple):
    """What a state leaves behind: its output, and the variables it assigned."""

    output: Value
    assigned: Assigned = NO_VARIABLES


class Oversize(Fault):
    """A payload beyond the limit. AWS's text for it has no prefix, and the state cannot catch it (recorded 2024)."""

    def __init__(self, name: str) -> None:
        super().__init__("States.DataLimitExceeded", TOO_LARGE.format(name))


def path_input(t: Transition, frame: Frame, node: State) -> Json:
    """The input after InputPath."""
    raw = frame.input.json
    return raw if node.input_path is None else node.input_path(t.scope(frame, raw))


def effective_input(t: Transition, frame: Frame, node: State, token: str | None = None) -> Json:
    """The input after InputPath and Parameters, or Arguments: what the state works on.

    `token` is the task token, where the state's fields may read it.
    """
    data = path_input(t, frame, node)
    return data if node.arguments is None else node.arguments(t.scope(frame, data, token=token))


def passed(t: Transition, frame: Frame, node: State, *effective: Json) -> Outcome:
    """The outcome of a state that has no result of its own (Wait, Choice, Succeed): its input, through."""
    raw = frame.input
    if node.query_language == "JSONata":
        return _output(t, frame, node.name, raw, raw, node.output, node.assign, {})
    if not effective and node.input_path is None and node.output_path is None and node.assign is None:
        return Outcome(raw)
    data = effective[0] if effective else path_input(t, frame, node)
    assigned = NO_VARIABLES if node.assign is None else assign(t, frame, node.assign(t.scope(frame, data)))
    return Outcome(payload(t, node.name, _through(t, frame, node, data), raw), assigned)


def resulted(t: Transition, frame: Frame, node: State, result: Value) -> Outcome:
    """The outcome of a state that has a result (Task, Parallel, Map, and Pass, whose result is what it makes)."""
    raw = frame.input
    if node.query_language == "JSONata":
        return _output(t, frame, node.name, raw, result, node.output, node.assign, {"result": result.json})
    data = result.json
    assigned = NO_VARIABLES if node.assign is None else assign(t, frame, node.assign(t.scope(frame, data)))
    if node.result_selector is not None:
        data = node.result_selector(t.scope(frame, data))
    if node.result_path is not None:
        data = node.result_path(raw.json, data)
    return Outcome(payload(t, node.name, _through(t, frame, node, data), raw, result), assigned)


def chosen(
    t: Transition, frame: Frame, node: State, data: Json, output: Expression | None, assignment: Expression | None
) -> Outcome:
    """The outcome of a Choice by one of its rules, whose Output and Assign stand instead of the state's own."""
    raw = frame.input
    if node.query_language == "JSONata":
        return _output(t, frame, node.name, raw, raw, output, assignment, {})
    assigned = NO_VARIABLES if assignment is None else assign(t, frame, assignment(t.scope(frame, data)))
    return Outcome(payload(t, node.name, _through(t, frame, node, data), raw), assigned)


def assign(t: Transition, frame: Frame, variables: Mapping[str, Json]) -> Assigned:
    """Variables to be set, held to the limits of AWS (asl.md 1.6).

    Each is a value apart: what comes out of a variable is no longer the input or result that went in, whose spelling
    would be kept.
    """
    limits = t.started.limits
    assigned = {name: t.apart(json) for name, json in variables.items()}
    sizes = [value.size for value in assigned.values()]
    if limits.variable is not None and any(size > limits.variable for size in sizes):
        raise Fault("States.DataLimitExceeded", f"A variable exceeds the maximum of {limits.variable} bytes.")
    if limits.assign is not None and sum(sizes) > limits.assign:
        raise Fault("States.DataLimitExceeded", f"The variables assigned exceed the maximum of {limits.assign} bytes.")
    if limits.variables is not None:
        kept = sum(value.size for name, value in frame.variables.items() if name not in assigned)
        if kept + sum(sizes) > limits.variables:
            raise Fault("States.DataLimitExceeded", f"The variables exceed the maximum of {limits.variables} bytes.")
    return assigned


def _through(t: Transition, frame: Frame, node: State, data: Json) -> Json:
    return data if node.output_path is None else node.output_path(t.scope(frame, data))


def _output(
    t: Transition,
    frame: Frame,
    name: str,
    raw: Value,
    default: Value,
    output: Expression | None,
    assignment: Expression | None,
    seen: Mapping[str, Json],
) -> Outcome:
    """A JSONata outcome: Assign and Output both see the variables as they were on entry."""
    if output is None and assignment is None:
        return Outcome(_within_limit(t, name, default))
    scope = t.scope(frame, raw.json, result=seen.get("result", ABSENT), error_output=seen.get("error_output", ABSENT))
    assigned = NO_VARIABLES if assignment is None else assign(t, frame, assignment(scope))
    value = default if output is None else t.valued(output(scope), raw, default)
    return Outcome(_within_limit(t, name, value), assigned)


def caught(
    t: Transition, frame: Frame, name: str, error_output: Json, output: Expression | None, assignment: Expression | None
) -> Outcome:
    """The outcome of a JSONata Catcher."""
    value = t.value(error_output)
    return _output(t, frame, name, frame.input, value, output, assignment, {"error_output": error_output})


def payload(t: Transition, name: str, data: Json, *known: Value) -> Value:
    """What a state asks for or leaves behind as a Value, one of the known ones where it is the same.

    Raises Oversize: beyond the limit it goes neither out into the world nor on to the next state.
    """
    return _within_limit(t, name, t.valued(data, *known))


def _within_limit(t: Transition, name: str, value: Value) -> Value:
    limit = t.started.limits.payload
    if limit is not None and value.size > limit:
        raise Oversize(name)
    return value
