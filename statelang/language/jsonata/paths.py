"""Paths: steps, filters, sorting, and streams of bindings.

Rule: a path of plain names over plain objects is a handful of look-ups; everything else goes through the steps, one by
one, as jsonata-js does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from statelang.language.jsonata.calls import Evaluate
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.fields import bound_path, fields_of, gathered, leading_items, name_path, variable_path
from statelang.language.jsonata.grouping import group
from statelang.language.jsonata.regexes import split_pairs
from statelang.language.jsonata.run import TUPLE, Frame, Run
from statelang.language.jsonata.sorting import compile_order
from statelang.language.jsonata.tree import Node, is_plain
from statelang.language.jsonata.values import (
    UNDEFINED,
    Constructed,
    Sequence,
    Tuples,
    Value,
    Wrapped,
    boolean,
    folded,
    is_array,
    is_numeric,
    lookup,
    members,
)

if TYPE_CHECKING:
    from statelang.language.jsonata.compiler import Compiler

Stage = Callable[[Value, Frame], Value]


def compile_name(compiler: Compiler, node: Node) -> Evaluate:
    """A field."""
    key = node.value

    def name(input: Value, frame: Frame) -> Value:
        if type(input) is dict:
            return input.get(key, UNDEFINED)
        return lookup(input, key, frame.run.step)

    return name


def compile_wildcard(compiler: Compiler, node: Node) -> Evaluate:
    """Every field."""
    return lambda input, frame: _fields(input[0] if type(input) is Wrapped and input else input, frame.run)


def _fields(value: Value, run: Run) -> Value:
    items = [item for _, item in members(value)] if isinstance(value, dict) else value if is_array(value) else ()
    run.step(len(items) >> 4)
    run.allocate(8 * len(items))
    if not any(map(is_array, items)):
        return Sequence(items)
    return folded([Sequence(), *(_flat(item, run) if is_array(item) else item for item in items)])


def _flat(value: Value, run: Run) -> list[Value]:
    flat: list[Value] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if is_array(item):
            run.step(len(item))
            run.copied(item)
            stack.extend(reversed(item))
        else:
            flat.append(item)
    return flat


def compile_descendants(compiler: Compiler, node: Node) -> Evaluate:
    """Everything inside, at any depth."""

    def descendants(input: Value, frame: Frame) -> Value:
        if input is UNDEFINED:
            return UNDEFINED
        found, stack = Sequence(), [input]
        while stack:
            item = stack.pop()
            if is_array(item):
                frame.run.step(len(item))
                frame.run.allocate(8 * len(item))
                stack.extend(reversed(item))
                continue
            found.append(item)
            if isinstance(item, dict):
                frame.run.step(len(item))
                frame.run.allocate(8 * len(item))
                stack.extend(field for _, field in reversed(list(members(item))))
        return found[0] if len(found) == 1 else found

    return descendants


def compile_path(compiler: Compiler, node: Node) -> Evaluate:
    """All the steps of a path, one after the other."""
    steps = node.parts
    path = _Path(compiler, node)
    plain = all(is_plain(step) for step in steps[1:]) and is_plain(steps[0], variable=True)
    quick = path.quick()
    if quick is not None:
        return quick
    if not plain or node.keep_singleton or node.group is not None or node.tuple or len(steps) > 12:
        return path.evaluate
    first, keys = steps[0], tuple(step.value for step in steps[1:])
    if first.kind == "name":
        return name_path((first.value, *keys), path.evaluate)
    if first.value in compiler.bound or first.value == "$" or compiler.dynamic:
        return bound_path(first.value, keys, path.evaluate)
    return variable_path(first.value, keys, path.evaluate)


class _Step:
    """One step: what it evaluates, its stages, and what it binds."""

    __slots__ = ("evaluate", "key", "node", "sort", "stages")

    def __init__(self, compiler: Compiler, node: Node) -> None:
        self.node = node
        self.sort = compile_order(compiler, node) if node.kind == "sort" else None
        self.evaluate: Evaluate = compiler.node(node) if self.sort is None else _nothing
        self.key: Any = node.value if is_plain(node) else None
        self.stages = [
            (stage.value, None) if stage.kind == "index" else (None, filter_of(compiler, stage))
            for stage in node.stages
        ]

    def staged(self, value: Value, frame: Frame) -> Value:
        """The stages over a whole result."""
        for name, stage in self.stages:
            if stage is not None:
                value = stage(value, frame)
            else:
                for index, bindings in enumerate(value):
                    bindings[name] = index
        return value

    def each(self, items: Value, frame: Frame, *, last: bool) -> Value:
        """The step for each item, all results as one sequence."""
        if self.sort is not None:
            return self.staged(self.sort(items, frame), frame)
        frame.run.step(len(items))
        results = fields_of(items, self.key, frame.run.step) if self.key is not None else self._results(items, frame)
        return gathered(results, frame.run, last=last)

    def _results(self, items: Value, frame: Frame) -> list[Value]:
        evaluate, stages = self.evaluate, self.stages
        results: list[Value] = []
        for item in items:
            value = evaluate(item, frame)
            for _, stage in stages:
                assert stage is not None
                value = stage(value, frame)
            if value is not UNDEFINED:
                results.append(value)
        return results

    def bind(self, items: Value, tuples: Tuples | None, frame: Frame) -> Tuples:
        """The step over a stream of bindings."""
        node = self.node
        if self.sort is not None:
            return self._bind_sorted(items, tuples, frame)
        found = Tuples()
        for bindings in [{"@": item} for item in items] if tuples is None else tuples:
            frame.run.step()
            value = self.evaluate(bindings["@"], frame.inner(bindings))
            if value is UNDEFINED:
                continue
            stream = isinstance(value, Tuples)
            produced = value if is_array(value) else [value]
            frame.run.step(len(produced))
            frame.run.allocate(TUPLE * len(produced))
            for index, item in enumerate(produced):
                new = dict(bindings)
                if stream:
                    new.update(item)
                else:
                    new[node.focus or "@"] = item
                    if node.index is not None:
                        new[node.index] = index
                    if node.ancestor is not None:
                        new[node.ancestor.label] = bindings["@"]
                found.append(new)
        staged: Tuples = self.staged(found, frame)
        return staged

    def _bind_sorted(self, items: Value, tuples: Tuples | None, frame: Frame) -> Tuples:
        assert self.sort is not None
        found: Any
        if tuples is not None:
            found = self.sort(tuples, frame)
        else:
            found = Tuples()
            for index, item in enumerate(self.sort(items, frame)):
                found.append({"@": item} | ({} if self.node.index is None else {self.node.index: index}))
        staged: Tuples = self.staged(found, frame)
        return staged


def _nothing(input: Value, frame: Frame) -> Value:
    return UNDEFINED


def _whole(input: Value, frame: Frame) -> Value:
    return Sequence([input])


def _items_of(input: Value, frame: Frame) -> Value:
    return input if is_array(input) else Sequence([input])


def _gone_through(value: Value, *, stream: bool) -> Value:
    """What a path finds in a first array that a predicate made something else of: a text has items, an object none."""
    if value is None:
        raise JsonataError("JS:TypeError", template="Cannot read properties of null (reading 'length')")
    if stream and value != "":
        raise JsonataError("JS:TypeError", template="input.map is not a function")
    return Sequence(split_pairs(value) if isinstance(value, str) else ())


def _lead(node: Node) -> int:
    """How many steps at the beginning of a path are a variable and plain names; at least one step is left."""
    if node.tuple or not is_plain(node.parts[0], variable=True) or node.parts[0].kind != "variable":
        return 0
    count = 1
    while count < len(node.parts) - 1 and is_plain(node.parts[count]):
        count += 1
    return count if node.parts[0].value != "$" else 0


class _Path:
    """A path in full."""

    __slots__ = ("_begin", "_first", "_group", "_keep", "_node", "_steps", "_variable")

    def __init__(self, compiler: Compiler, node: Node) -> None:
        self._node = node
        self._steps = [_Step(compiler, step) for step in node.parts]
        self._variable = node.parts[0].kind == "variable"
        self._keep = node.keep_singleton
        self._group = None if node.group is None else (compiler.pairs(node.group), node.group.position)
        self._first = 0
        self._begin: Evaluate = _whole if self._variable else _items_of
        lead = _lead(node)
        if lead > 1 and not compiler.dynamic:
            first, *rest = node.parts[:lead]
            self._first, self._begin = lead, leading_items(first.value, tuple(step.value for step in rest))

    def evaluate(self, input: Value, frame: Frame) -> Value:
        """What the path gives for an input."""
        items = self._begin(input, frame)
        result, tuples, bound = items, None, False
        if not items and self._first:
            return self._finished(Sequence(), None, frame)
        last = len(self._steps) - 1
        for index in range(self._first, last + 1):
            step = self._steps[index]
            bound = bound or step.node.tuple
            if index == 0 and step.node.constructs:
                result = step.evaluate(items, frame)
                if last > 0 and result is not UNDEFINED and not is_array(result):
                    result = _gone_through(result, stream=self._steps[1].node.tuple)
            elif bound:
                tuples = step.bind(items, tuples, frame)
            else:
                result = step.each(items, frame, last=index == last)
            if not bound and (result is UNDEFINED or len(result) == 0):
                break
            if step.node.focus is None:
                items = result
        if bound:
            stream = Tuples() if tuples is None else tuples
            result = stream if self._node.tuple else Sequence(bindings["@"] for bindings in stream)
        return self._finished(result, tuples if bound else None, frame)

    def quick(self) -> Evaluate | None:
        """A path of names whose last one has filters, with nothing else on it: `$states.input.items[price > 10]`."""
        node, step = self._node, self._steps[-1]
        bare = self._first == len(self._steps) - 1 and self._first > 0 and step.node.kind == "name" and step.stages
        if not bare or node.keep_singleton or node.group or node.keep_array or node.tuple or step.node.tuple:
            return None
        if step.node.group or step.node.predicates or step.node.keep_array or any(name for name, _ in step.stages):
            return None
        begin, key, evaluate = self._begin, step.node.value, self.evaluate
        stages = [stage for _, stage in step.stages if stage is not None]

        def filtered(input: Value, frame: Frame) -> Value:
            items = begin(input, frame)
            if len(items) != 1 or type(items[0]) is not dict:
                return evaluate(input, frame)
            value = items[0].get(key, UNDEFINED)
            for stage in stages:
                value = stage(value, frame)
            if type(value) is not Sequence or value.keep:
                return value
            return value if len(value) > 1 else value[0] if value else UNDEFINED

        return filtered

    def _finished(self, result: Value, tuples: Tuples | None, frame: Frame) -> Value:
        if self._keep and result is UNDEFINED:
            raise JsonataError("JS:TypeError", template="Cannot set properties of undefined (setting 'keepSingleton')")
        if self._keep and not isinstance(result, Tuples):
            if type(result) is Constructed:
                result = Sequence([result])
            if isinstance(result, Sequence):  # an array that is one value stays what it is
                result.keep = True
        if self._group is not None:
            pairs, position = self._group
            return group(pairs, result if tuples is None else tuples, frame, position)
        if isinstance(result, Sequence):
            if not result:
                return UNDEFINED
            if len(result) == 1 and not result.keep and not self._node.keep_array:
                return result[0]
        return result


def filter_of(compiler: Compiler, stage: Node) -> Stage:
    """A predicate: a position, many positions, or a condition for each item."""
    predicate = stage.right
    assert predicate is not None
    evaluate = compiler.node(predicate)
    if predicate.kind == "number":
        position = math.floor(predicate.value)
        return lambda value, frame: _at(value, position)
    return lambda value, frame: _filter(value, evaluate, frame)


def _at(value: Value, position: int) -> Value:
    items = value if is_array(value) else [value]
    results: Value = Tuples() if isinstance(value, Tuples) else Sequence()
    index = position + len(items) if position < 0 else position
    if 0 <= index < len(items) and items[index] is not UNDEFINED:
        if is_array(items[index]):
            return items[index]
        results.append(items[index])
    return results


def _filter(value: Value, evaluate: Evaluate, frame: Frame) -> Value:
    stream = isinstance(value, Tuples)
    results: Value = Tuples() if stream else Sequence()
    items = value if is_array(value) else [value]
    frame.run.step(len(items))
    for index, item in enumerate(items):
        found = evaluate(item["@"], frame.inner(item)) if stream else evaluate(item, frame)
        if found is True:
            results.append(item)
        elif found is not False and found is not UNDEFINED:
            _pick(found, item, (index, len(items)), results, frame.run)
    frame.run.allocate(8 * len(results))
    return results


def _pick(found: Value, item: Value, place: tuple[int, int], results: list[Value], run: Run) -> None:
    """Keep an item for what a predicate gave that is no boolean: positions, or anything that counts as true."""
    index, count = place
    if is_array(found):
        run.step(len(found) >> 2)
    if is_numeric(found) or (is_array(found) and len(found) > 0 and all(map(is_numeric, found))):
        for position in [found] if is_numeric(found) else found:
            whole = math.floor(position)
            if (whole + count if whole < 0 else whole) == index:
                results.append(item)
                run.allocate(8)
    elif boolean(found, run.step):
        results.append(item)
