"""`manage.py replay`: run stored deliveries again."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.db.models import Q

import database
from configuration.stopping import INTERRUPTED
from console import filter_options, operating
from console.arguments import whole_number
from database import errors
from ledger import replays
from ledger.counting import CAP
from ledger.filters import LARGEST_ID
from ledger.models import Kind, Operation
from ledger.selection import PORTION, Selection
from ledger.summary import event_name
from processing import batch_runner, replaying
from receiver.models import Delivery, Status
from telemetry import sanitising


class Command(BaseCommand):
    """Makes deliveries due again for the workers, or runs their handlers in the foreground."""

    _continued = ""
    help = "Process stored deliveries again, chosen by guid or by filters, in the order of receipt."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        filter_options.declare(parser)
        parser.add_argument(
            "--after",
            metavar="ID",
            type=whole_number(0, LARGEST_ID),
            default=0,
            help="only deliveries with a greater id: continues a stopped replay",
        )
        parser.add_argument(
            "--inline",
            action="store_true",
            help="run the handlers in this process, one delivery after the other, without time limits and "
            "with whole tracebacks, as under python -m pdb",
        )
        parser.add_argument("--dry-run", action="store_true", help="list the deliveries and do nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay. Exit with 130 if stopped, and with an error if a delivery did not succeed."""
        selection, missing = self._chosen(options)
        if options["inline"] and options["rate"]:
            raise CommandError(
                "--rate cannot be combined with --inline, which runs one delivery after the other"
            )
        some = not missing or missing < len(set(options["guids"]))
        if some and options["dry_run"]:
            self._show(selection)
        elif some:
            self._run(selection, options)
        if missing:
            raise CommandError(f"given deliveries that are not stored: {missing}")

    def _show(self, selection: Selection) -> None:
        held, pruned = Q(status=Status.PROCESSING), Q(body__isnull=True)
        listed = selection.rows.exclude(held | pruned).defer("body", "headers")
        # Closed before the connection is, also where the reader of the list ends early.
        with closing(cast("Generator[Delivery]", listed.iterator(PORTION))) as rows:
            self._list(rows)
        self._report_left(selection.rows.filter(held).count(), selection.rows.filter(pruned).count())

    def _chosen(self, options: dict[str, Any]) -> tuple[Selection, int]:
        """Return the selection and the number of guids that are not stored; report each of those."""
        chosen, guids = filter_options.chosen(options), set(options["guids"])
        if not (chosen or guids):
            raise CommandError("give a GUID or a filter; --since 2000-01-01 selects all deliveries")
        selection = Selection.of(chosen, guids=guids, after=options["after"])
        missing = guids - set(Delivery.objects.filter(guid__any=list(guids)).values_list("guid", flat=True))
        for guid in sorted(missing):
            self.stderr.write(f"no such delivery: {guid}")
        return selection, len(missing)

    def _run(self, selection: Selection, options: dict[str, Any]) -> None:
        work = self._inline(selection) if options["inline"] else self._operate(selection, options["rate"])
        try:
            try:
                asyncio.run(work)
            finally:
                database.close()
        except KeyboardInterrupt:
            raise CommandError(f"stopped{self._continued}", returncode=INTERRUPTED) from None
        except Error as error:
            raise CommandError(f"{errors.reason(error)}{self._continued}") from error

    def _list(self, rows: Iterator[Delivery]) -> None:
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is used below
            name = event_name(row.event, row.action)
            received = row.received_at.isoformat(timespec="seconds")
            line = f"{row.guid}  {received}  {row.status:<10}  {name}  {row.repository}"
            self.stdout.write(sanitising.lines(line))
        self.stdout.write(f"{count} would be replayed")

    def _report_left(self, held: int, pruned: int) -> None:
        for reason, count in {replays.HELD: held, replays.PRUNED: pruned}.items():
            if count > 0:
                self.stderr.write(f"{count} left alone: {reason}")

    async def _operate(self, selection: Selection, rate: float) -> None:
        estimated = await database.run(selection.rows[:CAP].count)
        slow = f"{replays.MAX_BACKLOG} deliveries or more are due: is a worker running?"
        ended = await operating.operate(
            Kind.REPLAY, replays.portion, selection.parameters, self.stderr.write, slow,
            rate=rate, estimated=estimated,
        )  # fmt: skip
        self.stdout.write(f"{ended.done} to be processed again")
        for reason, count in ended.failures.items():
            self.stderr.write(f"{count} left alone: {reason}")
        self._report_end(ended)

    @staticmethod
    def _report_end(ended: Operation) -> None:
        """Raise an error unless the operation is finished."""
        operating.require_finished(
            ended,
            f"{ended.processed} done; to continue, repeat the arguments with --after "
            f"{ended.cursor or ended.parameters['after']}, or resume operation {ended.pk} in the console",
        )

    async def _inline(self, selection: Selection) -> None:
        runner = batch_runner.load(operating.process())
        asyncio.get_running_loop().set_default_executor(database.Threads())  # as a worker's
        total = await database.run(selection.rows.count)
        taken = finished = failed = 0
        cursor = None
        while ids := await database.run(selection.take, cursor, 1):
            [cursor] = ids
            taken += 1
            async for verdict, summary in replaying.inline(runner, ids, operating.person()):
                finished += 1
                failed += verdict.status not in {Status.SUCCEEDED, Status.IGNORED}
                # A progress bar would disturb a debugger, so the progress is a number.
                self.stdout.write(sanitising.lines(f"[{finished}/{total}] {summary}"))
                for run in verdict.runs:
                    if run.traceback:
                        self.stdout.write(sanitising.lines(run.traceback))
            self._continued = f"; {taken} done; to continue, repeat the arguments with --after {cursor}"
        pruned = await database.run(selection.rows.filter(body__isnull=True).count)
        self._report_left(taken - finished - pruned, pruned)
        if failed:
            raise CommandError(f"{failed} of {finished} did not succeed")
