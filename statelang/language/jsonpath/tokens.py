"""The steps of a path and what each does to a document: Jayway's path tokens.

A token evaluates one value and hands what it finds to the next one; the last one adds it to the results.

Rule: a row of Jayway's behaviour, however odd, is one branch here; nothing else decides what a step finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from statelang.language.jsonpath.errors import InvalidPath, PathNotFound
from statelang.language.jsonpath.java import java_text
from statelang.values import Json

MOST_STEPS: Final = 1_500_000
"""How many values one reading may look at, about a second's worth: a document within AWS's limits has fewer than
131,072, but steps like `..` one after the other, and filters, look at them again and again.
"""

Place = tuple[Any, ...]
"""The way to a value: `()` for the root, else the place of what holds the value, and the name or index there."""


def shown(place: Place) -> str:
    """A place as Jayway prints it."""
    keys: list[str] = []
    while place:
        place, key = place
        keys.append(f"[{key}]" if type(key) is int else f"['{key}']")
    return "$" + "".join(reversed(keys))


class Evaluation:
    """One evaluation of a path: the document it began with, what was found so far, and what it may still take."""

    __slots__ = ("found", "left", "root")

    def __init__(self, root: Json, left: int = MOST_STEPS) -> None:
        self.root = root
        self.left = left
        self.found: list[Json] = []

    def step(self, count: int = 1) -> None:
        """So many values are looked at. Raises InvalidPath where it has been too much."""
        self.left -= count
        if self.left < 0:
            raise InvalidPath("the path takes too long on this document")


class Token:
    """One step. `next` is None for the last."""

    definite = True

    def __init__(self) -> None:
        self.next: Token | None = None
        self.rest_definite = True
        self.needed = True

    def evaluate(self, place: Place, value: Json, run: Evaluation) -> None:
        """Find what this step finds in a value; `place` is the way to it."""
        raise NotImplementedError

    def fragment(self) -> str:
        """This step as Jayway prints it."""
        raise NotImplementedError

    def link(self, before: Token | None) -> None:
        """Make ready to be evaluated, once every later step is: `before` is the step before.

        A property on the way that is missing is an error only where the step before and all from here on are definite.
        """
        self.rest_definite = self.definite and (self.next is None or self.next.rest_definite)
        self.needed = self.rest_definite and (before is None or before.definite)

    def __str__(self) -> str:
        parts, token = [], self
        while token is not None:
            parts.append(token.fragment())
            token = token.next  # type: ignore[assignment]
        return "".join(parts)

    def go_on(self, place: Place, value: Json, run: Evaluation) -> None:
        """Hand what was found to the next step."""
        if self.next is None:
            run.found.append(value)
        else:
            self.next.evaluate(place, value, run)

    def at_index(self, index: int, place: Place, value: Json, run: Evaluation) -> None:
        """Go on with an element of an array."""
        run.step()
        if not 0 <= index < len(value):
            raise PathNotFound(f"Index out of bounds when evaluating path {shown(place)}[{index}]")
        self.go_on((place, index), value[index], run)

    def at_property(self, name: str, place: Place, value: Json, run: Evaluation) -> None:
        """Go on with a property of an object."""
        run.step()
        if name in value:
            self.go_on((place, name), value[name], run)
        elif self.next is None:
            raise PathNotFound(f"No results for path: {shown(place)}['{name}']")
        elif self.needed:
            raise PathNotFound(f"Missing property in path {shown(place)}['{name}']")


class Root(Token):
    """`$` or `@`."""

    def evaluate(self, place: Place, value: Json, run: Evaluation) -> None:
        self.go_on((), value, run)

    def fragment(self) -> str:
        return "$"


class Property(Token):
    """`.name`, `['name']` or `['a','b']`."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)

    def evaluate(self, place: Place, value: Json, run: Evaluation) -> None:
        if not isinstance(value, dict):
            raise PathNotFound(f"Property {self.fragment()} not found in path {shown(place)}")
        if len(self.names) == 1:
            self.at_property(self.names[0], place, value, run)
        elif self.next is not None:
            raise InvalidPath(f"Multi properties can only be used as path leafs: {shown(place)}{self.fragment()}")
        else:
            run.found.append({name: value[name] for name in self.names if name in value})

    def fragment(self) -> str:
        return "[" + ", ".join(f"'{name}'" for name in self.names) + "]"


Indexing = Literal["index", "indexes", "from", "to", "between", "size"]


class Array(Token):
    """`[n]`, `[a,b]`, `[a:]`, `[:b]`, `[a:b]` or `[(@.length-n)]`."""

    def __init__(self, kind: Indexing, numbers: Sequence[int]) -> None:
        super().__init__()
        self.kind = kind
        self.numbers = tuple(numbers)
        self.definite = kind in ("index", "size")

    def evaluate(self, place: Place, value: Json, run: Evaluation) -> None:
        if value is None:
            raise PathNotFound(f"The path {shown(place)} is null")
        if not isinstance(value, list):
            raise InvalidPath(f"Filter: {self} can only be applied to arrays. Current context is: {java_text(value)}")
        for index in self._indexes(len(value)):
            self.at_index(index, place, value, run)

    def _indexes(self, length: int) -> Sequence[int]:
        first = self.numbers[0]
        if self.kind == "size":
            return (length + first,)
        if self.kind == "from":
            return range(max(0, first + length if first < 0 else first), length)
        if self.kind == "to":
            return range(min(length, first + length if first < 0 else first))
        if self.kind == "between":
            return range(first, min(length, self.numbers[1])) if length else ()
        return self.numbers

    def fragment(self) -> str:
        first = self.numbers[0]
        if self.kind == "size":
            return f"[@.size(){first}]"
        if self.kind == "from":
            return f"[{first}:]"
        if self.kind == "to":
            return f"[:{first}]"
        if self.kind == "between":
            return f"[{first}:{self.numbers[1]}]"
        return "[" + ",".join(map(str, self.numbers)) + "]"


class Wildcard(Token):
    """`*`: over an object every property, over an array every element whose way on leads somewhere."""

    definite = False

    def evaluate(self, place: Place, value: Json, run: Evaluation) -> None:
        if isinstance(value, dict):
            for name in value:
                self.at_property(name, place, value, run)
        elif isinstance(value, list):
            for index in range(len(value)):
                try:
                    self.at_index(index, place, value, run)
                except PathNotFound:
                    continue

    def fragment(self) -> str:
        return "[*]"


Test = Callable[[Json, Evaluation], bool]
"""A filter: (item, the evaluation it belongs to) -> whether it is taken."""


class Filter(Token):
    """`[?(…)]`: of an array the elements that pass, of an object the object itself."""

    definite = False

    def __init__(self, test: Test) -> None:
        super().__init__()
        self.test = test

    def evaluate(self, place: Place, value: Json, run: Evaluation) -> None:
        if isinstance(value, dict):
            if self.test(value, run):
                self.go_on(place, value, run)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if self.test(item, run):
                    self.at_index(index, place, value, run)
        else:
            text = java_text(value)
            raise InvalidPath(f"Filter: {self} can not be applied to primitives. Current context is: {text}")

    def fragment(self) -> str:
        return "[?]"


class Scan(Token):
    """`..`: the next step at the value and at everything in it, outer before inner.

    At an array, a next step that is not the last counts for every element, whatever it says (recorded).
    """

    definite = False

    def evaluate(self, place: Place, value: Json, run: Evaluation) -> None:
        step = self.next
        assert step is not None
        self._walk(step, place, value, run)

    def _walk(self, step: Token, place: Place, value: Json, run: Evaluation) -> None:
        run.step()
        if not isinstance(value, (dict, list)):
            return
        if self._applies(step, value, run):
            if isinstance(value, list) and step.next is not None:
                for index, item in enumerate(value):
                    step.next.evaluate((place, index), item, run)
            else:
                step.evaluate(place, value, run)
        if isinstance(value, dict):
            for name, item in value.items():
                self._walk(step, (place, name), item, run)
        else:
            for index, item in enumerate(value):
                self._walk(step, (place, index), item, run)

    def _applies(self, step: Token, value: Json, run: Evaluation) -> bool:
        """Whether the step is tried at a value at all."""
        if isinstance(step, Property):
            return isinstance(value, dict) and all(name in value for name in step.names)
        if isinstance(step, Array):
            return isinstance(value, list)
        if isinstance(step, Filter):
            return step.test(value, run)
        return isinstance(step, Wildcard)

    def fragment(self) -> str:
        return ".."
