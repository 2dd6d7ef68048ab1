"""`manage.py replay`: run stored deliveries again."""

import asyncio
import os
import socket
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from redis.exceptions import RedisError

from console.progress import shown
from processing import batch, replaying
from receiver import queue
from receiver.models import Delivery, Status

PORTION = 500
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
        parser.add_argument("--inline", action="store_true", help="run the handlers here, for a debugger")
        parser.add_argument("--dry-run", action="store_true", help="list what would be replayed")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay; with `--inline` it ends with an error when a delivery did not succeed."""
        chosen = Q(**{lookup: options[name] for name, lookup in FILTERS.items() if options[name] is not None})
        if options["guids"]:
            chosen &= Q(guid__in=options["guids"])
        if not chosen:
            raise CommandError("name a GUID or a filter; all of them is --since 2000-01-01")
        rows = Delivery.objects.filter(chosen).order_by("pk")
        missing = set(options["guids"]) - set(rows.values_list("guid", flat=True) if options["guids"] else ())
        for guid in sorted(missing):
            self.stderr.write(f"no such delivery: {guid}")
        if options["dry_run"]:
            self._list(rows.defer("body", "headers").iterator(PORTION))
            return
        ids = list(rows.values_list("pk", flat=True))
        if options["inline"]:
            asyncio.run(self._inline(ids))
        else:
            asyncio.run(self._enqueue(ids))
        if missing:
            raise CommandError(f"{len(missing)} of the given deliveries are not stored")

    def _list(self, rows: Iterator[Delivery]) -> None:
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is told below
            name = f"{row.event}.{row.action}" if row.action else row.event
            received = row.received_at.isoformat(timespec="seconds")
            self.stdout.write(f"{row.guid}  {received}  {row.status:<10}  {name}  {row.repository}")
        self.stdout.write(f"{count} would be replayed")

    async def _enqueue(self, ids: list[int]) -> None:
        woken = 0
        portions = [ids[start : start + PORTION] for start in range(0, len(ids), PORTION)]
        async with queue.connect() as redis:
            for portion in shown(portions, len(portions), "replaying"):
                found = await sync_to_async(replaying.reopen)(portion)
                woken += len(found)
                try:
                    await queue.enqueue(redis, queue.by_event(found))
                except (RedisError, OSError) as error:
                    self.stderr.write(f"Redis took no wake-up ({error}); the worker's sweep will find them")
        self.stdout.write(f"{woken} to be processed again")
        if woken < len(ids):
            self.stderr.write(f"{len(ids) - woken} left alone: a worker is processing them")

    async def _inline(self, ids: list[int]) -> None:
        processor = batch.load(worker=f"replay:{socket.gethostname()}:{os.getpid()}")
        seen = failed = 0
        async for verdict, told in replaying.inline(processor, ids):
            seen += 1
            failed += verdict.status not in {Status.SUCCEEDED, Status.IGNORED}
            # The progress is a number, for a bar that moves would get in the way of a debugger.
            self.stdout.write(f"[{seen}/{len(ids)}] {told}")
            for run in verdict.runs:
                if run.traceback:
                    self.stdout.write(run.traceback)
        if seen < len(ids):
            self.stderr.write(f"{len(ids) - seen} left alone: a worker is processing them")
        if failed:
            raise CommandError(f"{failed} of {seen} did not succeed")
