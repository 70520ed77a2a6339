"""Objects of buckets: in S3, or in a folder that is bound in a bucket's place. See `statelang.ports.Objects`.

Rule: an object is written whole or not at all. boto3 is imported when a bucket of S3 is first asked for.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from statelang.errors import ObjectError
from statelang.objects import ObjectInfo

SPOOL: Final = 32 * 1024 * 1024
"""How much of an object is held in memory before it is put; more goes through a temporary file."""


PARTIAL: Final = ".partial"
"""How the name of a file ends that is being written, or was when its process was killed: it is no object."""


class FolderObjects:
    """A folder in place of a bucket: keys are paths within it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, bucket: str, key: str, *, start: int = 0, version: str | None = None) -> BinaryIO:
        if version is not None:
            raise ObjectError(f"s3://{bucket}/{key}: a folder keeps no versions of an object")
        path = self._path(bucket, key)
        try:
            file = path.open("rb")
            file.seek(start)
        except OSError as problem:
            raise ObjectError(f"s3://{bucket}/{key}: cannot be read ({path}: {problem.strerror or problem})") from None
        return file

    def owned_by(self, account: str) -> FolderObjects:
        """A folder belongs to nobody's account: it is what the bindings say."""
        return self

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        if not self.folder.is_dir():
            raise ObjectError(f"s3://{bucket}: there is no folder {self.folder}")
        yield from self._under("", prefix, after)

    def _under(self, folder: str, prefix: str, after: str) -> Iterator[ObjectInfo]:
        """What is in a folder, in the order in which S3 has keys: a folder stands as its name with a slash."""
        with os.scandir(self.folder / folder) as entries:
            names = sorted((entry.name + "/" if entry.is_dir() else entry.name).encode() for entry in entries)
        for name in map(bytes.decode, names):
            key = folder + name
            if name.endswith("/"):
                last = after.startswith(key) or key > after
                if last and (key.startswith(prefix) or prefix.startswith(key)):
                    yield from self._under(key, prefix, after)
            elif key > after and key.startswith(prefix) and not (name[0] == "." and name.endswith(PARTIAL)):
                told = (self.folder / key).stat()
                yield ObjectInfo(
                    key, told.st_size, told.st_mtime_ns // 1_000_000, f'"{told.st_mtime_ns:x}-{told.st_size:x}"'
                )

    def put(self, bucket: str, key: str, pieces: Iterable[bytes]) -> int:
        path = self._path(bucket, key)
        size = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=PARTIAL)
            try:
                with os.fdopen(handle, "wb") as file:
                    for piece in pieces:
                        size += file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
                os.chmod(partial, 0o644)
                os.replace(partial, path)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(partial)
                raise
        except OSError as problem:
            raise ObjectError(f"s3://{bucket}/{key}: cannot be written ({path}: {problem.strerror})") from None
        return size

    def _path(self, bucket: str, key: str) -> Path:
        path = Path(os.path.normpath(self.folder / key))
        if not path.is_relative_to(os.path.normpath(self.folder)):
            raise ObjectError(f"s3://{bucket}/{key}: the key leads out of the folder {self.folder}")
        return path


class S3Objects:
    """S3 itself; `client` makes boto3's client when it is first needed."""

    def __init__(self, client: Callable[[], Any], account: str | None = None) -> None:
        self._client = client
        self._owner = {} if account is None else {"ExpectedBucketOwner": account}

    def owned_by(self, account: str) -> S3Objects:
        return S3Objects(self._client, account)

    def open(self, bucket: str, key: str, *, start: int = 0, version: str | None = None) -> BinaryIO:
        asked: dict[str, Any] = {"Bucket": bucket, "Key": key, **self._owner}
        if start:
            asked["Range"] = f"bytes={start}-"
        if version is not None:
            asked["VersionId"] = version
        with _named(f"s3://{bucket}/{key}"):
            try:
                body = self._client().get_object(**asked)["Body"]
            except Exception as problem:
                if _code(problem) in ("InvalidRange", "416"):
                    return io.BytesIO()
                raise
        return cast(BinaryIO, body)

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, **self._owner}
        if after:
            asked["StartAfter"] = after
        while True:
            with _named(f"s3://{bucket}/{prefix}"):
                page = self._client().list_objects_v2(**asked)
            for found in page.get("Contents", ()):
                modified = round(found["LastModified"].timestamp() * 1000)
                kind = found.get("StorageClass", "STANDARD")
                yield ObjectInfo(found["Key"], found["Size"], modified, found["ETag"], kind)
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def put(self, bucket: str, key: str, pieces: Iterable[bytes]) -> int:
        with tempfile.SpooledTemporaryFile(max_size=SPOOL) as file, _named(f"s3://{bucket}/{key}"):
            size = sum(file.write(piece) for piece in pieces)
            file.seek(0)
            self._client().put_object(Bucket=bucket, Key=key, Body=file, ContentLength=size, **self._owner)
        return size


@contextlib.contextmanager
def _named(place: str) -> Iterator[None]:
    """What boto3 raises, as an ObjectError that names the object."""
    try:
        yield
    except Exception as problem:
        raise ObjectError(f"{place}: {problem}") from problem


def _code(problem: Exception) -> str:
    return str(getattr(problem, "response", {}).get("Error", {}).get("Code", ""))


def s3_client() -> Any:
    """boto3's client, set as environment and profile say. Raises ObjectError where boto3 is not there."""
    try:
        import boto3
    except ImportError:
        raise ObjectError(
            "S3 needs the package boto3: install statelang[aws], or bind a folder to the bucket"
        ) from None
    return boto3.client("s3")
