"""Statelang: Amazon States Language as a library and one command, durable anywhere.

    machine = statelang.load("order.asl.yaml")
    with statelang.Engine("sqlite:///runs.db", tasks={"arn:aws:lambda:*:function:charge": charge}) as engine:
        result = engine.run(machine, {"orderId": 7}, name="order-7")

Rule: every public name stands here, and none of them is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statelang.compiler import Problem, validate
    from statelang.core.limits import AWS, Limits
    from statelang.core.map_run import MapRun, Tally
    from statelang.engine import Engine
    from statelang.errors import (
        ExecutionExists,
        ExecutionNotFound,
        ExecutionNotRedrivable,
        InvalidDefinition,
        InvalidInput,
        InvalidSettings,
        JobLeft,
        LeaseLost,
        MapRunEnded,
        MapRunNotFound,
        ObjectError,
        StatelangError,
        StoreError,
        StoreFull,
        StoreNotFound,
        StoreNotOurs,
        StoreReadOnly,
        StoreTooNew,
        TaskEnded,
        UnboundResource,
        UnknownToken,
        UnreadableCheckpoint,
    )
    from statelang.ports import (
        Answer,
        Failed,
        Integration,
        Jobs,
        Pending,
        Store,
        Submitted,
        Succeeded,
        Summary,
        TaskCall,
    )
    from statelang.reach import ActivityTask
    from statelang.result import JsonText, Result
    from statelang.state_machine import StateMachine, load
    from statelang.tasks import LATER, Bindings, TaskError, read_bindings

__version__ = "0.1.0"

_HOME = {
    "statelang.compiler": ("Problem", "validate"),
    "statelang.core.limits": ("AWS", "Limits"),
    "statelang.engine": ("Engine",),
    "statelang.core.map_run": ("MapRun", "Tally"),
    "statelang.reach": ("ActivityTask",),
    "statelang.result": ("JsonText", "Result"),
    "statelang.errors": (
        "ExecutionExists",
        "ExecutionNotFound",
        "ExecutionNotRedrivable",
        "InvalidDefinition",
        "InvalidInput",
        "InvalidSettings",
        "JobLeft",
        "LeaseLost",
        "MapRunEnded",
        "MapRunNotFound",
        "ObjectError",
        "StatelangError",
        "StoreError",
        "StoreFull",
        "StoreNotFound",
        "StoreNotOurs",
        "StoreReadOnly",
        "StoreTooNew",
        "TaskEnded",
        "UnboundResource",
        "UnknownToken",
        "UnreadableCheckpoint",
    ),
    "statelang.ports": (
        "Answer",
        "Failed",
        "Integration",
        "Jobs",
        "Pending",
        "Store",
        "Submitted",
        "Succeeded",
        "Summary",
        "TaskCall",
    ),
    "statelang.state_machine": ("StateMachine", "load"),
    "statelang.tasks": ("LATER", "Bindings", "TaskError", "read_bindings"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AWS",
    "LATER",
    "ActivityTask",
    "Answer",
    "Bindings",
    "Engine",
    "ExecutionExists",
    "ExecutionNotFound",
    "ExecutionNotRedrivable",
    "Failed",
    "Integration",
    "InvalidDefinition",
    "InvalidInput",
    "InvalidSettings",
    "JobLeft",
    "Jobs",
    "JsonText",
    "LeaseLost",
    "Limits",
    "MapRun",
    "MapRunEnded",
    "MapRunNotFound",
    "ObjectError",
    "Pending",
    "Problem",
    "Result",
    "StateMachine",
    "StatelangError",
    "Store",
    "StoreError",
    "StoreFull",
    "StoreNotFound",
    "StoreNotOurs",
    "StoreReadOnly",
    "StoreTooNew",
    "Submitted",
    "Succeeded",
    "Summary",
    "Tally",
    "TaskCall",
    "TaskEnded",
    "TaskError",
    "UnboundResource",
    "UnknownToken",
    "UnreadableCheckpoint",
    "load",
    "read_bindings",
    "validate",
]


def __getattr__(name: str) -> Any:
    module = _MODULE.get(name)
    if module is None:
        raise AttributeError(f"module 'statelang' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
