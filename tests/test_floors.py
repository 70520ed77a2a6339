"""The floors of the code: imports point down, siblings do not know each other, and the core is pure."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT

FLOORS: dict[str, int] = {
    "errors": 0,
    "values": 0,
    "language": 1,
    "program": 2,
    "compiler": 3,
    "core": 3,
    "ports": 4,
    "clock": 4,
    "chance": 4,
    "names": 4,
    "aside": 5,
    "pace": 4,
    "pool": 4,
    "messages": 5,
    "live": 5,
    "items": 5,
    "objects": 4,
    "description": 4,
    "reach": 6,
    "nested": 6,
    "feed": 5,
    "map_runs": 5,
    "collecting": 5,
    "parting": 5,
    "commits": 5,
    "beginnings": 5,
    "stopping": 5,
    "takeovers": 5,
    "lookout": 5,
    "timers": 5,
    "worker": 5,
    "stores": 5,
    "tasks": 5,
    "positions": 5,
    "result": 5,
    "state_machine": 5,
    "config": 6,
    "waiters": 6,
    "engine": 6,
    "views": 6,
    "notation": 5,
    "testing": 7,
    "aws": 7,
    "__main__": 8,
}
SIBLINGS = (
    {"views", "engine"},
    {"views", "config"},
    {"compiler", "core"},
    {"worker", "stores", "tasks"},
    {"live", "stores", "tasks"},
)
IMPURE = {
    "asyncio", "io", "logging", "os", "random", "secrets", "socket", "sqlite3", "subprocess", "threading",
    "time", "urllib", "uuid",
}  # fmt: skip


def modules() -> list[tuple[str, Path]]:
    folder = ROOT / "statelang"
    return [(".".join(file.relative_to(ROOT).with_suffix("").parts), file) for file in sorted(folder.rglob("*.py"))]


def imports(file: Path) -> set[str]:
    """What a module imports when it runs: what stands under TYPE_CHECKING is not counted."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    unseen = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def floor(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "statelang" and len(parts) > 1 else None


def test_every_module_has_a_floor() -> None:
    assert {floor(name) for name, _ in modules()} - {None, "__init__"} == set(FLOORS)


def test_the_readme_draws_every_module() -> None:
    drawn = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The code")[2]
    assert not [name for name in FLOORS if not re.search(rf"^ .*\b{name}\b", drawn, re.MULTILINE)]


def test_imports_point_down_and_siblings_do_not_meet() -> None:
    wrong = []
    for name, file in modules():
        here = floor(name)
        for imported in imports(file):
            there = floor(imported)
            if here in (None, "__init__") or there is None or here == there:
                continue
            siblings = any({here, there} <= group for group in SIBLINGS)
            if FLOORS[there] > FLOORS[here] or siblings:
                wrong.append(f"{name} imports {imported}")
    assert not wrong


@pytest.mark.parametrize("part", ["core", "language", "program", "values", "errors", "views"])
def test_the_core_is_pure(part: str) -> None:
    impure = [
        f"{name} imports {imported}"
        for name, file in modules()
        if floor(name) == part
        for imported in imports(file)
        if imported.partition(".")[0] in IMPURE
    ]
    assert not impure
    asking = [
        name
        for name, file in modules()
        if floor(name) == part
        and re.search(r"\b(date|datetime)\.(now|today|utcnow)\b", file.read_text(encoding="utf-8"))
    ]
    assert not asking


def test_technologies_stay_at_home() -> None:
    aws = ("statelang.stores.dynamodb", "statelang.tasks", "statelang.aws")
    homes = {
        "sqlite3": ("statelang.stores.sqlite",),
        "click": ("statelang_cli",),
        "boto3": aws,
        "botocore": aws,
        "graphlay": ("statelang.views.picture",),
    }
    for technology, home in homes.items():
        users = {name for name, file in modules() if technology in {i.partition(".")[0] for i in imports(file)}}
        assert all(name.startswith(home) for name in users), f"{technology} is imported by {users}"


def test_importing_the_package_imports_no_technology() -> None:
    code = "import sys, statelang; statelang.Engine, statelang.load; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    heavy = {"sqlite3", "click", "boto3", "botocore", "rich", "ruamel", "urllib3", "jsonpath_ng", "asyncio", "graphlay"}
    assert not loaded & heavy
    assert not {name for name in loaded if name.startswith("statelang.language.jsonata")}


def test_modules_and_functions_stay_small() -> None:
    long = []
    for name, file in [*modules(), *((f"cli.{f.stem}", f) for f in (ROOT / "cli").glob("*.py"))]:
        text = file.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            long.append(f"{name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno and node.end_lineno - node.lineno >= 50:
                long.append(f"{name}.{node.name}: {node.end_lineno - node.lineno + 1} lines")
    assert not long


def test_every_module_says_what_it_is_and_its_rule() -> None:
    silent = []
    for name, file in modules():
        said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        if not said or ("Rule:" not in said and file.name != "__init__.py"):
            silent.append(name)
    assert not silent
