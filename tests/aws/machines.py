"""The machines of the function under test."""

from __future__ import annotations

from statelang import StateMachine, load
from statelang.values import Json

LAMBDA = "arn:aws:lambda:eu-west-1:111122223333:function:"
RETRY: Json = [
    {
        "ErrorEquals": ["Flaky"],
        "IntervalSeconds": 1,
        "BackoffRate": 1,
        "MaxAttempts": 3,
        "JitterStrategy": "FULL",
    }
]


def task(name: str, **fields: Json) -> Json:
    return {"Type": "Task", "Resource": LAMBDA + name, **fields}


def machine(name: str, start: str, states: Json) -> StateMachine:
    return load({"StartAt": start, "States": states}, name=name)


LATER: Json = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters": {"FunctionName": "later", "Payload": {"token.$": "$$.Task.Token"}},
    "TimeoutSeconds": 3600,
    "End": True,
}


def _soak() -> StateMachine:
    """Sixty transitions: rounds of a task that is retried, a Parallel, a Map and a Wait."""
    work = task("work", Parameters={"n.$": "$.n"}, Retry=RETRY)
    left = {"StartAt": "Half", "States": {"Half": {"Type": "Pass", "Next": "Do"}, "Do": {**work, "End": True}}}
    right = {"StartAt": "Other", "States": {"Other": {"Type": "Pass", "Next": "Too"}, "Too": {**work, "End": True}}}
    each = {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "Next": "Done"}, "Done": {"Type": "Succeed"}}}
    return machine(
        "soak",
        "Work",
        {
            "Work": {**work, "ResultPath": "$.done", "Next": "Both"},
            "Both": {"Type": "Parallel", "Branches": [left, right], "ResultPath": "$.both", "Next": "Each"},
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": each,
                "ResultPath": "$.each",
                "Next": "Count",
            },
            "Count": {
                "Type": "Pass",
                "Parameters": {
                    "n.$": "States.MathAdd($.n, 1)",
                    "items.$": "$.items",
                    "log.$": "States.Array($.log, $.done, $.both, $.each)",
                },
                "Next": "Tired?",
            },
            "Tired?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericEquals": 2, "Next": "Rest"}],
                "Default": "Enough?",
            },
            "Rest": {"Type": "Wait", "Seconds": 1, "Next": "Enough?"},
            "Enough?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericLessThan": 4, "Next": "Work"}],
                "Default": "Enough",
            },
            "Enough": {"Type": "Succeed"},
        },
    )


def _short_and_long() -> StateMachine:
    """A Parallel: two tasks in a row beside one that ends in between."""
    fast = {"StartAt": "A", "States": {"A": task("slow", ResultPath=None, Next="B"), "B": task("slow", End=True)}}
    steady = {"StartAt": "C", "States": {"C": task("slow", Parameters={"seconds.$": "$.beside"}, End=True)}}
    return machine("both", "Both", {"Both": {"Type": "Parallel", "Branches": [fast, steady], "End": True}})


def mapped(name: str, state: Json, **fields: Json) -> StateMachine:
    """A Distributed Map of one state."""
    each = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Do",
        "States": {"Do": state},
    }
    return machine(name, "Each", {"Each": {"Type": "Map", "ItemProcessor": each, "End": True, **fields}})


S3_ITEMS: Json = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
    "Parameters": {"Bucket.$": "$.bucket", "Key": "rows.csv"},
}


ALL = [
    _soak(),
    machine("quick", "P", {"P": {"Type": "Pass", "Next": "Q"}, "Q": task("work", End=True)}),
    machine("sleepy", "W", {"W": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}}),
    machine("callback", "L", {"L": LATER}),
    machine("hung", "H", {"H": task("hangs", End=True)}),
    machine("broken", "B", {"B": task("breaks", End=True)}),
    machine("slow", "S", {"S": task("slow", Next="T"), "T": task("slow", End=True)}),
    _short_and_long(),
    mapped("many", task("slow", End=True), ItemsPath="$.items"),
    mapped("narrow", task("slow", End=True), ItemsPath="$.items", MaxConcurrency=2),
    mapped("rows", task("echo", End=True), ItemReader=S3_ITEMS),
    mapped("callbacks", LATER, ItemsPath="$.items"),
    mapped("naps", {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}, ItemsPath="$.items"),
    machine("long", "S", {"P": task("slow", End=True), "S": task("slow", TimeoutSeconds=30, Next="P")}),
]
