"""Events and actions that no handler wanted, of the last days."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from receiver.models import UNSUCCESSFUL, Delivery, Status

PERIOD = timedelta(days=7)
# Deliveries that are read, the newest first.
MAX_IGNORED = 5_000


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An event with its action, how many deliveries of it came, and the newest of them."""

    event: str
    action: str
    number: int
    newest: int
    newest_at: datetime


def newest(now: datetime) -> QuerySet[Delivery]:
    """Return the newest deliveries that no handler wanted."""
    rows = Delivery.objects.filter(UNSUCCESSFUL, received_at__gte=now - PERIOD, status=Status.IGNORED)
    return rows.order_by("-received_at", "-pk")[:MAX_IGNORED]


async def unmatched(now: datetime) -> list[Unmatched]:
    """Return the events that no handler wanted, the most frequent first."""
    numbers: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], tuple[int, datetime]] = {}
    async for event, action, pk, at in newest(now).values_list("event", "action", "pk", "received_at"):
        numbers[event, action] += 1
        last.setdefault((event, action), (pk, at))
    return [Unmatched(*name, number, *last[name]) for name, number in numbers.most_common()]
