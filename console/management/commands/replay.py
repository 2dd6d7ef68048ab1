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

# What a shell takes for an end by Ctrl-C.
INTERRUPTED = 130
# Option to lookup: what is given narrows the choice.
FILTERS = {
    "event": "event",
    "action": "action",
    "repository": "repository__iexact",
    "status": "status",
    "since": "received_at__gte",
    "until": "received_at__lt",
}


def moment(text: str) -> datetime:
    """An ISO 8601 date or time, UTC where it names no offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"not an ISO 8601 date or time: {text!r}") from error
    if len(text) == len("2026-01-31"):
        found = datetime.combine(date.fromisoformat(text), time.min)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def rate(text: str) -> float:
    """A number of deliveries a second, or 0."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < math.inf:
        raise ArgumentTypeError(f"not a number of deliveries a second: {text!r}")
    return found


class Command(BaseCommand):
    """Makes deliveries ready again and wakes the workers, or runs them in the foreground."""

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
            "--rate", metavar="N", type=rate, default=0.0, help="N deliveries a second at the most"
        )
        parser.add_argument("--inline", action="store_true", help="run the handlers here, for a debugger")
        parser.add_argument("--dry-run", action="store_true", help="list what would be replayed")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay; ends with 130 when it is stopped, and with an error when something did not succeed."""
        chosen, missing = self._chosen(options)
        if options["inline"] and options["rate"]:
            raise CommandError("--rate is for the workers: --inline runs one delivery after the other")
        selection = Selection(chosen, options["after"])
        if options["dry_run"]:
            self._list(selection.rows.defer("body", "headers").iterator(PORTION))
            return
        self._run(selection, options)
        if missing:
            raise CommandError(f"{missing} of the given deliveries are not stored")

    def _chosen(self, options: dict[str, Any]) -> tuple[Q, int]:
        """What is asked for, and how many of the guids are not stored, each of which is told."""
        chosen = Q(**{lookup: options[name] for name, lookup in FILTERS.items() if options[name] is not None})
        missing = set(options["guids"])
        if missing:
            chosen &= Q(guid__in=options["guids"])
            missing -= set(Delivery.objects.filter(chosen).values_list("guid", flat=True))
        if not chosen:
            raise CommandError("name a GUID or a filter; all of them is --since 2000-01-01")
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
            raise CommandError(f"the database failed: {error}; {self._how(selection)}") from error
        if not at_end:
            raise CommandError(f"stopped; {self._how(selection)}", returncode=INTERRUPTED)

    def _how(self, selection: Selection) -> str:
        """To go on."""
        return f"{selection.done} are done: go on with the same arguments and --after {selection.reached}"

    def _list(self, rows: Iterator[Delivery]) -> None:
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is told below
            name = f"{row.event}.{row.action}" if row.action else row.event
            received = row.received_at.isoformat(timespec="seconds")
            told = f"{row.guid}  {received}  {row.status:<10}  {name}  {row.repository}"
            self.stdout.write(sanitising.lines(told))
        self.stdout.write(f"{count} would be replayed")

    async def _feed(self, selection: Selection, rate: float) -> bool:
        feeder = Feeder(selection, rate, tell=self.stderr.write)
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
        seen = failed = 0
        while ids := await database.run(selection.take, 1):
            async for verdict, told in replaying.inline(runner, ids):
                seen += 1
                failed += verdict.status not in {Status.SUCCEEDED, Status.IGNORED}
                # The progress is a number, for a bar that moves would get in the way of a debugger.
                self.stdout.write(sanitising.lines(f"[{seen}/{total}] {told}"))
                for run in verdict.runs:
                    if run.traceback:
                        self.stdout.write(sanitising.lines(run.traceback))
            selection.check_off(ids)
        if seen < selection.done:
            self.stderr.write(f"{selection.done - seen} left alone: a worker is processing them")
        if failed:
            raise CommandError(f"{failed} of {seen} did not succeed")
        return True
