"""Rejections: the last thousand rejected requests, a count for each reason and day, and their writer.

They are buffered in memory and written at most once a second. What cannot be written stays in the buffer,
which is bounded, until the next attempt.
"""

import asyncio
import logging
from collections import Counter, deque
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections, models, transaction

logger = logging.getLogger(__name__)

# Requests that are kept, in the buffer and in the table.
MAX_KEPT = 1000
WRITE_INTERVAL = 1.0  # seconds; it bounds what a flood of rejected requests costs the database


class Reason(models.TextChoices):
    """The reason of a rejection."""

    METHOD = "method"
    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"
    BUSY = "busy"
    NO_SIGNATURE = "no signature"
    MALFORMED_SIGNATURE = "malformed signature"
    WRONG_SECRET = "wrong secret"  # noqa: S105 - a reason
    HEADER = "header"
    CONTENT_TYPE = "content type"
    NOT_JSON = "not JSON"
    CONFLICT = "another body"
    STORE_DOWN = "store down"


class Rejection(models.Model):
    """One of the last thousand rejected requests. Its fields are unverified."""

    at = models.DateTimeField()
    reason = models.CharField(max_length=20, choices=Reason.choices)
    status = models.PositiveSmallIntegerField(help_text="the HTTP status it was answered with")
    detail = models.TextField()
    address = models.CharField(
        max_length=64, blank=True, help_text="of the sender, or of the proxy before it"
    )
    source = models.CharField(max_length=64, blank=True)
    event = models.CharField(max_length=64, blank=True, help_text="X-GitHub-Event, as claimed")
    size = models.PositiveBigIntegerField(help_text="bytes of the body that were read")

    def __str__(self) -> str:
        return f"{self.at} {self.reason}"


class RejectionCount(models.Model):
    """The number of rejections for one reason on one day (UTC)."""

    reason = models.CharField(max_length=20, choices=Reason.choices)
    day = models.DateField()
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["reason", "day"], name="rejection_count")]

    def __str__(self) -> str:
        return f"{self.day} {self.reason}: {self.count}"


@dataclass(frozen=True, slots=True)
class Refused:
    """One rejected request. Its fields are unverified claims of the sender."""

    at: datetime
    reason: Reason
    status: int
    detail: str
    address: str
    source: str
    event: str
    size: int


class Rejections:
    """The rejections of one event loop that are not yet written."""

    def __init__(self, write_interval: float = WRITE_INTERVAL) -> None:
        self._write_interval = write_interval
        self._newest: deque[Refused] = deque(maxlen=MAX_KEPT)
        self._counts: Counter[tuple[Reason, date]] = Counter()
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._away = False

    def note(self, refused: Refused) -> None:
        """Add a rejection to the buffer and start the writer."""
        self._newest.append(refused)
        self._counts[refused.reason, refused.at.date()] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write the buffer and stop the writer."""
        self._closing.set()
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        """Write at once, then at the interval until the buffer is empty."""
        while self._counts:
            newest, counts = list(self._newest), self._counts
            self._newest.clear()
            self._counts = Counter()
            try:
                await sync_to_async(_save_newest)(newest)
                newest = []
                await sync_to_async(_save_counts)(counts)
                self._away = False
            except Error as error:
                if not self._away:
                    logger.warning(
                        "rejections not written count=%d error=%s", counts.total(), type(error).__name__
                    )
                self._away = True
                self._newest = deque([*newest, *self._newest], maxlen=MAX_KEPT)
                self._counts += counts
                if self._closing.is_set():
                    return
            try:
                async with asyncio.timeout(self._write_interval):
                    await self._closing.wait()
            except TimeoutError:
                continue


# Each table has its own transaction. One transaction over both could deadlock with another order of locks.


def _save_newest(newest: list[Refused]) -> None:
    close_old_connections()
    try:
        with transaction.atomic():
            Rejection.objects.bulk_create(
                [Rejection(**{name: getattr(each, name) for name in Refused.__slots__}) for each in newest]
            )
            kept = Rejection.objects.order_by("-pk").values_list("pk", flat=True)[MAX_KEPT - 1 : MAX_KEPT]
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
