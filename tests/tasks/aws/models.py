"""Every model that botocore carries, read one after the other and let go again; and values made by its shapes."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from botocore.model import ServiceModel

from statelang.tasks.aws import names

AT = datetime(2026, 11, 24, 9, 42, 23, 120_000, UTC)


def every_model() -> Iterator[Any]:
    """The ServiceModel of each service."""
    loader = names.session().get_component("data_loader")
    for service in names.session().get_available_services():
        version = loader.determine_latest_version(service, "service-2")
        files = (os.path.join(path, service, version, "service-2.json.gz") for path in loader.search_paths)
        with gzip.open(next(file for file in files if os.path.exists(file))) as file:
            yield ServiceModel(msgspec.json.decode(file.read()), service)


def flat(shape: Any) -> Any:
    """A value of a shape as botocore gives it, one level deep."""
    simple = {"string": "text", "char": "c", "integer": 7, "long": 7, "float": 0.5, "double": 0.5, "boolean": True}
    made = {"timestamp": AT, "blob": b"bytes", "list": [], "map": {}, "structure": {}}
    return {**simple, **made}[shape.type_name]


def sampled(shape: Any, choose: Any = None, depth: int = 5) -> Any:
    """What botocore may give for a shape: every member, one item in each list and map, down to a depth.

    `choose` takes the words that a text may be (none: any) and gives one.
    """
    if shape is None:
        return {}
    kind = shape.type_name
    if kind in ("string", "char"):
        return choose(list(shape.enum)) if choose else (shape.enum or ["text"])[0]
    if kind == "structure":
        if depth == 0 or getattr(shape, "is_document_type", False):
            return {}
        return {name: sampled(member, choose, depth - 1) for name, member in shape.members.items()}
    if kind == "list":
        return [sampled(shape.member, choose, depth - 1)] if depth > 0 else []
    if kind == "map":
        return {"key": sampled(shape.value, choose, depth - 1)} if depth > 0 else {}
    return flat(shape)
