"""`manage.py rejections`: shows rejected requests and the reasons."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Sum
from django.utils import timezone

from console import rendering
from console.arguments import whole_number
from ledger.summary import Sheet
from receiver.models import Rejection, RejectionCount

MAX_DAYS = 36_500
MAX_LISTED = 1_000  # the receiver keeps no more
COLUMNS = ["at (UTC)", "status", "reason", "address", "source", "event", "bytes", "detail"]


class Command(BaseCommand):
    """Shows counts by reason, and the newest rejected requests."""

    help = "Show how many requests were refused for each reason, and the newest of them."
    requires_system_checks = ()  # they import every page; `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--days",
            metavar="D",
            type=whole_number(1, MAX_DAYS),
            default=7,
            help="days to count, with today (default: %(default)s)",
        )
        parser.add_argument(
            "--last",
            metavar="N",
            type=whole_number(0, MAX_LISTED),
            default=20,
            help="requests to show (default: %(default)s)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print two tables. Addresses and events are claims of the senders."""
        since = timezone.now().date() - timedelta(days=options["days"] - 1)
        counts = RejectionCount.objects.filter(day__gte=since).values("reason").annotate(total=Sum("count"))
        by_reason = [(row["reason"], f"{row['total']:,}") for row in counts.order_by("-total")]
        newest = [
            (
                f"{refused.at:%Y-%m-%d %H:%M:%S}", str(refused.status), refused.reason, refused.address,
                refused.source, refused.event, f"{refused.size:,}", refused.detail,
            )
            for refused in Rejection.objects.order_by("-pk")[: options["last"]]
        ]  # fmt: skip
        sheets = [
            Sheet("By reason", ["reason", "rejected"], by_reason, ["rejected"]),
            Sheet(f"The newest {len(newest)}", COLUMNS, newest, ["bytes"]),
        ]
        rendering.console(self.stdout).print(rendering.render(f"Rejections since {since}", sheets))
