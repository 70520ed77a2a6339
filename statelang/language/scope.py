"""What an expression may see while it is evaluated: its data, the Context object, the variables, time and chance.

Rule: everything an expression reads comes through a Scope, so that evaluating it is a pure function. Time and chance
come from the stimulus that caused the transition: the same stimulus gives the same values again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from statelang.language.bounds import AWS, Bounds
from statelang.values import Json


class Absent:
    """The type of ABSENT."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""Stands where there is no value at all, which is not the same as null."""


class Entropy:
    """An endless stream of bytes that a seed (16 bytes or more) fixes: SHA-256 of the seed and a counter."""

    __slots__ = ("_counter", "_seed")

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._counter = 0

    def block(self) -> bytes:
        """The next 32 bytes."""
        self._counter += 1
        return hashlib.sha256(self._seed + self._counter.to_bytes(8, "big")).digest()

    def fraction(self) -> float:
        """The next number n with 0 <= n < 1, uniform, of 53 bits."""
        return int.from_bytes(self.block()[:7], "big") // 8 / 9007199254740992

    def uuid(self) -> str:
        """The next version 4 UUID."""
        digits = bytearray(self.block()[:16])
        digits[6] = digits[6] & 0x0F | 0x40
        digits[8] = digits[8] & 0x3F | 0x80
        text = digits.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


NO_VARIABLES: Final[Mapping[str, Json]] = {}


class Scope:
    """What one field of a state is evaluated against.

    `data` is what `$` means there (JSONPath), `context` makes the Context object (`$$`, spec 9.9) when first asked,
    `variables` holds every workflow variable that can be read here, `now` is milliseconds since 1970 (UTC).
    JSONata sees `$states`: `data` as input, `context`, and `result` or `error_output` where the field has one
    (ABSENT otherwise); `bounds` is how much it may take.
    """

    __slots__ = ("_context", "_make_context", "bounds", "data", "entropy", "error_output", "now", "result", "variables")

    def __init__(
        self,
        data: Json,
        context: Callable[[], Json],
        variables: Mapping[str, Json] = NO_VARIABLES,
        *,
        now: int,
        entropy: Entropy,
        result: object = ABSENT,
        error_output: object = ABSENT,
        bounds: Bounds = AWS,
    ) -> None:
        self.data = data
        self.variables = variables
        self.now = now
        self.entropy = entropy
        self.result = result
        self.error_output = error_output
        self.bounds = bounds
        self._make_context = context
        self._context: Json = None

    @property
    def context(self) -> Json:
        """The Context object."""
        if self._context is None:
            self._context = self._make_context()
        return self._context

    def over(self, data: Json) -> Scope:
        """This scope with other data under `$`."""
        return Scope(
            data,
            lambda: self.context,
            self.variables,
            now=self.now,
            entropy=self.entropy,
            result=self.result,
            error_output=self.error_output,
            bounds=self.bounds,
        )
