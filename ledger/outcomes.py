"""How the deliveries of a replay ended: how many of those that it made due have each status now."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count as CountOf

from ledger import filters
from ledger.counting import Count
from ledger.models import Kind, Operation
from receiver.models import OPEN, Delivery, Status


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The deliveries of a replay by their present status, which a later replay or redelivery changes too."""

    statuses: Mapping[Status, Count]
    """In the order of statuses, without those that none has."""
    pruned: int | None
    """Those of which pruning left the key alone, so that they are under no status; None beyond the cap."""

    @property
    def unsettled(self) -> bool:
        """Whether one of them waits or is in processing."""
        return not OPEN.isdisjoint(self.statuses)


async def of(operation: Operation) -> Outcomes | None:
    """Count them, the newest where there are more than the cap. Return None for another kind of operation."""
    if operation.kind != Kind.REPLAY:
        return None
    rows = Delivery.objects.filter(filters.replayed(operation.pk))
    counts = rows.values_list("status").annotate(CountOf("pk")).order_by()
    found = {status: count async for status, count in counts}
    replayed, most = sum(found.values()), filters.MAX_REPLAYED
    return Outcomes(
        {
            status: Count(min(found[status], most), more=replayed > most)
            for status in Status
            if status in found
        },
        # The operation was read before, and counts each in the transaction that makes it due.
        None if replayed > most else max(0, operation.done - replayed),
    )
