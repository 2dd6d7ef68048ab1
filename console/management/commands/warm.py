"""`manage.py warm`: count what is due, and compute the usual statistics in advance."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

import database
from ledger import aggregates, stats


class Command(BaseCommand):
    """Does at once what a worker does every minute; for after a deployment, or a restored database."""

    help = "Count what is not yet in the statistics, and compute the answers without parameters in advance."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--rebuild",
            action="store_true",
            help="first forget the counts of all stored deliveries, and count them again",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Aggregate, then compute."""
        if options["rebuild"]:
            aggregates.rebuild()
        portions = 0
        while aggregates.advance():
            portions += 1
        try:
            asyncio.run(stats.warm(timezone.now()))
        finally:
            database.close()
        answers = len(stats.usual(timezone.now()))
        self.stdout.write(f"portions aggregated: {portions}, answers warmed: {answers}")
