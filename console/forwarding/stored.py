"""The deliveries that are forwarded, in the order of their ids."""

from dataclasses import dataclass

from django.db import Error
from django.db.models import Q

from database import is_outage
from ledger.horizon import Horizon
from receiver.frames import UnreadableBodyError
from receiver.models import Delivery

BATCH_SIZE = 500  # ids that are read at once


class UnreadableError(Exception):
    """The stored body cannot be read."""


class PrunedError(Exception):
    """The body was pruned, as `KEEP_BODIES` says."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some ids, and the id up to which there are no others."""

    ids: list[int]
    reached: int


class Stored:
    """Deliveries that match. The methods run in a database thread."""

    def __init__(self, condition: Q, horizon: Horizon) -> None:
        self._rows = Delivery.objects.filter(condition).order_by("pk")
        self._horizon = horizon

    @property
    def blocked(self) -> bool:
        """Whether a transaction may still add a delivery below the newest one."""
        return self._horizon.blocked

    def take(self, after: int, until: int | None = None) -> Batch:
        """Return the next ids, up to `until` or else to the present horizon."""
        if until is None:
            until = self._horizon.look()
        ids = list(self._rows.filter(pk__gt=after, pk__lte=until).values_list("pk", flat=True)[:BATCH_SIZE])
        return Batch(ids, ids[-1] if len(ids) == BATCH_SIZE else max(until, after))

    @staticmethod
    def read(pk: int) -> tuple[Delivery, bytes] | None:
        """Return a delivery and its body; None where it was deleted.

        Raises `UnreadableError` and `PrunedError`.
        """
        try:
            delivery = Delivery.objects.filter(pk=pk).first()
        except (UnreadableBodyError, Error) as error:
            if isinstance(error, Error) and is_outage(error):
                raise
            reason = f"{type(error).__name__}: {error}"
            raise UnreadableError(f"the stored body cannot be read: {reason}") from error
        if delivery is None:
            return None
        if delivery.body is None:
            raise PrunedError
        return delivery, delivery.body
