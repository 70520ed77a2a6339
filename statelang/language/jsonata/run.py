"""One evaluation: its variables, its bounds, and what it may ask the outside.

Rule: nothing is shared between evaluations but the compiled expression; time and chance come from the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from statelang.language.bounds import Bounds
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.values import UNDEFINED, Value
from statelang.language.scope import Entropy

TIMEOUT: Final = "Expression evaluation timeout: Check for infinite loop"


class Run:
    """The state of one evaluation."""

    __slots__ = ("_steps", "_used", "bounds", "chance", "millis")

    def __init__(self, bounds: Bounds, millis: int, chance: Entropy) -> None:
        self.bounds = bounds
        self.millis = millis
        self.chance = chance
        self._steps = 0
        self._used = 0

    def step(self, count: int = 1) -> None:
        """Some work is done. Raises JsonataError U1001 where it has been too much."""
        self._steps += count
        if self._steps > self.bounds.steps:
            raise JsonataError("U1001", template=TIMEOUT)

    def allocate(self, size: int) -> None:
        """Memory is needed. Raises JsonataError U1003 where it has been too much."""
        self._used += size
        if self._used > self.bounds.memory:
            raise JsonataError("U1003")


class Frame:
    """The variables of one scope, and the scope around it. `depth` is how deep in the evaluation it stands."""

    __slots__ = ("depth", "names", "parent", "run")

    def __init__(self, run: Run, parent: Frame | None, names: dict[str, Any], depth: int) -> None:
        self.run = run
        self.parent = parent
        self.names = names
        self.depth = depth

    def lookup(self, name: str) -> Value:
        """The value of a variable."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.parent
        return UNDEFINED

    def inner(self, names: Mapping[str, Any] | None = None) -> Frame:
        """A scope inside this one."""
        return Frame(self.run, self, {} if names is None else dict(names), self.depth)
