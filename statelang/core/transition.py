"""Transition: one step under construction. It reads the execution as it was and collects what changes.

Rule: nothing here decides what a state means; it gives out numbers, collects frames, values, events and commands, and
says what a state's fields may see. The execution itself is not touched: `apply` does that.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from statelang.core import request
from statelang.core.context import context_object
from statelang.core.execution import Execution, Head, Started, Step
from statelang.core.frame import ROOT, Children, Frame, RunWait, TaskWait
from statelang.core.map_run import MapRun
from statelang.core.stimulus import Command
from statelang.core.value import Value
from statelang.errors import Fault, InvalidInput
from statelang.language.scope import ABSENT, Entropy, Scope
from statelang.language.scope import NO_VARIABLES as NO_JSON
from statelang.program import Program, State
from statelang.values import Json, check_depth, encode


class Transition:
    """What one `advance` has done so far."""

    __slots__ = (
        "at",
        "changes",
        "commands",
        "counter",
        "dropped",
        "entropy",
        "events",
        "execution",
        "first",
        "frames",
        "given_up",
        "halted",
        "number",
        "program",
        "runs",
        "started",
        "values",
    )

    def __init__(self, program: Program, execution: Execution, at: int, entropy: bytes) -> None:
        head = execution.head
        self.program = program
        self.execution = execution
        self.started: Started = execution.started
        self.at = max(at, head.at)  # clocks differ and are set back, but in a history time does not
        self.entropy = Entropy(entropy)
        self.number = self.counter = head.counter + 1
        self.first = head.events + 1
        self.events: list[tuple[object, ...]] = []
        self.frames: dict[int, Frame] = {}
        self.values: list[Value] = []
        self.dropped: list[int] = []
        self.halted: list[int] = []
        self.given_up: set[int] = set()
        self.commands: list[Command] = []
        self.changes: dict[str, object] = {}
        self.runs: dict[str, MapRun] = {}

    def step(self) -> Step:
        """What was done, as the data that `apply` and a store take."""
        head = self.execution.head
        events = head.events + len(self.events)
        if self.changes:
            head = Head(
                counter=self.counter,
                events=events,
                at=self.at,
                **{**_kept(head), **self.changes},  # type: ignore[arg-type]
            )
        else:
            head = Head(
                self.counter,
                events,
                head.status,
                head.deadline,
                None,
                None,
                None,
                None,
                head.redrives,
                head.redriven_at,
                self.at,
            )
        record = (self.first, self.at, self.events) if self.events else None
        return Step(
            self.number, head, self.frames, self.values, self.dropped, self.halted, record, self.commands, self.runs
        )

    def next_number(self) -> int:
        """The next number of the execution's one counter: of a value, a command or a frame."""
        self.counter += 1
        return self.counter

    def value(self, json: Json = ABSENT, text: str | None = None) -> Value:
        """A new value of the execution. Raises Fault where it nests too deep to be written."""
        try:
            if text is None:
                text = encode(json)
            check_depth(json, text)
        except InvalidInput as problem:
            raise Fault("States.Runtime", f"The data is {problem}.") from None
        value = Value(self.next_number(), json, text)
        self.values.append(value)
        return value

    def apart(self, json: Json) -> Value:
        """A new value that shares its JSON with no other one."""
        self.values[-1] = value = self.value(json).apart()
        return value

    def valued(self, json: Json, *known: Value) -> Value:
        """A JSON value as a Value: one of the known ones where it is the very same, so that its text is kept."""
        for value in known:
            if json is value.json:
                return value
        return self.value(json)

    def emit(self, type: str, previous: int, *details: object) -> int:
        """Tell the history of an event; returns its number."""
        self.events.append((type, previous, *details))
        return self.first + len(self.events) - 1

    def frame(self, id: int) -> Frame:
        """A frame as it is now, within this transition."""
        return self.frames.get(id) or self.execution.frames[id]

    def run(self, id: str) -> MapRun:
        """A Map Run as it is now, within this transition."""
        return self.runs.get(id) or self.execution.runs[id]

    def put(self, frame: Frame) -> None:
        """Replace a frame."""
        self.frames[frame.id] = frame

    def node(self, frame: Frame) -> State:
        """The state a frame is in."""
        return self.program.nodes[frame.state]

    def drop(self, parent: int) -> None:
        """The children of this frame, all the way down, are gone: one mark, however many they are."""
        self.cancel_under(parent)
        self.dropped.append(parent)
        for id in [id for id, frame in self.frames.items() if self._is_under(frame, parent)]:
            del self.frames[id]

    def halt(self, parent: int) -> None:
        """The children of this frame, all the way down, stay as they are and move no more."""
        self.cancel_under(parent)
        self.halted.append(parent)

    def give_up(self, frame: Frame) -> None:
        """Ask the world to give up what a frame waits for: once, however many of its parents end with it."""
        if frame.id not in self.given_up:
            self.given_up.add(frame.id)
            self.commands.extend(request.give_up(self.program, self.execution, frame))
            waiting = frame.waiting
            if type(waiting) is RunWait and self.run(waiting.run).status == "RUNNING":
                run = replace(self.run(waiting.run), status="ABORTED", ending=None, stopped_at=self.at)
                self.runs[run.id] = run

    def cancel_under(self, parent: int) -> None:
        """Ask the world to give up what the children of this frame wait for."""
        execution = self.execution
        for child in execution.under(parent):
            if type(child.waiting) in (TaskWait, RunWait) and child.command in execution.waiting:
                self.give_up(child)
            if child.id in execution.children:
                self.cancel_under(child.id)

    def _is_under(self, frame: Frame, parent: int) -> bool:
        while frame.parent >= 0:
            if frame.parent == parent:
                return True
            frame = self.frame(frame.parent)
        return False

    def variables(self, frame: Frame) -> Mapping[str, Json]:
        """Every variable that can be read in a frame: its own scope's, then outwards (no name is in two of them)."""
        found: dict[str, Json] | None = None
        while True:
            if frame.variables:
                found = {} if found is None else found
                for name, value in frame.variables.items():
                    found.setdefault(name, value.json)
            if frame.id == ROOT:
                return NO_JSON if found is None else found
            frame = self.frame(frame.parent)

    def scope(
        self,
        frame: Frame,
        data: Json,
        *,
        result: object = ABSENT,
        error_output: object = ABSENT,
        token: str | None = None,
        at: tuple[int, Children] | None = None,
    ) -> Scope:
        """What a field of the frame's state sees, with `data` as `$`; the others are as in `context_object`."""
        return Scope(
            data,
            lambda: context_object(self.execution, frame, self.node(frame), self.frame, token=token, at=at),
            self.variables(frame) if frame.variables or frame.id != ROOT else NO_JSON,
            now=self.at,
            entropy=self.entropy,
            result=result,
            error_output=error_output,
            bounds=self.started.limits.query,
        )


def _kept(head: Head) -> dict[str, object]:
    return {
        "status": head.status,
        "deadline": head.deadline,
        "redrives": head.redrives,
        "redriven_at": head.redriven_at,
    }
