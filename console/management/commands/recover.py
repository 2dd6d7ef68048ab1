"""`manage.py recover`: have GitHub deliver again what did not arrive."""

import asyncio
import re
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import database
from console import operating
from console.arguments import moment, some_text, whole_number
from ledger.filters import LARGEST_ID
from ledger.models import Kind, Operation
from ledger.summary import event_name
from telemetry import sanitising
from upstream import credentials, looking, targets
from upstream.client import Client, for_operations
from upstream.errors import UpstreamError
from upstream.models import OPEN, HookKind, Missed, MissedState, WatchedHook
from upstream.recovery import Recovery

# Lost deliveries that are listed; the console shows all.
MAX_LISTED = 1000
WAITS = "waiting for GitHub; every step is logged by its time and guid"

AGAIN = (
    "workers or the next recovery ask again once something comes through the hook or a receiver starts, "
    "otherwise after an hour"
)


class Command(BaseCommand):
    """Compares what GitHub lists with the ledger, and asks for what is missing."""

    help = "Find deliveries that GitHub lists and the ledger does not have, and have them delivered again."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        target = parser.add_mutually_exclusive_group(required=True)
        target.add_argument(
            "repository",
            nargs="?",
            metavar="OWNER/NAME",
            type=some_text,
            help="the hooks of a repository that delivered here",
        )
        target.add_argument("--org", type=some_text, help="the hooks of an organisation that delivered here")
        target.add_argument("--app", action="store_true", help="the hook of the App of GITHUB_APP_ID")
        parser.add_argument(
            "--hook",
            metavar="ID",
            type=whole_number(1, LARGEST_ID),
            help="this hook alone, even if nothing of it came here yet",
        )
        parser.add_argument(
            "--since",
            metavar="T",
            type=moment,
            help="delivered at T or later: ISO 8601, UTC without an offset, or so long ago, as in 90m; "
            "default: all that GitHub still has",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="list what is missing, and ask for nothing"
        )
        parser.add_argument(
            "--fetch", action="store_true",
            help="store what GitHub's API shows, unsigned, instead of having it delivered",
        )  # fmt: skip

    def handle(self, *_args: Any, **options: Any) -> None:
        """Recover. Exit with an error if something is lost or could not be looked at."""
        if not credentials.Credentials.configured():
            raise CommandError(f"no credential for GitHub's API is set: {credentials.MISSING}")
        if options["repository"] and not re.fullmatch(r"[\w.-]+/[\w.-]+", options["repository"], re.ASCII):
            raise CommandError("a repository is named OWNER/NAME")
        try:
            asyncio.run(self._recover(options))
        except UpstreamError as error:
            raise CommandError(sanitising.lines(str(error))) from error
        finally:
            database.close()

    async def _recover(self, options: dict[str, Any]) -> None:
        kind, name = _target(options)
        since = datetime.now(UTC) - options["since"] if options["since"] else looking.reach()
        async with Client() as client:
            chosen = await targets.choose(client, kind, name, options["hook"])
            for remark in chosen.remarks:
                self.stderr.write(sanitising.lines(remark))
            if not chosen.hooks:
                raise CommandError("no hook to look at")
            if options["dry_run"]:
                await self._list(client, chosen.hooks, since)
                return
        parameters = {
            "hooks": [hook.pk for hook in chosen.hooks],
            "since": since.total_seconds(),
            "fetch": options["fetch"],
        }
        async with for_operations() as client:
            ended = await operating.operate(
                Kind.RECOVER, Recovery(client).portion, parameters, self.stderr.write, WAITS
            )
        await self._report(ended, parameters["hooks"])

    async def _list(self, client: Client, hooks: Sequence[WatchedHook], since: timedelta) -> None:
        count, failed = 0, 0
        for hook in hooks:
            try:
                async for one in looking.entries(client, hook, since.total_seconds()):
                    count += 1
                    said = f"{one.status_code} {one.status}"
                    self.stdout.write(_line(one.guid, one.delivered_at, one.event, one.action or "", said))
            except UpstreamError as error:
                failed += 1
                self.stderr.write(sanitising.lines(f"hook {hook.hook_id}: {error}"))
        self.stdout.write(f"{count} missing")
        if failed:
            raise CommandError(f"{failed} of {len(hooks)} hooks could not be compared")

    async def _report(self, ended: Operation, hooks: list[int]) -> None:
        """Print the outcome; raise an error if some deliveries were not recovered."""
        lost = Missed.objects.filter(watched__in=hooks, state=MissedState.LOST).order_by("delivered_at")
        for row in await database.run(list, lost[:MAX_LISTED]):
            self.stdout.write(f"lost: {_line(row.guid, row.delivered_at, row.event, row.action, row.reason)}")
        for hook in await database.run(list, WatchedHook.objects.filter(pk__in=hooks)):
            if hook.unknown_from:
                span = f"from {hook.unknown_from:%Y-%m-%d %H:%M} to {hook.unknown_until:%Y-%m-%d %H:%M} UTC"
                self.stdout.write(f"hook {hook.hook_id}: GitHub had forgotten what it delivered {span}")
        rows = Missed.objects.filter(watched__in=hooks)
        # A worker that recovers at the same time counts some of the arrivals.
        arrived = rows.filter(state=MissedState.ARRIVED, arrived_at__gte=ended.started_at)
        self.stdout.write(f"{ended.estimated or 0} missing, {await database.run(arrived.count)} arrived")
        if waiting := await database.run(rows.filter(OPEN).count):
            self.stderr.write(f"{waiting} not there yet; {AGAIN}")
        for reason, count in ended.failures.items():
            self.stderr.write(sanitising.lines(f"{count} x {reason}"))
        operating.require_finished(ended, "the next recovery continues")
        if ended.failed:
            raise CommandError(f"{ended.failed} could not be recovered")


def _target(options: dict[str, Any]) -> tuple[HookKind, str]:
    if options["app"]:
        return HookKind.APP, ""
    if options["org"]:
        return HookKind.ORGANIZATION, options["org"]
    return HookKind.REPOSITORY, options["repository"]


def _line(guid: object, at: datetime, event: str, action: str, said: str) -> str:
    when = f"{at:%Y-%m-%dT%H:%M:%S%z}"
    return sanitising.one_line(f"{guid}  {when}  {event_name(event, action)}  {said}")
