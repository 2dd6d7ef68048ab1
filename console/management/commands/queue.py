"""`manage.py queue`: what waits, what runs, what failed."""

import contextlib
import logging
import time
from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, close_old_connections
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from console import reading, rendering, summary

REFRESH_INTERVAL = 2.0  # seconds


class Command(BaseCommand):
    """Shows the queue once, or again and again."""

    help = "Show what waits, who works on what, the next retries, and why deliveries died."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--watch", action="store_true", help="show it anew every 2 s, until Ctrl-C")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print it, or watch it; where nobody watches, as in a pipe, it is printed once in any case."""
        console = Console()
        if options["watch"] and console.is_terminal and not console.is_dumb_terminal:
            with contextlib.suppress(KeyboardInterrupt):
                self._watch(console)
            return
        if not self.stdout.isatty():
            console = Console(file=cast("IO[str]", self.stdout), width=rendering.WIDTH)
        try:
            console.print(self._picture())
        except Error as error:
            raise CommandError(f"the database does not answer: {error}") from error

    def _watch(self, console: Console) -> None:
        # The pool tells of an outage in lines of its own, in the middle of the screen.
        logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
        shown: RenderableType = Text()
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                close_old_connections()
                try:
                    shown = self._picture()
                    live.update(shown, refresh=True)
                except Error as error:
                    live.update(
                        rendering.with_error(f"the database does not answer: {error}", shown), refresh=True
                    )
                time.sleep(REFRESH_INTERVAL)

    def _picture(self) -> RenderableType:
        read = reading.read()
        return rendering.render(summary.headline(read), summary.sheets(read))
