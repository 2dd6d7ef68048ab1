"""`manage.py sync`: reads the present state of a repository from GitHub's API."""

import asyncio
import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import database
from console import operating
from console.arguments import moment
from ledger.models import Kind, Operation
from telemetry import sanitising
from upstream import client
from upstream.credentials import MISSING, Credentials
from upstream.sync import Sync

REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


def repository(text: str) -> str:
    """Return an `owner/name`."""
    if not REPOSITORY.fullmatch(text):
        raise ArgumentTypeError(f"not a repository as owner/name: {text!r}")
    return text


class Command(BaseCommand):
    """Runs the operation `sync` in the foreground."""

    help = "Record what a repository is now: branches, tags, commits, pull requests, issues, releases, runs."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("repository", metavar="OWNER/NAME", type=repository, help="also a former name")
        parser.add_argument(
            "--since",
            metavar="T",
            type=moment,
            help="only what changed at T or later, where a list can be limited so: ISO 8601, UTC without an "
            "offset, or so long ago, as in 7d",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Sync. Exit with an error if a part failed."""
        if not Credentials.configured():
            raise CommandError(f"there is no credential for GitHub's API: {MISSING}")
        since = options["since"]
        parameters = {
            "repository": options["repository"], "since": since.isoformat() if since else None,
        }  # fmt: skip
        try:
            ended = asyncio.run(self._operate(parameters))
        finally:
            database.close()
        self._report(ended)

    async def _operate(self, parameters: dict[str, Any]) -> Operation:
        async with client.for_operations() as shared:
            return await operating.operate(
                Kind.SYNC,
                Sync(shared).portion,
                parameters,
                self.stderr.write,
                "GitHub answers slowly, or its rate limit is used up",
            )

    def _report(self, ended: Operation) -> None:
        self.stdout.write(f"{ended.done} read")
        for reason, count in ended.failures.items():
            self.stderr.write(f"{count} failed: {sanitising.one_line(reason)}")
        operating.require_finished(ended)
        if ended.failures:
            raise CommandError("some parts failed; the others are recorded")
