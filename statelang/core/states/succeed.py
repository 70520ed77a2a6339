"""Succeed: ends its States object well (asl.md 1.3).

Rule: it ends its States object alone, never the executions around it.
"""

from __future__ import annotations

from statelang.core import flow
from statelang.core.dataflow import passed
from statelang.core.frame import Frame
from statelang.core.transition import Transition
from statelang.program import Succeed


def enter(t: Transition, frame: Frame, node: Succeed) -> None:
    """End here."""
    frame = flow.enter(t, frame, node)
    flow.leave(t, frame, node, passed(t, frame, node), None)
