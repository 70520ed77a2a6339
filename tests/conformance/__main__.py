"""Run recorded cases and write one row per check."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from pathlib import Path

from tests.conformance.cases import answer, read_cases


def main() -> None:
    """Write what we do for every check that can be run; say on stderr what broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, required=True, help="a file or folder of cases")
    parser.add_argument("--out", type=Path, required=True, help="where the rows go")
    given = parser.parse_args()
    with given.out.open("w", encoding="utf-8") as out:
        for case in read_cases(given.cases):
            for check in case["checks"]:
                try:
                    actual = answer(case, check)
                except NotImplementedError:
                    continue
                except Exception:
                    print(f"{case['id']} [{check['key']}]", traceback.format_exc(), file=sys.stderr)
                    actual = None
                row = {"id": case["id"], "key": check["key"], "actual": actual}
                if "index" in check:
                    row["index"] = check["index"]
                out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
