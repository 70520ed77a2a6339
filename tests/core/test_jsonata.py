"""JSONata in states, field by field (asl.md 1.5, 1.6, 3, 4, 5, 7), each machine in all three ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from statelang.compiler import compile_definition, validate
from statelang.core.limits import Limits
from statelang.errors import InvalidDefinition
from statelang.language.bounds import Bounds
from statelang.testing.simulation import WAYS, Reply, Simulation, start
from statelang.values import Json, encode

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:f"


def machine(language: str = "JSONata", **states: Json) -> Json:
    return {"QueryLanguage": language, "StartAt": next(iter(states)), "States": states}


def run(definition: Json, input: Json = None, *replies: Reply, limits: Limits | None = None) -> Simulation:
    """One execution, in all three ways, which must agree."""
    program = compile_definition(encode(definition))
    ran = []
    for way in WAYS:
        left = list(replies)
        begun = start(program, encode({} if input is None else input), **({} if limits is None else {"limits": limits}))
        simulation = Simulation(program, begun, lambda request, execution, left=left: left.pop(0), way)
        simulation.run()
        ran.append(simulation)
    assert list(ran[0].events()) == list(ran[1].events()) == list(ran[2].events())
    return ran[0]


def output(*arguments: Any, **options: Any) -> Json:
    head = run(*arguments, **options).execution.head
    assert head.status == "SUCCEEDED", (head.error, head.cause)
    assert head.output is not None
    return head.output.json


def failure(*arguments: Any, **options: Any) -> tuple[str | None, str | None, Json]:
    """Error, cause without its common beginning, and the details of EvaluationFailed."""
    simulation = run(*arguments, **options)
    head = simulation.execution.head
    assert head.status == "FAILED"
    told = [e["evaluationFailedEventDetails"] for e in simulation.events() if e["type"] == "EvaluationFailed"]
    cause = (head.cause or "").partition("). ")[2]
    return head.error, cause, told[0] if told else None


def given(expression: str, input: Json = None, **more: Json) -> Json:
    """What an expression gives as the Output of a Pass."""
    return output(machine(S={"Type": "Pass", "Output": f"{{% {expression} %}}", "End": True, **more}), input)


def refused(definition: Json) -> str:
    with pytest.raises(InvalidDefinition) as caught:
        compile_definition(encode(definition))
    return str(caught.value)


def test_templates_evaluate_whole_texts_only() -> None:
    template = {
        "a": "{% $states.input.x %}",
        "b": " {% 1 %} ",
        "c": ["{% 1 + 1 %}", "text {% %} in between"],
        "{% 1 %}": 1,
    }
    made = output(machine(S={"Type": "Pass", "Output": template, "End": True}), {"x": [1]})
    assert made == {"a": [1], "c": [2, "text {% %} in between"], "b": " {% 1 %} ", "{% 1 %}": 1}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("10 / 2", 5),
        ("1.0", 1),
        ("1 / 0", "Infinity"),
        ("[-1 / 0, {'a': 0 / 0}]", ["-Infinity", {"a": "NaN"}]),
        ("null", None),
        ("{'a': $nothing, 'b': null}", {"b": None}),
        ("$states.input.missing ? 1 : 2", 2),
        ("[1..3]", [1, 2, 3]),
        ("$states.input.x[$ > 1]", 2),
        ("$range(-1.7, 2, 1)", [-1, 0, 1, 2]),
        ("$range(1, 9, 0)", []),
        ("$range(1, 0, 1)", []),
        ("$range(1, 9, 9)", 1),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$partition([0], 1)", [[0]]),
        ("$partition([1, 2, 3], 2.9)", [[1, 2], [3]]),
        ("$random(42)", 0.7275636800328681),
        ("$substring($hash('input', 'SHA-1'), 0, 8)", "140f86aa"),
        ("$length($hash('', 'SHA-512'))", 128),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$length($uuid())", 36),
        ("$uuid() = $uuid()", False),
        ("$random() < 1", True),
        ("$states.context.State.Name", "S"),
        ("$count($states.context.Execution.Input.x)", 2),
        ("$states ~> $keys()", ["input", "context"]),
        ("$millis() > 1700000000000", True),
    ],
)
def test_values(expression: str, value: Json) -> None:
    assert given(expression, {"x": [1, 2]}) == value


def test_numbers_are_doubles_and_print_as_javascript_prints_them() -> None:
    made = given("[$states.input.a, $states.input.b, 1e20, 0.1 + 0.2]", {"a": 1.0, "b": 12345678901234567890})
    assert encode(made) == "[1,12345678901234567000,100000000000000000000,0.30000000000000004]"
    assert encode(given("$states.input", {"b": [12345678901234567890]})) == '{"b":[12345678901234567000]}'


@pytest.mark.parametrize(
    ("expression", "tail"),
    [
        ("$states.input.missing", "returned nothing (undefined)."),
        ("$unassigned", "returned nothing (undefined)."),
        ("$sum", "returned an unsupported result type."),
        ("function($x){$x}", "returned an unsupported result type."),
        ("/a+/", "returned an unsupported result type."),
        (
            '"a" + 1',
            'threw an error during evaluation. T2001: The left side of the "+" operator must evaluate to a number',
        ),
        ("$eval('1')", "threw an error during evaluation. T1006: Attempted to invoke a non-function"),
        ("$error('no')", "threw an error during evaluation. D3137: no"),
        (
            "($f := function(){1 + $f()}; $f())",
            "threw an error during evaluation. U1001: Stack overflow error: Check for non-terminating recursive "
            "function.  Consider rewriting as tail-recursive.",
        ),
        (
            "[1..1e6]",
            "threw an error during evaluation. U1003: Expression evaluation memory limit exceeded: "
            "Check for excessive memory usage",
        ),
    ],
)
def test_failures_name_the_expression_and_the_field(expression: str, tail: str) -> None:
    error, cause, told = failure(
        machine(S={"Type": "Pass", "Output": {"a": [0, f"{{%  {expression}  %}}"]}, "End": True})
    )
    assert error == "States.QueryEvaluationError"
    assert cause == f"The JSONata expression '{expression}' specified for the field 'Output/a[1]' {tail}"
    assert told["location"] == "Output/a[1]"
    assert told["state"] == "S"


def test_limits_are_values_of_limits() -> None:
    deep = machine(S={"Type": "Pass", "Output": f"{{% {' + '.join(['1'] * 200)} %}}", "End": True})
    assert failure(deep)[0] == "States.QueryEvaluationError"
    assert output(deep, limits=Limits.lifted()) == 200
    low = Limits(query=Bounds(depth=5))
    assert failure(machine(S={"Type": "Pass", "Output": "{% 1+1+1+1+1+1 %}", "End": True}), limits=low)[0]


NO_CONTEXT = ("order", "$", "$$", "*", "**", "order.id", "$.order", "$count(items)", "[a]")
NOT_PARSED = ("1 +", "(", "/(/")
CONTEXT = (
    "$states.input[$.a = 1]",
    "$states.input.items.(price * $)",
    "$map([1], function($x){$})",
    "($x := 1; $x)",
    "$states.input.{'a': b}",
)


@pytest.mark.parametrize("expression", NO_CONTEXT + NOT_PARSED)
def test_no_implicit_context_and_nothing_that_does_not_parse(expression: str) -> None:
    told = refused(machine(S={"Type": "Pass", "Output": {"a": f"{{% {expression} %}}"}, "End": True}))
    assert "/States/S/Output" in told
    assert "character" in told or "column" in told or ":1:" in told


@pytest.mark.parametrize(
    "expression",
    [
        "$states.input[$.a = 1]",
        "$states.input.items.(price * $)",
        "$map([1], function($x){$ })",
        "($x := 1; $x)",
        "$states.input.{'a': b}",
    ],
)
def test_inside_steps_and_functions_there_is_a_context(expression: str) -> None:
    compile_definition(encode(machine(S={"Type": "Pass", "Output": f"{{% {expression} %}}", "End": True})))


def test_arguments_result_output_and_assign_of_a_task() -> None:
    definition = machine(
        T={
            "Type": "Task",
            "Resource": LAMBDA,
            "Arguments": {"n": "{% $states.input.n * 2 %}"},
            "Assign": {"result": "{% $states.result %}", "n": "{% $states.input.n %}"},
            "Output": "{% $states.result.ok & $string($states.input.n) & $string($exists($n)) %}",
            "Next": "E",
        },
        E={"Type": "Succeed", "Output": {"was": "{% $states.input %}", "n": "{% $n %}", "r": "{% $result %}"}},
    )
    simulation = run(definition, {"n": 2}, Reply(output='{"ok": "yes"}'))
    assert simulation.execution.head.output.json == {"was": "yes2false", "n": 2, "r": {"ok": "yes"}}
    scheduled = next(e for e in simulation.events() if e["type"] == "LambdaFunctionScheduled")
    assert json.loads(scheduled["lambdaFunctionScheduledEventDetails"]["input"]) == {"n": 4}


def test_time_outs_credentials_and_heartbeats_are_expressions() -> None:
    definition = machine(
        T={
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Arguments": {"FunctionName": "f", "Payload": {"token": "{% $states.context.Task.Token %}"}},
            "TimeoutSeconds": "{% $states.input.wait * 2 %}",
            "HeartbeatSeconds": "{% $states.input.wait %}",
            "Credentials": {"RoleArn": "{% 'arn:aws:iam::' & $states.input.account & ':role/r' %}"},
            "Catch": [{"ErrorEquals": ["States.Timeout"], "Output": "{% $states.errorOutput %}", "Next": "E"}],
            "End": True,
        },
        E={"Type": "Succeed"},
    )
    input = {"wait": 30, "account": "1"}
    simulation = run(definition, input, Reply(silent=True, submitted="{}"))
    assert simulation.execution.head.output.json["Error"] == "States.Timeout"
    scheduled = next(e for e in simulation.events() if e["type"] == "TaskScheduled")["taskScheduledEventDetails"]
    assert scheduled["timeoutInSeconds"] == 60
    assert scheduled["heartbeatInSeconds"] == 30
    assert scheduled["taskCredentials"] == {"roleArn": "arn:aws:iam::1:role/r"}
    assert "token" in scheduled["parameters"]


@pytest.mark.parametrize("value", ["'x'", "0", "-1", "1.5", "null"])
def test_a_time_out_that_is_none_fails_the_task(value: str) -> None:
    task = {"Type": "Task", "Resource": LAMBDA, "TimeoutSeconds": f"{{% {value} %}}", "End": True}
    error, _, told = failure(machine(T=task))
    assert error == "States.QueryEvaluationError"
    assert told["location"] == "TimeoutSeconds"


def test_retry_and_catch_take_errors_of_jsonata() -> None:
    task = {
        "Type": "Task",
        "Resource": LAMBDA,
        "Arguments": "{% $states.context.State.RetryCount < 2 ? $error('early') : 'late' %}",
        "Retry": [{"ErrorEquals": ["States.QueryEvaluationError"]}],
        "End": True,
    }
    assert output(machine(T=task), None, Reply(output="1")) == 1
    caught = {
        **task,
        "Retry": [],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"e": "{% $states.errorOutput.Error %}"}, "Next": "E"}],
    }
    definition = machine(T=caught, E={"Type": "Succeed", "Output": "{% $e %}"})
    assert output(definition) == "States.QueryEvaluationError"


def test_a_catcher_that_fails_ends_the_execution() -> None:
    task = {
        "Type": "Task",
        "Resource": LAMBDA,
        "Catch": [
            {"ErrorEquals": ["X"], "Next": "E"},
            {"ErrorEquals": ["States.ALL"], "Output": "{% $nothing %}", "Next": "E"},
        ],
        "End": True,
    }
    _, _, told = failure(machine(T=task, E={"Type": "Succeed"}), None, Reply(failed=True, error="Y"))
    assert told["location"] == "Catch[1]/Output"


def test_choice_takes_the_rule_s_own_output_and_assign() -> None:
    choice = {
        "Type": "Choice",
        "Choices": [
            {"Condition": False, "Next": "E"},
            {
                "Condition": "{% $states.input.n > 1 %}",
                "Output": {"big": "{% $states.input.n %}"},
                "Assign": {"v": 1},
                "Next": "E",
            },
        ],
        "Output": "small",
        "Assign": {"v": 2},
        "Default": "E",
    }
    end = {"Type": "Pass", "Output": ["{% $states.input %}", "{% $v %}"], "End": True}
    assert output(machine(C=choice, E=end), {"n": 2}) == [{"big": 2}, 1]
    assert output(machine(C=choice, E=end), {"n": 1}) == ["small", 2]
    error, cause, told = failure(machine(C=choice, E=end), {"n": "x"})
    assert told["location"] == "Choices[1]/Condition"
    assert "T2009" in cause
    wrong = {**choice, "Choices": [{"Condition": "{% 1 %}", "Next": "E"}]}
    error, cause, _ = failure(machine(C=wrong, E=end))
    assert cause.endswith("returned an unexpected result type. Expected 'boolean', but was 'number' for value: 1")
    assert error == "States.QueryEvaluationError"


def test_waits_are_expressions() -> None:
    for field, value in (("Seconds", "{% $states.input.s %}"), ("Timestamp", "{% $states.input.t %}")):
        definition = machine(W={"Type": "Wait", field: value, "Output": "{% $millis() %}", "End": True})
        simulation = run(definition, {"s": 60, "t": "2016-03-14T01:59:00Z"})
        assert simulation.execution.head.status == "SUCCEEDED"
    definition = machine(W={"Type": "Wait", "Timestamp": "{% 'soon' %}", "End": True})
    _, cause, told = failure(definition)
    assert cause == "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: soon"
    assert told["location"] == "Timestamp"


def test_fail_computes_its_error_and_cause() -> None:
    definition = machine(
        F={"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "{% 'was ' & $string($states.input) %}"}
    )
    head = run(definition, {"e": "Mine"}).execution.head
    assert (head.error, head.cause) == ("Mine", 'was {"e":"Mine"}')


def test_parallel_gives_its_arguments_to_every_branch() -> None:
    branch = {
        "StartAt": "B",
        "States": {"B": {"Type": "Pass", "Output": "{% $states.input.x + $outer %}", "End": True}},
    }
    other = json.loads(json.dumps(branch).replace('"B"', '"C"'))
    definition = machine(
        A={"Type": "Pass", "Assign": {"outer": 10}, "Next": "P"},
        P={
            "Type": "Parallel",
            "Arguments": {"x": "{% $states.input.n %}"},
            "Branches": [branch, other],
            "Output": "{% $sum($states.result) %}",
            "End": True,
        },
    )
    assert output(definition, {"n": 1}) == 22


def test_map_selects_items_of_arrays_and_objects() -> None:
    map_state = {
        "Type": "Map",
        "Items": "{% $states.input.items %}",
        "ItemSelector": {
            "i": "{% $states.context.Map.Item.Index %}",
            "v": "{% $states.context.Map.Item.Value %}",
            "n": "{% $states.input.n %}",
        },
        "MaxConcurrency": "{% $states.input.n %}",
        "ItemProcessor": {
            "StartAt": "I",
            "States": {
                "I": {
                    "Type": "Pass",
                    "Output": "{% $states.input.i * $states.input.n + $states.input.v %}",
                    "End": True,
                }
            },
        },
        "Output": "{% $states.result %}",
        "End": True,
    }
    assert output(machine(M=map_state), {"items": [5, 6, 7], "n": 2}) == [5, 8, 11]
    assert output(machine(M=map_state), {"items": {"a": 5, "b": 6}, "n": 1}) == [5, 7]
    simulation = run(machine(M=map_state), {"items": "no", "n": 1})
    types = [event["type"] for event in simulation.events()]
    assert types == ["ExecutionStarted", "MapStateEntered", "EvaluationFailed", "MapStateFailed", "ExecutionFailed"]
    _, _, told = failure(machine(M={**map_state, "ItemSelector": {"x": "{% $nothing %}"}}), {"items": [1], "n": 1})
    assert told["location"] == "ItemSelector/x"


def test_both_languages_share_the_variables() -> None:
    definition = machine(
        "JSONPath",
        A={"Type": "Pass", "Result": {"a": 1}, "Assign": {"v.$": "$.a", "null": None}, "Next": "B"},
        B={
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Assign": {"v": "{% $v + 1 %}", "old": "{% $v %}"},
            "Output": {"v": "{% $v %}", "null": "{% $null %}"},
            "Next": "C",
        },
        C={"Type": "Pass", "Parameters": {"v.$": "$v", "old.$": "$old", "in.$": "$"}, "End": True},
    )
    assert output(definition) == {"v": 2, "old": 1, "in": {"v": 1, "null": None}}


def test_the_same_stimulus_gives_the_same_chance_and_time() -> None:
    definition = machine(
        S={"Type": "Pass", "Output": "{% [$uuid(), $random(), $now(), $shuffle([1..9])] %}", "End": True}
    )
    assert output(definition) == output(definition)


def test_fields_of_the_other_language_are_refused() -> None:
    assert "Field is not supported" in refused(machine(S={"Type": "Pass", "Parameters": {}, "End": True}))
    assert "Field is not supported" in refused(machine("JSONPath", S={"Type": "Pass", "Output": 1, "End": True}))
    codes = {
        problem.code
        for problem in validate(encode(machine(S={"Type": "Pass", "Output": "{% $states.result %}", "End": True})))
        if problem.severity == "ERROR"
    }
    assert codes
