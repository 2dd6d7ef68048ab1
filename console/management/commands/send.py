"""`manage.py send`: signs a payload as GitHub does and sends it to a receiver."""

import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from http.client import HTTPException
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from configuration import data_folder
from console import progress, samples, signing
from console.arguments import whole_number
from telemetry import sanitising

ANSWER_TIMEOUT = 10.0  # seconds; GitHub waits as long
MAX_COUNT = 1_000_000  # deliveries
LONGEST_ANSWER = 2_000  # bytes that are read and shown


class _Unfollowed(urllib.request.HTTPRedirectHandler):
    """Makes a redirect the answer: GitHub follows none, and a POST that is followed becomes a GET."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        """Return no request."""


# Without the proxies of the environment, which most developers' machines do not exempt themselves from.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Unfollowed)


class Command(BaseCommand):
    """Sends one delivery, or several, each with a new guid, and prints the answers."""

    help = "Sign a sample or a file as GitHub does, and send it with a new guid."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "event",
            metavar="EVENT",
            help="the event, as in push, or the name of a sample, as in push__branch_deleted",
        )
        parser.add_argument(
            "--file", metavar="F", type=Path, help="send the bytes of this file, not a sample"
        )
        parser.add_argument(
            "--url",
            metavar="U",
            help="the target; default: the make run of this data folder, else PORT here",
        )
        parser.add_argument(
            "--count", metavar="N", type=whole_number(1, MAX_COUNT), default=1,
            help="send it N times, each with a guid of its own (default: %(default)s)",
        )  # fmt: skip

    def handle(self, *_args: Any, **options: Any) -> None:
        """Send. Exit with an error if an answer was not 2xx."""
        try:
            event, path = (
                (options["event"], options["file"]) if options["file"] else samples.sample(options["event"])
            )
            body = path.read_bytes()
        except (samples.NoSampleError, OSError) as error:
            raise CommandError(str(error)) from error
        run = data_folder.running(settings.DATA)
        url = options["url"] or f"{run.get('url') or f'http://127.0.0.1:{settings.PORT}'}/webhooks/github"
        try:
            secret = signing.secret(signing.source_of(url))
        except signing.NoSecretError as error:
            raise CommandError(str(error)) from error
        failed, count = 0, options["count"]
        with progress.bar(count, f"sending {event}") as advance:
            for done in range(1, count + 1):
                status, answer = self._post(url, body, samples.headers(event, body, secret))
                failed += not 200 <= status < 300  # noqa: PLR2004
                self.stdout.write(sanitising.lines(f"{status} {answer}"))
                advance(done)
        if failed:
            raise CommandError(f"{failed} of {count} not accepted by {url}")

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"--url must begin with http:// or https://: {url}")
        try:
            request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - checked above
            try:
                response = OPENER.open(request, timeout=ANSWER_TIMEOUT)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                text = response.read(LONGEST_ANSWER).decode(errors="replace")
                if location := response.headers.get("Location"):
                    text = f"a redirect to {location}, which GitHub does not follow"
                return response.status, text
        except (OSError, HTTPException, ValueError) as error:
            sys.stdout.flush()
            raise CommandError(f"no answer from {url}: {error}") from error
