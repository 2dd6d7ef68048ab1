"""Progress on many: a bar on a terminal, nothing where nobody watches."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track

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


@contextmanager
def bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, and what to call with the number that is done."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=total < 2 or not console.is_terminal) as progress:  # noqa: PLR2004
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
