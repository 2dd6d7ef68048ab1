"""Renders tables for the terminal. Text is never interpreted as markup or control characters."""

from collections.abc import Sequence
from typing import IO, cast

from django.core.management.base import OutputWrapper
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ledger.summary import Sheet
from telemetry import sanitising

# Characters of a line if the output is not a terminal.
DEFAULT_WIDTH = 200


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise the error, which manage.py answers for all commands; rich would exit with status 1."""
        raise BrokenPipeError


def console(stdout: OutputWrapper) -> Console:
    """Return the console of a command: a terminal as wide as it is, anything else with long lines."""
    # Rich controls the screen, and so writes to a terminal itself: a wrapper ends each text with a line end.
    return _Console() if stdout.isatty() else _Console(file=cast("IO[str]", stdout), width=DEFAULT_WIDTH)


def render(headline: str, sheets: Sequence[Sheet]) -> RenderableType:
    """Return the headline, followed by the tables."""
    return Group(Text(sanitising.one_line(headline), "bold"), *(_titled(sheet) for sheet in sheets))


def with_error(error: str, before: RenderableType) -> RenderableType:
    """Return the previous output with an error above it."""
    return Group(Text(sanitising.one_line(error), "bold red"), before)


def _titled(sheet: Sheet) -> RenderableType:
    return Group(Text(), Text(sanitising.one_line(sheet.title), "italic"), _table(sheet))


def _table(sheet: Sheet) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in sheet.columns:
        table.add_column(
            Text(name),
            justify="right" if name in sheet.numbers else "left",
            overflow="fold",
        )
    for row in sheet.rows:
        table.add_row(*(Text(sanitising.one_line(cell)) for cell in row))
    return table
