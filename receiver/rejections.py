"""What was refused, and why: the last thousand requests, and a count for each reason and day.

They gather in memory and are written at most once a second, whatever the flood; what the database does not
take waits, bounded, for the next time.
"""

import asyncio
import logging
from collections import Counter, deque
from dataclasses import dataclass
from datetime import date, datetime

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections, models, transaction

from receiver.models import Reason, Rejection, RejectionCount

__all__ = ["KEPT", "Reason", "Refused", "Rejections"]

logger = logging.getLogger(__name__)

KEPT = 1000
EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused request. Nothing of it was verified: every field is what somebody claimed."""

    at: datetime
    reason: Reason
    status: int
    detail: str
    address: str
    source: str
    event: str
    size: int


class Rejections:
    """What one event loop has refused and not yet written."""

    def __init__(self) -> None:
        self._newest: deque[Refused] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[Reason, date]] = Counter()
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def note(self, refused: Refused) -> None:
        """Keep it to be written soon; returns at once."""
        self._newest.append(refused)
        self._counts[refused.reason, refused.at.date()] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write what was not yet written."""
        self._closing.set()
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        """Write at once, then once in `EVERY` seconds for as long as there is anything to write."""
        while self._counts:
            newest, counts = list(self._newest), self._counts
            self._newest.clear()
            self._counts = Counter()
            try:
                await sync_to_async(_save_newest)(newest)
                newest = []
                await sync_to_async(_save_counts)(counts)
            except Error as error:
                logger.warning("%d refusals not yet written: %s", counts.total(), type(error).__name__)
                self._newest.extendleft(reversed(newest[: KEPT - len(self._newest)]))
                self._counts += counts
                if self._closing.is_set():
                    return
            try:
                async with asyncio.timeout(EVERY):
                    await self._closing.wait()
            except TimeoutError:
                continue


# Two transactions of one table each: one that held both could deadlock with whoever locks them otherwise.


def _save_newest(newest: list[Refused]) -> None:
    close_old_connections()
    try:
        with transaction.atomic():
            Rejection.objects.bulk_create(
                [Rejection(**{name: getattr(each, name) for name in Refused.__slots__}) for each in newest]
            )
            kept = Rejection.objects.order_by("-pk").values_list("pk", flat=True)[KEPT - 1 : KEPT]
            Rejection.objects.filter(pk__lt=models.Subquery(kept)).delete()
    finally:
        close_old_connections()


def _save_counts(counts: Counter[tuple[Reason, date]]) -> None:
    close_old_connections()
    try:
        with transaction.atomic():
            for (reason, day), count in sorted(counts.items()):
                row, _ = RejectionCount.objects.get_or_create(reason=reason, day=day)
                RejectionCount.objects.filter(pk=row.pk).update(count=models.F("count") + count)
    finally:
        close_old_connections()
