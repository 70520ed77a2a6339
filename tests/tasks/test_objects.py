"""Objects of buckets: a folder, and S3 as a client answers for it."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statelang.errors import InvalidSettings, ObjectError
from statelang.tasks import Bindings, read_bindings
from statelang.tasks.objects import FolderObjects, S3Objects


class TestFolder:
    def test_an_object_is_written_whole_or_not_at_all(self, tmp_path: Path) -> None:
        objects = FolderObjects(tmp_path)
        assert objects.put("b", "deep/down/x", [b"one", b"two"]) == 6

        def breaks() -> Iterator[bytes]:
            yield b"half"
            raise RuntimeError("gone")

        with pytest.raises(RuntimeError):
            objects.put("b", "deep/down/x", breaks())
        with objects.open("b", "deep/down/x", start=3) as file:
            assert file.read() == b"two"
        assert [file.name for file in (tmp_path / "deep" / "down").iterdir()] == ["x"]

    def test_what_a_killed_process_left_half_written_is_no_object(self, tmp_path: Path) -> None:
        objects, listed = FolderObjects(tmp_path), []

        def pieces() -> Iterator[bytes]:
            yield b"half"
            listed.extend(info.key for info in objects.list("b", ""))  # others look while it is written
            (left,) = tmp_path.glob(".*.partial")
            (tmp_path / ".left.partial").write_bytes(left.read_bytes())

        objects.put("b", "x", pieces())
        assert listed == []
        assert [info.key for info in objects.list("b", "")] == ["x"]

    def test_what_cannot_be_is_named(self, tmp_path: Path) -> None:
        objects = FolderObjects(tmp_path / "none")
        with pytest.raises(ObjectError, match="there is no folder"):
            list(objects.list("b", ""))
        with pytest.raises(ObjectError, match="keeps no versions"):
            objects.open("b", "x", version="1")
        with pytest.raises(ObjectError, match="leads out"):
            objects.put("b", "../x", [b""])


class Client:
    """What boto3's client would be."""

    def __init__(self, **bodies: bytes) -> None:
        self.bodies = dict(bodies)
        self.pages = 0

    def get_object(self, Bucket: str, Key: str, Range: str = "bytes=0-", **more: str) -> Any:
        if Key not in self.bodies:
            raise RuntimeError("An error occurred (NoSuchKey)")
        start = int(Range.removeprefix("bytes=").rstrip("-"))
        if start >= len(self.bodies[Key]) > 0 and start:
            problem = RuntimeError("The requested range is not satisfiable")
            problem.response = {"Error": {"Code": "InvalidRange"}}  # type: ignore[attr-defined]
            raise problem
        return {"Body": io.BytesIO(self.bodies[Key][start:])}

    def list_objects_v2(self, Bucket: str, Prefix: str, StartAfter: str = "", ContinuationToken: str = "") -> Any:
        self.pages += 1
        keys = [k for k in sorted(self.bodies) if k.startswith(Prefix) and k > max(StartAfter, ContinuationToken)]
        at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        told = [{"Key": k, "Size": len(self.bodies[k]), "LastModified": at, "ETag": '"e"'} for k in keys[:2]]
        more = len(keys) > 2
        return {"Contents": told, "IsTruncated": more, **({"NextContinuationToken": keys[1]} if more else {})}

    def put_object(self, Bucket: str, Key: str, Body: Any, ContentLength: int) -> None:
        self.bodies[Key] = Body.read()
        assert len(self.bodies[Key]) == ContentLength


class TestS3:
    def test_reads_from_a_byte_on(self) -> None:
        objects = S3Objects(lambda: Client(x=b"abcdef"))
        assert objects.open("b", "x").read() == b"abcdef"
        assert objects.open("b", "x", start=4).read() == b"ef"
        assert objects.open("b", "x", start=6).read() == b"", "at its end there is nothing"

    def test_a_bucket_may_have_to_be_somebodys(self) -> None:
        asked: list[Any] = []

        class Told:
            def get_object(self, **given: Any) -> Any:
                asked.append(given)
                return {"Body": io.BytesIO(b"x")}

            def list_objects_v2(self, **given: Any) -> Any:
                asked.append(given)
                return {}

        objects = S3Objects(Told).owned_by("111122223333")
        assert objects.open("b", "x").read() == b"x"
        assert list(objects.list("b", "")) == []
        assert [given["ExpectedBucketOwner"] for given in asked] == ["111122223333"] * 2

    def test_lists_page_by_page(self) -> None:
        client = Client(a=b"1", b=b"2", c=b"3", d=b"4", e=b"5")
        objects = S3Objects(lambda: client)
        assert [found.key for found in objects.list("b", "")] == list("abcde")
        assert client.pages == 3
        assert [found.key for found in objects.list("b", "", after="c")] == ["d", "e"]
        assert next(objects.list("b", "")).modified_at == 1_767_225_600_000

    def test_writes(self) -> None:
        client = Client()
        assert S3Objects(lambda: client).put("b", "x", [b"one", b"two"]) == 6
        assert client.bodies == {"x": b"onetwo"}

    def test_what_fails_names_the_object(self) -> None:
        with pytest.raises(ObjectError, match="s3://b/none: An error occurred \\(NoSuchKey\\)"):
            S3Objects(Client).open("b", "none")


def test_folders_and_machines_are_bound_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "x.bindings.yaml"
    machines = "machines:\n  'arn:aws:states:*:stateMachine:ship': s.asl.yaml\n"
    file.write_text(f"buckets:\n  s3://exact/: ./here\n  'logs-*': ./logs\n{machines}")
    found = read_bindings(file)
    assert isinstance(found.objects("exact"), FolderObjects)
    assert found.objects("exact").folder == tmp_path / "here"  # type: ignore[attr-defined]
    assert found.objects("logs-7").folder == tmp_path / "logs"  # type: ignore[attr-defined]
    with pytest.raises(ObjectError, match="no folder is bound"):
        found.objects("other")
    assert found.machine("arn:aws:states:us-east-1:1:stateMachine:ship") == tmp_path / "s.asl.yaml"
    assert found.machine("arn:aws:states:us-east-1:1:stateMachine:sink") is None
    assert found.machine("arn:aws:states:us-east-1:1:stateMachine:ship:PROD") == tmp_path / "s.asl.yaml"
    assert (Bindings() | found).machines == found.machines
    file.write_text("buckets:\n  s3://exact/: [1]\n")
    with pytest.raises(InvalidSettings, match="must be bound to a path"):
        read_bindings(file)
    file.write_text("buckets:\n  s3://exact/2026/: ./here\n")
    with pytest.raises(InvalidSettings, match="s3://exact/2026/ is no bucket"):
        read_bindings(file)
    both = Bindings(machines={"ship": tmp_path / "any", "ship:PROD": tmp_path / "prod"})
    arn = "arn:aws:states:us-east-1:1:stateMachine:ship"
    assert [both.machine(f"{arn}{end}") for end in ("", ":PROD", ":7")] == [
        tmp_path / "any",
        tmp_path / "prod",
        tmp_path / "any",
    ]
