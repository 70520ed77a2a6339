"""What the history tells, event by event and field by field, where a rule's outcome alone does not show it.

The numbers are those of the reference the project keeps to (asl.md).
"""

from __future__ import annotations

from typing import Any

import pytest

from statelang.compiler import compile_definition
from statelang.core.stimulus import Redriven
from statelang.testing.simulation import WAYS, Reply, Simulation, Way, start
from statelang.values import Json, encode

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:f"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:a"
ROLE = "arn:aws:iam::123456789012:role/other"


def states(**named: Json) -> Json:
    return {"StartAt": next(iter(named)), "States": named}


def simulated(
    definition: Json, input: Json = None, reply: Reply | None = None, way: Way = "straight", **more: Any
) -> Simulation:
    """A run to its end, in which every task does the same."""
    program = compile_definition(encode(definition), name="history")
    chosen = reply or Reply()
    simulation = Simulation(program, start(program, encode(input)), lambda request, execution: chosen, way, **more)
    simulation.run()
    return simulation


def told(simulation: Simulation) -> list[str]:
    """The history as `id:Type<previous`."""
    return [f"{event['id']}:{event['type']}<{event['previousEventId']}" for event in simulation.events()]


def details(simulation: Simulation, kind: str) -> Json:
    """The details of the first event of a type."""
    event = next(event for event in simulation.events() if event["type"] == kind)
    return next(value for name, value in event.items() if name.endswith("EventDetails"))


def test_what_a_scheduled_event_tells_depends_on_its_family() -> None:
    """10.3: a Lambda function has no heartbeat there, an activity no credentials."""
    fields = {"TimeoutSeconds": 9, "HeartbeatSeconds": 3, "Credentials": {"RoleArn": ROLE}, "End": True}
    found = {
        kind: set(details(simulated(states(S={"Type": "Task", "Resource": resource, **fields})), kind))
        for resource, kind in (
            (LAMBDA, "LambdaFunctionScheduled"),
            (ACTIVITY, "ActivityScheduled"),
            ("arn:aws:states:::lambda:invoke", "TaskScheduled"),
        )
    }
    assert found == {
        "LambdaFunctionScheduled": {"resource", "input", "inputDetails", "timeoutInSeconds", "taskCredentials"},
        "ActivityScheduled": {"resource", "input", "inputDetails", "timeoutInSeconds", "heartbeatInSeconds"},
        "TaskScheduled": {
            "resource",
            "resourceType",
            "region",
            "parameters",
            "timeoutInSeconds",
            "heartbeatInSeconds",
            "taskCredentials",
        },
    }


class TestWhatNothingCatches:
    """States.Runtime inside a Parallel or Map ends the execution at once: nothing around it is told of."""

    TASK: Json = states(T={"Type": "Task", "Resource": LAMBDA, "End": True})
    BAD: Json = states(B={"Type": "Wait", "SecondsPath": "$.no", "End": True})

    @pytest.mark.parametrize("way", WAYS)
    def test_in_a_branch(self, way: Way) -> None:
        both = {"Type": "Parallel", "Branches": [self.TASK, self.BAD], "End": True}
        assert told(simulated(states(P=both), {}, Reply(silent=True), way)) == [
            "1:ExecutionStarted<0",
            "2:ParallelStateEntered<0",
            "3:ParallelStateStarted<2",
            "4:TaskStateEntered<3",
            "5:LambdaFunctionScheduled<4",
            "6:WaitStateEntered<3",
            "7:ExecutionFailed<6",
        ]

    @pytest.mark.parametrize("way", WAYS)
    def test_in_an_iteration(self, way: Way) -> None:
        each = {"Type": "Map", "ItemProcessor": self.BAD, "End": True}
        assert told(simulated(states(M=each), [1], way=way))[-3:] == [
            "4:MapIterationStarted<3",
            "5:WaitStateEntered<4",
            "6:ExecutionFailed<5",
        ]

    def test_in_an_item_selector_while_iterations_run(self) -> None:
        each = {
            "Type": "Map",
            "ItemProcessor": self.TASK,
            "ItemSelector": {"v.$": "$$.Map.Item.Value.a"},
            "End": True,
        }
        assert told(simulated(states(M=each), [{"a": 1}, {}], Reply(silent=True)))[-2:] == [
            "6:LambdaFunctionScheduled<5",
            "7:ExecutionFailed<3",
        ]

    def test_a_redrive_goes_on_from_what_was_open(self) -> None:
        both = {"Type": "Parallel", "Branches": [self.TASK, self.BAD], "End": True}
        simulation = simulated(states(P=both), {}, Reply(silent=True))
        simulation.deliver(Redriven(simulation.now, 1))
        simulation.run()
        assert told(simulation)[7:] == [
            "8:ExecutionRedriven<0",
            "9:LambdaFunctionScheduled<8",
            "10:ExecutionFailed<8",
        ]


def test_what_has_ended_is_not_aborted_when_its_parent_fails_in_the_same_moment() -> None:
    """The last branch ends, and the result of both is too large."""
    branch = {"Type": "Task", "Resource": LAMBDA, "End": True}
    both = {"Type": "Parallel", "Branches": [states(A=branch), states(B=branch)], "End": True}
    assert told(simulated(states(P=both), {}, Reply(output=encode("x" * 200_000))))[-3:] == [
        "13:TaskStateExited<12",
        "14:ParallelStateSucceeded<13",
        "15:ExecutionFailed<14",
    ]


def test_a_state_that_has_failed_is_not_aborted_too() -> None:
    inner = {"Type": "Map", "ItemProcessor": states(T={"Type": "Task", "Resource": LAMBDA, "End": True}), "End": True}
    outer = {"Type": "Parallel", "Branches": [states(M=inner)], "End": True}
    assert told(simulated(states(P=outer), [1], Reply(failed=True, error="X")))[-6:] == [
        "10:LambdaFunctionFailed<9",
        "11:MapIterationFailed<10",
        "12:TaskStateAborted<10",
        "13:MapStateFailed<10",
        "14:ParallelStateFailed<13",
        "15:ExecutionFailed<14",
    ]


@pytest.mark.parametrize(
    ("language", "credentials", "error"),
    [
        ("JSONata", "{% 5 %}", "States.QueryEvaluationError"),
        ("JSONata", "{% {} %}", "States.QueryEvaluationError"),
        ("JSONata", {"RoleArn": "{% 5 %}"}, "States.QueryEvaluationError"),
        ("JSONPath", {"RoleArn.$": "$.role"}, "States.Runtime"),
    ],
)
def test_credentials_that_name_no_role(language: str, credentials: Json, error: str) -> None:
    task = {"Type": "Task", "QueryLanguage": language, "Resource": LAMBDA, "Credentials": credentials, "End": True}
    head = simulated(states(S=task), {"role": 5}).execution.head
    assert (head.status, head.error) == ("FAILED", error)
    assert "RoleArn is a string" in (head.cause or "")


class TestFieldsOfADistributedMap:
    """2.3 and 7: when each field is evaluated, and what a wrong value is told as."""

    CONFIG: Json = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    EACH: Json = {**CONFIG, **states(P={"Type": "Pass", "End": True})}
    READER: Json = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"}}

    def history(self, fields: Json, input: Json, language: str = "JSONPath") -> tuple[list[str], Any]:
        state = {"Type": "Map", "QueryLanguage": language, "ItemProcessor": self.EACH, "End": True, **fields}
        simulation = simulated(states(M=state), input)
        return [line.partition(":")[2] for line in told(simulation)][2:], simulation.execution.head

    @pytest.mark.parametrize("value", ["x", 1.5, None, {}])
    def test_max_concurrency_comes_before_the_map_has_started(self, value: Json) -> None:
        history, head = self.history({"MaxConcurrencyPath": "$.m", "ItemsPath": "$.l"}, {"m": value, "l": [1]})
        assert history == ["ExecutionFailed<2"]
        assert head.error == "States.Runtime"
        shown = value if isinstance(value, str) else encode(value)
        refers = f'The MaxConcurrencyPath field refers to value "{shown}"'
        assert head.cause.endswith(f"{refers} which is not a valid integer: $.m")

    @pytest.mark.parametrize("value", ["x", 1.5, None, True])
    def test_max_items_that_are_no_number(self, value: Json) -> None:
        config = {"InputType": "JSON", "MaxItemsPath": "$.m"}
        reader = {**self.READER, "Parameters": {"Bucket": "b", "Key": "k"}, "ReaderConfig": config}
        history, head = self.history({"ItemReader": reader}, {"m": value})
        assert history == ["MapStateStarted<2", "ExecutionFailed<3"]
        shown = value if isinstance(value, str) else encode(value)
        refers = f'The MaxItemsPath field refers to value "{shown}"'
        assert head.cause.endswith(f"{refers} which is not a valid integer: $.m")

    @pytest.mark.parametrize("config", [{"MaxItems": -1}, {"MaxItemsPath": "$.m"}])
    def test_negative_max_items_fail_the_map_run(self, config: Json) -> None:
        """Recorded: a machine is created with it, and the items cannot be read."""
        where = {"Bucket": "b", "Key": "k"}
        reader = {**self.READER, "Parameters": where, "ReaderConfig": {"InputType": "JSON", **config}}
        history, head = self.history({"ItemReader": reader}, {"m": -1})
        assert history == [
            "MapStateStarted<2",
            "MapRunStarted<3",
            "MapRunFailed<4",
            "MapStateFailed<5",
            "ExecutionFailed<6",
        ]
        assert (head.error, head.cause) == ("States.ItemReaderFailed", "field MaxItems must be positive")

    @pytest.mark.parametrize("path", ["MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath"])
    @pytest.mark.parametrize(
        ("value", "tail"),
        [
            ("x", 'refers to value "x" which is not a valid integer: $.m'),
            (0, "must be positive."),
            (-1, "must be positive."),
        ],
    )
    def test_sizes_of_batches(self, path: str, value: Json, tail: str) -> None:
        history, head = self.history({"ItemBatcher": {path: "$.m"}, "ItemsPath": "$.l"}, {"m": value, "l": [1]})
        assert history == ["MapStateStarted<2", "ExecutionFailed<3"]
        assert head.cause.endswith(tail)

    def test_a_reader_whose_parameters_are_missing_begins_no_map_run(self) -> None:
        reader = {**self.READER, "Parameters": {"Bucket": "b", "Key.$": "$.k"}}
        history, head = self.history({"ItemReader": reader}, {})
        assert history == ["MapStateStarted<2", "ExecutionFailed<3"]
        assert head.error == "States.Runtime"

    @pytest.mark.parametrize(
        ("fields", "location"),
        [
            ({"ItemReader": {**READER, "Arguments": "{% 1 %}"}}, "ItemReader/Arguments"),
            (
                {
                    "ItemReader": {
                        **READER,
                        "Arguments": {"Bucket": "b", "Key": "k"},
                        "ReaderConfig": {"InputType": "JSON", "MaxItems": "{% 'x' %}"},
                    }
                },
                "ItemReader/ReaderConfig/MaxItems",
            ),
            ({"Items": [1], "ItemBatcher": {"MaxItemsPerBatch": "{% 'x' %}"}}, "ItemBatcher/MaxItemsPerBatch"),
            ({"Items": [1], "ItemBatcher": {"MaxInputBytesPerBatch": "{% 0 %}"}}, "ItemBatcher/MaxInputBytesPerBatch"),
            ({"Items": [1], "ToleratedFailureCount": "{% 'x' %}"}, "ToleratedFailureCount"),
        ],
    )
    def test_jsonata_of_a_wrong_type(self, fields: Json, location: str) -> None:
        history, head = self.history(fields, {}, "JSONata")
        assert history == ["MapStateStarted<2", "EvaluationFailed<3", "MapStateFailed<4", "ExecutionFailed<5"]
        assert head.error == "States.QueryEvaluationError"
        assert location in head.cause

    def test_numbers_may_be_texts(self) -> None:
        """Recorded for MaxItemsPath, whose error has the same words as the others'."""
        fields = {
            "MaxConcurrencyPath": "$.m",
            "ToleratedFailureCountPath": "$.m",
            "ToleratedFailurePercentagePath": "$.p",
            "ItemBatcher": {"MaxItemsPerBatchPath": "$.m"},
            "ItemsPath": "$.l",
        }
        _, head = self.history(fields, {"m": "2", "p": "1.5", "l": [1, 2, 3]})
        assert head.output.json == [{"Items": [1, 2]}, {"Items": [3]}]


class TestSpelling:
    """10.3: what passes untouched keeps its spelling; what comes out of a variable or the Context object does not,
    whether or not the execution was taken up again in between."""

    INPUT = '{"a" :  1.0}'
    KEEPS: Json = {"Type": "Wait", "Seconds": 1, "Next": "B"}
    ASSIGNS: Json = {"Type": "Pass", "Assign": {"v.$": "$"}, "Next": "B"}

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize(
        ("first", "path", "spelling"),
        [
            (KEEPS, "$", INPUT),
            (KEEPS, "$$.Execution.Input", '{"a":1.0}'),
            (ASSIGNS, "$", INPUT),
            (ASSIGNS, "$v", '{"a":1.0}'),
        ],
    )
    def test_of_an_output(self, first: Json, path: str, spelling: str, way: Way) -> None:
        definition = states(A=first, B={"Type": "Pass", "OutputPath": path, "End": True})
        program = compile_definition(encode(definition))
        done = Simulation(program, start(program, self.INPUT), lambda request, execution: Reply(), way)
        output = done.run().head.output
        assert output is not None
        assert output.text == spelling
