"""Which deliveries a replay is about: chosen by filters, bounded at the start, taken a portion at a time."""

from collections.abc import Sequence

from django.db.models import Q

from database import row_sets
from receiver.models import Delivery

PORTION = 500


class Selection:
    """Deliveries in the order of their ids, which is that of receipt, `after` one id.

    What is stored or settled later than the selection is made is not in it, so that a delivery which dies of
    its replay is not replayed again.
    """

    def __init__(self, chosen: Q, after: int = 0) -> None:
        settled_before = Q(finished_at__isnull=True) | Q(finished_at__lte=row_sets.clock())
        newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self.rows = Delivery.objects.filter(chosen, settled_before, pk__gt=after, pk__lte=newest).order_by(
            "pk"
        )
        self.reached = after
        """The id up to which all are done."""
        self.done = 0

    def count(self) -> int:
        """How many there are, done or not."""
        return self.rows.count()

    def take(self, most: int = PORTION) -> list[int]:
        """The ids of the next ones; none at the end."""
        return list(self.rows.filter(pk__gt=self.reached).values_list("pk", flat=True)[:most])

    def check_off(self, ids: Sequence[int]) -> None:
        """These, the first of those taken, are done."""
        self.reached = ids[-1]
        self.done += len(ids)
