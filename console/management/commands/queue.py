"""`manage.py queue`: shows waiting, running and failed deliveries."""

import contextlib
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from console import rendering
from database import errors
from ledger import reading, summary

REFRESH_INTERVAL = 2.0  # seconds between two pages of --watch


class Command(BaseCommand):
    """Shows the queue once, or continuously."""

    help = "Show the queue, the workers, the next retries, and the reasons of dead deliveries."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--watch",
            action="store_true",
            help="refresh every two seconds, until Ctrl-C; without a terminal print once",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the queue, or watch it on a terminal. Other outputs get it once."""
        console = rendering.console(self.stdout)
        if options["watch"] and console.is_terminal and not console.is_dumb_terminal:
            with contextlib.suppress(KeyboardInterrupt):
                self._watch(console)
            return
        console.print(self._page())

    def _watch(self, console: Console) -> None:
        shown: RenderableType = Text()
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                close_old_connections()
                try:
                    shown = self._page()
                    live.update(shown, refresh=True)
                except Error as error:
                    live.update(rendering.with_error(errors.reason(error), shown), refresh=True)
                time.sleep(REFRESH_INTERVAL)

    def _page(self) -> RenderableType:
        read = reading.read()
        return rendering.render(summary.headline(read), summary.sheets(read))
