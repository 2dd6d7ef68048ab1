"""Writes Markdown from plain values. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence

BLOCK = re.compile(r"(<!-- generated: ([^\n]+?) -->\n).*?(\n<!-- end -->)", re.S)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a `|` within a cell is escaped."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def one_line(text: str | None) -> str:
    """Return a text with its line breaks as spaces."""
    return " ".join((text or "").split())


def code(text: str) -> str:
    """Return a text as code."""
    return f"`{text}`"


def fill(page: str, blocks: Mapping[str, str]) -> str:
    """Return the page with the text of each block between its markers.

    Raises `ValueError` if the markers of the page are not those of the blocks, each once.
    """
    marked = [match[2] for match in BLOCK.finditer(page)]
    if sorted(marked) != sorted(blocks):
        wrong = sorted(set(marked) ^ set(blocks)) or "one is there twice"
        raise ValueError(f"the page's markers are not those of the generated blocks: {wrong}")
    return BLOCK.sub(lambda match: f"{match[1]}\n{blocks[match[2]]}\n{match[3]}", page)
