"""Malformed: a text inside a definition that does not compile.

Rule: every compile function of this floor raises Malformed and nothing else; the compiler adds file, line and column.
"""

from __future__ import annotations


class Malformed(Exception):
    """`message` is for the author, in AWS's words where AWS has them; `hint` says more.

    `offset` is the character of the text at fault, `pointer` the place within a template.
    """

    def __init__(self, message: str, offset: int | None = None, pointer: str = "", hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.message = message
        self.offset = offset
        self.pointer = pointer
