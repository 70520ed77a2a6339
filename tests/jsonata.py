"""Run a set of JSONata cases: `python -m tests.jsonata --cases FILE --bindings FILE --out RESULTS.jsonl`.

One row per row of FILE, in order: `{"expr", "kind", "value"}`, kind being value, undefined or error; for an error
`code` and `message`. FILE of bindings is both input and variables.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from statelang.language.bounds import WIDE, Bounds
from statelang.language.jsonata import UNDEFINED, Expression, JsonataError
from statelang.language.jsonata.text import text_of
from statelang.language.jsonata.values import is_array, is_number

NOW = 1_767_225_600_000


def answer(expr: str, input: Any, bindings: Mapping[str, Any], bounds: Bounds = WIDE) -> dict[str, Any]:
    """What we answer to one expression."""
    try:
        value = Expression(expr).evaluate(input, bindings, millis=NOW, bounds=bounds)
    except JsonataError as problem:
        return {"kind": "error", "code": problem.code, "message": problem.message}
    if value is UNDEFINED:
        return {"kind": "undefined"}
    try:
        return {"kind": "value", "value": json.loads(json.dumps(plain(value)))}
    except RecursionError:
        return {"kind": "error", "code": "U1001", "message": "the value is nested too deep to be written"}


def plain(value: Any) -> Any:
    """A value as JSON: lazy arrays as lists, functions as jsonata-js shows them, no infinities."""
    if is_array(value):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if is_number(value) or isinstance(value, (str, bool)) or value is None:
        return None if isinstance(value, float) and not json.dumps(value)[-1].isdigit() else value
    return None if value is UNDEFINED else text_of(value)


def main() -> None:
    """Write the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--bindings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    bindings = json.loads(given.bindings.read_text(encoding="utf-8"))
    with given.cases.open(encoding="utf-8") as cases, given.out.open("w", encoding="utf-8") as out:
        for line in cases:
            expr = json.loads(line)["expr"]
            out.write(json.dumps({"expr": expr, **answer(expr, bindings, bindings)}) + "\n")


if __name__ == "__main__":
    main()
