"""The 18 intrinsic functions, one each (asl.md 2.4).

Rule: a function takes the scope and its arguments, and raises ValueError with a sentence for the author; the caller
makes States.IntrinsicFailure of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from statelang.errors import InvalidInput
from statelang.language.jsonpath.java import java_text
from statelang.language.scope import Entropy, Scope
from statelang.values import Json, decode, encode

LONGEST_TEXT: Final = 10_000
"""Characters that Base64Encode, Base64Decode and Hash take."""

MOST_SHOWN: Final = 2_000_000
"""How large, in characters, what is written as text or compared may be: arguments share their parts, and a short call
can name the same ones many times. No payload comes near it.
"""

LONGEST_RANGE: Final = 1_000
INTEGERS: Final = range(-(2**31), 2**31)

HASHES: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class Intrinsic(NamedTuple):
    """A function, how many arguments it takes (at least, at most; None: any number), and whether it wants text raw."""

    perform: Callable[..., Json]
    arguments: tuple[int, int | None]
    raw: bool = False


def format(scope: Scope, template: Any, *values: Any) -> str:
    """Each `{}` of the template is replaced by a value; `\\{`, `\\}`, `\\'` and `\\\\` stand for themselves."""
    if not isinstance(template, str):
        raise ValueError("its first argument must be a text")
    escaped = type(template) is not str
    parts = re.split(r"(\\.|\{\})" if escaped else r"(\{\})", template)
    if parts.count("{}") != len(values):
        raise ValueError(f"the template has {parts.count('{}')} places for {len(values)} arguments")
    given = iter(_sized(value) for value in values)
    filled: list[str] = []
    left = MOST_SHOWN
    for part in parts:
        filled.append(_filled(part, given, escaped))
        left -= len(filled[-1])
        if left < 0:
            raise ValueError(TOO_LARGE)
    return "".join(filled)


TOO_LARGE: Final = f"the text would have more than {MOST_SHOWN} characters"


def _sized(value: Json) -> Json:
    """A value, where it is not too large to be written. Raises ValueError."""
    left, pending = MOST_SHOWN, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            left -= len(item)
        elif isinstance(item, list):
            left -= len(item)
            pending.extend(item)
        elif isinstance(item, dict):
            left -= sum(map(len, item)) + len(item)
            pending.extend(item.values())
        if left < 0:
            raise ValueError(TOO_LARGE)
    return value


def _filled(part: str, given: Iterator[Json], escaped: bool) -> str:
    if part == "{}":
        value = next(given)
        return re.sub(r"\\(.)", r"\1", value) if isinstance(value, str) and type(value) is not str else java_text(value)
    return part[1:] if escaped and part.startswith("\\") else part


def string_to_json(scope: Scope, text: Any) -> Json:
    """The JSON value of a text; a blank text is null."""
    if not _text(text).strip():
        return None
    try:
        return decode(text)
    except InvalidInput as problem:
        raise ValueError(str(problem)) from None


def json_to_string(scope: Scope, value: Json) -> str:
    """Compact JSON text."""
    return encode(_sized(value))


def array(scope: Scope, *values: Json) -> Json:
    """An array of the arguments."""
    return list(values)


def array_partition(scope: Scope, items: Any, size: Any) -> Json:
    """Chunks of an array; the last may be short."""
    whole, step = _array(items), _integer(size)
    if step <= 0:
        raise ValueError("the chunk size must be a positive integer")
    return [whole[at : at + step] for at in range(0, len(whole), step)]


def array_contains(scope: Scope, items: Any, value: Json) -> bool:
    """Whether an array holds a value equal to this one."""
    wanted = _key(_sized(value))
    return any(_key(item) == wanted for item in _sized(_array(items)))


def array_range(scope: Scope, first: Any, last: Any, step: Any) -> Json:
    """The integers from first to last, both included."""
    begin, end, by = _integer(first), _integer(last), _integer(step)
    if by == 0:
        raise ValueError("the step must not be 0")
    found = range(begin, end + (1 if by > 0 else -1), by)
    if len(found) > LONGEST_RANGE:
        raise ValueError(f"the range has more than {LONGEST_RANGE} elements")
    return list(found)


def array_get_item(scope: Scope, items: Any, index: Any) -> Json:
    """The element at a 0-based index."""
    at = _integer(index)
    if not 0 <= at < len(_array(items)):
        raise ValueError(f"there is no element {at} in an array of {len(items)}")
    return items[at]


def array_length(scope: Scope, items: Any) -> int:
    """How many elements an array has."""
    return len(_array(items))


def array_unique(scope: Scope, items: Any) -> Json:
    """The array without repetitions, the first of equal elements kept."""
    seen: set[str] = set()
    found = []
    for item in _sized(_array(items)):
        key = _key(item)
        if key not in seen:
            seen.add(key)
            found.append(item)
    return found


def base64_encode(scope: Scope, text: Any) -> str:
    """Base64 of the text's UTF-8 bytes."""
    return base64.b64encode(_short(text).encode()).decode()


def base64_decode(scope: Scope, text: Any) -> str:
    """The text whose UTF-8 bytes this Base64 stands for."""
    padding = "" if "=" in _short(text) else "=" * (-len(text) % 4)  # which Java's decoder does not ask for
    try:
        return base64.b64decode(text + padding, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise ValueError(f"not Base64 of UTF-8 text: {problem}") from None


def hash_(scope: Scope, data: Any, algorithm: Any) -> str:
    """The hash of a text, or of a value's JSON text, in lower-case hexadecimal."""
    name = HASHES.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise ValueError(f"the algorithm must be one of {', '.join(HASHES)}")
    text = data if isinstance(data, str) else encode(_sized(data))
    return hashlib.new(name, _short(text).encode(), usedforsecurity=False).hexdigest()


def json_merge(scope: Scope, first: Any, second: Any, deep: Any) -> Json:
    """Two objects as one, the second's values winning; only a shallow merge, as on AWS."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise ValueError("the first two arguments must be objects")
    if deep is not False:
        raise ValueError("the third argument must be false: only shallow merging is supported")
    return {**first, **second}


def math_random(scope: Scope, start: Any, end: Any, seed: Any = None) -> int:
    """An integer from start to end, end excluded; the same seed gives the same one."""
    low, high = _integer(start), _integer(end)
    if low >= high:
        raise ValueError("the end must be greater than the start")
    entropy = scope.entropy if seed is None else Entropy(f"seed:{_integer(seed)}".encode())
    return low + int(entropy.fraction() * (high - low))


def math_add(scope: Scope, first: Any, second: Any) -> int:
    """The sum of two numbers, each rounded first."""
    found = _integer(first) + _integer(second)
    if found not in INTEGERS:
        raise ValueError(f"the sum {found} is out of the range of a 32-bit integer")
    return found


def string_split(scope: Scope, text: Any, delimiters: Any) -> Json:
    """The parts of a text between any of the delimiter characters; empty parts are dropped."""
    characters = _text(delimiters)
    if not characters:
        return [text] if _text(text) else []
    return [part for part in re.split(f"[{re.escape(characters)}]", _text(text)) if part]


def uuid(scope: Scope) -> str:
    """A version 4 UUID."""
    return scope.entropy.uuid()


def _integer(value: Any) -> int:
    """A number rounded as Java's Math.round does: half up."""
    if type(value) is int:
        whole = value
    elif type(value) is float and math.isfinite(value):
        whole = math.floor(value)
        whole += value - whole >= 0.5
    else:
        raise ValueError(f"{_brief(value)} is not a number")
    if whole not in INTEGERS:
        raise ValueError(f"{_brief(value)} is out of the range of a 32-bit integer")
    return whole


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_brief(value)} is not a text")
    return value


def _short(value: Any) -> str:
    if len(_text(value)) > LONGEST_TEXT:
        raise ValueError(f"the text has more than {LONGEST_TEXT} characters")
    return str(value)


def _array(value: Any) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"{_brief(value)} is not an array")
    return value


def _brief(value: Json) -> str:
    text = encode(value)
    return text if len(text) <= 60 else text[:60] + "…"


def equal(first: Json, second: Json) -> bool:
    """JSON equality: true is not 1, 1 is 1.0."""
    return _key(first) == _key(second)


def _key(value: Json) -> str:
    """A text that is the same for equal values: the order of keys does not matter, 1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return encode(int(value))
    if isinstance(value, list):
        return f"[{','.join(map(_key, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode(key)}:{_key(value[key])}" for key in sorted(value)) + "}"
    return encode(value)


FUNCTIONS: Final[Mapping[str, Intrinsic]] = {
    "Format": Intrinsic(format, (1, None), raw=True),
    "StringToJson": Intrinsic(string_to_json, (1, 1)),
    "JsonToString": Intrinsic(json_to_string, (1, 1)),
    "Array": Intrinsic(array, (0, None)),
    "ArrayPartition": Intrinsic(array_partition, (2, 2)),
    "ArrayContains": Intrinsic(array_contains, (2, 2)),
    "ArrayRange": Intrinsic(array_range, (3, 3)),
    "ArrayGetItem": Intrinsic(array_get_item, (2, 2)),
    "ArrayLength": Intrinsic(array_length, (1, 1)),
    "ArrayUnique": Intrinsic(array_unique, (1, 1)),
    "Base64Encode": Intrinsic(base64_encode, (1, 1)),
    "Base64Decode": Intrinsic(base64_decode, (1, 1)),
    "Hash": Intrinsic(hash_, (2, 2)),
    "JsonMerge": Intrinsic(json_merge, (3, 3)),
    "MathRandom": Intrinsic(math_random, (2, 3)),
    "MathAdd": Intrinsic(math_add, (2, 2)),
    "StringSplit": Intrinsic(string_split, (2, 2)),
    "UUID": Intrinsic(uuid, (0, 0)),
}
"""Name after `States.` -> the function."""
