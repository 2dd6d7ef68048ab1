"""A progress bar, shown only on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(total: int, description: str) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error; yield a function that sets the number of finished items."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=total < 2 or not console.is_terminal) as progress:  # noqa: PLR2004
        task = progress.add_task(description, total=total)
        yield lambda done: progress.update(task, completed=done)
