"""What it takes to run state machines in a Lambda function, or as ones of AWS Step Functions, as files to own.

    DIR/template.yaml          SAM: function, table, queue, roles, alarms
    DIR/app.py                 the handler
    DIR/function-ARCH.zip      both, with Statelang, its dependencies, the definitions and what performs their tasks

Rule: what is written can be read, changed and deployed by hand; it is never written over without being asked.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from statelang.errors import InvalidSettings, StatelangError
from statelang.state_machine import StateMachine
from statelang.stores.dynamodb.table import resource
from statelang.values import Json

PLATFORMS: Final[Mapping[str, Sequence[str]]] = {
    "x86_64": ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64"),
    "arm64": ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64"),
}
"""Architecture of a function -> the platforms whose wheels run there (Amazon Linux 2023: glibc 2.34)."""

NEEDED: Final = ("msgspec", "regex")
YAML: Final = ("ruamel.yaml",)
"""What a definition or a bindings file in YAML needs besides. boto3 is in Lambda's runtime."""

STAMP: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the same content makes the same zip."""

HANDLER: Final = '''"""The function: $machines, run by Statelang. Table, queue and roles come from the environment."""

import statelang.aws

handler = statelang.aws.handler(
    $definitions,
    bindings=$bindings,$aws
    substitutions=$substitutions,
)
'''


def _text(name: str) -> Template:
    return Template(files("statelang.aws.templates").joinpath(name).read_text(encoding="utf-8"))


def write_lambda(
    folder: Path,
    machines: Mapping[Path, StateMachine],
    *,
    bindings: Sequence[Path],
    nested: Sequence[Path] = (),
    modules: Sequence[str] = (),
    substitutions: Mapping[str, Json],
    aws: Json = None,
    table: str,
    architecture: str = "x86_64",
    python: str = "3.12",
    statements: Sequence[Mapping[str, Json]] = (),
    force: bool = False,
) -> list[Path]:
    """Write template, handler and zip of a function that runs machines; returns what was written.

    `nested` are the definitions that the bindings bind state machines to; `modules` the packages beside the bindings
    that go into the zip, as all Python files there do; `aws` as for the handler; `statements` what the function may do
    besides what it needs itself.
    Raises InvalidSettings where a file is there already, two would have one name in the zip, or one of `nested` is not
    beside or below the bindings; StatelangError where the dependencies cannot be fetched.
    """
    names = ", ".join(machine.name for machine in machines.values())
    own = _beside([*machines], bindings, nested, modules)
    code = Template(HANDLER).substitute(
        machines=names,
        definitions=json.dumps([path.name for path in machines]),
        bindings=repr(bindings[0].name if len(bindings) == 1 else [path.name for path in bindings]),
        aws="" if aws is None else f"\n    aws={aws!r},",
        substitutions=repr(dict(substitutions)),
    )
    archive = f"function-{architecture}.zip"
    template = _text("lambda.yaml").substitute(
        machines=names,
        table=table,
        zip=archive,
        python=python,
        architecture=architecture,
        statements=_lines(statements),
        table_resource=_indented(resource({"Ref": "TableName"}), 4),
    )
    written = [folder / "template.yaml", folder / "app.py", folder / archive]
    _check_new(written, force)
    folder.mkdir(parents=True, exist_ok=True)
    written[0].write_text(template, encoding="utf-8")
    written[1].write_text(code, encoding="utf-8")
    yaml = any(name.endswith((".yaml", ".yml")) for name in own)
    _zip(written[2], {"app.py": code.encode(), **own}, [*NEEDED, *(YAML if yaml else ())], architecture, python)
    return written


def _check_new(paths: Sequence[Path], force: bool) -> None:
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise InvalidSettings(f"{', '.join(there)}: there already; --force writes over it")


def _indented(value: Json, by: int) -> str:
    """JSON, which is YAML, at an indentation."""
    return "\n".join(" " * by + line for line in json.dumps(value, indent=2).splitlines())


def _lines(statements: Sequence[Mapping[str, Json]]) -> str:
    """Statements of a policy, a line each."""
    return "".join(f"            - {json.dumps(one)}\n" for one in statements)


def _beside(
    definitions: Sequence[Path], bindings: Sequence[Path], nested: Sequence[Path], modules: Sequence[str]
) -> dict[str, bytes]:
    """The definitions, the bindings, the definitions that these bind, and the Python files that perform the tasks."""
    found: dict[str, Path] = {}
    folders = list(dict.fromkeys(path.parent.resolve() for path in bindings))
    for path in [*definitions, *bindings]:
        _add(found, path.name, path)
    for folder in folders:
        packages = [path for name in modules for path in sorted((folder / name).rglob("*.py"))]
        for path in [*sorted(folder.glob("*.py")), *packages]:
            _add(found, path.relative_to(folder).as_posix(), path)
    for path in nested:
        _add(found, _below(path, folders), path)
    return {name: path.read_bytes() for name, path in found.items()}


def _add(found: dict[str, Path], name: str, path: Path) -> None:
    if name == "app.py":
        raise InvalidSettings(f"{path}: the handler is app.py in the zip; give this file another name")
    if name in found and found[name].resolve() != path.resolve():
        raise InvalidSettings(f"{found[name]} and {path} would be one file in the zip, {name}; rename one of them")
    found[name] = path


def _below(path: Path, folders: Sequence[Path]) -> str:
    """The path of a definition in the zip: as the bindings name it."""
    for folder in folders:
        if path.resolve().is_relative_to(folder):
            return path.resolve().relative_to(folder).as_posix()
    where = " or ".join(map(str, folders))
    raise InvalidSettings(f"{path}: is not below {where}, and so cannot go into the zip as the bindings name it")


def _zip(target: Path, own: Mapping[str, bytes], needed: Sequence[str], architecture: str, python: str) -> None:
    """A function's zip, written whole or not at all."""
    partial = target.with_suffix(".partial")
    with tempfile.TemporaryDirectory() as wheels, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        _fetch(Path(wheels), needed, architecture, python)
        found = {**dict(_wheels(Path(wheels))), **dict(_package()), **own}
        for name, data in sorted({**found, **bytecode(found, python)}.items()):
            info = zipfile.ZipInfo(name, STAMP)
            info.external_attr = 0o644 << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    partial.replace(target)


def _fetch(folder: Path, needed: Sequence[str], architecture: str, python: str) -> None:
    """The wheels of what is needed, for the function's platform rather than for this one."""
    platforms = [word for platform in PLATFORMS[architecture] for word in ("--platform", platform)]
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    words += ["--dest", str(folder), "--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    ran = subprocess.run([*words, *platforms, *needed], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise StatelangError(f"pip could not fetch {', '.join(needed)} for {architecture}: {ran.stderr.strip()[-500:]}")


def _wheels(folder: Path) -> Iterator[tuple[str, bytes]]:
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if not name.endswith("/") and ".dist-info/" not in name:
                    yield name, archive.read(name)


def bytecode(sources: Mapping[str, bytes], python: str) -> Mapping[str, bytes]:
    """The sources compiled for the function's Python, if it is here: a function cannot keep what it compiles.

    Each is checked against its source before it is used, so that a file changed in the zip is not passed over.
    """
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = sys.executable if python == here else shutil.which(f"python{python}")
    if interpreter is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, data in sources.items():
            if name.endswith(".py"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(data)
        words = [interpreter, "-I", "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
        subprocess.run([*words, "-s", folder, "-p", "/var/task", folder], capture_output=True, check=False)
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.pyc")}


def has_bytecode(archive: Path) -> bool:
    """Whether a zip holds what was compiled, and not only the sources."""
    with zipfile.ZipFile(archive) as found:
        return any(name.endswith(".pyc") for name in found.namelist())


def _package() -> Iterator[tuple[str, bytes]]:
    """Statelang itself, as it runs here."""
    root = Path(str(files("statelang")))
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield str(Path("statelang") / path.relative_to(root)), path.read_bytes()


def write_step_functions(
    folder: Path,
    path: Path,
    machine: StateMachine,
    substitutions: Mapping[str, Json],
    *,
    statements: Sequence[Mapping[str, Json]] = (),
    force: bool = False,
) -> list[Path]:
    """Write a definition and a template that makes it a state machine of AWS Step Functions, which may do so much."""
    written = [folder / "template.yaml", folder / path.name]
    _check_new(written, force)
    template = _text("step-functions.yaml").substitute(
        name=machine.name,
        definition=path.name,
        substitutions=json.dumps(dict(substitutions)),
        statements=_lines(statements),
    )
    folder.mkdir(parents=True, exist_ok=True)
    written[0].write_text(template, encoding="utf-8")
    written[1].write_bytes(path.read_bytes())
    return written
