"""From the tree as parsed to the tree as evaluated: paths with their steps, groups, and parents that know their place.

Rule: this is jsonata-js's own second pass, construct by construct; every decision that depends on the text alone is
made here.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.tree import Node, Slot

PUBLISHED_KINDS: Final = dict.fromkeys(("array", "object", "negation"), "unary")
"""What jsonata-js calls a construct, where it has another name."""


class _Resolver:
    """Resolves one expression."""

    def __init__(self) -> None:
        self._labels = count()
        self._parents: dict[int, Node] = {}

    def resolve(self, node: Node) -> Node:
        make = RESOLVE.get(node.kind)
        result = node if make is None else make(self, node)
        if node.keep_array:
            result.keep_array = True
        return result

    def _adopt(self, result: Node, part: Node) -> Node:
        """Let a node seek the parents that a part of it seeks."""
        result.seeking.extend(part.seeking)
        if part.kind == "parent" and part.slot is not None:
            result.seeking.append(part.slot)
        return part

    def _part(self, result: Node, part: Node) -> Node:
        return self._adopt(result, self.resolve(part))

    def _name(self, node: Node) -> Node:
        return Node("path", position=node.position, parts=[node], keep_singleton=node.keep_array)

    def _parent(self, node: Node) -> Node:
        label = f"!{next(self._labels)}"
        node.slot = Slot(label)
        self._parents[id(node.slot)] = node
        return node

    def _binary(self, node: Node) -> Node:
        assert node.left is not None
        make = BINARY.get(node.value)
        if make is not None:
            return make(self, node)
        assert node.right is not None
        result = Node("binary", node.value, node.position)
        result.left = self._part(result, node.left)
        result.right = self._part(result, node.right)
        return result

    def _end(self, node: Node) -> Node:
        raise JsonataError("S0207", node.position, token=node.value)

    def _map(self, node: Node) -> Node:
        """`.`: the steps of both sides as one path."""
        assert node.left is not None
        assert node.right is not None
        first = self.resolve(node.left)
        path = first if first.kind == "path" else Node("path", position=node.position, parts=[first])
        if first.kind == "parent" and first.slot is not None:
            path.seeking = [first.slot]
        rest = self.resolve(node.right)
        if rest.kind == "path":
            path.parts.extend(rest.parts)
        else:
            rest.stages, rest.predicates = rest.predicates or rest.stages, []
            path.parts.append(rest)
        for step in path.parts:
            if step.kind in ("number", "value"):
                raise JsonataError("S0213", step.position, value=step.value)
            if step.kind == "string":
                step.kind = "name"
        path.keep_singleton = path.keep_singleton or any(step.keep_array for step in path.parts)
        for step in (path.parts[0], path.parts[-1]):
            step.constructs = step.constructs or step.kind == "array"
        self._seek_parents(path)
        return path

    def _filter(self, node: Node) -> Node:
        assert node.left is not None
        assert node.right is not None
        result = self.resolve(node.left)
        step = result.parts[-1] if result.kind == "path" else result
        if step.group is not None:
            raise JsonataError("S0209", node.position)
        predicate = self.resolve(node.right)
        for slot in predicate.seeking:
            if slot.level == 1:
                self._seek(step, slot)
            else:
                slot.level -= 1
        if predicate.seeking or predicate.kind == "parent":
            self._adopt(step, predicate)
        stages = step.stages if result.kind == "path" else step.predicates
        stages.append(Node("filter", position=node.position, right=predicate))
        return result

    def _group(self, node: Node) -> Node:
        assert node.left is not None
        result = self.resolve(node.left)
        if result.group is not None:
            raise JsonataError("S0210", node.position)
        pairs = [(self.resolve(key), self.resolve(value)) for key, value in node.pairs]
        result.group = Node("object", "{", node.position, pairs=pairs)
        return result

    def _order(self, node: Node) -> Node:
        assert node.left is not None
        result = self.resolve(node.left)
        if result.kind != "path":
            result = Node("path", position=node.position, parts=[result])
        step = Node("sort", node.value, node.position)
        for term in node.parts:
            assert term.right is not None
            term.right = self._part(step, term.right)
            step.parts.append(term)
        result.parts.append(step)
        self._seek_parents(result)
        return result

    def _bind(self, node: Node) -> Node:
        assert node.right is not None
        result = Node("bind", node.value, node.position, node.left)
        result.right = self._part(result, node.right)
        return result

    def _focus(self, node: Node) -> Node:
        assert node.left is not None
        assert node.right is not None
        result = self.resolve(node.left)
        step = result.parts[-1] if result.kind == "path" else result
        if step.stages or step.predicates:
            raise JsonataError("S0215", node.position)
        if step.kind == "sort":
            raise JsonataError("S0216", node.position)
        step.keep_array = step.keep_array or node.keep_array
        step.focus, step.tuple = node.right.value, True
        return result

    def _index(self, node: Node) -> Node:
        assert node.left is not None
        assert node.right is not None
        result = self.resolve(node.left)
        if result.kind == "path":
            step = result.parts[-1]
        else:
            step = result
            result = Node("path", position=node.position, parts=[step])
            step.stages, step.predicates = step.predicates or step.stages, []
        if step.stages:
            step.stages.append(Node("index", node.right.value, node.position))
        else:
            step.index = node.right.value
        step.tuple = True
        return result

    def _apply(self, node: Node) -> Node:
        assert node.left is not None
        assert node.right is not None
        result = Node("apply", node.value, node.position, self.resolve(node.left), self.resolve(node.right))
        result.keep_array = bool(result.left and result.left.keep_array) or bool(
            result.right and result.right.keep_array
        )
        return result

    def _negation(self, node: Node) -> Node:
        assert node.right is not None
        part = self.resolve(node.right)
        if part.kind == "number" and not part.predicates:
            part.value = -part.value
            return part
        result = Node("negation", node.value, node.position, right=part)
        self._adopt(result, part)
        return result

    def _parts(self, node: Node) -> Node:
        """Arrays and conditions: every part."""
        result = Node(node.kind, node.value, node.position)
        result.parts = [self._part(result, part) for part in node.parts]
        return result

    def _object(self, node: Node) -> Node:
        result = Node("object", node.value, node.position)
        result.pairs = [(self._part(result, key), self._part(result, value)) for key, value in node.pairs]
        return result

    def _call(self, node: Node) -> Node:
        assert node.left is not None
        result = Node(node.kind, node.value, node.position)
        result.parts = [self._part(result, part) for part in node.parts]
        result.left = self.resolve(node.left)
        return result

    def _lambda(self, node: Node) -> Node:
        assert node.right is not None
        body = tail_called(self.resolve(node.right))
        return Node("lambda", node.value, node.position, right=body, parts=node.parts, signature=node.signature)

    def _transform(self, node: Node) -> Node:
        return Node(node.kind, node.value, node.position, parts=[self.resolve(part) for part in node.parts])

    def _block(self, node: Node) -> Node:
        result = self._parts(node)
        result.constructs = any(
            part.constructs or (part.kind == "path" and part.parts[0].constructs) for part in result.parts
        )
        return result

    def _seek(self, node: Node, slot: Slot) -> Slot:
        """Find the step that gives a parent, from a node backwards."""
        if node.kind in ("name", "wildcard"):
            slot.level -= 1
            if slot.level == 0:
                if node.ancestor is not None:
                    self._parents[id(slot)].slot = Slot(node.ancestor.label, 0)
                    slot.label = node.ancestor.label
                node.ancestor = slot
                node.tuple = True
        elif node.kind == "parent":
            slot.level += 1
        elif node.kind == "block":
            if node.parts:
                node.tuple = True
                slot = self._seek(node.parts[-1], slot)
        elif node.kind == "path":
            node.tuple = True
            index = len(node.parts) - 1
            slot = self._seek(node.parts[index], slot)
            while slot.level > 0 and index > 0:
                index -= 1
                slot = self._seek(node.parts[index], slot)
        else:
            raise JsonataError("S0217", node.position, token=PUBLISHED_KINDS.get(node.kind, node.kind))
        return slot

    def _seek_parents(self, path: Node) -> None:
        """Let the parents that the last step seeks be found among the steps before it."""
        last = path.parts[-1]
        slots = list(last.seeking)
        if last.kind == "parent" and last.slot is not None:
            slots.append(last.slot)
        for slot in slots:
            index = len(path.parts) - 2
            while slot.level > 0:
                if index < 0:
                    path.seeking.append(slot)
                    break
                step = path.parts[index]
                index -= 1
                while index >= 0 and step.focus and path.parts[index].focus:
                    step = path.parts[index]
                    index -= 1
                slot = self._seek(step, slot)


def tail_called(node: Node) -> Node:
    """A lambda's body, where the call that ends it is done without another level of stack."""
    if node.kind == "function" and not node.predicates:
        node.thunk = True
    elif node.kind == "condition":
        node.parts = [node.parts[0], *map(tail_called, node.parts[1:])]
    elif node.kind == "block" and node.parts:
        node.parts[-1] = tail_called(node.parts[-1])
    return node


Make = Callable[[_Resolver, Node], Node]

BINARY: Final[dict[str, Make]] = {
    ".": _Resolver._map,
    "[": _Resolver._filter,
    "^": _Resolver._order,
    ":=": _Resolver._bind,
    "@": _Resolver._focus,
    "#": _Resolver._index,
    "~>": _Resolver._apply,
}

RESOLVE: Final[dict[str, Make]] = {
    "binary": _Resolver._binary,
    "group": _Resolver._group,
    "name": _Resolver._name,
    "parent": _Resolver._parent,
    "negation": _Resolver._negation,
    "array": _Resolver._parts,
    "object": _Resolver._object,
    "function": _Resolver._call,
    "partial": _Resolver._call,
    "lambda": _Resolver._lambda,
    "condition": _Resolver._parts,
    "transform": _Resolver._transform,
    "block": _Resolver._block,
    "end": _Resolver._end,
}
"""What becomes of each kind of node; literals, variables, wildcards and placeholders stay as they are."""


def resolve(tree: Node) -> Node:
    """The tree to be evaluated. Raises JsonataError."""
    found = _Resolver().resolve(tree)
    if found.kind == "parent" or found.seeking:
        raise JsonataError("S0217", found.position, token=PUBLISHED_KINDS.get(found.kind, found.kind))
    return found
