"""Coverage: which parts of a state machine its cases have exercised.

Parts are the states, the transitions (StartAt, Next, End, Default, those of rules and catchers), the Choice rules, the
retriers and the catchers, each named by its JSON Pointer.

What history tells is read from it. Which rule matched, and which retrier or catcher took an error, no history tells:
the machine is run on a Program in which these parts tell when they are read, which the core does of the one that
decided and of no other.

Rule: the core knows nothing of this; a part counts when the step that used it was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from msgspec.structs import replace

from statelang.compiler.source import escape
from statelang.core.execution import Step
from statelang.core.history import expand
from statelang.program import Choice, Fail, Map, Parallel, Program, State, States, Succeed, Task

Kind = Literal["state", "transition", "rule", "retrier", "catcher"]

KINDS: Final[tuple[Kind, ...]] = ("state", "transition", "rule", "retrier", "catcher")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a state machine. `state` is where it is written; of a transition, `to` is the state it leads to.

    `label` says which it is, for people: `Catch 2 (States.ALL)`.
    """

    kind: Kind
    pointer: str
    state: str
    label: str = ""
    to: str | None = None

    def __str__(self) -> str:
        target = "" if self.to is None else f" -> {self.to}"
        return " ".join(part for part in (self.state or "the start", self.label) if part) + target


class Coverage:
    """What the cases of one state machine have exercised; `program` is what they are to be run on."""

    def __init__(self, program: Program) -> None:
        self.pieces = {piece.pointer: piece for piece in pieces(program)}
        self.counts: Counter[str] = Counter()
        self._told: list[tuple[str, str]] = []
        self._start = {states.start_at: pointer for pointer, states in _all_states(program)}
        self.program = _telling(program, self._tell)
        self._exits: set[tuple[str, int]] = set()

    def begin(self) -> None:
        """A new execution begins."""
        self._exits.clear()
        self._told.clear()

    def took(self, execution: str, step: Step) -> None:
        """A step of an execution was made: of the one that began, or of a child of it."""
        told, self._told = self._told, []
        reached = {state: pointer for state, pointer in told if pointer.rsplit("/", 2)[1] != "Retry"}
        self.counts.update(pointer for _, pointer in told)
        for event in expand([] if step.record is None else [step.record], _no_text):
            kind, number = str(event["type"]), event["id"]
            if kind.endswith("StateEntered"):
                self._entered(event["stateEnteredEventDetails"]["name"], (execution, event["previousEventId"]))
            elif kind.endswith("StateExited"):
                self._exits.add((execution, number))
                self._left(event["stateExitedEventDetails"]["name"], reached)

    def _entered(self, state: str, previous: tuple[str, int]) -> None:
        self.counts[self.program.nodes[state].pointer] += 1
        if previous not in self._exits:
            self.counts[self._start[state]] += 1

    def _left(self, state: str, reached: Mapping[str, str]) -> None:
        node = self.program.nodes[state]
        if state in reached:
            self.counts[f"{reached[state]}/Next"] += 1
        elif isinstance(node, Choice):
            self.counts[f"{node.pointer}/Default"] += 1
        elif not isinstance(node, Succeed):
            self.counts[f"{node.pointer}/{'End' if node.next is None else 'Next'}"] += 1

    def _tell(self, state: str, pointer: str) -> None:
        self._told.append((state, pointer))

    def missing(self) -> list[Piece]:
        """What was not exercised, in the order of the definition."""
        return [piece for pointer, piece in self.pieces.items() if not self.counts[pointer]]

    def tally(self) -> dict[Kind, tuple[int, int]]:
        """Kind -> (exercised, of so many)."""
        return {
            kind: (sum(1 for piece in found if self.counts[piece.pointer]), len(found))
            for kind in KINDS
            if (found := [piece for piece in self.pieces.values() if piece.kind == kind])
        }

    @property
    def percent(self) -> float:
        """How much of all was exercised, 0 to 100."""
        return 100.0 * (len(self.pieces) - len(self.missing())) / len(self.pieces) if self.pieces else 100.0


def percent_of(coverages: Iterable[Coverage]) -> float:
    """How much of several state machines was exercised, 0 to 100."""
    all, missing = 0, 0
    for coverage in coverages:
        all, missing = all + len(coverage.pieces), missing + len(coverage.missing())
    return 100.0 * (all - missing) / all if all else 100.0


def pieces(program: Program) -> Iterator[Piece]:
    """Every part of a state machine, in the order of the definition."""
    yield from _pieces_of(program.main, "", "")


def _pieces_of(states: States, pointer: str, owner: str) -> Iterator[Piece]:
    yield Piece("transition", f"{pointer}/StartAt", owner, "StartAt", states.start_at)
    for node in states.states.values():
        yield Piece("state", node.pointer, node.name)
        yield from _onward(node)
        yield from _handlers(node)
        for place, inner in _inner(node):
            yield from _pieces_of(inner, place, node.name)


def _onward(node: State) -> Iterator[Piece]:
    if isinstance(node, Choice):
        for index, rule in enumerate(node.rules):
            place, label = f"{node.pointer}/Choices/{index}", f"rule {index + 1}"
            yield Piece("rule", place, node.name, label)
            yield Piece("transition", f"{place}/Next", node.name, label, rule.next)
        if node.default is not None:
            yield Piece("transition", f"{node.pointer}/Default", node.name, "Default", node.default)
    elif node.next is not None:
        yield Piece("transition", f"{node.pointer}/Next", node.name, "Next", node.next)
    elif not isinstance(node, (Succeed, Fail)):
        yield Piece("transition", f"{node.pointer}/End", node.name, "End")


def _handlers(node: State) -> Iterator[Piece]:
    if not isinstance(node, (Task, Parallel, Map)):
        return
    for index, retrier in enumerate(node.retriers):
        label = f"Retry {index + 1} ({', '.join(retrier.error_equals)})"
        yield Piece("retrier", f"{node.pointer}/Retry/{index}", node.name, label)
    for index, catcher in enumerate(node.catchers):
        place, label = f"{node.pointer}/Catch/{index}", f"Catch {index + 1} ({', '.join(catcher.error_equals)})"
        yield Piece("catcher", place, node.name, label)
        yield Piece("transition", f"{place}/Next", node.name, label, catcher.next)


def _inner(node: State) -> Iterator[tuple[str, States]]:
    """The States objects inside a state, each with its pointer, which its own states tell."""
    if isinstance(node, Parallel):
        for index, branch in enumerate(node.branches):
            yield f"{node.pointer}/Branches/{index}", branch
    elif isinstance(node, Map):
        for state in node.processor.states.values():
            yield state.pointer.removesuffix(f"/States/{escape(state.name)}"), node.processor
            return


def _all_states(program: Program) -> Iterator[tuple[str, States]]:
    yield "/StartAt", program.main
    for node in program.nodes.values():
        for pointer, states in _inner(node):
            yield f"{pointer}/StartAt", states


class _Telling:
    """A rule, retrier or catcher that tells when the core reads what it reads only of the one that decided."""

    __slots__ = ("_part", "_read", "_tell")

    def __init__(self, part: object, read: str, tell: Callable[[], None]) -> None:
        self._part = part
        self._read = read
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        if name == self._read:
            self._tell()
        return getattr(self._part, name)


Tell = Callable[[str, str], None]


def _telling(program: Program, tell: Tell) -> Program:
    """The same Program, whose rules, retriers and catchers tell (state, pointer) when they decide."""
    nodes: dict[str, State] = {}
    main = _states(program.main, tell, nodes)
    return replace(program, main=main, nodes=MappingProxyType({name: nodes[name] for name in program.nodes}))


def _states(states: States, tell: Tell, nodes: dict[str, State]) -> States:
    made = {name: _node(node, tell, nodes) for name, node in states.states.items()}
    nodes.update(made)
    return States(states.start_at, made)


def _node(node: State, tell: Tell, nodes: dict[str, State]) -> State:
    if isinstance(node, Choice):
        return replace(node, rules=_each(node, "Choices", node.rules, "next", tell))
    if not isinstance(node, (Task, Parallel, Map)):
        return node
    changes: dict[str, Any] = {
        "retriers": _each(node, "Retry", node.retriers, "max_attempts", tell),
        "catchers": _each(node, "Catch", node.catchers, "next", tell),
    }
    if isinstance(node, Parallel):
        changes["branches"] = tuple(_states(branch, tell, nodes) for branch in node.branches)
    elif isinstance(node, Map):
        changes["processor"] = _states(node.processor, tell, nodes)
    return cast(State, replace(node, **changes))


def _each(node: State, field: str, parts: tuple[Any, ...], read: str, tell: Tell) -> tuple[Any, ...]:
    def teller(pointer: str) -> Callable[[], None]:
        return lambda: tell(node.name, pointer)

    return tuple(_Telling(part, read, teller(f"{node.pointer}/{field}/{index}")) for index, part in enumerate(parts))


def _no_text(number: int) -> str:
    return ""
