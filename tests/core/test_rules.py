"""The rules of the language, one by one: each held straight, encoded between stimuli, and with answers given twice.

The numbers are those of the reference the project keeps to (asl.md): section, then what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from statelang.compiler import compile_definition
from statelang.core.execution import Execution
from statelang.core.stimulus import RunTask, TaskFailed, TaskHeartbeat, TaskStarted, TaskSucceeded, Tick
from statelang.testing.simulation import WAYS, Reply, Simulation, Way, start
from statelang.values import Json, encode

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:f"
PREFIX = "An error occurred while executing the state 'S' (entered at the event id #2). "
TOO_LARGE = "The state/task '{}' returned a result with a size exceeding the maximum number of bytes service limit."

Answers = Callable[[RunTask, Execution], Reply]


def states(**named: Json) -> Json:
    return {"StartAt": next(iter(named)), "States": named}


def one(kind: str, **fields: Json) -> Json:
    """A machine of one state S, beside an end E that its rules and catchers may go to."""
    ends = kind in ("Choice", "Succeed", "Fail") or "Next" in fields
    return states(S={"Type": kind, **fields, **({} if ends else {"End": True})}, E={"Type": "Succeed"})


def task(**fields: Json) -> Json:
    return one("Task", Resource=LAMBDA, **fields)


def inner(kind: str, name: str = "I", **fields: Json) -> Json:
    ends = kind in ("Choice", "Succeed", "Fail")
    return states(**{name: {"Type": kind, **fields, **({} if ends else {"End": True})}})


def choice(**rule: Json) -> Json:
    return one("Choice", Choices=[{**rule, "Next": "E"}], Default="N") | {
        "States": {**one("Choice", Choices=[{**rule, "Next": "E"}], Default="N")["States"], "N": {"Type": "Fail"}}
    }


def caught(*names: str, **fields: Json) -> Json:
    return [{"ErrorEquals": list(names), "Next": "E", **fields}]


def always(reply: Reply) -> Callable[[], Answers]:
    return lambda: lambda request, execution: reply


def in_turn(*errors: str | None) -> Callable[[], Answers]:
    """A task that fails with these errors, attempt by attempt; with None, and after them, it succeeds."""

    def fresh() -> Answers:
        count = iter(range(1_000))

        def reply(request: RunTask, execution: Execution) -> Reply:
            number = next(count)
            error = errors[number] if number < len(errors) else None
            if error is None:
                return Reply(output=encode({"attempt": number}))
            return Reply(failed=True, error=error, cause=f"cause {number}")

        return reply

    return fresh


SILENT = always(Reply(silent=True))
GIVES = always(Reply(output='{"r": 1}'))


class Rule(NamedTuple):
    """A definition, an input, and what has to come of it: `output`, or `error` and `cause`."""

    about: str
    definition: Json
    input: Json = {}
    output: Json = None
    error: str | None = None
    cause: str | None = None
    answers: Callable[[], Answers] = GIVES


BIG = "x" * 200_000


def _data_flow() -> Iterator[Rule]:
    yield Rule("1.4 InputPath null is {}", one("Pass", InputPath=None), [1], {})
    yield Rule("1.4 OutputPath null is {}", one("Pass", OutputPath=None), [1], {})
    yield Rule("1.4 ResultPath null keeps the raw input", one("Pass", Result=1, ResultPath=None), {"a": 1}, {"a": 1})
    yield Rule(
        "1.4 ResultPath writes into the raw input, not into what InputPath made of it",
        one("Pass", InputPath="$.a", Result=2, ResultPath="$.r"), {"a": 1}, {"a": 1, "r": 2},
    )  # fmt: skip
    yield Rule("1.4 ResultPath makes objects on its way", one("Pass", Result=1, ResultPath="$.a.b.c"), {"z": 0},
               {"z": 0, "a": {"b": {"c": 1}}})  # fmt: skip
    yield Rule("1.4 an index of ResultPath must exist", one("Pass", Result=9, ResultPath="$.x[1]"), {"x": [0, 0]},
               {"x": [0, 9]})  # fmt: skip
    yield Rule("1.4 ResultPath into a text", one("Pass", Result=1, ResultPath="$.x"), "text",
               error="States.ResultPathMatchFailure")  # fmt: skip
    yield Rule("1.3 Result wins, and is literal", one("Pass", Result={"r.$": "$.a"}, Parameters={"p": 1}), {},
               {"r.$": "$.a"})  # fmt: skip
    yield Rule("1.4 templates reach into arrays, and take texts in them as they are",
               one("Pass", Parameters={"a": [{"b.$": "$.x"}, "$.x"]}), {"x": 5}, {"a": [{"b": 5}, "$.x"]})  # fmt: skip
    yield Rule("1.4 indefinite paths give arrays", one("Pass", Parameters={"a.$": "$.l[*].x", "b.$": "$.l[5:]"}),
               {"l": [{"x": 1}, {}]}, {"a": [1], "b": []})  # fmt: skip
    yield Rule("2.3 a template's path that leads nowhere", one("Pass", Parameters={"v.$": "$.no"}), {"a": 1},
               error="States.Runtime", cause=PREFIX + "The JSONPath '$.no' specified for the field 'v.$' could not be "
               "found in the input '{\"a\":1}'")  # fmt: skip
    yield Rule("2.3 InputPath that leads nowhere", one("Pass", InputPath="$.no.such"), {}, error="States.Runtime",
               cause=PREFIX + "Invalid path '$.no.such' : Missing property in path $['no']")  # fmt: skip
    yield Rule("2.3 null input", one("Pass", InputPath="$.a"), None, error="States.Runtime",
               cause=PREFIX + "Unable to apply Path transformation to null or empty input.")  # fmt: skip
    yield Rule("2.3 null input of a Choice", choice(Variable="$.a", StringEquals="x"), None, error="States.Runtime",
               cause=PREFIX + "Unable to apply Path transformation to null or empty input.")  # fmt: skip
    yield Rule("9.9 a token is only where there is one", one("Pass", Parameters={"t.$": "$$.Task.Token"}), {},
               error="States.Runtime")  # fmt: skip


def _variables() -> Iterator[Rule]:
    show = {"Type": "Pass", "Parameters": {"x.$": "$x", "y.$": "$y"}, "End": True}
    first = {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"}
    yield Rule("1.6 all right-hand sides see the old values",
               states(A=first, B={"Type": "Pass", "Assign": {"x.$": "$y", "y.$": "$x"}, "Next": "C"}, C=show), {},
               {"x": 2, "y": 1})  # fmt: skip
    yield Rule("1.6 Assign of a Task sees the raw result, before ResultSelector",
               states(A={"Type": "Task", "Resource": LAMBDA, "ResultSelector": {"z.$": "$.r"},
                         "Assign": {"x.$": "$.r", "y": 0}, "Next": "B"}, B=show), {}, {"x": 1, "y": 0})  # fmt: skip
    yield Rule("1.6 an inner scope reads the outer one, and ends with its branch",
               states(A=first, B={"Type": "Parallel", "Branches": [states(
                   I={"Type": "Pass", "Assign": {"z.$": "$x"}, "Next": "J"},
                   J={"Type": "Pass", "Parameters": {"v.$": "States.Array($x, $z)"}, "End": True})], "End": True}),
               {}, [{"v": [1, 1]}])  # fmt: skip
    rule = {"Variable": "$x", "NumericEquals": 1, "Next": "C", "Assign": {"y": "rule"}}
    yield Rule("1.6 a matching rule's Assign stands instead of the state's",
               states(A=first, B={"Type": "Choice", "Choices": [rule], "Default": "C", "Assign": {"x": "state"}},
                      C=show), {}, {"x": 1, "y": "rule"})  # fmt: skip
    yield Rule("1.6 Default takes the state's Assign",
               states(A=first, B={"Type": "Choice", "Choices": [{**rule, "NumericEquals": 7}], "Default": "C",
                                  "Assign": {"x": "state"}}, C=show), {}, {"x": "state", "y": 2})  # fmt: skip
    yield Rule("1.6 a Catcher's Assign sees the Error Output",
               states(A={"Type": "Task", "Resource": LAMBDA, "Assign": {"x": "never"}, "Next": "B",
                         "Catch": caught("States.ALL", Assign={"x.$": "$.Error", "y": 1}) },
                      E=show, B={"Type": "Pass", "End": True}), {}, {"x": "Bad", "y": 1},
               answers=in_turn("Bad"))  # fmt: skip
    yield Rule("1.6 the limit of one variable", one("Pass", Assign={"x.$": "States.Array($, $)"}), BIG,
               error="States.DataLimitExceeded")  # fmt: skip


def _choices() -> Iterator[Rule]:
    for value, name, other, holds in (
        ("a", "StringEquals", "a", True), (1, "StringEquals", "1", False), ("a", "StringLessThan", "b", True),
        (0, "NumericEquals", 0.0, True), (True, "NumericEquals", 1, False), ("1", "NumericGreaterThan", 0, False),
        ("2012-10-09T19:00:55Z", "TimestampEquals", "2012-10-09T21:00:55+02:00", True),
        ("2012-10-09T19:00:55", "IsTimestamp", True, False), ("2012-10-09", "TimestampLessThan",
        "2013-01-01T00:00:00Z", False), (None, "IsNull", True, True), (None, "IsPresent", True, True),
        (True, "IsNumeric", False, True), ("log-1.txt", "StringMatches", "log-*.txt", True),
        ("a*b", "StringMatches", "a\\*b", True), ("axb", "StringMatches", "a\\*b", False),
        ("a\\b", "StringMatches", "a\\\\b", True), ("x", "StringMatches", "?", False), ("a", "StringMatches", "a*a",
        False), (5, "StringMatches", "*", False),
    ):  # fmt: skip
        about = f"4.1 {name} {other!r} of {value!r}"
        expected: Mapping[str, Any] = {"output": {"v": value}} if holds else {"error": None}
        yield Rule(about, choice(Variable="$.v", **{name: other}), {"v": value}, **expected)
    yield Rule("4.1 IsPresent asks for the path", choice(Variable="$.v", IsPresent=False), {}, {})
    invalid = "Invalid path '$.v': The choice state's condition path references an invalid value."
    yield Rule("4.1 a missing Variable", choice(Variable="$.v", IsNull=True), {}, error="States.Runtime",
               cause=PREFIX + invalid)  # fmt: skip
    yield Rule("2.1 an escape in Variable", choice(Variable="$.a\\.b", NumericEquals=1), {"a.b": 1}, {"a.b": 1})
    yield Rule("4.1 an open escape", choice(Variable="$.v", StringMatches="a\\b"), {"v": "x"}, error="States.Runtime")
    yield Rule("4.1 And stops at the first that is false",
               choice(And=[{"Variable": "$.v", "IsPresent": True}, {"Variable": "$.v.w", "NumericEquals": 1}]), {},
               error=None)  # fmt: skip
    yield Rule("4.1 …Path of a wrong type is false", choice(Variable="$.v", StringEqualsPath="$.w"),
               {"v": "x", "w": 1}, error=None)  # fmt: skip
    yield Rule("4.1 nothing matches", one("Choice", Choices=[{"Variable": "$.v", "IsNull": True, "Next": "E"}]),
               {"v": 1}, error="States.NoChoiceMatched")  # fmt: skip
    unmatched = inner("Choice", Choices=[{"Variable": "$", "IsNull": True, "Next": "J"}])
    unmatched["States"]["J"] = {"Type": "Succeed"}
    yield Rule("4.1 which can be caught around the Choice",
               one("Map", ItemProcessor=unmatched, Catch=caught("States.NoChoiceMatched", ResultPath=None)), [1],
               [1])  # fmt: skip


def _handling() -> Iterator[Rule]:
    two = [{"ErrorEquals": ["A"], "MaxAttempts": 2}, {"ErrorEquals": ["B"], "MaxAttempts": 1}]
    yield Rule("5.1.2 every retrier counts for itself", task(Retry=two), {}, {"attempt": 3},
               answers=in_turn("A", "B", "A"))  # fmt: skip
    yield Rule("5.1.2 and runs out for itself", task(Retry=two), {}, error="B", cause="cause 2",
               answers=in_turn("B", "A", "B"))  # fmt: skip
    yield Rule("5.1.1 a retrier that is used up is not followed by a later one",
               task(Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"]}]), {}, error="A",
               cause="cause 1", answers=in_turn("A", "A"))  # fmt: skip
    yield Rule("5.1 MaxAttempts 0 never retries", task(Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 0}]), {},
               error="A", cause="cause 0", answers=in_turn("A"))  # fmt: skip
    yield Rule("5.1.3 States.Runtime is never caught, not even by name",
               task(Parameters={"x.$": "$.no"}, Retry=[{"ErrorEquals": ["States.Runtime"]}],
                    Catch=caught("States.Runtime", "States.Other")), {}, error="States.Runtime")  # fmt: skip
    yield Rule("5.3 States.IntrinsicFailure can be", task(Parameters={"x.$": "States.ArrayGetItem($.l, 1)"},
               Catch=caught("States.IntrinsicFailure", ResultPath=None)), {"l": []}, {"l": []})  # fmt: skip
    yield Rule("5.1.3 a result that is too large is caught by States.ALL",
               task(Catch=caught("States.ALL", ResultPath=None)), {}, {},
               answers=always(Reply(output=encode(BIG + BIG))))  # fmt: skip
    yield Rule("5.1.3 an output that is too large is not",
               task(Parameters={"a": 1}, ResultSelector={"a.$": "$", "b.$": "$"}, Catch=caught("States.ALL")), {},
               error="States.DataLimitExceeded", cause=TOO_LARGE.format("S"),
               answers=always(Reply(output=encode(BIG))))  # fmt: skip
    yield Rule("9.1 nor is an input", task(Parameters={"a.$": "$", "b.$": "$"}), BIG,
               error="States.DataLimitExceeded", cause=TOO_LARGE.format("S"))  # fmt: skip
    for language, placed in (
        ("JSONPath", {"ResultPath": "$.e"}),
        ("JSONata", {"Output": "{% [$states.input.x, $states.input.x] %}"}),
    ):
        yield Rule(f"9.1 nor is what a catcher of {language} makes",
                   task(QueryLanguage=language, Catch=caught("States.ALL", **placed)), {"x": "x" * 262_134},
                   error="States.DataLimitExceeded", cause=TOO_LARGE.format("S"),
                   answers=in_turn("A"))  # fmt: skip
    yield Rule("5.1.4 States.TaskFailed is all but time-outs", task(Catch=caught("States.TaskFailed", ResultPath=None)),
               {}, {}, answers=in_turn("Mine"))  # fmt: skip
    yield Rule("5.1.4 but not States.Timeout", task(TimeoutSeconds=5, Catch=caught("States.TaskFailed")), {},
               error="States.Timeout", answers=SILENT)  # fmt: skip
    for name in ("States.HeartbeatTimeout", "States.Timeout", "States.ALL"):
        handler = caught(name)
        yield Rule(f"5.1.5 a missed heartbeat is caught as {name}", task(HeartbeatSeconds=2, Catch=handler), {},
                   {"Error": "States.Timeout", "Cause": ""}, answers=SILENT)  # fmt: skip
        around = one("Parallel", Branches=[inner("Task", Resource=LAMBDA, HeartbeatSeconds=2)], Catch=handler)
        yield Rule(f"5.1.5 and around the branch as {name}", around, {}, {"Error": "States.Timeout", "Cause": ""},
                   answers=SILENT)  # fmt: skip
    fails = inner("Fail", Error="X", Cause="why")
    yield Rule("5.3 States.BranchFailed is another name of a branch's error",
               one("Parallel", Branches=[fails], Catch=caught("States.BranchFailed")), {},
               {"Error": "X", "Cause": "why"})  # fmt: skip
    yield Rule("1.7.4 both keys are always there", task(Catch=caught("States.ALL")), {}, {"Error": None, "Cause": None},
               answers=always(Reply(failed=True)))  # fmt: skip
    yield Rule("1.7.1 on the caught path OutputPath and ResultPath of the state are skipped",
               task(InputPath="$.x", OutputPath="$.no", ResultPath="$.r",
                    Catch=caught("States.ALL", ResultPath="$.e")), {"x": 1},
               {"x": 1, "e": {"Error": "A", "Cause": "cause 0"}}, answers=in_turn("A"))  # fmt: skip
    yield Rule("5.2 a catcher that cannot be evaluated fails the execution",
               task(Catch=caught("States.ALL", ResultPath="$.x.y")), {"x": 1}, error="States.ResultPathMatchFailure",
               answers=in_turn("A"))  # fmt: skip
    yield Rule("5.1.8 Parameters are evaluated anew for each attempt",
               task(Parameters={"n.$": "$$.State.RetryCount"}, Retry=[{"ErrorEquals": ["A"]}], ResultPath="$.r"), {},
               {"r": {"attempt": 2}}, answers=in_turn("A", "A"))  # fmt: skip


def _maps() -> Iterator[Rule]:
    each = inner("Pass")
    names = {"k": "Key", "v": "Value", "i": "Index", "s": "Source"}
    selector = {f"{key}.$": f"$$.Map.Item.{name}" for key, name in names.items()}
    yield Rule("7.1 an object's values are its items", one("Map", ItemProcessor=each), {"a": 1, "b": 2}, [1, 2])
    yield Rule("7.1 Key, Value, Index and Source", one("Map", ItemProcessor=each, ItemSelector=selector), {"a": 1},
               [{"k": "a", "v": 1, "i": 0, "s": "STATE_DATA"}])  # fmt: skip
    yield Rule("7.1 $ of ItemSelector is the state's effective input",
               one("Map", ItemProcessor=each, InputPath="$.in", ItemsPath="$.l", ItemSelector={"all.$": "$"}),
               {"in": {"l": [1], "z": 2}}, [{"all": {"l": [1], "z": 2}}])  # fmt: skip
    yield Rule("2.3 ItemsPath that is no array", one("Map", ItemProcessor=each, ItemsPath="$.l"), {"l": 5},
               error="States.Runtime", cause=PREFIX + 'Reference path "$.l" must point to array.')  # fmt: skip
    for wrong, shown in ((1.5, "1.5"), ("x", "x"), (None, "null"), ({}, "{}")):
        told = f'The MaxConcurrencyPath field refers to value "{shown}" which is not a valid integer: $.c'
        yield Rule(f"2.3 MaxConcurrencyPath {wrong!r}",
                   one("Map", ItemProcessor=each, ItemsPath="$.l", MaxConcurrencyPath="$.c"), {"l": [1], "c": wrong},
                   error="States.Runtime", cause=PREFIX + told)  # fmt: skip
    yield Rule("7.1 no items", one("Map", ItemProcessor=each), [], [])
    yield Rule("7.1 the deprecated names", one("Map", Iterator=each, Parameters={"v.$": "$$.Map.Item.Value"}), [1],
               [{"v": 1}])  # fmt: skip
    large = inner("Pass", Result="x" * 100_000)
    yield Rule("9.1 what the iterations give together is a payload too",
               one("Map", ItemProcessor=large, Catch=caught("States.ALL")), [1, 2, 3],
               error="States.DataLimitExceeded", cause=TOO_LARGE.format("S"))  # fmt: skip
    branches = [inner("Wait", Seconds=5), inner("Pass", "J", Result=2)]
    yield Rule("7.6 the result is in the order of the branches", one("Parallel", Branches=branches), 1, [1, 2])


def _waits() -> Iterator[Rule]:
    wait = one("Wait", SecondsPath="$.s")
    for value, told in (
        (-1, "references a negative value: $.s == -1"),
        (1.5, "cannot be parsed as a long value: $.s == 1.5"),
        ("x", "cannot be parsed as a long value: $.s == x"),
    ):
        yield Rule(f"2.3 SecondsPath {value!r}", wait, {"s": value}, error="States.Runtime",
                   cause=PREFIX + f"The SecondsPath parameter {told}")  # fmt: skip
    yield Rule("2.3 SecondsPath missing", wait, {}, error="States.Runtime",
               cause=PREFIX + "The SecondsPath parameter does not reference an input value: $.s")  # fmt: skip
    yield Rule("2.3 a year is a wait", wait, {"s": 31_536_000}, {"s": 31_536_000})
    yield Rule("2.3 too far", wait, {"s": 2**31}, error="States.Runtime",
               cause=PREFIX + "Wait state delay is too long.")  # fmt: skip
    kind = "a valid ISO-8601 extended offset date-time format string"
    yield Rule("2.3 TimestampPath", one("Wait", TimestampPath="$.s"), {"s": "2026-01-01"}, error="States.Runtime",
               cause=PREFIX + f"The TimestampPath parameter does not reference {kind}: $.s == 2026-01-01")  # fmt: skip
    yield Rule("6 a bad time-out", task(TimeoutSecondsPath="$.t"), {"t": 0}, error="States.Runtime")
    yield Rule("6 a missing one", task(TimeoutSecondsPath="$.t"), {}, error="States.Runtime",
               cause=PREFIX + "Invalid path '$.t' : No results for path: $['t']")  # fmt: skip
    yield Rule("1.3 Fail by paths", one("Fail", ErrorPath="$.e", CausePath="States.Format('c{}', $.n)"),
               {"e": "E", "n": 1}, error="E", cause="c1")  # fmt: skip
    yield Rule("1.3 an empty Fail", one("Fail"), {}, error=None)


RULES = [*_data_flow(), *_variables(), *_choices(), *_handling(), *_maps(), *_waits()]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rule", RULES, ids=[rule.about for rule in RULES])
def test_rule(rule: Rule, way: Way) -> None:
    head = run(rule.definition, rule.input, rule.answers(), way).execution.head
    if rule.output is not None:
        assert (head.status, head.output and head.output.json) == ("SUCCEEDED", rule.output), head
    else:
        assert (head.status, head.error) == ("FAILED", rule.error)
        assert rule.cause is None or head.cause == rule.cause


def run(definition: Json, input: Json, answers: Answers, way: Way = "straight") -> Simulation:
    program = compile_definition(encode(definition), name="rule")
    simulation = Simulation(program, start(program, encode(input)), answers, way)
    simulation.run()
    return simulation


def told(simulation: Simulation) -> list[str]:
    """The history as `id:Type<previous`."""
    return [f"{event['id']}:{event['type']}<{event['previousEventId']}" for event in simulation.events()]


def test_pauses_grow_by_the_rate_up_to_their_cap() -> None:
    retry = {"ErrorEquals": ["A"], "MaxAttempts": 4, "IntervalSeconds": 3, "BackoffRate": 1.5, "MaxDelaySeconds": 6}
    simulation = run(task(Retry=[retry]), {}, in_turn("A", "A", "A", "A")())
    at = [event["timestamp"] for event in simulation.events() if event["type"] == "LambdaFunctionScheduled"]
    assert [time - at[0] for time in at] == [0, 3_000, 7_500, 13_500, 19_500]


def test_full_jitter_draws_within_the_pause() -> None:
    retry = {"ErrorEquals": ["A"], "MaxAttempts": 50, "IntervalSeconds": 8, "BackoffRate": 1, "JitterStrategy": "FULL"}
    simulation = run(task(Retry=[retry]), {}, in_turn(*["A"] * 50)())
    at = [event["timestamp"] for event in simulation.events() if event["type"] == "LambdaFunctionScheduled"]
    pauses = [later - earlier for earlier, later in pairwise(at)]
    assert len(pauses) == 50
    assert 0 <= min(pauses) < 2_000
    assert 6_000 < max(pauses) <= 8_000


def test_a_branch_that_fails_aborts_what_is_open() -> None:
    late = states(V={"Type": "Wait", "Seconds": 1, "Next": "F"}, F={"Type": "Fail", "Error": "X"})
    branches = [inner("Wait", "W", Seconds=9), inner("Task", "T", Resource=LAMBDA), late, inner("Pass", "P")]
    history = told(run(one("Parallel", Branches=branches), {}, SILENT()))
    assert history[-5:] == [
        "12:FailStateEntered<11",
        "13:WaitStateAborted<12",
        "14:TaskStateAborted<12",
        "15:ParallelStateFailed<12",
        "16:ExecutionFailed<15",
    ]


def test_a_heartbeat_that_comes_late_takes_no_time_away() -> None:
    program = compile_definition(encode(task(HeartbeatSeconds=10)), name="rule")
    simulation = Simulation(program, start(program), SILENT())
    simulation.deliver(Tick(simulation.now, bytes(16)))
    at, token = simulation.now, simulation.requests[0].token
    simulation.deliver(TaskStarted(at, token))
    for beat in (9_000, 1_000):
        simulation.deliver(TaskHeartbeat(at + beat, token))
    due = simulation.execution.due()
    assert due is not None
    assert due[0] == at + 19_000


def test_what_a_retry_has_dropped_does_not_come_back() -> None:
    """The frames of the first attempt may still be in the store: one of them waits there for a time that comes."""
    branches = [inner("Wait", "W", Seconds=9), inner("Task", "T", Resource=LAMBDA)]
    definition = one("Parallel", Branches=branches, Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 1}])
    straight, encoded, twice = (told(run(definition, {}, in_turn("A")(), way)) for way in WAYS)
    assert sum("WaitStateExited" in event for event in straight) == 1
    assert encoded == straight
    assert twice == straight


def test_a_catcher_of_a_map_that_cannot_be_evaluated_tells_of_one_failure() -> None:
    definition = one("Map", ItemProcessor=inner("Fail", Error="X"), Catch=caught("States.ALL", ResultPath="$[0].y"))
    history = told(run(definition, [1], GIVES()))
    assert history[-3:] == ["6:MapIterationFailed<5", "7:MapStateFailed<5", "8:ExecutionFailed<7"]


def test_the_last_event_of_a_history_is_its_end() -> None:
    loop = states(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}, E={"Type": "Succeed"})
    simulation = run(loop, {}, GIVES())
    *_, last = simulation.events()
    assert (last["id"], last["type"], last["previousEventId"]) == (25_000, "ExecutionFailed", 24_999)


@pytest.mark.parametrize("way", WAYS)
def test_time_does_not_go_back_in_a_history(way: Way) -> None:
    """The clock of whoever answers may be behind."""
    program = compile_definition(encode(task(Retry=[{"ErrorEquals": ["A"]}])), name="rule")
    simulation = Simulation(program, start(program), in_turn("A")(), way)
    while (stimulus := simulation.upcoming()) is not None:
        late = isinstance(stimulus, TaskFailed | TaskSucceeded)
        simulation.deliver(replace(stimulus, at=stimulus.at - 5_000) if late else stimulus)
    times = [event["timestamp"] for event in simulation.events()]
    assert simulation.execution.head.status == "SUCCEEDED"
    assert times == sorted(times)
