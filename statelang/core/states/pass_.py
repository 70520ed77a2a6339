"""Pass: its result is Result, or its effective input (asl.md 1.3).

Rule: it asks nothing of the world.
"""

from __future__ import annotations

from statelang.core import flow
from statelang.core.dataflow import Outcome, effective_input, passed, resulted
from statelang.core.frame import Frame
from statelang.core.transition import Transition
from statelang.language.scope import ABSENT
from statelang.program import Pass


def enter(t: Transition, frame: Frame, node: Pass) -> None:
    """Pass its result on."""
    frame = flow.enter(t, frame, node)
    flow.leave(t, frame, node, _outcome(t, frame, node), node.next)


def _outcome(t: Transition, frame: Frame, node: Pass) -> Outcome:
    if node.query_language == "JSONata":
        return passed(t, frame, node)
    result = effective_input(t, frame, node) if node.result is ABSENT else node.result
    return resulted(t, frame, node, t.valued(result, frame.input))
