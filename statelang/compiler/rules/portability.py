"""Portability: what runs here and AWS would not take (`--target aws`).

Rule: whatever the engine offers beyond AWS has a row here, so that a definition is never tied to it unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from statelang.compiler.references import texts
from statelang.compiler.rules.rule import LAMBDA, Found, Rule, one
from statelang.compiler.scopes import StateAt
from statelang.compiler.substitutions import PLACEHOLDER

_ARN: Final = re.compile(r"arn:[\w-]+:(lambda:[\w-]+:\d{12}:function:|states:([\w-]*:(\d{12})?):).+")
_MERGE: Final = re.compile(r"States\.JsonMerge\([^()]*,\s*true\s*\)")


def resources(at: StateAt) -> Iterator[Found]:
    """AWS knows ARNs alone."""
    resource = at.value.get("Resource")
    if at.kind != "Task" or not isinstance(resource, str) or PLACEHOLDER.search(resource) or ":" not in resource:
        return
    if not resource.startswith("arn:"):
        message = f"AWS does not take the Resource {resource}: it must be an ARN"
        yield Found(message, at.place / "Resource", "write the ARN, and bind it in a bindings file")
    elif not _ARN.fullmatch(resource):
        yield Found(
            f"AWS would not find {resource}: it is no ARN of a function, activity or integration", at.place / "Resource"
        )


def deep_merge(at: StateAt) -> Iterator[Found]:
    """States.JsonMerge merges the top level only."""
    for key, text, place in texts(at.value, at.place):
        match = _MERGE.search(text) if key.endswith(".$") else None
        if match is not None:
            message = "AWS merges the top level only: the third argument of States.JsonMerge must be false"
            yield Found(message, place, character=match.start())


ROWS: Final = (
    Rule(
        "SL080",
        "ERROR",
        "On AWS a Resource is the ARN of a function, an activity or a service integration. Write the ARN, and let a "
        "bindings file say what performs it here.",
        one("Task", Resource="python:shop.tasks:charge"),
        one("Task", Resource=LAMBDA),
        state=resources,
        target="aws",
    ),
    Rule(
        "SL081",
        "ERROR",
        "States.JsonMerge with true merges deeply here, as the specification says; AWS takes false only.",
        one("Pass", Parameters={"all.$": "States.JsonMerge($.a, $.b, true)"}),
        one("Pass", Parameters={"all.$": "States.JsonMerge($.a, $.b, false)"}),
        state=deep_merge,
        target="aws",
    ),
)
"""The rows of this subject."""
