"""The README and the picture of each machine in `definitions/`: `make docs` writes them, `test_docs` keeps them true.

Rule: everything in them comes from the definition and its glossary, through the same views as the commands.
"""

from __future__ import annotations

from pathlib import Path

from statelang.compiler.source import read_source
from statelang.views.chart import chart
from statelang.views.explanation import explanation
from statelang.views.glossary import Glossary, glossary_of
from statelang.views.picture import picture
from statelang.views.svg import svg
from statelang.views.words import split_name
from tests.machines import DEFINITIONS, file_of, machines

NOTE = "*This page and its picture are made by `make docs` from [{file}]({file}). Change that, then make them anew.*"


def pages() -> dict[Path, str]:
    """What `make docs` writes: file -> its text."""
    made: dict[Path, str] = {}
    for name in machines():
        made.update(_pages(name))
    return made


def _pages(name: str) -> dict[Path, str]:
    file, words = file_of(name), _glossary(name)
    text = file.read_text(encoding="utf-8")
    value = read_source(text, file.name).value
    box = chart(value, words)
    title = words.title or split_name(name).capitalize()
    document = explanation(value, title, words)
    document.blocks.insert(2, f"![{title}]({name}.svg)")
    document.blocks.append(NOTE.format(file=file.name))
    drawing = svg(picture(box), title=title, description=box.comment or "")
    return {file.parent / "README.md": document.markdown(), file.parent / f"{name}.svg": drawing}


def _glossary(name: str) -> Glossary:
    file = DEFINITIONS / name / f"{name}.glossary.yaml"
    if not file.is_file():
        return Glossary()
    return glossary_of(read_source(file.read_text(encoding="utf-8"), file.name).value, file.name)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
