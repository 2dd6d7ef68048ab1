"""The options of a command that choose deliveries."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from console.arguments import moment, rate, some_text
from ledger import filters
from receiver.models import Status

# Options that are filters of the ledger. Each narrows the selection.
FILTERS = ("event", "action", "repository", "status", "since", "until")


def declare(parser: ArgumentParser) -> None:
    """Add the options to a command."""
    parser.add_argument("guids", nargs="*", metavar="GUID", type=UUID, help="one or more X-GitHub-Delivery")
    parser.add_argument("--event", type=some_text, help="the event, as in push")
    parser.add_argument("--action", type=some_text, help="the action of the payload, as in opened")
    parser.add_argument(
        "--repository", metavar="R", type=some_text, help="its full name at that time, in any case"
    )
    parser.add_argument("--status", choices=Status.values, help="one of the statuses")
    parser.add_argument(
        "--since",
        metavar="T",
        type=moment,
        help="received at T or later: ISO 8601, UTC without an offset, or so long ago, as in 24h",
    )
    parser.add_argument("--until", metavar="T", type=moment, help="received before T, likewise")
    parser.add_argument(
        "--rate",
        metavar="N",
        type=rate,
        default=0.0,
        help="at most N deliveries per second, as in 50 or 0.5; 0 is no limit",
    )


def chosen(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the filters of the command line by name, as in a URL."""
    return {name: str(options[name]) for name in FILTERS if options[name] is not None}


def condition(options: Mapping[str, Any]) -> Q:
    """Return the condition that the options make; it is empty without options."""
    found = filters.exact(chosen(options), timezone.now()).condition
    return found & Q(guid__in=options["guids"]) if options["guids"] else found
