"""The machines that are measured."""

from __future__ import annotations

import statelang
from statelang import Engine, StateMachine
from statelang.values import Json

WORK = "arn:aws:lambda:us-east-1:111122223333:function:work"
TASKS = {"work": lambda data: data}


def chain(length: int, tasks: tuple[int, ...] = ()) -> StateMachine:
    """Pass states in a row, of which some are no-op tasks instead."""
    states: dict[str, Json] = {}
    for number in range(length):
        kind: dict[str, Json] = {"Type": "Task", "Resource": WORK} if number in tasks else {"Type": "Pass"}
        onward = {"End": True} if number == length - 1 else {"Next": f"S{number + 1}"}
        states[f"S{number}"] = {**kind, **onward}
    return statelang.load({"StartAt": "S0", "States": states}, name=f"chain-{length}-{len(tasks)}")


def fan_out(concurrency: int, mode: str = "INLINE") -> StateMachine:
    """A Map with a Pass and a no-op task for each item."""
    item = {"P": {"Type": "Pass", "Next": "T"}, "T": {"Type": "Task", "Resource": WORK, "End": True}}
    config = {"Mode": mode} if mode == "INLINE" else {"Mode": mode, "ExecutionType": "STANDARD"}
    each = {
        "Type": "Map",
        "MaxConcurrency": concurrency,
        "ItemProcessor": {"ProcessorConfig": config, "StartAt": "P", "States": item},
        "End": True,
    }
    return statelang.load({"StartAt": "Each", "States": {"Each": each}}, name=f"map-{concurrency}-{mode}")


def loop() -> StateMachine:
    """Counts to 500 with States.MathAdd and a Choice."""
    add = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough?"}
    enough = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericLessThan": 500, "Next": "Add"}],
        "Default": "End",
    }
    return statelang.load(
        {"StartAt": "Add", "States": {"Add": add, "Enough?": enough, "End": {"Type": "Succeed"}}}, name="loop"
    )


def sleeper() -> StateMachine:
    """Waits until the time its input names."""
    wait = {"Type": "Wait", "TimestampPath": "$.until", "End": True}
    return statelang.load({"StartAt": "Wait", "States": {"Wait": wait}}, name="sleeper")


def events(engine: Engine, name: str) -> int:
    """The number of an execution's last event."""
    return max(event["id"] for event in engine.history(name))
