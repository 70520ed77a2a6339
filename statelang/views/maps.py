"""Maps: what a Map goes through, how, and where its results go, in words; and values that are computed, as nouns.

Rule: the picture and the explanation say it with the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from statelang.values import Json
from statelang.views.deeds import named
from statelang.views.glossary import Glossary
from statelang.views.words import count, number, path, quoted, shortened

READ: Final[Mapping[str, str]] = {
    "CSV": "the rows of the file {}",
    "PARQUET": "the rows of the file {}",
    "JSONL": "the lines of the file {}",
    "JSON": "the items of the file {}",
    "MANIFEST": "the files that the inventory {} lists",
}
"""InputType -> what its items are; the file's name goes into it."""


def items(state: Mapping[str, Json], glossary: Glossary) -> str:
    """What a Map goes through: `the payments`, `the rows of the file “ratings.csv”`."""
    if isinstance(state.get("ItemReader"), Mapping):
        return _read(state["ItemReader"])
    given = state.get("ItemsPath", state.get("Items"))
    if isinstance(given, list):
        return count(len(given), "item")
    return noun_of(given, glossary) if given is not None else "the items it is given"


def _read(reader: Mapping[str, Json]) -> str:
    """What an ItemReader reads: the objects of a bucket, or what stands in one of them."""
    arguments = reader.get("Parameters", reader.get("Arguments"))
    arguments = arguments if isinstance(arguments, Mapping) else {}
    settings = reader.get("ReaderConfig")
    settings = settings if isinstance(settings, Mapping) else {}
    bucket = named(arguments, "Bucket") or "that the data names"
    if "listObjects" in str(reader.get("Resource")):
        said = f"the files of the storage {bucket}"
    else:
        key = named(arguments, "Key") or "that the data names"
        said = READ.get(str(settings.get("InputType")), "the items of the file {}").format(key)
    most = settings.get("MaxItems")
    return f"the first {number(most)} of {said}" if isinstance(most, int) and most > 0 else said


def grouped(state: Mapping[str, Json]) -> str:
    """In what groups the items are handed on: `in groups of up to 10`; empty: one by one."""
    batcher = state.get("ItemBatcher")
    most = batcher.get("MaxItemsPerBatch") if isinstance(batcher, Mapping) else None
    if isinstance(most, int) and not isinstance(most, bool):
        return f"in groups of up to {most}"
    return "in groups" if isinstance(batcher, Mapping) else ""


def together(state: Mapping[str, Json]) -> str:
    """How many are worked on at once: `at most 4 at the same time`; empty: as many as there are."""
    most = state.get("MaxConcurrency")
    if not isinstance(most, int) or isinstance(most, bool) or most <= 0:
        return ""
    return "one after the other" if most == 1 else f"at most {most} at the same time"


def around(state: Mapping[str, Json]) -> Iterator[str]:
    """What else is to be known, as sentences: what may fail, and where the results go."""
    many, share = state.get("ToleratedFailureCount"), state.get("ToleratedFailurePercentage")
    if isinstance(many, int) and many > 0:
        yield f"Up to {count(many, 'item')} may fail."
    if isinstance(share, (int, float)) and share > 0:
        yield f"Up to {number(share)} % of the items may fail."
    writer = state.get("ResultWriter")
    arguments = writer.get("Parameters", writer.get("Arguments")) if isinstance(writer, Mapping) else None
    if isinstance(arguments, Mapping):
        yield f"The results are kept in the storage {named(arguments, 'Bucket') or 'that the data names'}."


def noun_of(text: Json, glossary: Glossary) -> str:
    """A path, a formula or a placeholder as a noun."""
    line = str(text).strip()
    known = glossary.values.get(line)
    if known is not None:
        return known
    if line.startswith("{%"):
        inner = line.removeprefix("{%").removesuffix("%}").strip()
        bare = inner.removeprefix("$states.input")
        said = path(f"${bare}") if bare != inner else path(f"$.{inner[1:]}") if inner.startswith("$") else quoted(inner)
        return said if not said.startswith("“$") else f"the formula {quoted(shortened(inner, 60))}"
    if line.startswith("${") and line.endswith("}"):
        return quoted(line[2:-1])
    return path(line) if line.startswith("$") else line
