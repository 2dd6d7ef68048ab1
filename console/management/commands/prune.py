"""`manage.py prune`: delete what is kept no longer."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import database
from console import operating
from database import row_sets
from ledger import pruning, retention
from ledger.counting import CAP, Count
from ledger.models import Kind, Operation

WHAT = {"bodies": "bodies and tracebacks", "deliveries": "deliveries and their runs", "keys": "keys"}


class Command(BaseCommand):
    """Runs the operation `prune` in the foreground."""

    help = "Prune bodies, deliveries and keys that are older than KEEP_BODIES, KEEP_DELIVERIES and KEEP_KEYS."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would be pruned, up to 100,000 of each kind"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prune."""
        limits = retention.parameters()
        if not limits:
            raise CommandError(
                "everything is kept for ever: KEEP_BODIES, KEEP_DELIVERIES and KEEP_KEYS are 0"
            )
        try:
            counts = _counts(limits)
            if options["dry_run"]:
                for name, count in counts.items():
                    self.stdout.write(f"{WHAT[name]}: {count}")
                return
            ended = asyncio.run(self._operate(limits, counts))
        finally:
            database.close()
        self.stdout.write(f"{ended.done} pruned")
        operating.require_finished(ended)

    async def _operate(self, limits: dict[str, float], counts: dict[str, Count]) -> Operation:
        known = not any(count.more for count in counts.values())
        estimated = sum(count.number for count in counts.values()) if known else None
        slow = "another transaction locks a delivery that is to be pruned"
        return await operating.operate(
            Kind.PRUNE, pruning.portion, limits, self.stderr.write, slow, estimated=estimated
        )


def _counts(limits: dict[str, float]) -> dict[str, Count]:
    """Return what each stage has to do now, counted up to a cap."""
    found = {}
    for name, rows in retention.due(limits, row_sets.clock(), pruning.marks()).items():
        number = rows.order_by()[: CAP + 1].count()
        found[name] = Count(min(number, CAP), more=number > CAP)
    return found
