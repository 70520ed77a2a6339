"""Flow: which variables are assigned when a state is entered, on every way there and on some.

Rule: this follows transitions as written; an open target hides what comes after it, and then everything that is
assigned anywhere counts as assigned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from statelang.compiler.scopes import Scope, assigned, targets
from statelang.compiler.substitutions import is_open


class Known(NamedTuple):
    """The variables that are assigned on every way to a state (`surely`), and on some (`maybe`)."""

    surely: frozenset[str]
    maybe: frozenset[str]


NOTHING = Known(frozenset(), frozenset())


def known_at(scope: Scope) -> Mapping[str, Known]:
    """State -> what is assigned when it is entered; only the states that can be reached."""
    if scope.known is None:
        scope.known = _known_at(scope)
    found: Mapping[str, Known] = scope.known
    return found


def _known_at(scope: Scope) -> Mapping[str, Known]:
    around = NOTHING
    if scope.parent is not None and not scope.distributed:
        around = known_at(scope.parent).get(scope.within, NOTHING)
    first = scope.value.get("StartAt")
    if _hidden(scope):
        everything = around.maybe | frozenset(assigned(scope))
        return {name: Known(everything, everything) for name in scope.states}
    found: dict[str, Known] = {first: around} if isinstance(first, str) and first in scope.states else {}
    pending = list(found)
    while pending:
        name = pending.pop()
        for target, variables in _edges(scope, name):
            before = found.get(target)
            here = found[name]
            after = Known(here.surely | variables, here.maybe | variables)
            if before is not None:
                after = Known(before.surely & after.surely, before.maybe | after.maybe)
            if after != before:
                found[target] = after
                pending.append(target)
    return found


def _edges(scope: Scope, name: str) -> list[tuple[str, frozenset[str]]]:
    found = targets(scope.states[name], scope.place_of(name))
    return [
        (target.name, frozenset(key.removesuffix(".$") for key in target.assigned))
        for target in found
        if isinstance(target.name, str) and target.name in scope.states
    ]


def _hidden(scope: Scope) -> bool:
    named = [target.name for name, state in scope.states.items() for target in targets(state, scope.place_of(name))]
    return is_open(scope.value.get("StartAt")) or any(is_open(name) for name in named)
