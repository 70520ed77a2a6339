"""The coverage of a state machine as the course that pictures colour: what was exercised, and what was not.

Rule: how a picture looks is said in `statelang.views`; here is only said what it shows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from statelang.testing.coverage import Coverage, Piece
from statelang.views.chart import START
from statelang.views.course import Course, Outcome

NEVER = "no case comes here"


@dataclass(slots=True)
class Exercised(Course):
    """A course of many executions: a state that no case exercised whole is coloured, with what is missing."""

    missing: dict[str, list[Piece]] = field(default_factory=dict)
    reached: frozenset[str] = frozenset()

    def outcome(self, state: str) -> Outcome:
        """As pictures colour it: done where all of it was exercised, failed where no case comes to it."""
        if state not in self.reached:
            return "failed"
        return "caught" if state in self.missing else "succeeded"

    def note(self, state: str, now: int | None = None) -> str:
        """What of a state no case exercised."""
        if state not in self.reached:
            return NEVER
        labels = dict.fromkeys(piece.label for piece in self.missing.get(state, ()))
        return f"not exercised: {', '.join(labels)}" if labels else ""


def exercised(coverage: Coverage) -> Exercised:
    """What the cases of a machine exercised, for pictures."""
    missing: dict[str, list[Piece]] = defaultdict(list)
    for piece in coverage.missing():
        if piece.kind != "state":
            missing[piece.state].append(piece)
    reached = {p.state for p in coverage.pieces.values() if p.kind == "state" and coverage.counts[p.pointer]}
    return Exercised(ways=_ways(coverage), missing=dict(missing), reached=frozenset(reached))


def _ways(coverage: Coverage) -> Counter[tuple[str, str, bool]]:
    """How often each way was taken: the least of those that a picture draws as one."""
    counts: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
    for pointer, piece in coverage.pieces.items():
        if piece.kind == "transition" and piece.to is not None:
            source = START if pointer.endswith("/StartAt") else piece.state
            counts[source, piece.to, piece.label.startswith("Catch ")].append(coverage.counts[pointer])
    return Counter({way: min(found) for way, found in counts.items()})
