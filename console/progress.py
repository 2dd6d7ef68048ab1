"""Progress on many: a bar on a terminal, nothing where nobody watches."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def shown(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """The items, one by one, with a bar on standard error."""
    console = Console(stderr=True)
    yield from track(
        items,
        description=what,
        total=total,
        console=console,
        disable=total < 2 or not console.is_terminal,  # noqa: PLR2004
    )
