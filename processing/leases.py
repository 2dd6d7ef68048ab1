"""The leases of one worker: how much it may hold, when it renews, and when it may take over from another."""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error

import database
from ledger import background
from processing import claiming
from processing.claiming import Claimed, Lease

logger = logging.getLogger(__name__)

# Deliveries that a worker holds before it claims no more, and the most that one claim takes. Two claims
# together, so that one is parsed while the database settles the other.
HELD = 600
CLAIM = 300
# Raw bytes of the bodies that a worker holds, and those up to which it claims more, so that most bodies fit
# at once. A payload takes a few times as much while it is parsed and written.
HELD_BYTES = 32 * 1024 * 1024
FREE_BYTES = HELD_BYTES // 4
# Parts of a lease: between two renewals, between two attempts of one that failed, and the time after an
# outage in which every living worker has renewed.
RENEW_EVERY = 0.3
RETRY_EVERY = 0.03
RENEWED_WITHIN = 0.4


class Leases:
    """The claims that a worker holds."""

    def __init__(self, length: timedelta) -> None:
        self.length = length
        self.held: dict[Lease, Claimed] = {}
        self.free = asyncio.Event()
        """Set while the worker may claim."""
        self.free.set()
        self._size = 0
        self._answered_since = math.inf

    @property
    def free_bytes(self) -> int:
        """Raw bytes of bodies that the worker may claim."""
        return HELD_BYTES - self._size

    @property
    def _has_capacity(self) -> bool:
        return len(self.held) < HELD and self._size <= FREE_BYTES

    def take(self, claims: Iterable[Claimed]) -> None:
        """Renew these from now on."""
        for claimed in claims:
            self.held[claimed.lease] = claimed
            self._size += claimed.delivery.size
        if not self._has_capacity:
            self.free.clear()

    def drop(self, claimed: Claimed) -> None:
        """Forget a lease that is settled, given back, or lost."""
        if self.held.pop(claimed.lease, None):
            self._size -= claimed.delivery.size
            if self._has_capacity:
                self.free.set()

    def reached(self, answered: bool) -> None:
        """Note whether the database answered this worker; log that it does."""
        if answered and self._answered_since == math.inf:
            logger.info("database answers")
        self._answered_since = min(self._answered_since, time.monotonic()) if answered else math.inf

    @property
    def may_take_over(self) -> bool:
        """Whether a lease that ended means a dead worker.

        After an outage of the database, living workers first need time to renew what they hold.
        """
        return time.monotonic() > self._answered_since + self.length.total_seconds() * RENEWED_WITHIN

    async def keep(self) -> None:
        """Renew three times in a lease, until cancelled, and through outages of the database."""
        await background.repeat(
            self._renew,
            self.length.total_seconds() * RETRY_EVERY,
            lambda error: logger.warning("leases not renewed count=%d error=%s", len(self.held), error),
        )

    async def _renew(self) -> None:
        if self.held:
            try:
                await database.run(claiming.renew, list(self.held), self.length)
            except Error:
                self.reached(answered=False)
                raise
        await asyncio.sleep(self.length.total_seconds() * (RENEW_EVERY - RETRY_EVERY))


@contextmanager
def renewed(claimed: Claimed, length: timedelta) -> Iterator[None]:
    """Renew one lease from a thread, which neither a debugger nor a handler that blocks stops."""
    leases, loop = Leases(length), asyncio.new_event_loop()
    leases.take([claimed])
    keeping = loop.create_task(leases.keep())
    thread = threading.Thread(target=loop.run_until_complete, args=[asyncio.wait({keeping})], name="renewal")
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(keeping.cancel)
        thread.join()
        loop.close()
