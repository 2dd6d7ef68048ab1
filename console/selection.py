"""Selects the deliveries of a replay by filters, and returns them in portions."""

from collections.abc import Sequence

from django.db.models import Q

from database import row_sets
from receiver.models import Delivery

PORTION = 500  # deliveries of one transaction


class Selection:
    """Deliveries after the id `after`, in the order of their ids, which is the order of receipt.

    Deliveries that are stored or settled after the selection was created are not part of it. So a delivery
    that dies in its replay is not replayed again.
    """

    def __init__(self, chosen: Q, after: int = 0) -> None:
        settled_before = Q(finished_at__isnull=True) | Q(finished_at__lte=row_sets.clock())
        newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self.rows = Delivery.objects.filter(chosen, settled_before, pk__gt=after, pk__lte=newest).order_by(
            "pk"
        )
        self.reached = after
        """The id up to which all deliveries are done."""
        self.done = 0

    def count(self) -> int:
        """Return the number of deliveries, done or not."""
        return self.rows.count()

    def take(self, most: int = PORTION) -> list[int]:
        """Return the next ids; none at the end."""
        return list(self.rows.filter(pk__gt=self.reached).values_list("pk", flat=True)[:most])

    def check_off(self, ids: Sequence[int]) -> None:
        """Mark these, the first of those taken, as done."""
        self.reached = ids[-1]
        self.done += len(ids)
