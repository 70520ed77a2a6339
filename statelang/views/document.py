"""A document: headings, paragraphs and nested lists, as Markdown or as one HTML file.

Rule: what comes from a definition or an execution passes through `plain`, so that none of it is read as Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

STYLE: Final = """
:root{color-scheme:light dark}
body{margin:0 auto;max-width:46rem;padding:2rem 1.2rem 4rem;font:17px/1.6 system-ui,Helvetica,Arial,sans-serif}
h1{line-height:1.2}h2{margin-top:2.2rem;font-size:1.25rem}li{margin:.45rem 0}p:has(+ol),p:has(+ul){margin-bottom:.2rem}
figure{margin:2rem 0;overflow-x:auto}figure svg{max-width:100%;height:auto}
"""


def plain(text: str) -> str:
    """A text in which nothing is a sign of Markdown."""
    line = re.sub(r"([\\`*\[\]<>|~])", r"\\\1", " ".join(text.split()))
    line = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", line)
    line = re.sub(r"&(?=#?\w+;)", r"\\&", line)
    return re.sub(r"^(#+ |[-+] |\d+[.)] )", r"\\\1", line) if not line[:1].isdigit() else _no_list(line)


def _no_list(line: str) -> str:
    return re.sub(r"^(\d+)([.)]) ", r"\1\\\2 ", line)


def strong(text: str) -> str:
    """A text that stands out."""
    return f"**{plain(text)}**" if text.strip() else ""


@dataclass(slots=True)
class Item:
    """A point of a list: its text as Markdown, the points under it (numbered or not), and what is added after those."""

    text: str
    items: list[Item] = field(default_factory=list)
    numbered: bool = False
    notes: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """Blocks of Markdown, in order."""

    blocks: list[str] = field(default_factory=list)

    def heading(self, level: int, text: str) -> None:
        self.blocks.append(f"{'#' * level} {plain(text)}")

    def paragraph(self, *sentences: str) -> None:
        """Sentences, each Markdown, as one paragraph; empty ones are left out."""
        told = " ".join(sentence for sentence in sentences if sentence)
        if told:
            self.blocks.append(told)

    def items(self, items: Sequence[Item], *, numbered: bool = False) -> None:
        if items:
            self.blocks.append("\n".join(_lines(items, numbered, "")))

    def markdown(self) -> str:
        """The whole as Markdown."""
        return "\n\n".join(self.blocks) + "\n"

    def html(self, title: str, picture: str = "") -> str:
        """The whole as one HTML file, with a picture (SVG) under its first heading."""
        from markdown_it import MarkdownIt

        body = MarkdownIt("commonmark").render(self.markdown())
        if picture:
            head, found, rest = body.partition("</h1>")
            body = (
                f"{head}{found}\n<figure>\n{picture}</figure>{rest}"
                if found
                else f"<figure>\n{picture}</figure>\n{body}"
            )
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
        )


def fragment(markdown: str) -> str:
    """Markdown as a piece of HTML."""
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark").render(markdown))


def _lines(items: Sequence[Item], numbered: bool, indent: str) -> list[str]:
    lines = []
    for number, item in enumerate(items, 1):
        sign = f"{number}." if numbered else "-"
        lines.append(f"{indent}{sign} {item.text}")
        deeper = indent + " " * (len(sign) + 1)
        lines += [*_lines(item.items, item.numbered, deeper), *_lines(item.notes, False, deeper)]
    return lines
