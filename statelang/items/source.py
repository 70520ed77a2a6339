"""The source of a Map Run: what its ItemReader says, opened where it goes on.

Rule: everything that is wrong with a source is a Fault with States.ItemReaderFailed, at the item where it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from statelang.core.context import STATE_DATA
from statelang.core.frame import RunWait
from statelang.core.map_run import MapRun
from statelang.errors import Fault, ObjectError
from statelang.items.formats import items_of
from statelang.items.item import Item, check_parameters, failed
from statelang.items.several import Find, address, athena, flattened, inventory, listed
from statelang.values import Json, encode

GOT: Final = ("Bucket", "Key", "VersionId", "ExpectedBucketOwner")
LISTED: Final = ("Bucket", "Prefix", "ExpectedBucketOwner")
"""The parameters of `s3:getObject` and of `s3:listObjectsV2`."""

MOST_ITEMS: Final = 100_000_000


def name_of(waiting: RunWait) -> str:
    """What the Context object calls the source of a Map Run's items."""
    if waiting.reader is None:
        return STATE_DATA
    reader: Json = waiting.reader.json
    given = reader.get("Arguments") or {}
    bucket, key = str(given.get("Bucket")), str(given.get("Key"))
    return f"S3://{bucket}" if _lists(reader) else address(bucket, key)


def _lists(reader: Json) -> bool:
    return str(reader.get("Resource", "")).endswith(":listObjectsV2")


def unread(waiting: RunWait, find: Find, run: MapRun) -> Iterator[Item]:
    """The items after those a Map Run has read; a source is opened when the first is asked for. Raises Fault."""
    if waiting.reader is not None:
        yield from open_source(waiting.reader.json, find, run)
        return
    assert waiting.items is not None
    keys = None if waiting.keys is None else waiting.keys.json
    for number, value in enumerate(waiting.items.json[run.read :], start=run.read):
        yield Item(value, number + 1, None if keys is None else keys[number])


def _owned(find: Find, account: str) -> Find:
    return lambda bucket: find(bucket).owned_by(account)


class Source:
    """The items of a Map Run after those it has read. Iterating raises Fault."""

    def __init__(self, reader: Json, find: Find, run: MapRun) -> None:
        config = reader.get("ReaderConfig") or {}
        given = reader.get("Arguments") or {}
        bucket = given.get("Bucket")
        if not isinstance(bucket, str) or not bucket:
            raise failed("The ItemReader names no Bucket.")
        for name in ("Prefix", "VersionId", "ExpectedBucketOwner"):
            if not isinstance(given.get(name), str | None):
                raise failed(f"The {name} of the ItemReader must be a string, but it was: {encode(given[name])}")
        check_parameters(given, LISTED if _lists(reader) else GOT)
        if (account := given.get("ExpectedBucketOwner")) is not None:
            find = _owned(find, account)
        left = max(0, _most_items(config.get("MaxItems")) - run.read)
        self._items = islice(self._open(_lists(reader), bucket, given, config, find, run.cursor), left)

    def _open(self, listing: bool, bucket: str, given: Json, config: Json, find: Find, mark: Json) -> Iterator[Item]:
        if listing:
            prefix = given.get("Prefix") or ""
            if config.get("Transformation", "NONE") == "LOAD_AND_FLATTEN":
                return flattened(find(bucket), bucket, prefix, config, mark)
            return listed(find(bucket), bucket, prefix, mark)
        key = given.get("Key")
        if not isinstance(key, str) or not key:
            raise failed("The ItemReader names no Key.")
        manifest = config.get("ManifestType")
        if manifest == "S3_INVENTORY" or (manifest is None and config.get("InputType") == "MANIFEST"):
            return inventory(find, bucket, key, config, mark)
        if manifest == "ATHENA_DATA":
            return athena(find, bucket, key, config, mark)
        return items_of(find(bucket), bucket, key, config, mark, given.get("VersionId"))

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from self._items
        except (ObjectError, OSError, EOFError) as problem:
            raise failed(str(problem)) from None


def open_source(reader: Json, find: Find, run: MapRun) -> Source:
    """Raises Fault."""
    try:
        return Source(reader, find, run)
    except ObjectError as problem:
        raise failed(str(problem)) from None


def _most_items(given: Json) -> int:
    """MaxItems: a whole number, which AWS takes as text too (recorded); 0 is no limit."""
    if given is None:
        return MOST_ITEMS
    try:
        most = int(given) if not isinstance(given, (bool, float)) else int("x")
    except (ValueError, TypeError):
        raise Fault("States.ItemReaderFailed", f"field MaxItems must be an integer, but was {encode(given)}") from None
    if most < 0:
        raise failed("field MaxItems must be positive")
    return min(most or MOST_ITEMS, MOST_ITEMS)
