"""Deliveries in two halves, the open and the settled ones: each has indexes of its own.

An index of settled deliveries is written once for each delivery, and costs the receiver nothing. Open
deliveries are few, or a backlog of which a page shows the newest. So one index orders them, and filters read
the newest. See docs/decisions/0036.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from ledger.filters import MAX_REPLAYED, Filter
from ledger.keys import Key
from ledger.models import Operation
from receiver.models import SETTLED, Delivery

# Deliveries that are read where no index helps: words of an error, and any filter among open deliveries.
MAX_SEARCHED = 5_000
# Filters that the order itself answers, or the index of guids.
_ORDERED = {"since", "until", "guid"}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back a page looks in each half; None is to the end."""

    open: Key | None = None
    settled: Key | None = None
    newest_replayed: bool = False
    """Whether only the newest deliveries of an operation are looked at."""

    @property
    def back_to(self) -> datetime | None:
        """The time before which nothing was looked at, as far as that concerns settled deliveries."""
        return self.settled.received_at if self.settled else None


EVERYTHING = Reach()


def split(
    rows: QuerySet[Delivery], reach: Reach = EVERYTHING
) -> tuple[QuerySet[Delivery], QuerySet[Delivery]]:
    """Return the open and the settled ones of these deliveries, as far as the reach goes."""
    opened, settled = rows.filter(finished_at__isnull=True), rows.filter(SETTLED)
    # A delivery that is settled between both reads changes its half, so both halves end at the same place.
    floors = [floor for floor in (reach.open, reach.settled) if floor]
    if floors:
        opened = opened.filter(max(floors, key=lambda floor: (floor.received_at, floor.id)).since)
    return opened, settled.filter(reach.settled.since) if reach.settled else settled


async def reach(chosen: Filter, start: Q | None = None) -> Reach:
    """Return how far the filter looks back from `start`, a condition on the place in the order."""
    opened = settled = None
    cut = False
    rows = Delivery.objects.filter(start) if start else Delivery.objects.all()
    if operation := chosen.chosen.get("operation"):  # its deliveries are found by their ids
        cut = await Operation.objects.filter(pk=operation, done__gt=MAX_REPLAYED).aexists()
    elif chosen.chosen.keys() - _ORDERED:
        opened = await _floor(rows.filter(finished_at__isnull=True))
    if "error" in chosen.chosen:
        settled = await _floor(rows.filter(SETTLED & ~Q(error="")))
    return Reach(opened, settled, cut)


async def _floor(rows: QuerySet[Delivery]) -> Key | None:
    """Return the key of the last delivery that is looked at, or None where there are not as many."""
    keys = rows.order_by("-received_at", "-pk").values_list("received_at", "pk")
    found = [key async for key in keys[MAX_SEARCHED - 1 : MAX_SEARCHED]]
    return Key(*found[0]) if found else None
