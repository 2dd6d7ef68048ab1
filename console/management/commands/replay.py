"""`manage.py replay`: run stored deliveries again."""

import asyncio
import math
import os
import socket
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from secrets import token_hex
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.db.models import Q

import database
from console import progress
from console.replay_feeder import Feeder
from console.selection import PORTION, Selection
from processing import batch_runner, replaying, sanitising
from receiver.models import Delivery, Status

# Exit status after Ctrl-C: https://tldp.org/LDP/abs/html/exitcodes.html
INTERRUPTED = 130
# Maps options to lookups. Each option narrows the selection.
FILTERS = {
    "event": "event",
    "action": "action",
    "repository": "repository__iexact",
    "status": "status",
    "since": "received_at__gte",
    "until": "received_at__lt",
}


def moment(text: str) -> datetime:
    """Return an ISO 8601 date or time, in UTC if it has no offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"not an ISO 8601 date or time: {text!r}") from error
    if len(text) == len("2026-01-31"):
        found = datetime.combine(date.fromisoformat(text), time.min)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def rate(text: str) -> float:
    """Return a number of deliveries per second, or 0."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < math.inf:
        raise ArgumentTypeError(f"not a number of deliveries per second: {text!r}")
    return found


class Command(BaseCommand):
    """Makes deliveries due again for the workers, or runs their handlers in the foreground."""

    help = "Process stored deliveries again, chosen by guid or by filters, in the order of receipt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("guids", nargs="*", metavar="GUID", type=UUID, help="X-GitHub-Delivery")
        parser.add_argument("--event", help="X-GitHub-Event, as in push")
        parser.add_argument("--action", help="the payload's action, as in opened")
        parser.add_argument("--repository", metavar="R", help="owner/name at the time of the delivery")
        parser.add_argument("--status", choices=Status.values)
        parser.add_argument("--since", metavar="T", type=moment, help="received at T (ISO 8601) or later")
        parser.add_argument("--until", metavar="T", type=moment, help="received before T")
        parser.add_argument(
            "--after", metavar="ID", type=int, default=0, help="only deliveries after this id"
        )
        parser.add_argument(
            "--rate", metavar="N", type=rate, default=0.0, help="at most N deliveries per second"
        )
        parser.add_argument("--inline", action="store_true", help="run the handlers here, for a debugger")
        parser.add_argument("--dry-run", action="store_true", help="list what would be replayed")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay. Exit with 130 if stopped, and with an error if a delivery did not succeed."""
        chosen, missing = self._chosen(options)
        if options["inline"] and options["rate"]:
            raise CommandError(
                "--rate cannot be combined with --inline, which runs one delivery after the other"
            )
        selection = Selection(chosen, options["after"])
        if options["dry_run"]:
            self._list(selection.rows.defer("body", "headers").iterator(PORTION))
            return
        self._run(selection, options)
        if missing:
            raise CommandError(f"{missing} of the given deliveries are not stored")

    def _chosen(self, options: dict[str, Any]) -> tuple[Q, int]:
        """Return the filter and the number of guids that are not stored; report each of those."""
        chosen = Q(**{lookup: options[name] for name, lookup in FILTERS.items() if options[name] is not None})
        missing = set(options["guids"])
        if missing:
            chosen &= Q(guid__in=options["guids"])
            missing -= set(Delivery.objects.filter(chosen).values_list("guid", flat=True))
        if not chosen:
            raise CommandError("give a GUID or a filter; --since 2000-01-01 selects all deliveries")
        for guid in sorted(missing):
            self.stderr.write(f"no such delivery: {guid}")
        return chosen, len(missing)

    def _run(self, selection: Selection, options: dict[str, Any]) -> None:
        work = self._inline(selection) if options["inline"] else self._feed(selection, options["rate"])
        try:
            try:
                at_end = asyncio.run(work)
            finally:
                database.close()
        except KeyboardInterrupt:
            at_end = False
        except Error as error:
            raise CommandError(f"the database failed: {error}; {self._how_to_continue(selection)}") from error
        if not at_end:
            raise CommandError(f"stopped; {self._how_to_continue(selection)}", returncode=INTERRUPTED)

    def _how_to_continue(self, selection: Selection) -> str:
        """Return how to continue."""
        return f"{selection.done} done; to continue, repeat the arguments with --after {selection.reached}"

    def _list(self, rows: Iterator[Delivery]) -> None:
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is used below
            name = f"{row.event}.{row.action}" if row.action else row.event
            received = row.received_at.isoformat(timespec="seconds")
            line = f"{row.guid}  {received}  {row.status:<10}  {name}  {row.repository}"
            self.stdout.write(sanitising.lines(line))
        self.stdout.write(f"{count} would be replayed")

    async def _feed(self, selection: Selection, rate: float) -> bool:
        feeder = Feeder(selection, rate, report=self.stderr.write)
        try:
            with progress.bar(await database.run(selection.count), "replaying") as advance:
                return await feeder.run(advance)
        finally:
            self.stdout.write(f"{feeder.woken} to be processed again")
            if feeder.woken < selection.done:
                self.stderr.write(f"{selection.done - feeder.woken} left alone: a worker is processing them")

    async def _inline(self, selection: Selection) -> bool:
        runner = batch_runner.load(f"replay:{socket.gethostname()}:{os.getpid()}:{token_hex(3)}")
        total = await database.run(selection.count)
        finished = failed = 0
        while ids := await database.run(selection.take, 1):
            async for verdict, summary in replaying.inline(runner, ids):
                finished += 1
                failed += verdict.status not in {Status.SUCCEEDED, Status.IGNORED}
                # A progress bar would disturb a debugger, so the progress is a number.
                self.stdout.write(sanitising.lines(f"[{finished}/{total}] {summary}"))
                for run in verdict.runs:
                    if run.traceback:
                        self.stdout.write(sanitising.lines(run.traceback))
            selection.check_off(ids)
        if finished < selection.done:
            self.stderr.write(f"{selection.done - finished} left alone: a worker is processing them")
        if failed:
            raise CommandError(f"{failed} of {finished} did not succeed")
        return True
