"""Conditions: the rules of a Choice in words.

Rule: a comparison operator of the language is one row of `COMPARISONS`; what no row says is quoted, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from statelang.values import Json
from statelang.views.formulas import formula
from statelang.views.words import listing, literal, number, path, quoted

Named = Callable[[str], str | None]
"""The words a glossary has for a path; None: it has none."""

COMPARISONS: Final[Mapping[str, str]] = {
    "Equals": "is {}",
    "LessThan": "is less than {}",
    "LessThanEquals": "is at most {}",
    "GreaterThan": "is more than {}",
    "GreaterThanEquals": "is at least {}",
}
TIMES: Final[Mapping[str, str]] = {
    "Equals": "is {}",
    "LessThan": "is before {}",
    "LessThanEquals": "is {} or earlier",
    "GreaterThan": "is after {}",
    "GreaterThanEquals": "is {} or later",
}
TEXTS: Final[Mapping[str, str]] = {
    "Equals": "is {}",
    "LessThan": "comes before {}",
    "LessThanEquals": "is {} or comes before it",
    "GreaterThan": "comes after {}",
    "GreaterThanEquals": "is {} or comes after it",
}
FAMILIES: Final[Mapping[str, Mapping[str, str]]] = {
    "Numeric": COMPARISONS,
    "Timestamp": TIMES,
    "String": TEXTS,
    "Boolean": COMPARISONS,
}
TESTS: Final[Mapping[str, tuple[str, str]]] = {
    "IsNull": ("is empty", "is not empty"),
    "IsPresent": ("is given", "is missing"),
    "IsNumeric": ("is a number", "is not a number"),
    "IsString": ("is a text", "is not a text"),
    "IsBoolean": ("is yes or no", "is neither yes nor no"),
    "IsTimestamp": ("is a point in time", "is not a point in time"),
}
"""Test -> (what true says, what false says)."""

UNKNOWN: Final = "a rule that cannot be read holds"


def condition(rule: Mapping[str, Json], named: Named = lambda text: None) -> str:
    """The words of a rule, without `if`: `the intent score is at least 80`."""
    return _condition(rule, named, top=True)


def _condition(rule: Json, named: Named, *, top: bool = False) -> str:
    if not isinstance(rule, Mapping):
        return UNKNOWN
    if "Condition" in rule:
        return formula(rule["Condition"], named)
    for word, last in (("And", "and"), ("Or", "or")):
        parts = rule.get(word)
        if isinstance(parts, list):
            said = _joined(list(dict.fromkeys(_condition(part, named) for part in parts)), parts, named, last)
            return said if top or len(parts) < 2 else f"({said})"
    if "Not" in rule:
        return _negated(rule["Not"], named)
    return _comparison(rule, named)


def _joined(said: list[str], parts: list[Json], named: Named, last: str) -> str:
    """The parts as one list; what they all speak of is named once."""
    subjects = {_subject(part, named) for part in parts if isinstance(part, Mapping) and "Variable" in part}
    if len(subjects) != 1 or len(said) < 2 or not all(text.startswith(f"{next(iter(subjects))} ") for text in said):
        return listing(said, last)
    subject = subjects.pop()
    rest = [text[len(subject) + 1 :] for text in said]
    if all(text.startswith("is “") for text in rest):
        rest = [rest[0], *(text[3:] for text in rest[1:])]
    return f"{subject} {listing(rest, last)}"


def _negated(rule: Json, named: Named) -> str:
    """What Not says of a test or an equality is said as one; of anything else it is said in front."""
    if isinstance(rule, Mapping):
        for test in TESTS:
            if isinstance(rule.get(test), bool):
                return _condition({**rule, test: not rule[test]}, named)
        if isinstance(rule.get("BooleanEquals"), bool):
            return f"{_subject(rule, named)} is not {literal(rule['BooleanEquals'])}"
        said = _comparison(rule, named)
        if any(key.endswith("Equals") and "Than" not in key for key in rule) and " is " in said:
            return said.replace(" is ", " is not ", 1)
    return f"it is not so that {_condition(rule, named)}"


def _subject(rule: Mapping[str, Json], named: Named) -> str:
    text = str(rule.get("Variable", "$"))
    return named(text) or path(text)


def _comparison(rule: Mapping[str, Json], named: Named) -> str:
    subject = _subject(rule, named)
    for key, value in rule.items():
        if key in TESTS:
            return f"{subject} {TESTS[key][0 if value is not False else 1]}"
        if key == "StringMatches":
            return f"{subject} {_matches(str(value))}"
        words = _family(key)
        if words is not None:
            other = (named(str(value)) or path(str(value))) if key.endswith("Path") else _value(key, value)
            return f"{subject} {words.format(other)}"
    return UNKNOWN


def _family(key: str) -> str | None:
    operator = key.removesuffix("Path")
    for family, words in FAMILIES.items():
        if operator.startswith(family) and operator[len(family) :] in words:
            return words[operator[len(family) :]]
    return None


def _value(key: str, value: Any) -> str:
    if key.startswith("Timestamp"):
        return str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value) if abs(value) < 1e15 else str(value)
    return literal(value)


def _matches(pattern: str) -> str:
    """StringMatches: stars at the ends alone have words of their own."""
    inner = pattern.strip("*")
    if "*" in inner or "\\" in pattern or not inner:
        return f"looks like {quoted(pattern)}" if inner else "is any text"
    if pattern == f"*{inner}*":
        return f"contains {quoted(inner)}"
    if pattern == f"*{inner}":
        return f"ends with {quoted(inner)}"
    return f"begins with {quoted(inner)}" if pattern == f"{inner}*" else f"is {quoted(inner)}"
