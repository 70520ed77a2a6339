"""What can go wrong with a path: it cannot be read as one, or it leads nowhere.

Rule: the texts are Jayway's, to the letter.
"""

from __future__ import annotations


class PathError(Exception):
    """`message` is Jayway's text; `offset` the character at fault, where it is known."""

    kind = "InvalidPath"

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class InvalidPath(PathError):
    """The text is no path, or the document is not of the kind the path can be applied to."""


class PathNotFound(PathError):
    """There is nothing at the path."""

    kind = "PathNotFound"


JAVA = {
    InvalidPath: "com.jayway.jsonpath.InvalidPathException",
    PathNotFound: "com.jayway.jsonpath.PathNotFoundException",
    IndexError: "java.lang.StringIndexOutOfBoundsException",
    ValueError: "java.lang.NumberFormatException",
    NotImplementedError: "java.lang.UnsupportedOperationException",
}
"""Our exception -> the Java class whose name stands in Jayway's text when it is wrapped."""
