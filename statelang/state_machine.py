"""A state machine as callers hold it: a name, and the Program its definition compiles to.

Rule: `load` is the only door; it raises InvalidDefinition with every problem, and gives back only what can run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from statelang.compiler import Problem, compiled
from statelang.errors import InvalidDefinition
from statelang.names import check_name, name_from
from statelang.program import Program
from statelang.values import Json, encode

SUFFIXES = (".asl.json", ".asl.yaml", ".asl.yml", ".asl", ".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A definition that compiled, under the name that executions of it show.

    `problems` are its warnings and notes: what runs, and is worth a look.
    """

    name: str
    program: Program
    problems: tuple[Problem, ...] = field(default=(), compare=False)


def load(
    definition: str | Path | Mapping[str, Json],
    *,
    name: str | None = None,
    substitutions: Mapping[str, Json] | None = None,
) -> StateMachine:
    """A state machine from a file (JSON or YAML), or from a definition as a dict.

    `name` is the file's name without its ending where it is not given; `substitutions` are the values of
    `${Placeholders}`. Raises InvalidDefinition, which lists every problem with its place.
    """
    if isinstance(definition, Mapping):
        text, place, default = encode(definition), "definition", "machine"
    else:
        path = Path(definition)
        text, place, default = _read(path), str(path), machine_name(path)
    program, problems = compiled(text, name=place, substitutions=substitutions or {})
    return StateMachine(check_name(name, "state machine") if name else name_from(default), program, problems)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InvalidDefinition(f"{path}: is not UTF-8 text (byte {problem.start})") from None
    except OSError as problem:
        raise InvalidDefinition(f"{path}: {problem.strerror or problem}") from None


def machine_name(path: Path) -> str:
    """The name of a definition's file without its ending: what is beside it is called so, too."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem
