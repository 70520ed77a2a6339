"""Functions that take a pattern: a string, a regular expression, or a matcher function.

Rule: a matcher gives `{match, start, end, groups, next}` or nothing; a regular expression is one. Texts are looked at
by UTF-16 units, and put together again at the end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from statelang.language.jsonata.calls import answer, call
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.functions.registry import builtin
from statelang.language.jsonata.regexes import Match, Regex, join_pairs, split_pairs
from statelang.language.jsonata.run import OBJECT, Run
from statelang.language.jsonata.values import UNDEFINED, Function, Sequence, Value, is_array, is_falsy, is_number


def matches(run: Run, pattern: Value, text: str, limit: Value = UNDEFINED) -> Iterator[Match]:
    """The matches of a regular expression or a matcher function. Raises JsonataError T1010."""
    found = pattern.matches(text, run.step) if isinstance(pattern, Regex) else _called_matches(run, pattern, text)
    return found if limit is UNDEFINED else _limited(found, limit)


def _limited(found: Iterator[Match], limit: float) -> Iterator[Match]:
    """As many matches; jsonata-js looks for one more before it stops, and fails where that does."""
    count = 0
    while count < limit and (match := next(found, None)) is not None:
        yield match
        count += 1
    if count:
        next(found, None)


def _called_matches(run: Run, pattern: Value, text: str) -> Iterator[Match]:
    found = _called(run, pattern, join_pairs(text))
    while found is not UNDEFINED:
        if is_falsy(found):
            raise JsonataError("JS:TypeError", template="Cannot read properties of what a matcher returned")
        start, end = int(found.get("start", 0)), int(found.get("end", 0))
        yield Match(split_pairs(str(found.get("match", ""))), start, end, list(found.get("groups", [])))
        found = _called(run, found.get("next"))


def _called(run: Run, matcher: Value, *arguments: Value) -> Value:
    """What a matcher function answers: a match, nothing, or what counts as false in JavaScript."""
    run.step()
    found = call(run, matcher, arguments)
    if is_falsy(found) or _is_match(found):
        return found
    raise JsonataError("T1010")


def _is_match(found: Value) -> bool:
    """Whether a matcher's answer has one of the fields that it should have, as jsonata-js looks at it."""
    if not isinstance(found, dict):
        return False
    if not (is_number(found.get("start")) or is_array(found.get("groups")) or isinstance(found.get("next"), Function)):
        return False
    return all(is_number(found.get(name, 0)) for name in ("start", "end")) and is_array(found.get("groups", []))


def _groups(match: Match) -> list[Value]:
    return [UNDEFINED if group is None else join_pairs(group) for group in match.groups]


@builtin("match", "<s-f<s:o>n?:a<o>>")
def match_(run: Run, text: Value, pattern: Value, limit: Value = UNDEFINED) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    _positive(limit, "D3040", 3)
    found = Sequence()
    for match in matches(run, pattern, split_pairs(text), limit):
        run.step()
        run.allocate(OBJECT + 2 * len(match.text) + 8 * len(match.groups))
        found.append({"match": join_pairs(match.text), "index": match.start, "groups": _groups(match)})
    return found


def _positive(limit: Value, code: str, index: int) -> None:
    if limit is not UNDEFINED and limit < 0:
        raise JsonataError(code, value=limit, index=index)


@builtin("contains", "<s-(sf):b>")
def contains(run: Run, text: Value, pattern: Value) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    if isinstance(pattern, str):
        return pattern in text
    if isinstance(pattern, Regex):
        return next(matches(run, pattern, split_pairs(text)), None) is not None
    return _called(run, pattern, text) is not UNDEFINED


@builtin("split", "<s-(sf)n?:a<s>>", constant=True)
def split(run: Run, text: Value, separator: Value, limit: Value = UNDEFINED) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    _positive(limit, "D3020", 3)
    if limit == 0:
        return []
    if isinstance(separator, str):
        run.step(len(text) >> 11)
        run.allocate(8 * (text.count(separator) + 1))
        parts = list(split_pairs(text)) if separator == "" else text.split(separator)
        return parts if limit is UNDEFINED else parts[: int(limit) % 2**32 if math.isfinite(limit) else 0]
    return _split(run, split_pairs(text), separator, limit)


def _split(run: Run, text: str, separator: Value, limit: Value) -> list[str]:
    parts, at = [], 0
    for match in matches(run, separator, text, limit):
        run.step()
        run.allocate(8 + 2 * (match.start - at))
        parts.append(join_pairs(text[at : match.start]))
        at = match.end
    if limit is UNDEFINED or len(parts) < limit:
        parts.append(join_pairs(text[at:]))
    return parts


@builtin("replace", "<s-(sf)(sf)n?:s>", constant=True)
def replace(run: Run, text: Value, pattern: Value, replacement: Value, limit: Value = UNDEFINED) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    if pattern == "":
        raise JsonataError("D3010", value=pattern, index=2)
    _positive(limit, "D3011", 4)
    if not isinstance(pattern, str):
        return join_pairs(_replaced(run, split_pairs(text), pattern, replacement, limit))
    most = -1 if limit is UNDEFINED or limit > len(text) else -int(-limit // 1)
    told = replacement if isinstance(replacement, str) else ""
    count = text.count(pattern) if most < 0 else min(most, text.count(pattern))
    run.step(len(text) >> 10)
    run.allocate(2 * (len(text) + count * max(0, len(told) - len(pattern))))
    return text.replace(pattern, told, most)


def _replaced(run: Run, text: str, pattern: Value, replacement: Value, limit: Value) -> str:
    parts, at = [], 0
    found = matches(run, pattern, text, limit)
    for match in found:
        run.step()
        parts.append(text[at : match.start])
        run.allocate(2 * len(parts[-1]))
        if isinstance(replacement, str):
            parts.extend(_filled(split_pairs(replacement), match, run))
        else:
            result = call(run, replacement, [answer(match, found)])
            if not isinstance(result, str):
                raise JsonataError("D3012", value=result)
            parts.append(split_pairs(result))
            run.allocate(2 * len(result))
        at = match.start + len(match.text)
    return "".join(parts) + text[at:]


_DOLLAR = re.compile(r"\$(\$|[0-9]*)")


def _filled(replacement: str, match: Match, run: Run) -> Iterator[str]:
    """A replacement with what `$0` and `$1` stand for, of as many digits as there are groups for."""
    count = len(match.groups)
    most = len(str(count))

    def put(told: str) -> str:
        if told in ("$", ""):
            return "$"
        if told[0] == "0":
            return match.text + told[1:]
        digits = told[:most]
        if most > 1 and int(digits) > count:
            digits = told[: most - 1]
        number = int(digits)
        group = match.groups[number - 1] if number <= count else None
        return (group or "") + told[len(digits) :]

    for index, part in enumerate(_DOLLAR.split(replacement)):
        piece = put(part) if index % 2 else part
        run.allocate(2 * len(piece))
        yield piece
