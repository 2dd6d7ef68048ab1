"""`manage.py doctor`: checks the installation, and says what to do."""

import json
import logging
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from configuration import data_folder
from console.doctor import Finding, Status, examine, is_in_order
from console.doctor.checks import checks
from telemetry import sanitising

WIDTH = max(len(status.value) for status in Status)


class Command(BaseCommand):
    """Prints what each check found."""

    help = "Check database, Redis, workers, secrets, the way to the webhook, clocks, disk and hooks."
    # Django's own checks would stop the command before it could say what is wrong.
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--url",
            help="the hook's address: post a signed ping of 24 MB there; default: the make run of this data "
            "folder, else no ping is sent",
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="print one object: in_order, and findings with name, status, seen and advice",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the findings; exit with status 1 if something is wrong."""
        # Outages are findings here; the pool would log them between the lines.
        logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
        run = data_folder.running(settings.DATA)
        url = options["url"] or (f"{run['url']}/webhooks/github" if run.get("url") else "")
        found: list[Finding] = []
        for finding in examine(checks(url, options["url"] or "")):
            found.append(finding)
            if not options["json"]:
                self._print(finding)
        in_order = is_in_order(found)
        if options["json"]:
            content = {"in_order": in_order, "findings": [finding.as_json() for finding in found]}
            self.stdout.write(json.dumps(content, indent=2))
        if not in_order:
            raise SystemExit(1)

    def _print(self, finding: Finding) -> None:
        seen, advice = (sanitising.one_line(text) for text in (finding.seen, finding.advice))
        self.stdout.write(f"{finding.status.value:<{WIDTH}}  {finding.name}: {seen}")
        if advice:
            self.stdout.write(f"{'':<{WIDTH}}  {advice}")
