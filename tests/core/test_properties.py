"""Random machines and inputs never crash the core: they succeed, or fail with an error of the language."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statelang.compiler import compile_definition
from statelang.core.execution import Execution
from statelang.core.stimulus import RunTask, Stopped
from statelang.errors import InvalidDefinition
from statelang.testing.simulation import WAYS, Reply, Simulation, start
from statelang.values import decode, encode

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
paths = st.sampled_from(
    [
        "$",
        "$.a",
        "$.b",
        "$.a.b",
        "$.a[0]",
        "$.a[*]",
        "$..c",
        "$$.State.Name",
        "$.c[?(@ > 1)]",
        "$.a[-1]",
        "$.b.length()",
    ]
)
calls = st.sampled_from(
    [
        "States.MathAdd($.a, 1)",
        "States.Format('{}', $.a)",
        "States.Array($.a, $.b)",
        "States.UUID()",
        "States.JsonToString($)",
        "States.ArrayLength($.a)",
        "States.StringToJson($.b)",
        "States.ArrayPartition($.a, 2)",
        "States.Hash($.a, 'MD5')",
    ]
)
templates = st.recursive(
    st.dictionaries(st.sampled_from(["x.$", "y.$"]), paths | calls, max_size=2)
    | json_values.filter(lambda v: isinstance(v, (int, str))),
    lambda inner: st.dictionaries(st.sampled_from("pq"), inner, max_size=2),
    max_leaves=4,
)
places = st.sampled_from(["$", "$.r", "$.a.r", "$.a[0]", None])


@st.composite
def states(draw: Any, names: list[str], depth: int = 0) -> dict[str, Any]:
    """A States object, which may name what is not there."""
    found = {}
    for number, name in enumerate(names):
        state = draw(_state(name, depth))
        if state["Type"] not in ("Succeed", "Fail"):
            following = names[number + 1 :]
            if state["Type"] == "Choice":
                state["Default"] = draw(st.sampled_from(following)) if following else name
            elif following:
                state["Next"] = draw(st.sampled_from(following))
            else:
                state["End"] = True
        found[name] = state
    return found


def _state(name: str, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    flow = {"InputPath": paths, "OutputPath": paths}
    result = {"Parameters": templates.filter(lambda t: isinstance(t, dict)), "ResultPath": places, **flow}
    retry = st.just([{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}])
    kinds = [
        _some({"Type": st.just("Pass")}, {"Result": json_values, **result}),
        _some(
            {"Type": st.just("Task"), "Resource": st.just("python:a:b")},
            {**result, "Retry": retry, "TimeoutSeconds": st.integers(1, 9)},
        ),
        _some({"Type": st.just("Wait")} | {"Seconds": st.integers(0, 9)}, flow),
        _some({"Type": st.just("Wait"), "SecondsPath": paths}, flow),
        _some({"Type": st.just("Succeed")}, flow),
        _some({"Type": st.just("Fail")}, {"Error": st.text(max_size=4), "CausePath": paths}),
        _some({"Type": st.just("Choice"), "Choices": st.lists(_rule(name), min_size=1, max_size=2)}, flow),
    ]
    if depth < 2:
        inner = st.builds(
            lambda s: {"StartAt": next(iter(s)), "States": s}, states([f"{name}x", f"{name}y"], depth + 1)
        )
        other = st.builds(lambda s: {"StartAt": next(iter(s)), "States": s}, states([f"{name}z"], depth + 1))
        branches = st.tuples(inner, other).map(list)
        kinds.append(_some({"Type": st.just("Parallel"), "Branches": branches}, {**result, "Retry": retry}))
        kinds.append(
            _some(
                {"Type": st.just("Map"), "ItemProcessor": inner},
                {"ItemsPath": paths, "MaxConcurrency": st.integers(0, 3), **flow},
            )
        )
    return st.one_of(kinds)


def _some(needed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(needed, optional=optional)


def _rule(name: str) -> st.SearchStrategy[dict[str, Any]]:
    test = st.sampled_from(["IsPresent", "IsNumeric", "IsString", "IsNull"])
    return st.builds(
        lambda path, kind, wanted: {"Variable": path, kind: wanted, "Next": name}, paths, test, st.booleans()
    )


pytestmark = pytest.mark.slow

machines = st.builds(lambda s: {"StartAt": next(iter(s)), "States": s}, states(["A", "B", "C"]))
answers = st.lists(st.tuples(st.booleans(), json_values, st.integers(0, 20_000)), min_size=1, max_size=4)
COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=300, **COMMON)
@given(machines, json_values, answers, st.integers(0, 30_000) | st.none())
def test_the_core_never_crashes(machine: Any, data: Any, given_answers: Any, stop: int | None) -> None:
    try:
        program = compile_definition(encode(machine))
    except InvalidDefinition:
        return
    histories = []
    for way in WAYS:
        number = iter(range(10**6))

        def reply(request: RunTask, execution: Execution, number: Any = number) -> Reply:
            failed, value, after = given_answers[next(number) % len(given_answers)]
            return Reply(failed=failed, error="Task.Error", cause="why", output=encode(value), after=after)

        posts = [] if stop is None else [(stop, lambda at, execution: Stopped(at, "Stopped", None))]
        simulation = Simulation(program, start(program, encode(data)), reply, way, posts, most=600)
        head = simulation.run().head
        histories.append(list(simulation.events()))
        if head.status == "FAILED":
            assert head.error is not None or head.cause is not None or "Fail" in encode(machine)
        if head.output is not None:
            decode(head.output.text)
    assert histories[0] == histories[1] == histories[2]


@settings(max_examples=200, **COMMON)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")) | json_values.map(encode))
def test_any_text_is_a_program_or_refused(text: str) -> None:
    for name in ("any.json", "any.yaml"):
        try:
            compile_definition(text, name=name)
        except InvalidDefinition:
            continue


@settings(max_examples=200, **COMMON)
@given(machines, st.data())
def test_a_damaged_machine_is_a_program_or_refused(machine: Any, data: Any) -> None:
    """Any value anywhere in a definition may be replaced by any other."""
    spots = list(_spots(machine))
    parent, key = data.draw(st.sampled_from(spots))
    parent[key] = data.draw(json_values)
    try:
        compile_definition(encode(machine))
    except InvalidDefinition:
        return


def _spots(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _spots(item)
