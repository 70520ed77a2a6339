"""Choice: the first rule that matches says where to go, else Default (asl.md 4).

Rule: rules are tried in order, and the first that matches ends the search.
"""

from __future__ import annotations

from statelang.core import flow
from statelang.core.dataflow import chosen, path_input
from statelang.core.frame import Frame
from statelang.core.transition import Transition
from statelang.errors import Fault
from statelang.program import Choice


def enter(t: Transition, frame: Frame, node: Choice) -> None:
    """Try the rules in order; the rule's own Output and Assign stand instead of the state's."""
    frame = flow.enter(t, frame, node)
    data = path_input(t, frame, node)
    scope = t.scope(frame, data)
    for rule in node.rules:
        if rule.matches(scope):
            flow.leave(t, frame, node, chosen(t, frame, node, data, rule.output, rule.assign), rule.next)
            return
    if node.default is None:
        raise Fault("States.NoChoiceMatched", "No choice rule matched, and there is no Default.")
    flow.leave(t, frame, node, chosen(t, frame, node, data, node.output, node.assign), node.default)
