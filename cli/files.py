"""The files that a command is about: named, by pattern, or found in a folder.

Rule: a file that is named is taken as it is; in a folder only what is called like a definition or a template.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from statelang.errors import InvalidDefinition

DEFINITIONS: Final = (".asl.json", ".asl.yaml", ".asl.yml", ".asl")
TEMPLATES: Final = (".template.json", "template.yaml", "template.yml", "serverless.yml", "serverless.yaml")
PASSED_OVER: Final = ("node_modules", "__pycache__")


def find(names: Iterable[str]) -> Iterator[str]:
    """The files that names, patterns (`**` too) and folders stand for, each once.

    Raises InvalidDefinition where one stands for none.
    """
    seen: set[str] = set()
    for name in names:
        found = list(_found(name))
        if not found:
            raise InvalidDefinition(f"{name}: there is no definition here")
        for file in found:
            if file not in seen:
                seen.add(file)
                yield file


def _found(name: str) -> Iterator[str]:
    if os.path.isdir(name):
        yield from _inside(name)
    elif glob.has_magic(name) and not os.path.exists(name):
        yield from sorted(file for file in glob.glob(name, recursive=True) if os.path.isfile(file))
    else:
        yield name


def _inside(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not (f.startswith(".") or f in PASSED_OVER))
        for file in sorted(files):
            path = os.path.join(here, file)
            if file.endswith(DEFINITIONS) or (file.endswith(TEMPLATES) and _has_machines(path)):
                yield path


def _has_machines(file: str) -> bool:
    """Whether a file that is called like a template may hold a state machine."""
    text = Path(file).read_bytes()
    return b"StateMachine" in text or b"stepFunctions" in text


def read_text(file: str) -> str:
    """The text of a file. Raises InvalidDefinition where it cannot be read."""
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InvalidDefinition(f"{file}: is not UTF-8 text (byte {problem.start})") from None
    except OSError as problem:
        raise InvalidDefinition(f"{file}: {problem.strerror or problem}") from None
