"""What failing and catching tell in the history, where states hold states."""

from __future__ import annotations

from typing import Any

import pytest

from statelang.testing.simulation import WAYS, Reply, Way
from statelang.values import Json
from tests.core.test_history import LAMBDA, simulated, states, told

UNREADABLE: Json = [{"ErrorEquals": ["States.ALL"], "Next": "E", "Output": "{% $nothing %}"}]
LATE = Reply(after=5000)


def jsonata(**named: Json) -> Json:
    return {"QueryLanguage": "JSONata", **states(**named, E={"Type": "Succeed"})}


def aborted(simulation: Any) -> list[str]:
    return [event.partition(":")[2] for event in told(simulation) if "Aborted" in event]


@pytest.mark.parametrize("way", WAYS)
class TestACatcherThatCannotBeEvaluated:
    """5.2: it fails the state; the children that were stopped before are not told of a second time."""

    BRANCHES: Json = [
        states(T={"Type": "Task", "Resource": LAMBDA, "End": True}),
        states(F={"Type": "Fail", "Error": "X"}),
    ]

    def test_of_a_parallel(self, way: Way) -> None:
        parallel = {"Type": "Parallel", "Branches": self.BRANCHES, "Catch": UNREADABLE, "End": True}
        done = simulated(jsonata(S=parallel), {}, LATE, way)
        assert done.execution.head.error == "States.QueryEvaluationError"
        assert aborted(done) == ["TaskStateAborted<6"]

    def test_of_a_map_whose_item_selector_failed(self, way: Way) -> None:
        mapped = {
            "Type": "Map",
            "Items": [1, "a"],
            "ItemSelector": {"x": "{% $states.context.Map.Item.Value + 1 %}"},
            "ItemProcessor": self.BRANCHES[0],
            "Catch": UNREADABLE,
            "End": True,
        }
        done = simulated(jsonata(S=mapped), {}, LATE, way)
        assert aborted(done) == ["TaskStateAborted<7", "MapIterationAborted<7"]
