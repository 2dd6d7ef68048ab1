"""From tables of plain text to the terminal's. No text is read as markup or acted upon."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from console.summary import Sheet
from processing import sanitising

# Characters of a line where no terminal tells how wide it is.
WIDTH = 200


def render(headline: str, sheets: Sequence[Sheet]) -> RenderableType:
    """The tables under each other, after the headline."""
    parts: list[RenderableType] = [Text(sanitising.one_line(headline), "bold")]
    for sheet in sheets:
        parts += [Text(), Text(sanitising.one_line(sheet.title), "italic"), _table(sheet)]
    return Group(*parts)


def with_error(trouble: str, before: RenderableType) -> RenderableType:
    """What is wrong, above what was shown before it."""
    return Group(Text(sanitising.one_line(trouble), "bold red"), before)


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
