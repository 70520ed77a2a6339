"""Soak: many executions in a few environments that are killed most of the time, their wake-ups doubled and shuffled.

What comes of it is what comes of it without faults: the same outputs, histories without gap or duplicate, and no effect
that the history does not tell of.

Rule: what is drawn comes from SOAK_SEED, and each lane draws its own, so that the same lane gets the same blows again.
What fails says the seed, and what every invocation met.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from statelang import Engine
from statelang.config import open_care, open_store
from statelang.core.history import expand
from tests.aws import machines
from tests.aws.forks import Forks
from tests.aws.queue import Queue
from tests.aws.runtime import Environment
from tests.aws.wire import Blow, Gate, wired

SEED = int(os.environ.get("SOAK_SEED", "1"))
EXECUTIONS = 30
ENVIRONMENTS = 3
KILLED = [True] * 4 + [False]
"""Four of five invocations are killed, whichever they are: each with probability 0.8."""

DOUBLED = 0.2
BATCH = 10
SPAN = 100
"""A kill strikes at one of the first so many requests of an invocation, or else at its answer."""

SECONDS = 120.0
DEADLINE = 2.0
LEASE_MS = 400
VISIBILITY = 0.4
DELAY_SECOND = 0.2
"""How long a second of a message's delay takes: every wake-up comes early."""

IMPORTS = ["tests.aws.machines", "statelang.aws", "statelang.tasks", "statelang.stores.dynamodb.store"]
IMPORTS += ["botocore.session", "botocore.config", "botocore.endpoint", "botocore.signers", "botocore.auth"]
IMPORTS += ["botocore.client", "botocore.httpsession", "botocore.parsers", "statelang.config"]


def reference(names: list[str]) -> dict[str, tuple[object, Counter[str]]]:
    """Output and events of the same executions without faults, in memory."""
    os.environ.setdefault("EFFECTS", os.devnull)
    os.environ.setdefault("STATELANG_STORE", "memory:")
    from statelang.testing.clock import VirtualClock
    from tests.aws.app import TASKS

    with Engine("memory:", tasks=TASKS, clock=VirtualClock()) as engine:
        for name in names:
            engine.start(machines.ALL[0], given(int(name[1:])), name=name)
        outputs = {name: engine.wait(name).output for name in names}
        return {name: (outputs[name], Counter(str(e["type"]) for e in engine.history(name))) for name in names}


def given(number: int) -> dict[str, object]:
    return {"n": 0, "items": [number, number + 1], "log": [], "number": number}


class Soak:
    """What is shared by the lanes, and what became of every invocation."""

    def __init__(self) -> None:
        self.queue = Queue(second=DELAY_SECOND)
        self.over = threading.Event()
        self.began = time.monotonic()
        self.lines: list[str] = []
        self.problem: BaseException | None = None

    def note(self, line: str) -> None:
        self.lines.append(f"{time.monotonic() - self.began:7.3f}  {line}")

    @contextmanager
    def telling(self, place: Path) -> Iterator[None]:
        """Whatever fails in here tells the seed and what was done."""
        try:
            yield
        except BaseException as problem:
            problem.add_note("\n".join([f"SOAK_SEED={SEED}; all of it is in {place}", *self.lines[-100:]]))
            raise
        finally:
            place.write_text("\n".join([f"SOAK_SEED={SEED}", *self.lines, ""]))


class Lane(threading.Thread):
    """One environment, and the mapping that feeds it."""

    def __init__(self, number: int, soak: Soak, environment: Environment, gate: Gate) -> None:
        super().__init__(daemon=True)
        self.number, self.soak, self.environment, self.gate = number, soak, environment, gate
        self.draw = random.Random(f"{SEED} {number}")
        self.kills: list[bool] = []
        self.killed = self.answered = 0

    def run(self) -> None:
        try:
            while not self.soak.over.is_set():
                self.turn()
        except BaseException as problem:
            problem.add_note(f"lane {self.number} said:\n{self.environment.output.decode()[-3000:]}")
            self.soak.problem = problem

    def turn(self) -> None:
        self.environment.warm()
        queue = self.soak.queue
        found = queue.receive(BATCH, VISIBILITY, self.draw)
        if not found:
            time.sleep(0.01)
            return
        self.kills = self.kills or self.draw.sample(KILLED, len(KILLED))
        self.gate.next = Blow.draw(self.draw, SPAN) if self.kills.pop() else None
        outcome = self.environment.invoke(queue.event(found), seconds=DEADLINE)
        self.soak.note(
            f"lane {self.number}  {outcome.kind:<8}  {outcome.seconds:.3f} s  {self.gate.passed:>3} requests"
            f"  {self.gate.next}  {' '.join(_short(message.body) for message in found)}"
        )
        if outcome.kind in ("killed", "timeout"):
            self.killed += 1
            return
        assert outcome.kind == "response", outcome
        self.answered += 1
        failed = {one["itemIdentifier"] for one in outcome.body["batchItemFailures"]}
        for message in found:
            if message.id in failed or self.draw.random() < DOUBLED:
                queue.again(message.id)
            else:
                queue.delete(message.id)


def _short(body: str) -> str:
    told = json.loads(body)
    return str(told.get("wake") or (told.get("start") or {}).get("name") or "sweep")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_done_twice(table: str, dynoxide: str, tmp_path: Path) -> None:
    soak, effects = Soak(), tmp_path / "effects.jsonl"
    names = [f"s{number}" for number in range(EXECUTIONS)]
    with soak.telling(tmp_path / "soak.log"):
        with ExitStack() as stack:
            forks = stack.enter_context(closing(Forks(IMPORTS)))
            lanes = []
            for number in range(ENVIRONMENTS):
                gate = Gate()
                wire = stack.enter_context(wired(gate, soak.queue, dynoxide))
                address = table.partition("?")[0] + f"?region=us-east-1&lease={LEASE_MS}"
                told = {"STATELANG_STORE": address, "EFFECTS": str(effects), **wire}
                environment = Environment("tests.aws.app.handler", told, start=forks.start, watch=gate)
                lanes.append(Lane(number, soak, stack.enter_context(closing(environment)), gate))
            for name in names:
                start = {"machine": "soak", "name": name, "input": given(int(name[1:]))}
                soak.queue.send(json.dumps({"start": start}))
            for lane in lanes:
                lane.start()
            try:
                wait_for_all(table, names, soak)
            finally:
                soak.over.set()
                for lane in lanes:
                    lane.join(20)
        killed, answered = sum(lane.killed for lane in lanes), sum(lane.answered for lane in lanes)
        seconds = time.monotonic() - soak.began
        print(f"{killed} invocations killed, {answered} answered, {soak.queue.sent} messages sent, {seconds:.1f} s")
        assert soak.problem is None
        assert killed > answered
        hold(table, names, effects)


def wait_for_all(table: str, names: list[str], soak: Soak) -> None:
    """Until every execution has ended; a sweep now and then finds what was lost, as its schedule would."""
    end, swept = time.monotonic() + SECONDS, time.monotonic()
    with closing(open_store(table)) as store:
        while time.monotonic() < end:
            if soak.problem is not None:
                raise soak.problem
            left = [one for one in store.summaries(machine="soak", limit=1000) if one.status != "SUCCEEDED"]
            assert not [one for one in left if one.status != "RUNNING"], "an execution did not succeed"
            if not left and len(store.summaries(status="SUCCEEDED", machine="soak", limit=1000)) == len(names):
                return
            if time.monotonic() - swept > 1.0:
                swept = time.monotonic()
                soak.queue.send('{"sweep": true}')
            time.sleep(0.1)
    raise AssertionError(f"not all have ended: {[(one.id, one.status, one.due, one.driven) for one in left]}")


def hold(table: str, names: list[str], effects: Path) -> None:
    """Outputs, histories and effects against each other."""
    assert open_care(table).check() == []
    tokens: dict[str, set[str]] = {}
    for line in effects.read_text().splitlines():
        execution, _, token, *_ = json.loads(line)
        tokens.setdefault(execution, set()).add(token)
    with closing(open_store(table)) as store:
        for name, (output, types) in reference(names).items():
            execution = store.read(name)
            assert execution.head.output is not None
            assert execution.head.output.json == output
            records, text = store.records(name)
            events = list(expand(records, text))
            assert [event["id"] for event in events] == list(range(1, len(events) + 1))
            assert Counter(str(event["type"]) for event in events) == types
            assert len(tokens[name]) == types["LambdaFunctionScheduled"], "each effect has its Scheduled event"
