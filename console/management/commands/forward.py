"""`manage.py forward`: send stored deliveries to another URL."""

import asyncio
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

import database
from configuration.stopping import INTERRUPTED
from console import filter_options, operating, signing
from console.arguments import some_text, whole_number
from console.forwarding import forwarder, recording, target
from console.forwarding.client import Answer, Client
from console.forwarding.forwarder import Forwarder, Options, TargetAwayError
from console.forwarding.outgoing import Outgoing
from console.forwarding.stored import Stored
from console.forwarding.target import Target, TargetError
from database import errors
from ledger.filters import LARGEST_ID
from ledger.horizon import Horizon
from receiver.models import Delivery
from telemetry import sanitising

LONGEST_ANSWER = 2_000  # characters that -v shows
# Seconds until the transactions end that were under way at the start, before it is reported.
REPORT_AFTER = 5.0


class Command(BaseCommand):
    """Sends deliveries with their exact bytes and GitHub's headers, signed anew."""

    help = "Send stored deliveries to another URL, in the order of receipt; with --follow also what arrives."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Return the parser, in which `-v` is this command's own and `--verbosity` Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--to", metavar="URL", required=True, help="the target, of http or https")
        filter_options.declare(parser)
        parser.add_argument(
            "--after",
            metavar="ID",
            type=whole_number(0, LARGEST_ID),
            help="only deliveries with a greater id, to continue; 0 is all",
        )
        parser.add_argument(
            "--follow",
            action="store_true",
            help="go on with what arrives, until Ctrl-C, across outages of target and database; begins with "
            "what arrives next, unless --after or --since is given; takes no GUID, --status or --until",
        )
        parser.add_argument(
            "--secret",
            metavar="S",
            type=some_text,
            help="sign with S; default: FORWARD_SECRET, else the secret of send",
        )
        parser.add_argument(
            "--record",
            metavar="DIR",
            type=Path,
            help="also write each payload as <event>__<action>_<id>.json in this folder, for send --file",
        )
        parser.add_argument(
            "-v",
            "--answers",
            action="store_true",
            help="show the answers; Django's own option is --verbosity",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Forward. Exit with 130 if stopped, and with an error if a delivery was not accepted."""
        try:
            to = target.parse(options["to"])
            secret = options["secret"].encode() if options["secret"] else signing.forward_secret()
        except (TargetError, signing.NoSecretError) as error:
            raise CommandError(str(error)) from error
        self._refuse(options)
        if options["record"] is not None:
            try:
                options["record"].mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CommandError(f"--record: {error}") from error
        how = Options(secret, options["follow"], options["rate"], options["record"])
        try:
            asyncio.run(self._forward(to, how, options))
        except KeyboardInterrupt:
            said = "stopped at once; to continue, repeat the arguments with --after and the last id above"
            raise CommandError(said, returncode=INTERRUPTED) from None
        finally:
            database.close()

    @staticmethod
    def _refuse(options: dict[str, Any]) -> None:
        """Raise for options that contradict each other."""
        chosen = bool(filter_options.condition(options)) or options["after"] is not None
        if not chosen and not options["follow"]:
            raise CommandError("give a GUID or a filter, --after 0 for all deliveries, or --follow")
        if options["follow"] and (options["guids"] or options["status"] or options["until"]):
            raise CommandError(
                "--follow goes on with what arrives: it takes no GUID, no --until, and no --status, which "
                "changes after the arrival"
            )

    async def _forward(self, to: Target, how: Options, options: dict[str, Any]) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        horizon = Horizon()
        stored = Stored(filter_options.condition(options), horizon)
        async with Client(to) as client:
            work = Forwarder(stored, client, how, self._show(options["answers"]), self._report)

            def interrupted() -> None:
                stop.set()
                work.stop()
                operating.end_at_next_interrupt(loop)
                self._report(operating.STOPPING)

            loop.add_signal_handler(signal.SIGINT, interrupted)
            try:
                present = await self._present(horizon, stop)
                from_now = how.follow and options["after"] is None and options["since"] is None
                work.reached = present if from_now else options["after"] or 0
                if how.follow:
                    self._report(f"following after id {work.reached}")
                at_end = not stop.is_set() and await work.run(work.reached, None if how.follow else present)
            except (Error, TargetAwayError, recording.NotRecordedError) as error:
                raise CommandError(f"{_said(error)}; {_to_continue(work)}") from error
            finally:
                loop.remove_signal_handler(signal.SIGINT)
                if work.pruned:
                    self._report(f"{work.pruned} not sent: body pruned, as KEEP_BODIES says")
        if not at_end:
            raise CommandError(f"stopped; {_to_continue(work)}", returncode=INTERRUPTED)
        self._report(f"{work.sent} forwarded")
        if missing := await database.run(_missing, options["guids"]):
            raise CommandError(f"not stored: {', '.join(missing)}")
        if work.failed:
            raise CommandError(f"{work.failed} of {work.sent + work.failed} not accepted by {to.url}")

    async def _present(self, horizon: Horizon, stop: asyncio.Event) -> int:
        """Return the newest id below which no delivery can appear any more."""
        began = asyncio.get_running_loop().time()
        reported = False
        reached = await database.run(horizon.look)
        while horizon.blocked and not stop.is_set():
            if not reported and asyncio.get_running_loop().time() > began + REPORT_AFTER:
                self._report("waiting for a transaction that writes deliveries to end")
                reported = True
            await asyncio.sleep(forwarder.BLOCKED_LOOK_EVERY)
            reached = await database.run(horizon.look)
        return reached

    def _show(self, answers: bool) -> forwarder.Show:
        def show(sent: Outgoing, answer: Answer) -> None:
            line = f"{sent.event} {sent.guid} {answer.status} {answer.seconds * 1000:.0f} ms id {sent.id}"
            self.stdout.write(sanitising.one_line(line))
            if answers and answer.text:
                self.stdout.write(sanitising.lines(answer.text[:LONGEST_ANSWER]))
            self.stdout.flush()

        return show

    def _report(self, line: str) -> None:
        self.stderr.write(sanitising.one_line(line, LONGEST_ANSWER))


def _said(error: Exception) -> str:
    if isinstance(error, Error):
        said = errors.reason(error)
    else:
        said = f"the target is away: {error}" if isinstance(error, TargetAwayError) else str(error)
    return sanitising.one_line(said, LONGEST_ANSWER)


def _to_continue(work: Forwarder) -> str:
    failed = f", {work.failed} not accepted" if work.failed else ""
    return f"{work.sent} forwarded{failed}; to continue, repeat the arguments with --after {work.reached}"


def _missing(guids: list[UUID]) -> list[str]:
    """Return those of these guids that are not stored."""
    stored = set(Delivery.objects.filter(guid__in=guids).values_list("guid", flat=True))
    return sorted(str(guid) for guid in set(guids) - stored)
