"""The options of a command that choose deliveries."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q

from console.arguments import moment, rate, some_text
from receiver.models import Status

# Maps options to lookups. Each option narrows the selection.
LOOKUPS = {
    "event": "event",
    "action": "action",
    "repository": "repository__iexact",
    "status": "status",
    "since": "received_at__gte",
    "until": "received_at__lt",
}


def declare(parser: ArgumentParser) -> None:
    """Add the options to a command."""
    parser.add_argument("guids", nargs="*", metavar="GUID", type=UUID, help="one or more X-GitHub-Delivery")
    parser.add_argument("--event", type=some_text, help="the event, as in push")
    parser.add_argument("--action", type=some_text, help="the action of the payload, as in opened")
    parser.add_argument(
        "--repository", metavar="R", type=some_text, help="its full name at the time of the delivery"
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


def condition(options: Mapping[str, Any]) -> Q:
    """Return the condition that the options make; it is empty where none is given."""
    chosen = Q(**{lookup: options[name] for name, lookup in LOOKUPS.items() if options[name] is not None})
    return chosen & Q(guid__in=options["guids"]) if options["guids"] else chosen
