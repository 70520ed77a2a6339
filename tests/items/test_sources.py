"""The sources of Distributed Maps, each read whole and read on from every item."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from statelang.core.map_run import MapRun
from statelang.errors import Fault
from statelang.items import json_items, lines
from statelang.items.item import Item
from statelang.items.source import open_source
from statelang.tasks.objects import FolderObjects
from statelang.values import Json


def run(cursor: Json = None, read: int = 0) -> MapRun:
    return MapRun("run", "arn", "parent", "token", "Each", "label", 0, cursor=cursor, read=read)


class Sources:
    """A folder in the place of every bucket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, body: str | bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body.encode() if isinstance(body, str) else body)

    def open(self, reader: Json, at: MapRun) -> list[Item]:
        objects = FolderObjects(self.folder)
        return list(open_source(reader, lambda bucket: objects, at))

    def read(self, config: Json, key: str = "data", **more: Json) -> list[Json]:
        """All items; and the same again from the mark of each."""
        resource = f"arn:aws:states:::s3:{more.pop('resource', 'getObject')}"
        arguments = {"Bucket": "b", **({} if resource.endswith("V2") else {"Key": key}), **more}
        reader = {"Resource": resource, "Arguments": arguments, "ReaderConfig": config}
        items = self.open(reader, run())
        for number, item in enumerate(items, start=1):
            mark = json.loads(json.dumps(item.mark))
            assert self.open(reader, run(mark, number)) == items[number:], f"after item {number}"
        return [item.value if item.key is None else (item.key, item.value) for item in items]

    def failure(self, config: Json, key: str = "data", **more: Json) -> str:
        with pytest.raises(Fault) as failed:
            self.read(config, key, **more)
        assert failed.value.error == "States.ItemReaderFailed"
        return failed.value.cause


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path)


CSV_READER: Json = {
    "Resource": "arn:aws:states:::s3:getObject",
    "Arguments": {"Bucket": "b", "Key": "data"},
    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
}
FIRST: Json = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}


class TestCsv:
    def test_cells_are_text_missing_ones_empty_and_more_dropped(self, sources: Sources) -> None:
        sources.put("data", "a,b\n1,true\n2\n3,x,y\n")
        assert sources.read(FIRST) == [{"a": "1", "b": "true"}, {"a": "2", "b": ""}, {"a": "3", "b": "x"}]

    def test_a_blank_line_is_a_row_of_empty_cells(self, sources: Sources) -> None:
        sources.put("data", "a,b\n1,2\n\n3,4\n")
        assert sources.read(FIRST) == [{"a": "1", "b": "2"}, {"a": "", "b": ""}, {"a": "3", "b": "4"}]

    def test_quotes_keep_delimiters_lines_and_doubled_quotes(self, sources: Sources) -> None:
        sources.put("data", 'a,b\r\n"x,y","one\ntwo"\r\n"say ""hi""",\u00e9\r\n')
        assert sources.read(FIRST) == [{"a": "x,y", "b": "one\ntwo"}, {"a": 'say "hi"', "b": "\u00e9"}]

    def test_a_backslash_makes_what_follows_plain_and_is_left_out(self, sources: Sources) -> None:
        sources.put("data", 'a,b\nx\\,y,\\\\\n\\q,\\"z\n')
        assert sources.read(FIRST) == [{"a": "x,y", "b": "\\"}, {"a": "q", "b": '"z'}]

    @pytest.mark.parametrize(
        ("name", "delimiter"), [("PIPE", "|"), ("SEMICOLON", ";"), ("SPACE", " "), ("TAB", "\t"), ("COMMA", ",")]
    )
    def test_delimiters(self, name: str, delimiter: str, sources: Sources) -> None:
        sources.put("data", delimiter.join("ab") + "\n" + delimiter.join("12") + "\n")
        assert sources.read({**FIRST, "CSVDelimiter": name}) == [{"a": "1", "b": "2"}]

    def test_headers_may_be_given(self, sources: Sources) -> None:
        sources.put("data", "1,2\n3,4\n")
        given = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["x", "y"]}
        assert sources.read(given) == [{"x": "1", "y": "2"}, {"x": "3", "y": "4"}]

    def test_a_byte_order_mark_is_no_part_of_a_header(self, sources: Sources) -> None:
        sources.put("data", b"\xef\xbb\xbfa\n1\n")
        assert sources.read(FIRST) == [{"a": "1"}]

    def test_a_backslash_at_the_end_of_a_line_does_not_join_two_rows(self, sources: Sources) -> None:
        sources.put("data", 'a,b\n1,C:\\temp\\\n2,x\\\\\r\n3,"y\\\nz"\n4,last\\')
        assert sources.read(FIRST) == [
            {"a": "1", "b": "C:temp"},
            {"a": "2", "b": "x\\"},
            {"a": "3", "b": "y\nz"},
            {"a": "4", "b": "last"},
        ]

    def test_nothing_is_no_items(self, sources: Sources) -> None:
        sources.put("data", "")
        assert sources.read(FIRST) == []
        sources.put("data", "a,b\n")
        assert sources.read(FIRST) == []

    @pytest.mark.parametrize(
        ("body", "config", "cause"),
        [
            ("a,a\n1,2\n", FIRST, "CSV headers cannot contain duplicates."),
            ('a\n1\n"2\n', FIRST, "The CSV is malformed: unexpected end of data"),
            (b"a\n1\n\xff\n", FIRST, "The CSV is not UTF-8 text: byte 0xff in the line"),
            ("a\n", {**FIRST, "CSVDelimiter": "DOT"}, "CSVDelimiter must be one of"),
            ("a\n", {**FIRST, "CSVHeaderLocation": "LAST"}, "CSVHeaderLocation must be"),
            ("a\n", {**FIRST, "CSVHeaderLocation": "GIVEN"}, "CSVHeaders must be an array"),
            ("a" * 11_000 + "\n1\n", FIRST, "CSV headers cannot be longer than 10240 bytes."),
        ],
    )
    def test_what_is_wrong_is_told(self, body: str | bytes, config: Json, cause: str, sources: Sources) -> None:
        sources.put("data", body)
        assert cause in sources.failure(config)

    def test_rows_before_a_malformed_one_are_read(self, sources: Sources) -> None:
        sources.put("data", 'a\n1\n2\n"3\n')
        reader = {"Resource": "s3:getObject", "Arguments": {"Bucket": "b", "Key": "data"}, "ReaderConfig": FIRST}
        items = iter(open_source(reader, lambda bucket: FolderObjects(sources.folder), run()))
        assert [next(items).value, next(items).value] == [{"a": "1"}, {"a": "2"}]
        with pytest.raises(Fault, match="malformed"):
            next(items)


def many(count: int) -> str:
    return "a\n" + "".join(f"{number}\n" for number in range(count))


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_compressed_objects_are_unpacked(kind: str, sources: Sources) -> None:
    body = many(50).encode()
    if kind == "gzip":
        sources.put("data", gzip.compress(body))
    else:
        zstandard = pytest.importorskip("zstandard")
        sources.put("data", zstandard.ZstdCompressor().compress(body))
    assert sources.read(FIRST) == [{"a": str(number)} for number in range(50)]


@pytest.mark.parametrize("name", ["Prefix", "VersionId"])
def test_what_a_reader_is_given_must_be_texts(name: str, sources: Sources) -> None:
    sources.put("data", "[]")
    for resource in ("getObject", "listObjectsV2"):
        cause = sources.failure({"InputType": "JSON"}, resource=resource, **{name: 5})
        assert cause == f"The {name} of the ItemReader must be a string, but it was: 5"


class TestMaxItems:
    @pytest.mark.parametrize(("most", "count"), [(2, 2), (0, 5), ("3", 3), (100_000_001, 5), (None, 5)])
    def test_so_many_are_read(self, most: Json, count: int, sources: Sources) -> None:
        sources.put("data", many(5))
        assert len(sources.read({**FIRST, "MaxItems": most})) == count

    @pytest.mark.parametrize(
        ("most", "cause"),
        [(-1, "field MaxItems must be positive"), ("x", "field MaxItems must be an integer"), (1.5, "an integer")],
    )
    def test_what_is_no_number_of_items(self, most: Json, cause: str, sources: Sources) -> None:
        sources.put("data", many(5))
        assert cause in sources.failure({**FIRST, "MaxItems": most})


@pytest.fixture(params=["whole", "streamed"])
def parsing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A document is held whole where it is small, and streamed where it is large."""
    if request.param == "streamed":
        pytest.importorskip("ijson")
        monkeypatch.setattr(json_items, "WHOLE", 1)
    return request.param


@pytest.mark.usefixtures("parsing")
class TestJson:
    def test_an_array(self, sources: Sources) -> None:
        values = [1, 1.5, -2e3, 12345678901234567890123, "x", None, True, {"a": [1, {"b": 2}]}, []]
        sources.put("data", json.dumps(values))
        read = sources.read({"InputType": "JSON"})
        assert read == values
        assert [type(value) for value in read] == [type(value) for value in values]

    def test_an_object_has_members(self, sources: Sources) -> None:
        sources.put("data", '{"a": 1, "b": {"c": 2}}')
        assert sources.read({"InputType": "JSON"}) == [("a", 1), ("b", {"c": 2})]

    def test_a_byte_order_mark_is_no_part_of_it(self, sources: Sources) -> None:
        sources.put("data", b"\xef\xbb\xbf[1]")
        assert sources.read({"InputType": "JSON"}) == [1]

    def test_a_pointer_finds_what_is_gone_through(self, sources: Sources) -> None:
        sources.put("data", '{"skip": [{"x": 1}], "a/b": [0, {"~": ["found"]}, 9], "z": 1}')
        assert sources.read({"InputType": "JSON", "ItemsPointer": "/a~1b/1/~0"}) == ["found"]
        assert sources.read({"InputType": "JSON", "ItemsPointer": ""})[0][0] == "skip"

    @pytest.mark.parametrize(
        ("body", "config", "cause"),
        [
            ('"text"', {}, "Attempting to map over non-iterable node."),
            ('{"a": 1}', {"ItemsPointer": "/a"}, "Attempting to map over non-iterable node."),
            ('{"a": [1]}', {"ItemsPointer": "/b"}, "there is no 'b'"),
            ('{"a": [1]}', {"ItemsPointer": "/a/x"}, "there is no 'x'"),
            ("[1, 2", {}, "The object is not JSON"),
            ("[1] 2", {}, "The object is not JSON"),
            ("[1e400]", {}, "out of range"),
            ("[1]", {"ItemsPointer": "a"}, "ItemsPointer must be a JSON Pointer"),
        ],
    )
    def test_what_is_wrong_is_told(self, body: str, config: Json, cause: str, sources: Sources) -> None:
        sources.put("data", body)
        assert cause in sources.failure({"InputType": "JSON", **config})


class TestJsonLines:
    def test_each_line_is_an_item(self, sources: Sources) -> None:
        sources.put("data", '{"a": 1}\n\n[2]\n"three"')
        assert sources.read({"InputType": "JSONL"}) == [{"a": 1}, [2], "three"]

    def test_a_line_that_is_none_is_told(self, sources: Sources) -> None:
        sources.put("data", "1\n{\n")
        assert "2 lines after where reading began" in sources.failure({"InputType": "JSONL"})


def test_a_parameter_that_would_be_passed_over_is_refused(sources: Sources) -> None:
    """A listing without its prefix would be another one."""
    sources.put("data", "a\n1\n")
    told = sources.failure({}, resource="listObjectsV2", Prefx="p/")
    assert told == "The field 'Prefx' is none of the parameters; did you mean 'Prefix'?"
    assert "which are Bucket, Key, VersionId, ExpectedBucketOwner" in sources.failure(FIRST, PartNumber=1)
    assert sources.read(FIRST, ExpectedBucketOwner="111122223333") == [{"a": "1"}]


class TestBroken:
    """What breaks off is told, and never taken for the end."""

    BODY = b"a\n" + b"".join(b"%d\n" % (number * 7919 % 10_007) for number in range(10_000))

    def packed(self, kind: str, body: bytes) -> bytes:
        if kind == "gzip":
            return gzip.compress(body)
        packed: bytes = pytest.importorskip("zstandard").compress(body)
        return packed

    @pytest.mark.parametrize("kind", ["gzip", "zstd"])
    def test_two_that_are_put_together_are_one(self, kind: str, sources: Sources) -> None:
        sources.put("data", self.packed(kind, self.BODY[:9_000]) + self.packed(kind, self.BODY[9_000:]))
        items = sources.open(CSV_READER, run())
        assert [item.value["a"] for item in items] == self.BODY.decode().split()[1:]
        assert sources.open(CSV_READER, run(items[4_999].mark, 5_000)) == items[5_000:]

    @pytest.mark.parametrize("kind", ["gzip", "zstd"])
    @pytest.mark.parametrize("left", [6, 20, 0.5, -5, -1])
    def test_a_packed_object_that_breaks_off_is_told(self, kind: str, left: float, sources: Sources) -> None:
        whole = self.packed(kind, self.BODY)
        sources.put("data", whole[: int(len(whole) * left) if isinstance(left, float) else left])
        with pytest.raises(Fault, match="Compressed file ended before"):
            sources.open(CSV_READER, run())

    def test_a_zstd_object_that_is_damaged_is_told(self, sources: Sources) -> None:
        packer = pytest.importorskip("zstandard").ZstdCompressor(write_checksum=True)
        whole = bytearray(packer.compress(self.BODY))
        whole[len(whole) // 2] ^= 0xFF
        sources.put("data", bytes(whole))
        with pytest.raises(Fault, match="The object is no ZSTD"):
            sources.open(CSV_READER, run())

    @pytest.mark.parametrize("kind", ["CSV", "JSONL"])
    def test_a_line_without_an_end_is_not_held(
        self, kind: str, sources: Sources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lines, "LONGEST", 10)
        sources.put("data", "a\n" if kind == "CSV" else "1\n")
        assert sources.open(CSV_READER, run()) == []
        sources.put("data", "1\n" + "2" * 11 + "\n")
        told = sources.failure({**FIRST, "InputType": kind})
        assert "The line that begins at byte 2 is longer than 10 bytes" in told


def test_parquet(sources: Sources) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import datetime
    from decimal import Decimal

    from pyarrow import parquet

    rows = [
        {"n": number, "f": number / 2, "s": f"r{number}", "d": datetime.date(2026, 1, number + 1), "c": Decimal(number)}
        for number in range(5)
    ]
    body = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), body, row_group_size=2)
    sources.put("data", body.getvalue())
    assert sources.read({"InputType": "PARQUET"}) == [
        {"n": number, "f": number / 2, "s": f"r{number}", "d": f"2026-01-0{number + 1}", "c": number}
        for number in range(5)
    ]
    table = pyarrow.table({"f": [1.0, float("nan"), float("inf")]})
    body = io.BytesIO()
    parquet.write_table(table, body)
    sources.put("data", body.getvalue())
    assert "column f holds inf in row 3, which JSON has no number for" in sources.failure({"InputType": "PARQUET"})
    sources.put("data", b"no parquet")
    assert "cannot be read" in sources.failure({"InputType": "PARQUET"})


class TestSeveral:
    def listed(self, sources: Sources) -> None:
        for key in ("x/2.csv", "x/10.csv", "x/sub/1.csv", "x-y/1.csv", "y/1.csv"):
            sources.put(key, f"a\n{key}\n1\n")

    def test_a_listing_is_in_the_order_of_keys(self, sources: Sources) -> None:
        self.listed(sources)
        told = sources.read({}, resource="listObjectsV2", Prefix="x")
        assert [item["Key"] for item in told] == ["x-y/1.csv", "x/10.csv", "x/2.csv", "x/sub/1.csv"]
        assert set(told[0]) == {"Etag", "LastModified", "Key", "Size", "StorageClass"}
        assert told[0]["Size"] == len("a\nx-y/1.csv\n1\n")
        assert sources.read({}, resource="listObjectsV2", Prefix="none") == []

    def test_objects_are_loaded_and_flattened(self, sources: Sources) -> None:
        self.listed(sources)
        config = {**FIRST, "Transformation": "LOAD_AND_FLATTEN"}
        told = sources.read(config, resource="listObjectsV2", Prefix="x/")
        assert [row["a"] for row in told] == ["x/10.csv", "1", "x/2.csv", "1", "x/sub/1.csv", "1"]
        reader = {"Resource": ":listObjectsV2", "Arguments": {"Bucket": "b", "Prefix": "x/"}, "ReaderConfig": config}
        items = sources.open(reader, run())
        assert [item.source for item in items[:3]] == ["S3://b/x/10.csv", "S3://b/x/10.csv", "S3://b/x/2.csv"]
        assert sources.open(reader, run(items[0].mark, 1))[0].source == "S3://b/x/10.csv"

    def test_an_inventory_lists_objects(self, sources: Sources) -> None:
        manifest = {
            "sourceBucket": "b",
            "destinationBucket": "arn:aws:s3:::b",
            "fileFormat": "CSV",
            "fileSchema": "Bucket, Key, Size",
            "files": [{"key": "one.csv.gz"}, {"key": "two.csv.gz"}],
        }
        sources.put("data", json.dumps(manifest))
        sources.put("one.csv.gz", gzip.compress(b'"b","k1","5"\n"b","k2","6"\n'))
        sources.put("two.csv.gz", gzip.compress(b'"b","k3","7"\n'))
        expected = [{"Bucket": "b", "Key": f"k{n}", "Size": str(n + 4)} for n in (1, 2, 3)]
        assert sources.read({"ManifestType": "S3_INVENTORY"}) == expected
        assert sources.read({"InputType": "MANIFEST"}) == expected
        sources.put("data", "{}")
        assert "is no S3 inventory" in sources.failure({"ManifestType": "S3_INVENTORY"})

    def test_what_athena_unloaded(self, sources: Sources) -> None:
        sources.put("data", "s3://b/one\ns3://b/two\n")
        sources.put("one", '{"n":1}\n{"n":2}\n')
        sources.put("two", '{"n":3}\n')
        config = {"ManifestType": "ATHENA_DATA", "InputType": "JSONL"}
        assert sources.read(config) == [{"n": 1}, {"n": 2}, {"n": 3}]
        reader = {"Arguments": {"Bucket": "b", "Key": "data"}, "ReaderConfig": config}
        assert [item.source for item in sources.open(reader, run())] == ["S3://b/one"] * 2 + ["S3://b/two"]
        sources.put("data", "file:///one\n")
        assert "no s3:// address" in sources.failure(config)


@pytest.mark.parametrize(
    ("key", "config", "cause"),
    [
        ("none", FIRST, "s3://b/none: cannot be read"),
        ("../secret", FIRST, "leads out of the folder"),
        ("", FIRST, "names no Key"),
        ("data", {"InputType": "XML"}, "InputType must be one of CSV, JSON, JSONL, PARQUET, not 'XML'"),
    ],
)
def test_what_cannot_be_opened_is_told(key: str, config: Json, cause: str, sources: Sources) -> None:
    sources.put("data", "a\n")
    assert cause in sources.failure(config, key)


def test_no_bucket_is_told() -> None:
    with pytest.raises(Fault, match="names no Bucket"):
        open_source({"Resource": "s3:getObject"}, lambda bucket: FolderObjects(Path()), run())
