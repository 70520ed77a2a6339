"""Python functions as tasks: called with the input, or with the input and the TaskCall; sync or async.

Rule: the class of an exception is the ASL error's name and its text is the cause; nothing a function does or returns
reaches the worker as an exception.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from statelang.errors import InvalidInput, InvalidSettings
from statelang.ports import Answer, Cancel, Failed, Integration, Succeeded, TaskCall
from statelang.values import admit

POLL_SECONDS: Final = 0.05
"""How soon an async function learns that its answer is not wanted any more."""

_importing = threading.Lock()


class TaskError(Exception):
    """Raised by a task function that wants to name its ASL error: `raise TaskError("Card.Declined", "no funds")`."""

    def __init__(self, error: str, cause: str | None = None) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause


class _Later:
    """The type of LATER."""

    def __repr__(self) -> str:
        return "LATER"


LATER: Final = _Later()
"""What a function returns whose answer comes later, by the token of its TaskCall."""


@dataclass(frozen=True, slots=True)
class PythonTask:
    """A callable as an integration. `takes_call`: it wants the TaskCall as its second argument."""

    function: Callable[..., Any]
    takes_call: bool

    def perform(self, call: TaskCall) -> Answer | None:
        """Call it and answer with what it returns."""
        try:
            result = self.function(call.input, call) if self.takes_call else self.function(call.input)
            if inspect.isawaitable(result):
                result = _run(result, call.cancel)
        except TaskError as problem:
            return Failed(problem.error, problem.cause, _trace(problem))
        except BaseException as problem:
            return Failed(type(problem).__name__, str(problem), _trace(problem))
        if result is LATER:
            return None
        try:
            return Succeeded(admit(result))
        except InvalidInput as problem:
            return Failed("States.TaskFailed", f"the task's result cannot be JSON: {problem}")


def _run(awaitable: Any, cancel: Cancel) -> object:
    """What an awaitable gives; it is cancelled when its answer is not wanted any more."""
    import asyncio

    async def awaited() -> object:
        task = asyncio.ensure_future(awaitable)
        while not task.done():
            await asyncio.wait({task}, timeout=POLL_SECONDS)
            if cancel.is_set():
                task.cancel()
        return task.result()

    return asyncio.run(awaited())


def _trace(problem: BaseException) -> tuple[str, ...]:
    """Where it happened, from the function on: what called it is nobody's business."""
    frames = traceback.extract_tb(problem.__traceback__)
    theirs = [frame for frame in frames if frame.filename != __file__ and "/asyncio/" not in frame.filename]
    return tuple(traceback.format_list(theirs))


def python_task(function: Callable[..., Any]) -> PythonTask:
    """A callable as an integration. Raises InvalidSettings where it takes neither one nor two arguments."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return PythonTask(function, takes_call=False)
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in places if p.default is p.empty]
    spread = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if len(needed) > 2 or not (places or spread):
        name = getattr(function, "__qualname__", repr(function))
        raise InvalidSettings(f"the task function {name} must take the input, or the input and the call")
    return PythonTask(function, takes_call=len(needed) == 2 or (spread and len(places) < 2))


def find_task(target: str, folder: Path | None) -> Integration:
    """What `package.module:name` names: a function, or an integration (an object that can `perform`).

    Modules are looked for in `folder` first. Raises InvalidSettings where there is none.
    """
    module_name, found, name = target.partition(":")
    if not found or not module_name or not name:
        raise InvalidSettings(f"python:{target} must be written python:package.module:function")
    try:
        value: Any = _import(module_name, folder)
        for part in name.split("."):
            value = getattr(value, part)
    except Exception as problem:  # a module may raise anything as it is imported
        said = f"{problem}" if isinstance(problem, (ImportError, AttributeError, SyntaxError)) else f"{problem!r}"
        raise InvalidSettings(f"python:{target} cannot be imported: {said}") from problem
    if hasattr(value, "perform") and not isinstance(value, type):
        integration: Integration = value
        return integration
    if not callable(value):
        raise InvalidSettings(f"python:{target} is neither a function nor an integration but a {type(value).__name__}")
    return python_task(value)


def _import(name: str, folder: Path | None) -> ModuleType:
    with _importing:
        if folder is None:
            return importlib.import_module(name)
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
            importlib.invalidate_caches()
        file = folder.joinpath(*name.split(".")).with_suffix(".py")
        loaded = sys.modules.get(name)
        if loaded is None or not file.is_file() or Path(loaded.__file__ or "").resolve() == file.resolve():
            return importlib.import_module(name)
        return _import_file(f"{name}@{folder}", file)


def _import_file(name: str, file: Path) -> ModuleType:
    """A module whose name another folder's module has taken already: two machines may each have a `tasks.py`."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
