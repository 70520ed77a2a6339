"""Distributed Maps in the Lambda host: their children go from invocation to invocation, whoever is killed."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from statelang.config import open_care
from tests.aws.function import Function, running
from tests.moto import server

__all__ = ["server"]


def items(count: int, seconds: float) -> Any:
    return {"items": [{"seconds": seconds, "number": number} for number in range(count)]}


def until_over(function: Function, name: str, seconds: float = 1.0) -> Any:
    """Deliver what is visible, a message to an invocation, and sweep, until an execution has ended."""
    end = time.monotonic() + 40
    while (told := function({"describe": name}))["status"] == "RUNNING":
        assert time.monotonic() < end, told
        if not function.deliver_some(seconds):
            function({"sweep": True})
            time.sleep(0.1)
    return told


def hold(function: Function, children: int, count: int) -> None:
    """Each item was done, by a child of its own, and the store is sound."""
    done = function.done()
    assert len({effect[0] for effect in done}) == children
    assert open_care(function.table).check() == []
    assert count <= len(done)


def test_a_short_map_ends_in_one_invocation(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path) as function:
        told = function({"start": {"machine": "many", "name": "m", "input": items(20, 0.01)}})
        assert told["status"] == "SUCCEEDED"
        assert told["output"] == [{"took": 0.01}] * 20
        assert not function.queue.messages
        hold(function, 20, 20)


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["many", "narrow"])
def test_a_long_map_takes_several_invocations_of_which_one_is_killed(table: str, tmp_path: Path, machine: str) -> None:
    count = 100 if machine == "many" else 8
    with running(table, tmp_path, EXPECTED_MS="300") as function:
        function.warm()
        function.effects.unlink()
        start = {"start": {"machine": machine, "name": "m", "input": items(count, 0.4)}}
        assert function.environment.invoke(start, seconds=1.5).body["status"] == "RUNNING"
        first = len(function.done())
        assert 0 < first <= count
        found = function.queue.receive(10, 0.5, function.draw)
        assert function.environment.invoke(function.queue.event(found), kill_after=0.3).kind == "killed"
        told = until_over(function, "m", 1.5)
        assert told["output"] == [{"took": 0.4}] * count
        hold(function, count, count)
        assert function.environment.cold_starts == 2
        tries = Counter((effect[0], effect[3]) for effect in function.done())
        assert len(tries) == count, "a child that is asked again is asked with the same idempotency key"


def test_children_that_wait_for_somebody_cost_nothing_meanwhile(table: str, tmp_path: Path) -> None:
    """The parent goes to sleep too; the last answer wakes it."""
    with running(table, tmp_path) as function:
        function.warm()
        function.effects.unlink()
        start = {"start": {"machine": "callbacks", "name": "m", "input": items(3, 0)}}
        outcome = function.environment.invoke(start, seconds=10)
        assert (outcome.kind, outcome.body["status"]) == ("response", "RUNNING")
        assert outcome.seconds < 5, "it did not wait for its time to end"
        assert function.queue.delays == [900] * 3, "their time-outs alone"
        for number, effect in enumerate(function.done()):
            function({"success": {"token": effect[2], "output": number}})
        told = until_over(function, "m")
        assert sorted(told["output"]) == [0, 1, 2]
        hold(function, 3, 3)


def test_children_that_sleep_are_woken_and_wake_their_parent(table: str, tmp_path: Path) -> None:
    with running(table, tmp_path) as function:
        start = {"start": {"machine": "naps", "name": "m", "input": items(3, 3)}}
        outcome = function.environment.invoke(start, seconds=10)
        assert outcome.seconds < 2.5, "it did not wait"
        assert [json.loads(m.body).get("wake") == "m" for m in function.queue.messages.values()] == [False] * 3
        end = time.monotonic() + 20
        while function({"describe": "m"})["status"] == "RUNNING" and time.monotonic() < end:
            function.deliver_some(10)  # and nobody sweeps
            time.sleep(0.05)
        assert function({"describe": "m"})["status"] == "SUCCEEDED"


def test_items_come_from_a_bucket(table: str, tmp_path: Path, server: str) -> None:
    _put(f"{server}/rows-in", b"")
    _put(f"{server}/rows-in/rows.csv", b"name,count\n" + b"".join(b"n%d,%d\n" % (n, n * n) for n in range(25)))
    with running(table, tmp_path, AWS_TOO="1", AWS_ENDPOINT_URL_S3=server) as function:
        told = function({"start": {"machine": "rows", "name": "m", "input": {"bucket": "rows-in"}}})
        assert told["status"] == "SUCCEEDED", told
        assert told["output"] == [{"name": f"n{n}", "count": str(n * n)} for n in range(25)]
        hold(function, 25, 25)


def _put(address: str, body: bytes) -> None:
    request = urllib.request.Request(address, body, {"Content-Type": "text/csv"}, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()
