"""Run a set of JSONPath cases: `python -m tests.jsonpath --cases FILE --documents FILE --out RESULTS.jsonl`.

One row per row of FILE, in order: `{"path", "document"}` and `definite` + `value`, or `error` + `message`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from statelang.language.jsonpath import PathError, compile_path


def answers(cases: Path, documents: Path) -> Iterator[dict[str, Any]]:
    """What we answer to each case."""
    known = json.loads(documents.read_text(encoding="utf-8"))
    with cases.open(encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            yield {"path": case["path"], "document": case["document"], **answer(case["path"], known[case["document"]])}


def answer(text: str, document: Any) -> dict[str, Any]:
    """What we answer to one path."""
    try:
        path = compile_path(text)
        return {"definite": path.definite, "value": path.read(document)}
    except PathError as problem:
        return {"error": problem.kind, "message": problem.message}


def main() -> None:
    """Write the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    with given.out.open("w", encoding="utf-8") as out:
        for row in answers(given.cases, given.documents):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
