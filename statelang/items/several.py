"""Sources of several objects: listings, their contents, S3 inventories and Athena's manifests (asl.md 7.3).

Rule: a mark names the object and the mark within it, so that only that object is opened again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from statelang.errors import InvalidInput
from statelang.items.formats import items_of
from statelang.items.item import Item, failed
from statelang.items.lines import open_text
from statelang.objects import ObjectInfo, Objects
from statelang.values import Json, decode

Find = Callable[[str], Objects]
"""Where the objects of a bucket are."""

LARGEST_MANIFEST: Final = 64 * 1024 * 1024


def address(bucket: str, key: str) -> str:
    """What the Context object calls an object of a bucket."""
    return f"S3://{bucket}/{key}"


def listed(objects: Objects, bucket: str, prefix: str, mark: Json) -> Iterator[Item]:
    """The objects themselves are the items."""
    for found in objects.list(bucket, prefix, mark or ""):
        yield Item(_listing(found), found.key)


def _listing(found: ObjectInfo) -> Json:
    return {
        "Etag": found.etag,
        "LastModified": found.modified_at // 1000,
        "Key": found.key,
        "Size": found.size,
        "StorageClass": found.storage_class,
    }


def flattened(objects: Objects, bucket: str, prefix: str, config: Json, mark: Json) -> Iterator[Item]:
    """The items of every object, one after the other."""
    last, inner = (None, None) if mark is None else mark
    if last is not None:
        for item in items_of(objects, bucket, last, config, inner):
            yield item._replace(mark=[last, item.mark], source=address(bucket, last))
    for found in objects.list(bucket, prefix, last or ""):
        if not found.key.endswith("/"):
            for item in items_of(objects, bucket, found.key, config, None):
                yield item._replace(mark=[found.key, item.mark], source=address(bucket, found.key))


def inventory(find: Find, bucket: str, key: str, config: Json, mark: Json) -> Iterator[Item]:
    """What an S3 inventory lists: the rows of its files, named by its schema."""
    manifest = _manifest(find(bucket), bucket, key)
    try:
        target = str(manifest["destinationBucket"]).rpartition(":")[2]
        files = [str(file["key"]) for file in manifest["files"]]
        schema, kind = str(manifest["fileSchema"]), str(manifest["fileFormat"]).upper()
    except (KeyError, TypeError) as problem:
        raise failed(f"The manifest is no S3 inventory: {problem} is missing.") from None
    if kind == "CSV":
        headers = [name.strip() for name in schema.split(",")]
        config = {**config, "InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": headers}
    elif kind == "PARQUET":
        config = {**config, "InputType": "PARQUET"}
    else:
        raise failed(f"An S3 inventory of format {kind} cannot be read; CSV and Parquet can.")
    yield from _each(find, [(target, file) for file in files], config, mark)


def _manifest(objects: Objects, bucket: str, key: str) -> Json:
    with open_text(objects, bucket, key) as file:
        text = file.read(LARGEST_MANIFEST)
    try:
        return decode(text.decode("utf-8-sig"))
    except (InvalidInput, UnicodeDecodeError) as problem:
        raise failed(f"The manifest is not JSON: {problem}.") from None


def athena(find: Find, bucket: str, key: str, config: Json, mark: Json) -> Iterator[Item]:
    """The rows of the files that Athena's UNLOAD wrote; its manifest has one address a line."""
    with open_text(find(bucket), bucket, key) as file:
        text = file.read(LARGEST_MANIFEST).decode()
    places = []
    for line in text.splitlines():
        address = line.strip().strip('"')
        if address:
            target, _, rest = address.removeprefix("s3://").partition("/")
            if not address.startswith("s3://") or not rest:
                raise failed(f"The manifest names {address!r}, which is no s3:// address.")
            places.append((target, rest))
    yield from _each(find, places, config, mark)


def _each(find: Find, places: Sequence[tuple[str, str]], config: Json, mark: Json) -> Iterator[Item]:
    first, inner = (0, None) if mark is None else mark
    for number in range(first, len(places)):
        bucket, key = places[number]
        for item in items_of(find(bucket), bucket, key, config, inner if number == first else None):
            yield item._replace(mark=[number, item.mark], source=address(bucket, key))
