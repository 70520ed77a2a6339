"""The inputs of a Map Run's children: what ItemSelector and ItemBatcher make of its items (asl.md 7.2, 7.4).

Rule: Inputs asks nothing of the execution once it is made: what a child would have got can be told on any thread, also
when the Map Run is over and its frame gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from statelang.core.context import map_item
from statelang.core.execution import Execution
from statelang.core.frame import Frame, RunWait
from statelang.core.map_run import MapRun
from statelang.core.transition import Transition
from statelang.language.scope import Scope
from statelang.program import Map, Program
from statelang.values import Json, encode

Given = tuple[Json, str | None, str]
"""An item, its key where it is a member of an object, and what its source is called."""


class Inputs:
    """What makes inputs of items, as the frame of a Map sees them in a transition."""

    def __init__(self, t: Transition, frame: Frame) -> None:
        node, waiting = t.node(frame), frame.waiting
        assert isinstance(node, Map) and isinstance(waiting, RunWait)  # noqa: PT018
        self._selector = node.item_selector
        self._batcher: Json = None if waiting.batcher is None else waiting.batcher.json
        self._payload = t.started.limits.payload
        self._scope = t.scope(frame, waiting.data.json)
        self._context: Json = None if self._selector is None else self._scope.context

    def of(self, items: Iterable[Given], first: int, *, exhausted: bool) -> Iterator[tuple[int, str]]:
        """(How many items, a child's input as JSON text); `first` is the index of the first item.

        Those of an unfinished batch are left out where more items will come: not `exhausted`. Raises Fault.
        """
        texts = (self._selected(first + n, *item) for n, item in enumerate(items))
        if self._batcher is None:
            return ((1, text) for text in texts)
        return _batches(texts, self._batcher, self._payload, exhausted=exhausted)

    def _selected(self, index: int, value: Json, key: str | None, source: str) -> str:
        if self._selector is None:
            return encode(value)
        context = {**self._context, "Map": map_item(index, key, value, source)}
        base = self._scope
        scope = Scope(
            base.data, lambda: context, base.variables, now=base.now, entropy=base.entropy, bounds=base.bounds
        )
        return encode(self._selector(scope))


def inputs_of(program: Program, execution: Execution, run: MapRun, entropy: bytes) -> Inputs:
    """What makes the inputs of a Map Run's children, outside any transition."""
    frames = execution.frames.values()
    frame = next(f for f in frames if isinstance(f.waiting, RunWait) and f.waiting.token == run.token)
    return Inputs(Transition(program, execution, execution.head.at, entropy), frame)


def _batches(texts: Iterator[str], batcher: Json, payload: int | None, *, exhausted: bool) -> Iterator[tuple[int, str]]:
    """Items together, as (how many, the child's input); the last ones only where no more will come."""
    most = batcher.get("MaxItemsPerBatch")
    sizes = [size for size in (batcher.get("MaxInputBytesPerBatch"), payload) if size is not None]
    largest = min(sizes, default=None)
    head = f'{{"BatchInput":{encode(batcher["BatchInput"])},"Items":[' if "BatchInput" in batcher else '{"Items":['
    empty = len(head.encode()) + 2
    batch: list[str] = []
    size = empty
    for text in texts:
        added = (len(text) if text.isascii() else len(text.encode())) + 1
        if batch and largest is not None and size + added - 1 > largest:
            yield len(batch), f"{head}{','.join(batch)}]}}"
            batch, size = [], empty
        batch.append(text)
        size += added
        if most is not None and len(batch) >= most:
            yield len(batch), f"{head}{','.join(batch)}]}}"
            batch, size = [], empty
    if batch and exhausted:
        yield len(batch), f"{head}{','.join(batch)}]}}"
