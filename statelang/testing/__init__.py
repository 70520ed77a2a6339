"""Testing state machines: cases, mocks, coverage, in virtual time.

    from statelang.testing import simulate

    happened = simulate("order.asl.yaml", {"orderId": 7}, mocks={"Charge card": {"throw": "CardDeclined"}})
    assert happened.path == ("Reserve stock", "Charge card", "Cancelled")

Rule: what is simulated is the world, never the machine: every transition is the core's own. The names stand here and
are imported when they are used, so that the pytest plugin costs nobody anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statelang.testing.clock import VirtualClock
    from statelang.testing.coverage import Coverage
    from statelang.testing.mocks import Mock
    from statelang.testing.replies import Call
    from statelang.testing.simulate import simulate
    from statelang.testing.suite import Suite, Verdict, open_suite
    from statelang.testing.trial import Happened

_HOME = {
    "VirtualClock": "clock",
    "Coverage": "coverage",
    "Mock": "mocks",
    "simulate": "simulate",
    "Suite": "suite",
    "Verdict": "suite",
    "open_suite": "suite",
    "Call": "replies",
    "Happened": "trial",
}

__all__ = ["Call", "Coverage", "Happened", "Mock", "Suite", "Verdict", "VirtualClock", "open_suite", "simulate"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'statelang.testing' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"statelang.testing.{_HOME[name]}"), name)
    return value
