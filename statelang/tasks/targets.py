"""Targets: what stands on the right side of a binding, by scheme.

Rule: one row per kind of target. An integration's module is imported only when a target needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from statelang.errors import InvalidSettings
from statelang.ports import Integration
from statelang.tasks.lambda_function import DIRECT
from statelang.values import Json

Options = Mapping[str, Json]
Maker = Callable[[str, Options, Path | None], Integration]
"""(the whole target, its options, the folder it is relative to) -> what performs it; raises InvalidSettings."""


def _python(target: str, options: Options, folder: Path | None) -> Integration:
    from statelang.tasks.python import find_task

    return find_task(target.removeprefix("python:"), folder)


def _exec(target: str, options: Options, folder: Path | None) -> Integration:
    from statelang.tasks.exec import exec_task

    return exec_task(target.removeprefix("exec:"), options, folder)


def _http(target: str, options: Options, folder: Path | None) -> Integration:
    from statelang.tasks.http import http_task

    return http_task(target, options)


def _aws(target: str, options: Options, folder: Path | None) -> Integration:
    from statelang.tasks.aws import aws_task

    return aws_task(options)


TARGETS: Final[Mapping[str, tuple[Maker, frozenset[str]]]] = {
    "python": (_python, frozenset()),
    "exec": (_exec, frozenset({"cwd", "env", "output"})),
    "http": (_http, frozenset({"method", "headers", "timeout"})),
    "https": (_http, frozenset({"method", "headers", "timeout"})),
    "aws": (_aws, frozenset({"region", "endpoint", "endpoints", "profile", "role"})),
}
"""Scheme -> what makes the integration, and the options it takes."""


SERVICE: Final = re.compile(
    r"arn:[^:]*:states:[^:]*:[^:]*:(?P<sdk>aws-sdk:)?(?P<service>[^:]+):(?P<action>[^:.]+)"
    r"(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?"
)
"""A Resource that is an action of a service of AWS."""


def is_aws(resource: str) -> bool:
    """Whether a Resource is something that AWS itself can perform."""
    found = SERVICE.fullmatch(resource)
    return DIRECT.fullmatch(resource) is not None or (found is not None and found["service"] != "activity")


def is_target(text: str) -> bool:
    """Whether a text is a target by its scheme: such a Resource needs no binding."""
    return text.partition(":")[0] in TARGETS


def make(target: str, options: Options, folder: Path | None) -> Integration:
    """What performs a target. Raises InvalidSettings with what is wrong with it."""
    row = TARGETS.get(target.partition(":")[0])
    if row is None:
        known = ", ".join(f"{scheme}:" for scheme in TARGETS)
        raise InvalidSettings(f"the target {target!r} begins with none of {known}")
    maker, takes = row
    unknown = sorted(set(options) - takes)
    if unknown:
        known = ", ".join(sorted(takes)) or "none"
        raise InvalidSettings(f"{target}: unknown option {unknown[0]!r}; it takes: {known}")
    if options:
        from statelang.tasks.secrets import WithSecrets, has_references

        if has_references(dict(options)):
            return WithSecrets(options, lambda revealed: maker(target, revealed, folder), folder)
    return maker(target, options, folder)
