"""`manage.py token`: create a token for the API."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils import timezone

from api import tokens
from api.models import Token
from console.arguments import moment, whole_number

MAX_REQUESTS = 10_000_000  # in a minute
_DAYS = re.compile(r"([0-9]{1,5})d")


def expiry(text: str) -> datetime:
    """Return a time in the future: ISO 8601, in UTC if it has no offset, or days from now, as in `90d`."""
    try:
        days = _DAYS.fullmatch(text)
        found = timezone.now() + timedelta(days=int(days[1])) if days else moment(text)
    except ArgumentTypeError:
        found = timezone.now()  # `moment` would say how long ago
    if found <= timezone.now():
        raise ArgumentTypeError(f"not a time in the future, as 2027-01-31 or 90d: {text!r}")
    return found


class Command(BaseCommand):
    """Prints the token once; only its hash is stored. An admin revokes it in the console."""

    help = "Create a token for the API, and print it as the only line of stdout."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="create a token and print it")
        create.add_argument("name", metavar="NAME", help="the program that uses it; unique")
        create.add_argument(
            "--scope", required=True, choices=Token.Scope.values, help="what it may do; operate includes read"
        )
        create.add_argument(
            "--limit",
            metavar="N",
            type=whole_number(1, MAX_REQUESTS),
            default=tokens.DEFAULT_LIMIT,
            help=f"requests in a minute (default: {tokens.DEFAULT_LIMIT})",
        )
        create.add_argument(
            "--expires",
            metavar="T",
            type=expiry,
            help="when it ends: ISO 8601, or days, as in 90d; default: never",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create it. Exits with an error if the name is taken."""
        name = options["name"].strip()
        if not name or len(name) > 100 or not name.isprintable():  # noqa: PLR2004 - the column's length
            raise CommandError("NAME must have 1 to 100 printable characters")
        scope = Token.Scope(options["scope"])
        try:
            text = tokens.create(name, scope, limit=options["limit"], expires_at=options["expires"])
        except IntegrityError as error:
            raise CommandError(f"there is a token of this name: {name}") from error
        self.stdout.write(text)
