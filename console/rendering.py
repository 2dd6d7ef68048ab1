"""Renders tables for the terminal. Text is never interpreted as markup or control characters."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ledger.summary import Sheet
from telemetry import sanitising

# Characters of a line if the output is not a terminal.
DEFAULT_WIDTH = 200


def render(headline: str, sheets: Sequence[Sheet]) -> RenderableType:
    """Return the headline, followed by the tables."""
    parts: list[RenderableType] = [Text(sanitising.one_line(headline), "bold")]
    for sheet in sheets:
        parts += [Text(), Text(sanitising.one_line(sheet.title), "italic"), _table(sheet)]
    return Group(*parts)


def with_error(error: str, before: RenderableType) -> RenderableType:
    """Return the previous output with an error above it."""
    return Group(Text(sanitising.one_line(error), "bold red"), before)


def _table(sheet: Sheet) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in sheet.columns:
        table.add_column(
            Text(name),
            justify="right" if name in sheet.numbers else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in sheet.rows:
        table.add_row(*(Text(sanitising.one_line(cell)) for cell in row))
    return table
