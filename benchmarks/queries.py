"""JSONata: microseconds for one evaluation, beside what else evaluates it in Python.

Rule: everybody compiles once and evaluates the same expression with the same `$states`; rounds take turns, and the
best round counts. The others are installed by `make bench` alone; where one is missing, its column is.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from statelang.language.jsonata import Expression
from statelang.language.paths import compile_value
from statelang.language.query import compile_query
from statelang.language.scope import Entropy, Scope

EXPRESSIONS = (
    "$states.input.order.id",
    "$sum($states.input.items.price)",
    '$merge([$states.input, {"a": 1}])',
    "$count($states.input.items[price > 10])",
    "$states.input.items ~> $map(function($i){ $i.price * 2 })",
    '"order " & $states.input.order.id & "!"',
    "$now()",
    '$toMillis("2026-11-23T10:00:00.000Z")',
)
SIZES = {"1 KB": 12, "216 KB": 2_920}
NOW = 1_767_225_600_000
ROUNDS = 15
SECONDS = 0.02
"""How long one round of one evaluator takes."""

Evaluate = Callable[[], Any]


def states(count: int) -> Any:
    """`$states` with so many items."""
    order = {"id": "A-17", "total": 45.5, "customer": {"name": "Zoë", "email": "z@example.com"}}
    items = [
        {"sku": f"s{i}", "price": (i * 7) % 40, "qty": i % 5, "note": "some text that is here"} for i in range(count)
    ]
    return {"input": {"order": order, "items": items}}


def ours(text: str, given: Any) -> Evaluate:
    expression, bindings = Expression(text), {"states": given}
    return lambda: expression.evaluate(None, bindings, millis=NOW)


def in_a_state(text: str, given: Any) -> Evaluate:
    """As a field of a state: the scope is there, and what comes out is JSON."""
    expression, scope = compile_query(text), Scope(given["input"], dict, now=NOW, entropy=Entropy(bytes(16)))
    return lambda: expression(scope)


def as_jsonpath(text: str, given: Any) -> Evaluate:
    """A path of JSONPath, as a field of a state."""
    expression, scope = compile_value(text, field="x.$"), Scope(given["input"], dict, now=NOW, entropy=Entropy(b""))
    return lambda: expression(scope)


def jsonata_python(text: str, given: Any) -> Evaluate:
    import jsonata

    expression = jsonata.Jsonata(text)

    def evaluate() -> Any:
        frame = expression.create_frame()
        frame.bind("states", given)
        return expression.evaluate(None, frame)

    return evaluate


def jsonata2py(text: str, given: Any) -> Evaluate:
    import jsonata2py as library

    expression = library.JsonataExpressionFactory().compile(text)

    def evaluate() -> Any:
        bindings = library.JsonataBindings()
        return expression.evaluate(None, bindings.bind_value("states", given) or bindings)

    return evaluate


OTHERS = {"jsonata-python": ("jsonata", jsonata_python), "jsonata2py": ("jsonata2py", jsonata2py)}


def rows() -> Iterator[tuple[str, float, str, str | None, float | None]]:
    """(name, microseconds, unit, beside whom, how many times as fast), then the geometric means."""
    others = {name: make for name, (module, make) in OTHERS.items() if importlib.util.find_spec(module)}
    ratios: dict[str, list[float]] = {name: [] for name in others}
    for size, count in SIZES.items():
        given = states(count)
        for text in EXPRESSIONS:
            evaluators = {"ours": ours(text, given)} | {name: make(text, given) for name, make in others.items()}
            best = _best(evaluators)
            yield f"{text[:44]}, {size}", best["ours"], "us", None, None
            for name in others:
                ratio = best[name] / best["ours"]
                ratios[name].append(ratio)
                yield f"    {name}", best[name], "us", "ours", ratio
    yield "import of JSONata", _imported(), "ms beyond statelang", None, None
    given = states(SIZES["1 KB"])
    for names in ("order.id", "order.customer.name"):
        path = {"ours": in_a_state(f"$states.input.{names}", given), "JSONPath": as_jsonpath(f"$.{names}", given)}
        path["literal"] = in_a_state('"A-17"', given)
        best = _best(path)
        yield f"$states.input.{names} in a state", best["ours"], "us", "JSONPath", best["ours"] / best["JSONPath"]
    yield "a literal in a state", best["literal"], "us", "JSONPath", best["literal"] / best["JSONPath"]
    for name, found in ratios.items():
        yield f"as fast as {name}", math.exp(sum(map(math.log, found)) / len(found)), "times", "geometric mean", None


def _imported() -> float:
    """Milliseconds that the first definition in JSONata costs, once its bytecode is there."""
    code = "import time, statelang.compiler; t = time.process_time(); import statelang.language.jsonata.profile; "
    python = [sys.executable, "-c", code + "print(time.process_time() - t)"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ran = [subprocess.run(python, env=environment, capture_output=True, text=True, check=True) for _ in range(6)]
    return min(float(process.stdout) for process in ran) * 1000


def _best(evaluators: dict[str, Evaluate]) -> dict[str, float]:
    """Microseconds of processor time for one evaluation, by each."""
    times = {name: _times(evaluate) for name, evaluate in evaluators.items()}
    best = dict.fromkeys(evaluators, math.inf)
    for _ in range(ROUNDS):
        for name, evaluate in evaluators.items():
            began = time.process_time()
            for _ in range(times[name]):
                evaluate()
            best[name] = min(best[name], (time.process_time() - began) / times[name] * 1e6)
    return best


def _times(evaluate: Evaluate) -> int:
    began = time.perf_counter()
    evaluate()
    evaluate()
    return max(1, int(SECONDS / max(1e-7, (time.perf_counter() - began) / 2)))


if __name__ == "__main__":
    for row in rows():
        print(json.dumps(row))
