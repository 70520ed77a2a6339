"""Paths: steps, filters, sorting, and streams of bindings.

Rule: a path of plain names over plain objects is a handful of look-ups; everything else goes through the steps, one by
one, as jsonata-js does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from statelang.language.jsonata.calls import Evaluate
from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.grouping import group
from statelang.language.jsonata.run import Frame
from statelang.language.jsonata.tree import Node
from statelang.language.jsonata.values import (
    UNDEFINED,
    Constructed,
    Sequence,
    Tuples,
    Value,
    Wrapped,
    append,
    boolean,
    is_array,
    is_number,
    is_numeric,
    lookup,
    merge_sorted,
    units,
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
        return lookup(input, key)

    return name


def compile_wildcard(compiler: Compiler, node: Node) -> Evaluate:
    """Every field."""
    return lambda input, frame: _fields(input[0] if type(input) is Wrapped and input else input)


def _fields(value: Value) -> Value:
    found: Value = Sequence()
    items = value.values() if isinstance(value, dict) else value if is_array(value) else ()
    for item in items:
        if is_array(item):
            found = append(found, _flat(item))
        else:
            found.append(item)
    return found


def _flat(value: Value) -> list[Value]:
    flat: list[Value] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if is_array(item):
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
                stack.extend(reversed(item))
                continue
            found.append(item)
            if isinstance(item, dict):
                stack.extend(reversed(list(item.values())))
        frame.run.step(len(found))
        return found[0] if len(found) == 1 else found

    return descendants


def compile_path(compiler: Compiler, node: Node) -> Evaluate:
    """All the steps of a path, one after the other."""
    steps = node.parts
    path = _Path(compiler, node)
    keys = [step.value for step in steps[1:]]
    plain = all(_is_plain(step) for step in steps[1:]) and _is_plain(steps[0], variable=True)
    if not plain or node.keep_singleton or node.group is not None or node.tuple or len(steps) > 12:
        return path.evaluate
    first = steps[0]
    if first.kind == "variable":
        return _variable_path(first.value, keys, path.evaluate)
    return _name_path([first.value, *keys], path.evaluate)


def _is_plain(step: Node, *, variable: bool = False) -> bool:
    kind = step.kind == "name" or (variable and step.kind == "variable" and step.value != "")
    return kind and not (step.stages or step.predicates or step.tuple or step.keep_array or step.group)


def _variable_path(name: str, keys: list[str], otherwise: Evaluate) -> Evaluate:
    def path(input: Value, frame: Frame) -> Value:
        value = frame.lookup(name)
        for key in keys:
            if type(value) is not dict:
                return otherwise(input, frame)
            value = value.get(key, UNDEFINED)
            if value is UNDEFINED:
                return UNDEFINED
        return value if type(value) is not Sequence else otherwise(input, frame)

    return path


def _name_path(keys: list[str], otherwise: Evaluate) -> Evaluate:
    def path(input: Value, frame: Frame) -> Value:
        value = input
        for key in keys:
            if type(value) is not dict:
                return otherwise(input, frame)
            value = value.get(key, UNDEFINED)
            if value is UNDEFINED:
                return UNDEFINED
        return value if type(value) is not Sequence else otherwise(input, frame)

    return path


class _Step:
    """One step: what it evaluates, its stages, and what it binds."""

    __slots__ = ("evaluate", "node", "sort", "stages")

    def __init__(self, compiler: Compiler, node: Node) -> None:
        self.node = node
        self.sort = _sort(compiler, node) if node.kind == "sort" else None
        self.evaluate: Evaluate = compiler.node(node) if self.sort is None else _nothing
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
        results: list[Value] = []
        evaluate, stages = self.evaluate, self.stages
        frame.run.step(len(items))
        for item in items:
            value = evaluate(item, frame)
            for _, stage in stages:
                assert stage is not None
                value = stage(value, frame)
            if value is not UNDEFINED:
                results.append(value)
        if last and len(results) == 1 and is_array(results[0]) and not isinstance(results[0], Sequence):
            return results[0]
        gathered = Sequence()
        for value in results:
            if is_array(value) and type(value) is not Constructed:
                gathered.extend(value)
            else:
                gathered.append(value)
        return gathered

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
            for index, item in enumerate(value if is_array(value) else [value]):
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
        if tuples is not None:
            found = Tuples(self.sort(tuples, frame))
        else:
            found = Tuples()
            for index, item in enumerate(self.sort(items, frame)):
                found.append({"@": item} | ({} if self.node.index is None else {self.node.index: index}))
        staged: Tuples = self.staged(found, frame)
        return staged


def _nothing(input: Value, frame: Frame) -> Value:
    return UNDEFINED


class _Path:
    """A path in full."""

    __slots__ = ("_group", "_keep", "_node", "_steps", "_variable")

    def __init__(self, compiler: Compiler, node: Node) -> None:
        self._node = node
        self._steps = [_Step(compiler, step) for step in node.parts]
        self._variable = node.parts[0].kind == "variable"
        self._keep = node.keep_singleton
        self._group = None if node.group is None else (compiler.pairs(node.group), node.group.position)

    def evaluate(self, input: Value, frame: Frame) -> Value:
        """What the path gives for an input."""
        items: Value = input if is_array(input) and not self._variable else Sequence([input])
        result, tuples, bound = items, None, False
        last = len(self._steps) - 1
        for index, step in enumerate(self._steps):
            bound = bound or step.node.tuple
            if index == 0 and step.node.constructs and not bound:
                result = step.evaluate(items, frame)
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

    def _finished(self, result: Value, tuples: Tuples | None, frame: Frame) -> Value:
        if self._keep and result is not UNDEFINED and not isinstance(result, Tuples):
            if not isinstance(result, Sequence):
                result = Sequence([result] if type(result) is Constructed or not is_array(result) else result)
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
    count = len(items)
    frame.run.step(count)
    for index, item in enumerate(items):
        found = evaluate(item["@"], frame.inner(item)) if stream else evaluate(item, frame)
        if found is True:
            results.append(item)
        elif is_numeric(found) or (is_array(found) and len(found) > 0 and all(map(is_numeric, found))):
            for place in [found] if is_number(found) else found:
                whole = math.floor(place)
                if (whole + count if whole < 0 else whole) == index:
                    results.append(item)
        elif boolean(found):
            results.append(item)
    return results


def _sort(compiler: Compiler, node: Node) -> Stage:
    """Order-by: each term in turn, until one differs; a term is evaluated when it is first needed."""
    terms = [(compiler.node(term.right), term.descending) for term in node.parts if term.right is not None]
    position = node.position

    def sort(value: Value, frame: Frame) -> Value:
        if len(value) <= 1:
            return value
        stream = isinstance(value, Tuples)
        known: dict[tuple[int, int], Value] = {}

        def key(index: int, term: int) -> Value:
            if (index, term) not in known:
                frame.run.step()
                item = value[index]
                context, inner = (item["@"], frame.inner(item)) if stream else (item, frame)
                known[index, term] = terms[term][0](context, inner)
            return known[index, term]

        def swaps(one: int, other: int) -> bool:
            for term, (_, descending) in enumerate(terms):
                mine, theirs = key(one, term), key(other, term)
                order = _order(mine, theirs, position)
                if order != 0:
                    missing = mine is UNDEFINED or theirs is UNDEFINED
                    return order == (-1 if descending and not missing else 1)
            return False

        ordered = merge_sorted(list(range(len(value))), swaps)
        return (Tuples if stream else list)(value[index] for index in ordered)

    return sort


def _order(one: Value, other: Value, position: int) -> int:
    if one is UNDEFINED:
        return 0 if other is UNDEFINED else 1
    if other is UNDEFINED:
        return -1
    for value in (one, other):
        if not (is_number(value) or isinstance(value, str)):
            raise JsonataError("T2008", position, value=value)
    if is_number(one) != is_number(other):
        raise JsonataError("T2007", position, value=one, value2=other)
    if isinstance(one, str) and not (one.isascii() and other.isascii()):
        one, other = units(one), units(other)
    return 0 if one == other else -1 if one < other else 1
