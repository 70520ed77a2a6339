"""Settings: which store an address means, and the defaults of a project in `statelang.toml`.

Rule: a store's module is imported only when its address is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from statelang.errors import InvalidSettings, StoreNotFound
from statelang.ports import Care, Store

if TYPE_CHECKING:
    from statelang.stores.dynamodb.care import DynamoCare

FILE: Final = "statelang.toml"
CHOICES: Final = {"policy": ("transition", "effect", "strict"), "output": ("text", "json")}


def open_store(address: str, *, existing: bool = False) -> Store:
    """The store of an address: `sqlite:///relative.db`, `sqlite:////absolute.db`, a bare path, `memory:`, or
    `dynamodb://TABLE?region=…&endpoint=…&bucket=…`.

    A file makes itself where it is not there, unless it must be `existing`: whoever only asks would make an empty one
    of a name misspelt, and be answered by silence. Raises InvalidSettings for an address nobody knows, StoreNotFound,
    StoreError for a store that cannot be opened.
    """
    file = file_of(address) if existing else None
    if file is not None and not file.exists():
        raise StoreNotFound(f"there is no store {file}" + ("" if file.is_absolute() else f" in {Path.cwd()}"))
    scheme, found, rest = address.partition(":")
    if not found or len(scheme) == 1:
        return _sqlite(address)
    opener = OPENERS.get(scheme)
    if opener is None:
        known = ", ".join(f"{name}:" for name in OPENERS)
        raise InvalidSettings(f"the store address {address!r} begins with none of {known}")
    return opener(rest)


def open_care(address: str) -> Care:
    """The store of an address, to be looked after. Raises InvalidSettings where nothing of it outlives the process."""
    scheme, found, rest = address.partition(":")
    if not found or len(scheme) == 1:
        scheme, rest = "sqlite", address
    if scheme == "dynamodb":
        return table_care(address)
    if scheme != "sqlite":
        raise InvalidSettings(f"the store {address!r} is no file or table that could be looked after")
    from statelang.stores.sqlite_care import SqliteCare

    return SqliteCare(_file(rest))


def table_care(address: str) -> DynamoCare:
    """The table of a `dynamodb:` address, to be made or looked after. Raises InvalidSettings for other addresses."""
    scheme, _, rest = address.partition(":")
    if scheme != "dynamodb":
        raise InvalidSettings(f"the store {address!r} is no table: write dynamodb://TABLE?region=eu-west-1")
    from statelang.stores.dynamodb.care import DynamoCare
    from statelang.stores.dynamodb.table import read_address

    return DynamoCare(read_address(rest))


def file_of(address: str) -> Path | None:
    """The file that an address of SQLite means; None for other stores."""
    scheme, found, rest = address.partition(":")
    if not found or len(scheme) == 1:
        scheme, rest = "sqlite", address
    return Path(_file(rest)) if scheme == "sqlite" else None


def _sqlite(rest: str) -> Store:
    from statelang.stores.sqlite import SqliteStore

    return SqliteStore(_file(rest))


def _file(rest: str) -> str:
    path = rest.removeprefix("//").removeprefix("/") if rest.startswith("//") else rest
    if not path:
        raise InvalidSettings("the store address names no file: write sqlite:///runs.db")
    return path


def _memory(rest: str) -> Store:
    from statelang.stores.memory import MemoryStore

    return MemoryStore()


def _dynamodb(rest: str) -> Store:
    from statelang.stores.dynamodb.store import DynamoStore
    from statelang.stores.dynamodb.table import read_address

    return DynamoStore(read_address(rest))


OPENERS: Final[Mapping[str, Callable[[str], Store]]] = {"sqlite": _sqlite, "memory": _memory, "dynamodb": _dynamodb}
"""Scheme of an address -> what opens the store."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The defaults of a project, each a key of `statelang.toml` (with hyphens) and overridden by the command line."""

    store: str = "sqlite:///statelang.db"
    bind: str | None = None
    policy: str = "transition"
    threads: int = 32
    output: str = "text"
    region: str = "us-east-1"
    account: str = "000000000000"
    role_arn: str = ""
    ignore: list[str] = field(default_factory=list)
    aws: Any = None
    """`true` or a table of options: AWS itself performs its Resources that are not bound (see `tasks.bindings`)."""


def read_settings(folder: Path) -> Settings:
    """The settings of the nearest `statelang.toml` in a folder or above it; the defaults where there is none.

    Paths in it are relative to its own folder. Raises InvalidSettings with the file and the key.
    """
    for place in (folder, *folder.parents):
        file = place / FILE
        if file.is_file():
            return _settings(file)
    return Settings()


def _settings(file: Path) -> Settings:
    import tomllib

    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
        raise InvalidSettings(f"{file}: {problem}") from None
    kinds = {field.name: type(getattr(Settings(), field.name)) for field in fields(Settings)}
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if name not in kinds:
            known = ", ".join(kinds).replace("_", "-")
            raise InvalidSettings(f"{file}: unknown key {key!r}; known are {known}")
        expected = str if kinds[name] is type(None) else kinds[name]
        if name != "aws" and type(value) is not expected:
            raise InvalidSettings(f"{file}: {key} must be of type {expected.__name__}, not {type(value).__name__}")
        found[name] = value
    if "bind" in found:
        found["bind"] = str(file.parent / found["bind"])
    for key, choices in CHOICES.items():
        if found.get(key, choices[0]) not in choices:
            raise InvalidSettings(f"{file}: {key} {found[key]!r} is none of {', '.join(choices)}")
    if "store" in found:
        found["store"] = _beside(file, found["store"])
    return Settings(**found)


def _beside(file: Path, address: str) -> str:
    """The address of a store as a settings file means it: a file's path is relative to the settings' folder."""
    named = file_of(address)
    return address if named is None else f"sqlite:///{file.parent / named}"
