"""JSONata's values as Python has them: JSON, functions, and nothing at all.

JavaScript's `undefined` is UNDEFINED, `null` is None. An array is a list or a lazy `range`; a Sequence is an array that
a path has gathered, which a single item of it replaces. Numbers are IEEE doubles: an int stands for a double that is
integral and exact.

Rule: nothing here is ever mutated once it has left the function that made it, but for what a path is gathering.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final


class _Undefined:
    """The type of UNDEFINED."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = _Undefined()


class Function:
    """Anything that can be called. `arity` is how many arguments it looks at."""

    __slots__ = ()
    arity: int


Value = Any
"""A JSON value, a range, a Function, a Regex, or UNDEFINED."""

Spend = Callable[[int], None]
"""Takes steps from what an evaluation may take; raises JsonataError where nothing is left. Whatever walks through a
value takes one for each item: values may share their parts, so that a small one has no end of items.
"""

EXACT: Final = 2**53


class Sequence(list[Any]):
    """Results gathered by a path. `keep`: a single one stays in its array."""

    keep = False


class Constructed(list[Any]):
    """An array that an array constructor made as a step of a path: it is an item, and is not flattened."""

    __slots__ = ()


class Wrapped(Sequence):
    """The input, where it is an array: a path sees its items, `$` sees the array."""

    __slots__ = ()


class Tuples(list[dict[str, Any]]):
    """A stream of bindings: "@" is the context, the others are variables (`@$x`, `#$i`, and parents)."""

    __slots__ = ()


def is_array(value: Value) -> bool:
    return isinstance(value, (list, range))


def is_number(value: Value) -> bool:
    """A number, finite or not; true and false are none."""
    return type(value) is int or type(value) is float


def is_numeric(value: Value) -> bool:
    """A number that is one: NaN is none. Raises JsonataError D1001 for an infinite one."""
    if type(value) is int:
        return True
    if type(value) is not float or math.isnan(value):
        return False
    if math.isinf(value):
        from statelang.language.jsonata.errors import JsonataError

        raise JsonataError("D1001", value=value)
    return True


def number(value: int | float) -> int | float:
    """A number as a double: an int where it is integral and exact."""
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else _double(value)
    if value.is_integer() and -EXACT <= value <= EXACT and not (value == 0 and math.copysign(1, value) < 0):
        return int(value)
    return value


def _double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def equal(one: Value, other: Value, spend: Spend) -> bool:
    """Deep equality, as `=` means it: by type first."""
    if is_number(one) and is_number(other):
        return bool(one == other) or (abs(one) >= EXACT and number(one) == number(other))
    if isinstance(one, (str, bool)) or one is None:
        return type(one) is type(other) and one == other
    if one is other:
        return True
    both = (is_array(one) and is_array(other)) or (isinstance(one, dict) and isinstance(other, dict))
    return both and _alike(one, other, spend)


def _alike(one: Value, other: Value, spend: Spend) -> bool:
    """Whether two arrays or two objects hold the same. No pair of parts is compared twice: values may share parts in
    so many ways that it would never end.
    """
    compared: set[tuple[int, int]] = set()
    pending = [(one, other)]
    while pending:
        one, other = pending.pop()
        if is_array(one) and is_array(other):
            pairs = zip(one, other)
        elif isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
            pairs = ((item, other[key]) for key, item in one.items())  # type: ignore[assignment]
        else:
            return False
        if len(one) != len(other):
            return False
        if (id(one), id(other)) not in compared:
            compared.add((id(one), id(other)))
            spend(1 + (len(one) >> 3))
            for item, with_it in pairs:
                if isinstance(item, (list, dict, range)) and item is not with_it:
                    pending.append((item, with_it))
                elif not equal(item, with_it, spend):
                    return False
    return True


def boolean(value: Value, spend: Spend) -> bool:
    """Whether a value counts as true; UNDEFINED does not."""
    if value is True or value is False:
        return bool(value)
    if is_array(value):
        return _any_true(value, spend)
    if isinstance(value, (str, dict)):
        return len(value) > 0
    return isinstance(value, Function) or (is_numeric(value) and bool(value != 0))


def _any_true(values: Value, spend: Spend) -> bool:
    """Whether anything in an array, at any depth, counts as true; no array is looked into twice."""
    seen: set[int] = set()
    pending = [values]
    while pending:
        items = pending.pop()
        if id(items) in seen:
            continue
        seen.add(id(items))
        for index, item in enumerate(items):
            if is_array(item):
                pending.append(item)
            elif boolean(item, spend):
                return True
            elif not index % 8:
                spend(1)
    return False


def is_falsy(value: Value) -> bool:
    """Whether a value counts as false in JavaScript itself: no array and no object does."""
    if is_number(value):
        return bool(value == 0) or math.isnan(value)
    return value is UNDEFINED or value is None or value is False or value == ""


def members(value: dict[str, Value]) -> Iterable[tuple[str, Value]]:
    """The fields of an object in the order in which JavaScript goes through them: whole numbers first, by size."""
    if len(value) > 1 and min(value) < ":":
        indexes = sorted((key for key in value if _is_index(key)), key=int)
        if indexes:
            rest = [key for key in value if not _is_index(key)]
            return [(key, value[key]) for key in (*indexes, *rest)]
    return value.items()


def _is_index(key: str) -> bool:
    """Whether a text is how JavaScript writes an array's index."""
    return key.isascii() and key.isdigit() and len(key) <= 10 and (key == "0" or key[0] != "0") and int(key) < 2**32 - 1


def units(text: str) -> bytes:
    """A text as JavaScript compares it: by UTF-16 units."""
    return text.encode("utf-16-be", "surrogatepass")


def merge_sorted(values: list[Any], swaps: Callable[[Any, Any], bool]) -> list[Any]:
    """Merge sort, as jsonata-js does it: what comes of a comparison that contradicts itself is the same too."""
    if len(values) <= 1:
        return values
    middle = len(values) // 2
    left, right = merge_sorted(values[:middle], swaps), merge_sorted(values[middle:], swaps)
    result: list[Any] = []
    at = other = 0
    while at < len(left) and other < len(right):
        if swaps(left[at], right[other]):
            result.append(right[other])
            other += 1
        else:
            result.append(left[at])
            at += 1
    return [*result, *left[at:], *right[other:]]


def append(one: Value, other: Value) -> Value:
    """Two values as one array; nothing adds nothing."""
    if one is UNDEFINED:
        return other
    if other is UNDEFINED:
        return one
    return [*(one if is_array(one) else [one]), *(other if is_array(other) else [other])]


def folded(values: Iterable[Value]) -> Value:
    """Any number of values appended, one after the other."""
    given = [value for value in values if value is not UNDEFINED]
    if len(given) <= 1:
        return given[0] if given else UNDEFINED
    found: list[Value] = []
    for value in given:
        if is_array(value):
            found.extend(value)
        else:
            found.append(value)
    return found


def lookup(value: Value, key: str, spend: Spend) -> Value:
    """The field of an object, or of every object of an array, at any depth."""
    if type(value) is dict:
        return value.get(key, UNDEFINED)
    if isinstance(value, list):
        spend(len(value))
        found = Sequence()
        for item in value:
            field = lookup(item, key, spend)
            if isinstance(field, (list, range)):
                found.extend(field)
            elif field is not UNDEFINED:
                found.append(field)
        return found
    return UNDEFINED


def sole(value: Value) -> Value:
    """A sequence of one as that one, and an empty one as nothing."""
    if isinstance(value, Sequence):
        if not value:
            return UNDEFINED
        if len(value) == 1 and not value.keep:
            return value[0]
    return value


def number_text(value: int | float) -> str:
    """A number as JavaScript prints it."""
    if type(value) is int and -EXACT <= value <= EXACT:
        return str(value)
    value = _double(value) if type(value) is int else value
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    text = repr(float(value))
    sign, text = ("-", text[1:]) if text[0] == "-" else ("", text)
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len((whole + fraction).lstrip("0")))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = point - 1
    told = f"e{'+' if power > 0 else '-'}{abs(power)}"
    return sign + digits[0] + ("." + digits[1:] if count > 1 else "") + told
