"""Machines made by chance that hold all kinds of state, in both languages; what their tasks do is chance, too.

Rule: the same number gives the same machine, input and answers, whatever the way in which it is run.
"""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

from statelang.core.execution import Execution
from statelang.core.stimulus import RunTask
from statelang.testing.simulation import Replies, Reply
from statelang.values import Json

RESOURCES = (
    "arn:aws:lambda:us-east-1:123456789012:function:f",
    "arn:aws:states:::lambda:invoke",
    "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "arn:aws:states:us-east-1:123456789012:activity:a",
    "arn:aws:states:::batch:submitJob.sync",
)
INPUTS: tuple[Json, ...] = (
    {"x": 1, "l": [1, 2]},
    {"l": []},
    {"x": {"x": 1}, "l": [{"x": 1}, 2, 3]},
    {"x": "t", "l": {"k": 1, "x": {"x": 2}}},
)
PASSES: dict[bool, tuple[Json, ...]] = {
    True: (
        {},
        {"Output": "{% $states.input.x %}"},
        {"Output": {"at": "{% $states.context.State.Name %}", "v": ["{% $v0 %}"]}},
        {"Output": "{% $uuid() & $now() & $random() %}"},
    ),
    False: (
        {},
        {"Result": [1, 2]},
        {"Parameters": {"x.$": "$", "u.$": "States.UUID()"}},
        {"InputPath": "$.x", "ResultPath": "$.r.s"},
        {"OutputPath": "$v0"},
        {"Parameters": {"i.$": "$$.Map.Item.Index"}},
    ),
}
CALLS: dict[bool, tuple[Json, ...]] = {
    True: (
        {},
        {"Arguments": {"a": "{% $states.input %}"}},
        {"Output": "{% $states.result.x + 1 %}", "TimeoutSeconds": "{% 3 %}"},
        {"HeartbeatSeconds": 1, "Output": {"n": "{% $states.context.State.RetryCount %}"}},
    ),
    False: (
        {},
        {"Parameters": {"n.$": "$$.State.RetryCount"}, "TimeoutSeconds": 2},
        {"ResultSelector": {"z.$": "$.x"}, "ResultPath": "$.r"},
        {"ResultPath": None, "HeartbeatSeconds": 1},
        {"OutputPath": "$.no"},
    ),
}
CATCHERS: dict[bool, tuple[Json, ...]] = {
    True: (
        {},
        {"Output": "{% $nothing %}"},
        {"Output": {"q": ["{% $states.errorOutput.Cause %}"]}},
        {"Output": "{% $states.input %}"},
    ),
    False: ({}, {"ResultPath": "$.e"}, {"ResultPath": None}, {"ResultPath": "$.l.e"}),
}
NAMES = (["A"], ["B"], ["States.TaskFailed"], ["States.Timeout", "A"], ["States.BranchFailed"])
ITEMS: dict[bool, tuple[Json, ...]] = {
    True: (
        {"Items": "{% [1..4] %}"},
        {"Items": ["a", {"x": 1}], "ItemSelector": {"i": "{% $states.context.Map.Item %}"}},
        {"Items": "{% $states.context.Execution.Input.l %}"},
    ),
    False: (
        {"ItemsPath": "$$.Execution.Input.l"},
        {"ItemsPath": "$$.Execution.Input.l", "ItemSelector": {"x.$": "$$.Map.Item.Value"}},
    ),
}


class Maker:
    """Makes one machine."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.numbers = itertools.count()

    def machine(self) -> Json:
        jsonata = self.chance.random() < 0.5
        top: Json = {"QueryLanguage": "JSONata"} if jsonata else {}
        if self.chance.random() < 0.2:
            top["TimeoutSeconds"] = self.chance.choice([3, 8])
        return {**top, **self.states(2, jsonata, "0")}

    def states(self, depth: int, jsonata: bool, scope: str) -> Json:
        names = [f"s{next(self.numbers)}" for _ in range(self.chance.randint(2, 5))]
        made: Json = {names[-1]: {"Type": "Succeed"}}
        for number, name in enumerate(names[:-1]):
            made[name] = self.state(names[number + 1 :], depth, jsonata, f"{scope}_{number}")
        return {"StartAt": names[0], "States": made}

    def state(self, later: list[str], depth: int, jsonata: bool, scope: str) -> Json:
        inner = ["Parallel", "Parallel", "Map", "Map"] if depth else []
        kind = self.chance.choice(["Pass", "Task", "Task", "Wait", "Choice", "Fail", *inner])
        here = jsonata or self.chance.random() < 0.25
        state = {"Type": kind, **({} if here == jsonata else {"QueryLanguage": "JSONata"})}
        state |= getattr(self, f"_{kind.lower()}")(later, depth, here, jsonata, scope)
        if kind in ("Task", "Parallel", "Map"):
            state |= self.handlers(later, here, scope)
        if kind not in ("Choice", "Fail"):
            state |= {"End": True} if self.chance.random() < 0.2 else {"Next": self.chance.choice(later)}
            state |= self.assigned(here, scope)
        return state

    def assigned(self, here: bool, scope: str) -> Json:
        """Variables of this States object's scope: no inner scope may have the same."""
        if self.chance.random() > 0.35:
            return {}
        name = f"v{scope.rpartition('_')[0]}"
        return {"Assign": {name: {"a": "{% $states.context.State %}"}} if here else {f"{name}.$": "$"}}

    def handlers(self, later: list[str], here: bool, scope: str) -> Json:
        choice, made = self.chance.choice, {}
        if self.chance.random() < 0.5:
            made["Retry"] = [{"ErrorEquals": choice(NAMES), "MaxAttempts": choice([0, 1, 2]), "IntervalSeconds": 3}]
            if self.chance.random() < 0.3:
                made["Retry"].append({"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "JitterStrategy": "FULL"})
        if self.chance.random() < 0.6:
            named = [choice(NAMES), *([["States.ALL"]] if self.chance.random() < 0.7 else [])]
            made["Catch"] = [
                {"ErrorEquals": errors, "Next": choice(later), **choice(CATCHERS[here]), **self.assigned(here, scope)}
                for errors in named
            ]
        return made

    def _pass(self, later: list[str], depth: int, here: bool, jsonata: bool, scope: str) -> Json:
        return self.chance.choice(PASSES[here])

    def _task(self, later: list[str], depth: int, here: bool, jsonata: bool, scope: str) -> Json:
        return {"Resource": self.chance.choice(RESOURCES), **self.chance.choice(CALLS[here])}

    def _wait(self, later: list[str], depth: int, here: bool, jsonata: bool, scope: str) -> Json:
        return {"Seconds": self.chance.choice([0, 1, 4])}

    def _fail(self, later: list[str], depth: int, here: bool, jsonata: bool, scope: str) -> Json:
        return {"Error": self.chance.choice("AB"), **self.chance.choice([{}, {"Cause": "c"}])}

    def _choice(self, later: list[str], depth: int, here: bool, jsonata: bool, scope: str) -> Json:
        condition = {"Condition": "{% $states.input.x = 1 %}"} if here else {"Variable": "$.x", "IsPresent": True}
        rule = {**condition, "Next": self.chance.choice(later), **self.assigned(here, scope)}
        return {"Choices": [rule], **({"Default": later[-1]} if self.chance.random() < 0.9 else {})}

    def _parallel(self, later: list[str], depth: int, here: bool, jsonata: bool, scope: str) -> Json:
        branches = range(self.chance.randint(1, 3))
        return {"Branches": [self.states(depth - 1, jsonata, f"{scope}b{branch}") for branch in branches]}

    def _map(self, later: list[str], depth: int, here: bool, jsonata: bool, scope: str) -> Json:
        made = {"MaxConcurrency": self.chance.choice([0, 1, 2]), **self.chance.choice(ITEMS[here])}
        if self.chance.random() < 0.2:
            config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
            made["ToleratedFailureCount"] = self.chance.choice([0, 1, 3])
            return {**made, "ItemProcessor": {"ProcessorConfig": config, **self.states(0, jsonata, f"{scope}d")}}
        return {**made, "ItemProcessor": self.states(depth - 1, jsonata, f"{scope}m")}


def answers(number: int) -> Replies:
    """What tasks do, by their state, attempt and input: it does not depend on the numbers of commands."""
    known: dict[Any, Reply] = {
        0: Reply(failed=True, error="A", cause="c"),
        1: Reply(failed=True, error="B", after=700),
        2: Reply(failed=True, after=1400),
        3: Reply(silent=True, submitted="{}"),
        4: Reply(unstarted=True),
        5: Reply(silent=True, beats=(500, 900, 1700), submitted="{}"),
        6: Reply(output='{"x":2}', job='{"id":1}', submitted='{"id":1}', polls=2, after=400),
        7: Reply(failed=True, error="States.TaskFailed", job='{"id":1}', submitted='{"id":1}', polls=1, after=400),
    }

    def reply(request: RunTask, execution: Execution) -> Reply:
        state = execution.frames[request.frame].state if request.frame in execution.frames else ""
        drawn = Random(f"{number} {state} {request.attempt} {len(request.input.text)}").randrange(14)
        return known.get(drawn) or Reply(
            output=('{"x": 1}', '{"x" : {"x":3}}', "[ 1]")[drawn % 3], after=(drawn - 8) * 300
        )

    return reply
