"""Portability: what runs here and AWS would not take (`--target aws`).

Rule: whatever the engine offers beyond AWS has a row here, so that a definition is never tied to it unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from statelang.compiler.rules.rule import LAMBDA, Found, Rule, one
from statelang.compiler.scopes import StateAt
from statelang.compiler.substitutions import PLACEHOLDER

_ARN: Final = re.compile(r"arn:[\w-]+:(lambda:[\w-]+:\d{12}:function:|states:([\w-]*:(\d{12})?):).+")


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
)
"""The rows of this subject."""
