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

OBJECT: Final = 64
"""What an object takes of memory, and 16 for each of its fields."""

ARRAY: Final = 32
"""What an array takes of memory, and 8 for each of its items."""

TUPLE: Final = 128
"""What the bindings of one item take of memory."""

NUMBERS: Final = 40
"""What an item takes that was a number in a lazy range."""

TIMEOUT: Final = "Expression evaluation timeout: Check for infinite loop"


class Run:
    """The state of one evaluation.

    `root` is what `$$` means, `variables` are those given from outside, `functions` the built-ins. `depth` is how deep
    the evaluation stood when it called the built-in that is at work, `frame` where it did so (for `$eval`).
    """

    __slots__ = ("bounds", "chance", "depth", "frame", "functions", "memory", "millis", "root", "steps", "variables")

    def __init__(
        self,
        bounds: Bounds,
        millis: int,
        chance: Entropy,
        root: Value,
        variables: Mapping[str, Any],
        functions: Mapping[str, Any],
    ) -> None:
        self.bounds = bounds
        self.millis = millis
        self.chance = chance
        self.root = root
        self.variables = variables
        self.functions = functions
        self.steps = bounds.steps
        self.memory = bounds.memory
        self.depth = 0
        self.frame: Frame | None = None

    def step(self, count: int = 1) -> None:
        """Some work is done. Raises JsonataError U1001 where it has been too much."""
        self.steps -= count
        if self.steps < 0:
            raise JsonataError("U1001", template=TIMEOUT)

    def allocate(self, size: int) -> None:
        """Memory is needed. Raises JsonataError U1003 where it has been too much."""
        self.memory -= size
        if self.memory < 0:
            raise JsonataError("U1003")

    def copied(self, values: Value) -> None:
        """The items of an array are put in a list. Raises JsonataError U1003 where it has been too much."""
        self.allocate((NUMBERS if self.bounds.lazy and type(values) is range else 8) * len(values))


class Frame:
    """The variables of one scope, and the scope around it. `depth` is how deep in the evaluation it stands."""

    __slots__ = ("depth", "names", "parent", "run")

    def __init__(self, run: Run, parent: Frame | None, names: dict[str, Any], depth: int) -> None:
        self.run = run
        self.parent = parent
        self.names = names
        self.depth = depth

    def lookup(self, name: str) -> Value:
        """The value of a variable: bound in the expression, given from outside, or a built-in."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.parent
        run = self.run
        if name in run.variables:
            return run.variables[name]
        return run.root if name == "$" else run.functions.get(name, UNDEFINED)

    def inner(self, names: Mapping[str, Any]) -> Frame:
        """A scope inside this one."""
        return Frame(self.run, self, dict(names), self.depth)
