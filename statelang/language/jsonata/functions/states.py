"""The functions that AWS adds in states (asl.md 3.3): `$partition`, `$range`, `$hash`, `$random`, `$uuid`, `$parse`.

Rule: chance comes from the evaluation; the same stimulus gives the same values again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

from statelang.errors import InvalidInput
from statelang.language.jsonata.calls import Native
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.registry import entering
from statelang.language.jsonata.run import Run
from statelang.language.jsonata.values import UNDEFINED, Sequence, Value
from statelang.values import decode

ADDED: Final[dict[str, Native]] = {}
"""Name -> function."""

added = entering(ADDED)

DIGESTS: Final[dict[str, Callable[[bytes], Any]]] = {
    "MD5": hashlib.md5,
    "SHA-1": hashlib.sha1,
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
}


@added("partition", "<an:a>")
def partition(run: Run, values: Value, size: Value) -> Value:
    """Chunks of at most `size` items."""
    if values is UNDEFINED or size is UNDEFINED:
        return UNDEFINED
    step = int(size)
    if step < 1:
        raise JsonataError("D3137", message="The size of a partition must be a positive number")
    run.allocate(16 * -(-len(values) // step))
    return [list(values[at : at + step]) for at in range(0, len(values), step)]


@added("range", "<nnn:a>")
def range_(run: Run, start: Value, end: Value, delta: Value) -> Value:
    """From `start` to `end`, both included, by `delta`; fractions are cut off."""
    if UNDEFINED in (start, end, delta):
        return UNDEFINED
    first, last, step = int(start), int(end), int(delta)
    found = range(first, last + (1 if step > 0 else -1), step) if step else range(0)
    run.allocate(8 * len(found))
    return Sequence(found) if found else []


@added("hash", "<ss:s>", steps=1)
def hash_(run: Run, text: Value, algorithm: Value) -> Value:
    """The digest of a text in UTF-8, as lower-case hexadecimal digits."""
    if text is UNDEFINED or algorithm is UNDEFINED:
        return UNDEFINED
    run.step(len(text) >> 9)
    digest = DIGESTS.get(algorithm)
    if digest is None:
        message = f"Unsupported hash algorithm: {algorithm}. Supported algorithms: {', '.join(DIGESTS)}"
        raise JsonataError("D3137", message=message)
    return str(digest(text.encode("utf-8", "replace")).hexdigest())


_MULTIPLIER: Final = 0x5DEECE66D
_MASK: Final = (1 << 48) - 1


@added("random", "<n?:n>", constant=True)
def random(run: Run, seed: Value = UNDEFINED) -> Value:
    """A number from 0 to below 1; with a seed always the same, as Java's random numbers begin (recorded)."""
    if seed is UNDEFINED:
        return run.chance.fraction()
    state = (int(seed) ^ _MULTIPLIER) & _MASK
    bits = []
    for count in (26, 27):
        state = (state * _MULTIPLIER + 0xB) & _MASK
        bits.append(state >> (48 - count))
    return ((bits[0] << 27) + bits[1]) / (1 << 53)


@added("uuid", "<:s>")
def uuid(run: Run) -> Value:
    """A version 4 UUID."""
    return run.chance.uuid()


@added("parse", "<s:x>", constant=True)
def parse(run: Run, text: Value) -> Value:
    """The value of a JSON text."""
    if text is UNDEFINED:
        return UNDEFINED
    run.step(len(text) >> 7)
    run.allocate(2 * len(text))
    try:
        return decode(text)
    except InvalidInput as problem:
        raise JsonataError("D3137", message=f"$parse() was given a text that is {problem}") from None
