"""Rules on their edges: what an example in the table is too small to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statelang.compiler import RULES, Problem, compile_definition, validate
from statelang.errors import InvalidDefinition
from statelang.values import decode, encode

TASK = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:work"}


def machine(states: dict[str, Any], **fields: Any) -> str:
    return encode({"StartAt": next(iter(states)), "States": states, **fields})


def told(text: str, **options: Any) -> list[Problem]:
    return validate(text, **options)


def codes(text: str, **options: Any) -> list[str]:
    return [problem.code for problem in told(text, **options)]


def reading(variable: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Parameters": {"it.$": variable}, **(fields or {"End": True})}


class TestFields:
    """What is said of one field, and that nothing else is said."""

    @pytest.mark.parametrize(
        ("state", "problem"),
        [
            ({"Type": "Wait", "Seconds": "1"}, ("Expected value of type Integer", "/Seconds")),
            ({"Type": "Wait", "Seconds": -1}, ("The value must be between 0 and 99999999", "/Seconds")),
            ({"Type": "Wait", "Timestamp": 1}, ("Expected value of type String", "/Timestamp")),
            (
                {"Type": "Wait"},
                ("A Wait state needs exactly one of [Seconds, SecondsPath, Timestamp, TimestampPath]", ""),
            ),
            (
                {**TASK, "Retry": [{"ErrorEquals": ["A"], "BackoffRate": 0.5}]},
                ("The value must be at least 1", "/Retry[0]/BackoffRate"),
            ),
        ],
    )
    def test_is_said_once(self, state: dict[str, Any], problem: tuple[str, str]) -> None:
        (found,) = told(machine({"S": {**state, "End": True}}))
        assert (found.message, found.location.removeprefix("/States/S")) == problem

    @pytest.mark.parametrize("literal", ["2016-08-18", "2016-08-18T17:33:00", "2016-13-18T17:33:00Z", "nonsense"])
    def test_a_choice_compares_with_timestamps_only(self, literal: str) -> None:
        rule = {"Variable": "$.at", "TimestampLessThan": literal}
        states = {
            "S": {"Type": "Choice", "Choices": [{"And": [rule], "Next": "E"}], "Default": "E"},
            "E": {"Type": "Succeed"},
        }
        (found,) = told(machine(states))
        assert found.message == "String does not match RFC3339 timestamp"
        assert found.location == "/States/S/Choices[0]/And[0]/TimestampLessThan"
        rule["TimestampLessThan"] = "2016-08-18T17:33:00.5+01:00"
        assert not told(machine(states))

    @pytest.mark.parametrize("result", [{"a": "$.x"}, {"a": [{"b": "$$.State.Name"}]}, {"a.$": "$.x"}])
    def test_paths_in_a_result_are_not_evaluated(self, result: Any) -> None:
        assert codes(machine({"S": {"Type": "Pass", "Result": result, "End": True}})) == ["PASS_RESULT_IS_STATIC"]

    @pytest.mark.parametrize(
        ("resource", "known"),
        [
            ("arn:aws:states:::states:startExecution.sync:2", True),
            ("arn:aws:states:::states:startExecution.sync:3", False),
            ("arn:aws:states:::sqs:sendMessage.later", False),
            ("arn:aws:states:us-east-1:123456789012:activity:a", True),
            ("arn:aws:states:us-east-1:123456789012:activity:", False),
            ("arn:aws:states:::aws-sdk:s3:putObject.waitForTaskToken", True),
            ("arn:aws:states:::aws-sdk:s3:putObject.sync", False),
            ("arn:aws:states:::aws-sdk:s3", False),
        ],
    )
    def test_what_is_no_integration(self, resource: str, known: bool) -> None:
        found = [
            p
            for p in told(machine({"S": {"Type": "Task", "Resource": resource, "End": True}}))
            if p.severity == "ERROR"
        ]
        assert [p.message.startswith(f"The resource provided {resource} is not") for p in found] == [True] * (not known)

    @pytest.mark.parametrize(
        ("fields", "location"),
        [
            ({"ItemReader": {"Resource": "arn:aws:states:::s3:putObject"}}, "/ItemReader/Resource"),
            ({"ResultWriter": {"Resource": "arn:aws:states:::s3:getObject"}}, "/ResultWriter/Resource"),
        ],
    )
    def test_what_reads_and_writes_items(self, fields: dict[str, Any], location: str) -> None:
        config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
        inner = {**config, "StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
        state = {"Type": "Map", "ItemProcessor": inner, "End": True, **fields}
        found = [p for p in told(machine({"S": state})) if p.severity == "ERROR"]
        assert [p.location for p in found] == [f"/States/S{location}"]

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            ("/StartAt", {"Ref": "First"}),
            ("/TimeoutSeconds", "__limit__"),
            ("/States/S/TimeoutSeconds", {"Fn::GetAtt": ["Limits", "Task"]}),
            ("/States/S/TimeoutSeconds", "__limit__"),
            ("/States/S/TimeoutSeconds", "${file(limits.yml):task}"),
            ("/States/S/Resource", {"Ref": "Function"}),
            ("/States/S/Retry", {"Ref": "Retries"}),
        ],
    )
    def test_what_is_to_run_has_nothing_left_open(self, place: str, value: Any) -> None:
        """A template may leave it to its deployment; nothing that runs can."""
        definition: Any = {"StartAt": "S", "States": {"S": {**TASK, "End": True}}}
        *way, last = place.split("/")[1:]
        inner = definition
        for key in way:
            inner = inner[key]
        inner[last] = value
        assert not [problem for problem in told(encode(definition)) if problem.severity == "ERROR"]
        with pytest.raises(InvalidDefinition) as refused:
            compile_definition(encode(definition))
        assert place in [problem.location for problem in refused.value.problems]

    @pytest.mark.parametrize("text", ["$states := 1", "($states := 1; $states)", "$map([1], function($states) { 1 })"])
    def test_states_is_nobodys_to_assign(self, text: str) -> None:
        state = {"Type": "Pass", "Output": f"{{% {text} %}}", "End": True}
        (found,) = told(machine({"S": state}, QueryLanguage="JSONata"))
        assert found.message == "'$states' cannot be assigned"


class TestVariables:
    def test_a_catchers_assign_holds_on_its_own_way_only(self) -> None:
        states = {
            "Try": {
                **TASK,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"why.$": "$.Cause"}, "Next": "Caught"}],
                "Assign": {"done": True},
                "Next": "Done",
            },
            "Caught": reading("$why", Next="Both"),
            "Done": reading("$done", Next="Both"),
            "Both": reading("$why"),
        }
        (problem,) = told(machine(states))
        assert (problem.code, problem.pointer) == ("SL053", "/States/Both/Parameters/it.$")
        states["Caught"] = reading("$done", Next="Both")
        assert "SL052" in codes(machine(states))

    def test_a_choices_rule_assigns_instead_of_the_state(self) -> None:
        states = {
            "Which": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "IsPresent": True, "Assign": {"rule": 1}, "Next": "Rule"}],
                "Assign": {"other": 1},
                "Default": "Other",
            },
            "Rule": reading("$rule"),
            "Other": reading("$other"),
        }
        assert not codes(machine(states))
        states["Rule"] = reading("$other")
        assert "SL052" in codes(machine(states))

    def test_a_state_does_not_see_what_it_assigns_and_a_loop_comes_round(self) -> None:
        states = {
            "Count": {"Type": "Pass", "Parameters": {"n.$": "$n"}, "Assign": {"n.$": "$.n"}, "Next": "Again"},
            "Again": {
                "Type": "Choice",
                "Choices": [{"Variable": "$n", "NumericLessThan": 3, "Next": "Count"}],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed"},
        }
        assert codes(machine(states)) == ["SL053"]

    def test_inner_scopes_read_the_outer_ones_but_not_in_a_distributed_map(self) -> None:
        inner: dict[str, Any] = {"StartAt": "Read", "States": {"Read": reading("$total")}}
        states = {
            "Begin": {"Type": "Pass", "Assign": {"total": 1}, "Next": "Each"},
            "Each": {"Type": "Map", "ItemProcessor": inner, "ItemSelector": {"t.$": "$total"}, "End": True},
        }
        assert not codes(machine(states))
        inner["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        (problem,) = told(machine(states))
        assert problem.code == "SL052"
        assert problem.hint is not None
        assert "ItemSelector" in problem.hint

    def test_what_is_asked_for_is_guarded(self) -> None:
        rule = {"Variable": "$.known", "IsPresent": True, "Next": "Remember"}
        ask = {"Variable": "$order", "IsPresent": True, "Next": "Use"}
        states = {
            "Which": {"Type": "Choice", "Choices": [rule], "Default": "Ask"},
            "Remember": {"Type": "Pass", "Assign": {"order": 1}, "Next": "Ask"},
            "Ask": {"Type": "Choice", "Choices": [ask], "Default": "Done"},
            "Use": reading("$order", Next="Done"),
            "Done": {"Type": "Succeed"},
        }
        assert not codes(machine(states))

    def test_siblings_do_not_see_one_another(self) -> None:
        left = {"StartAt": "L", "States": {"L": {"Type": "Pass", "Assign": {"mine": 1}, "End": True}}}
        right = {"StartAt": "R", "States": {"R": reading("$mine")}}
        assert "SL052" in codes(machine({"Both": {"Type": "Parallel", "Branches": [left, right], "End": True}}))

    @pytest.mark.parametrize(
        "text",
        [
            "{% ($x := 1; $x + 1) %}",
            "{% $map([1], function($v, $i) { $v + $i }) %}",
            "{% $exists($later) ? 1 : 2 %}",
            "{% '$inText' & \"$x\" & /* $comment */ $states.input.`$quoted` %}",
            "{% $replace('a', /$a/, 'b') %}",
            "{% [1,2]@$v.($v) %}",
            "{% $states.input ~> $string %}",
            "{% $uuid() & $string($random()) & $hash('a', 'MD5') %}",
        ],
    )
    def test_names_that_an_expression_binds_itself_or_only_mentions(self, text: str) -> None:
        assert not codes(machine({"A": {"Type": "Pass", "Output": text, "End": True}}, QueryLanguage="JSONata"))

    def test_an_unknown_function_and_a_misspelled_states(self) -> None:
        for text, hint in (("{% $uppercas('a') %}", "'uppercase'"), ("{% $state.input %}", "'$states'")):
            (problem,) = told(machine({"A": {"Type": "Pass", "Output": text, "End": True}}, QueryLanguage="JSONata"))
            assert problem.code == "SL052"
            assert hint in (problem.hint or "")


class TestFailures:
    def test_task_failed_leaves_time_outs_to_those_after_it(self) -> None:
        rows = [{"ErrorEquals": ["States.TaskFailed"]}, {"ErrorEquals": ["States.Timeout", "States.HeartbeatTimeout"]}]
        assert not codes(machine({"A": {**TASK, "Retry": rows, "End": True}}))
        assert codes(machine({"A": {**TASK, "Retry": [*rows, {"ErrorEquals": ["Busy"]}], "End": True}})) == ["SL005"]

    def test_retry_and_catch_do_not_shadow_each_other(self) -> None:
        state = {
            **TASK,
            "Retry": [{"ErrorEquals": ["Busy", "Late"]}],
            "Catch": [{"ErrorEquals": ["Busy"], "Next": "Done"}],
            "Next": "Done",
        }
        assert not codes(machine({"A": state, "Done": {"Type": "Succeed"}}))


class TestTimeouts:
    ASK = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "ask", "Payload": {"all.$": "$$"}},
        "End": True,
    }

    @pytest.mark.parametrize("limit", [{"HeartbeatSeconds": 60}, {"TimeoutSecondsPath": "$.limit"}])
    def test_any_limit_will_do(self, limit: dict[str, Any]) -> None:
        assert not codes(machine({"A": {**self.ASK, **limit}}))

    def test_a_limit_of_the_machine_will_do(self) -> None:
        assert not codes(machine({"A": self.ASK}, TimeoutSeconds=3600))
        assert codes(machine({"A": self.ASK})) == ["SL020"]

    def test_an_activity_waits_for_its_worker(self) -> None:
        activity = "arn:aws:states:eu-west-1:123456789012:activity:pack"
        assert codes(machine({"A": {"Type": "Task", "Resource": activity, "End": True}})) == ["SL020"]


class TestPlaceholders:
    @pytest.mark.parametrize(
        "value", ["${X}", "${Res.Attr}", "${AWS::Region}", "__x__", "${self:custom.x}", {"Ref": "X"}]
    )
    @pytest.mark.parametrize(
        "field",
        [
            "ResultSelector",
            "TimeoutSeconds",
            "Parameters",
            "InputPath",
            "ResultPath",
            "Retry",
            "Catch",
            "Next",
            "Resource",
            "Credentials",
        ],
    )
    def test_stand_wherever_a_value_may(self, field: str, value: Any) -> None:
        state = {**TASK, "Next": "Done", field: value}
        assert not codes(machine({"A": state, "Done": {"Type": "Succeed"}}))

    @pytest.mark.parametrize(
        "value",
        [
            {"a.$": "$.${Field}"},
            {"a.$": "States.Format('${Text}-{}', ${Path})"},
            {"a.$": "${Path}"},
            {"${Key}": 1},
        ],
    )
    def test_stand_inside_paths_calls_and_keys(self, value: Any) -> None:
        assert not codes(machine({"A": {"Type": "Pass", "Parameters": value, "End": True}}))

    def test_what_is_wrong_beside_one_is_still_wrong_and_shown_as_written(self) -> None:
        (problem,) = told(machine({"A": {"Type": "Pass", "InputPath": "$.${Field} b", "End": True}}))
        assert "'$.${Field} b'" in problem.message

    def test_the_whole_of_a_rule(self) -> None:
        rule = {"Variable": "$.n", "NumericEquals": "${N}", "Next": "Done"}
        states = {"A": {"Type": "Choice", "Choices": [rule], "Default": "Done"}, "Done": {"Type": "Succeed"}}
        assert not codes(machine(states))


def test_every_problem_of_a_state_is_told_at_once() -> None:
    state = {
        "Type": "Pass",
        "Parameters": {"a.$": "$.a b", "b.$": 5, "c": [{"d.$": "States.Nope()"}]},
        "ResultPath": "$.x[*]",
        "Nxt": "B",
        "Comment": 5,
        "End": True,
    }
    assert len(told(machine({"A": state}))) == 6


def test_a_target_outside_says_why_it_cannot_be() -> None:
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Next": "After"}}}
    states = {"Both": {"Type": "Parallel", "Branches": [inner], "Next": "After"}, "After": {"Type": "Succeed"}}
    (problem, *_) = [p for p in told(machine(states)) if p.code == "MISSING_TRANSITION_TARGET"]
    assert problem.hint == "'After' is outside: a branch or iteration ends by itself, with End"


VALUES = st.sampled_from(
    [None, True, 0, -1, 10**30, "", "$.a", "$", "{% $x %}", "{%", "${X}", "__y__", [], [1], [{}], {}, {"Ref": "X"}]
    + [{"Fn::Sub": 5}, {"Fn::Join": [1, 2]}, ["States.ALL"], {"Mode": "DISTRIBUTED"}, {"Type": []}]
)
EXAMPLES = [rule.right for rule in RULES.values() if not isinstance(rule.right, str)]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(EXAMPLES), st.lists(st.tuples(st.integers(0, 10**6), VALUES), min_size=1, max_size=3))
def test_whatever_stands_anywhere_is_told_and_never_a_crash(example: Any, damages: list[tuple[int, Any]]) -> None:
    damaged = decode(encode(example))
    for number, value in damages:
        spots = list(_spots(damaged))
        if spots:
            parent, key = spots[number % len(spots)]
            parent[key] = decode(encode(value))
    for kind in ("STANDARD", "EXPRESS"):
        validate(encode(damaged), type=kind, target="aws")


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _spots(item)
