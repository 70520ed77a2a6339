"""The files that a command is about: named, by pattern, or found in a folder.

Rule: a file that is named is taken as it is; in a folder only what is called like a definition or a template.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal

from statelang.errors import InvalidDefinition

from .options import stdin_bytes

DEFINITIONS: Final = (".asl.json", ".asl.yaml", ".asl.yml", ".asl")
TEMPLATES: Final = (".template.json", "template.yaml", "template.yml", "serverless.yml", "serverless.yaml")
PASSED_OVER: Final = ("node_modules", "__pycache__")


def find(names: Iterable[str], *, templates: bool = True) -> Iterator[str]:
    """The files that names, patterns (`**` too) and folders stand for, each once; in folders `templates` count, too.

    What stands for none is given as it is: reading it says so.
    """
    seen: set[str] = set()
    for name in names:
        for file in list(_found(name, templates)) or [name]:
            if file not in seen:
                seen.add(file)
                yield file


def _found(name: str, templates: bool) -> Iterator[str]:
    if os.path.isdir(name):
        yield from _inside(name, templates)
    elif glob.has_magic(name) and not os.path.exists(name):
        yield from sorted(file for file in glob.glob(name, recursive=True) if os.path.isfile(file))
    else:
        yield name


def _inside(folder: str, templates: bool) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not (f.startswith(".") or f in PASSED_OVER))
        for file in sorted(files):
            path = os.path.join(here, file)
            if file.endswith(DEFINITIONS) or (templates and file.endswith(TEMPLATES) and _has_machines(path)):
                yield path


def _has_machines(file: str) -> bool:
    """Whether a file that is called like a template may hold a state machine."""
    text = Path(file).read_bytes()
    return b"StateMachine" in text or b"stepFunctions" in text


STDIN: Final = "-"
"""The name that stands for stdin."""


def read_text(file: str, *, encoding: Literal["utf-8", "utf-8-sig"] = "utf-8-sig") -> str:
    """The text of a file, or of stdin for `-`, its line ends as they are. Raises InvalidDefinition where it cannot be
    read. `encoding`: with or without what may stand before it (a byte order mark)."""
    try:
        return (stdin_bytes() if file == STDIN else Path(file).read_bytes()).decode(encoding)
    except UnicodeDecodeError as problem:
        raise InvalidDefinition(f"{file}: is not UTF-8 text (byte {problem.start})") from None
    except IsADirectoryError:
        raise InvalidDefinition(f"{file}: there is no definition in this folder") from None
    except OSError as problem:
        raise InvalidDefinition(f"{file}: {problem.strerror or problem}") from None


def read_beside(path: str) -> str | None:
    """The text of a file that a template names; None where it cannot be read, which is no error of the template."""
    try:
        return read_text(path)
    except InvalidDefinition:
        return None


def shown(file: str) -> str:
    """A file's name as JSON and terminals can carry it: bytes that are no text become question marks."""
    return file.encode(errors="surrogateescape").decode(errors="replace")
