"""The parser: tokens to a syntax tree, by precedence, and by one function per construct.

Rule: depth is bounded here, so that nothing that walks the tree afterwards can run out of stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Final

from statelang.language.jsonata.errors import JsonataError
from statelang.language.jsonata.lexer import OPERATORS, Lexer, Token
from statelang.language.jsonata.signatures import Signature, parse_signature
from statelang.language.jsonata.tree import Node

DEEPEST: Final = 150
"""How deep expressions may nest in one another."""

HIGHEST: Final = 220
"""How high a tree may be: chains of operators count, which nest to the left."""

LONGEST: Final = 100_000
"""How many tokens an expression may have."""

END: Final = Token("end", "(end)", -1)
_LITERALS: Final = {"string": "string", "number": "number", "value": "value", "regex": "regex"}
_BINARY: Final = (".", "+", "-", "*", "/", "%", "=", "<", ">", "!=", "<=", ">=", "&", "and", "or", "in", "~>")


class Parser:
    """Parses one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lexer = Lexer(text)
        self._depth = 0
        self._count = 0
        self.token = END
        self._advance(infix=False)

    def parse(self) -> Node:
        """The whole expression. Raises JsonataError."""
        tree = self._expression(0)
        if self.token is not END:
            raise JsonataError("S0201", self.token.position, token=self.token.value)
        return tree

    @property
    def _id(self) -> str:
        """What the parser sees of a token: an operator, or (name), (literal), (end)."""
        kind, value, _ = self.token
        if self.token is END:
            return "(end)"
        if kind == "operator":
            return str(value)
        return "(name)" if kind in ("name", "variable") else "(regex)" if kind == "regex" else "(literal)"

    def _advance(self, expected: str | None = None, *, infix: bool = False) -> None:
        """Go to the next token; `infix`: an operator is expected there.

        jsonata-js does not say so after `[]`, and after what closes a lambda, an order-by or a transform: a `/` there
        begins a regular expression.
        """
        if expected is not None and self._id != expected:
            if self.token is END:
                raise JsonataError("S0203", len(self._text), token="(end)", value=expected)
            raise JsonataError("S0202", self.token.position, token=self.token.value, value=expected)
        self._count += 1
        if self._count > LONGEST:
            raise JsonataError("U1001", self.token.position)
        token = self._lexer.next(infix=infix)
        if token is not None and token.kind == "operator" and token.value in ("!", "~"):
            raise JsonataError("S0204", token.position, token=token.value)
        self.token = END if token is None else token

    def _expression(self, binding: int) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise JsonataError("U1001", self.token.position)
        token, id = self.token, self._id
        self._advance(infix=True)
        left = self._measured(self._first(token, id))
        while binding < self._binding():
            token, id = self.token, self._id
            self._advance()
            left = self._measured(self._next(token, id, left))
        self._depth -= 1
        return left

    def _measured(self, node: Node) -> Node:
        """The node with its height; a tree that is too high is refused while it is made."""
        below = [part.height for part in (node.left, node.right, *node.parts) if part is not None]
        below += [part.height for pair in node.pairs for part in pair]
        node.height = max(node.height, 1 + max(below, default=0))
        if node.height > HIGHEST:
            raise JsonataError("U1001", node.position)
        return node

    def _binding(self) -> int:
        return OPERATORS[self._id] if self.token.kind == "operator" and self._id in NEXT else 0

    def _first(self, token: Token, id: str) -> Node:
        """What a token means where an expression begins."""
        position = len(self._text) if token is END else token.position
        if token.kind in _LITERALS:
            return Node(token.kind, token.value, position)
        if token.kind in ("name", "variable"):
            return Node(token.kind, token.value, position)
        make = FIRST.get(id)
        if make is not None:
            return make(self, Node("", token.value, position))
        if token is END:  # an error, but jsonata-js first looks for what should follow
            return Node("end", token.value, position)
        raise JsonataError("S0211", position, token=token.value)

    def _next(self, token: Token, id: str, left: Node) -> Node:
        """What an operator means after an expression."""
        node = Node("binary", token.value, token.position, left)
        make = NEXT.get(id)
        if make is None:
            raise JsonataError("S0201", token.position, token=token.value)
        return make(self, node)

    def _operator(self, node: Node) -> Node:
        node.right = self._expression(OPERATORS[node.value])
        return node

    def _name(self, node: Node) -> Node:
        """`and`, `or` and `in` are names where no operator can stand."""
        node.kind = "name"
        return node

    def _wildcard(self, node: Node) -> Node:
        node.kind = {"*": "wildcard", "**": "descendant", "%": "parent"}[node.value]
        return node

    def _minus(self, node: Node) -> Node:
        node.kind, node.right = "negation", self._expression(70)
        return node

    def _block(self, node: Node) -> Node:
        node.kind = "block"
        while self._id != ")":
            node.parts.append(self._expression(0))
            if self._id != ";":
                break
            self._advance(";")
        self._advance(")", infix=True)
        return node

    def _more(self, read: Sized, closing: str) -> bool:
        """Whether one more of a list follows: after a comma there must be one."""
        if not read:
            return self._id != closing
        if self._id != ",":
            return False
        self._advance(",")
        return True

    def _array(self, node: Node) -> Node:
        node.kind = "array"
        while self._more(node.parts, "]"):
            item = self._expression(0)
            if self._id == "..":
                item = Node("binary", "..", self.token.position, item)
                self._advance("..")
                item.right = self._expression(0)
            node.parts.append(item)
        self._advance("]", infix=True)
        return node

    def _object(self, node: Node) -> Node:
        """An object constructor, or, after an expression, a group-by."""
        node.kind = "object" if node.left is None else "group"
        while self._more(node.pairs, "}"):
            key = self._expression(0)
            self._advance(":")
            node.pairs.append((key, self._expression(0)))
        self._advance("}", infix=True)
        return node

    def _transform(self, node: Node) -> Node:
        node.kind = "transform"
        node.parts.append(self._expression(0))
        self._advance("|")
        node.parts.append(self._expression(0))
        if self._id == ",":
            self._advance(",")
            node.parts.append(self._expression(0))
        self._advance("|")
        return node

    def _call(self, node: Node) -> Node:
        """A call, a partial application where a `?` stands among the arguments, or a lambda."""
        node.kind = "function"
        while self._more(node.parts, ")"):
            if self._id == "?":
                node.kind = "partial"
                node.parts.append(Node("placeholder", "?", self.token.position))
                self._advance("?")
            else:
                node.parts.append(self._expression(0))
        self._advance(")", infix=True)
        assert node.left is not None
        if node.left.kind == "name" and node.left.value in ("function", "λ"):
            self._lambda(node)
        return node

    def _lambda(self, node: Node) -> None:
        for number, part in enumerate(node.parts, start=1):
            if part.kind != "variable":
                raise JsonataError("S0208", part.position, token=part.value, value=number)
        node.kind = "lambda"
        if self._id == "<":
            node.signature = self._signature()
        self._advance("{")
        node.right = self._expression(0)
        self._advance("}")

    def _signature(self) -> Signature:
        start, depth, text = self.token.position, 1, "<"
        while depth > 0 and self._id not in ("{", "(end)"):
            self._advance()
            depth += (self._id == "<") - (self._id == ">")
            text += str(self.token.value)
        self._advance(">")
        return parse_signature(text, start)

    def _filter(self, node: Node) -> Node:
        """A predicate; an empty one keeps a single result in its array."""
        assert node.left is not None
        if self._id == "]":
            step = node.left
            while step.kind == "binary" and step.value == "[" and step.left is not None:
                step = step.left
            step.keep_array = True
            self._advance("]")
            return node.left
        node.right = self._expression(OPERATORS["]"])
        self._advance("]", infix=True)
        return node

    def _order(self, node: Node) -> Node:
        self._advance("(")
        while True:
            term = Node("term")
            if self._id in ("<", ">"):
                term.descending = self._id == ">"
                self._advance()
            term.right = self._expression(0)
            node.parts.append(term)
            if self._id != ",":
                break
            self._advance(",")
        self._advance(")")
        return node

    def _bind(self, node: Node) -> Node:
        assert node.left is not None
        if node.left.kind != "variable":
            raise JsonataError("S0212", node.left.position, token=node.left.value)
        node.right = self._expression(OPERATORS[":="] - 1)
        return node

    def _variable(self, node: Node) -> Node:
        """The variable of `@` and `#`."""
        node.right = self._expression(OPERATORS[node.value])
        if node.right.kind != "variable":
            raise JsonataError("S0214", node.right.position, token=node.value)
        return node

    def _condition(self, node: Node) -> Node:
        node.kind = "condition"
        assert node.left is not None
        node.parts = [node.left, self._expression(0)]
        if self._id == ":":
            self._advance(":")
            node.parts.append(self._expression(0))
        return node


Make = Callable[[Parser, Node], Node]

FIRST: Final[dict[str, Make]] = {
    "*": Parser._wildcard,
    "**": Parser._wildcard,
    "%": Parser._wildcard,
    "-": Parser._minus,
    "(": Parser._block,
    "[": Parser._array,
    "{": Parser._object,
    "|": Parser._transform,
    "and": Parser._name,
    "or": Parser._name,
    "in": Parser._name,
}
"""What may begin an expression, beside names and literals."""

NEXT: Final[dict[str, Make]] = {
    **dict.fromkeys(_BINARY, Parser._operator),
    "(": Parser._call,
    "[": Parser._filter,
    "{": Parser._object,
    "^": Parser._order,
    ":=": Parser._bind,
    "@": Parser._variable,
    "#": Parser._variable,
    "?": Parser._condition,
}
"""What may follow an expression."""
