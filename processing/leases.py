"""The leases of one worker: renewed until their deliveries are settled, and no more than its capacity."""

import asyncio
import logging
import time
from collections.abc import Iterable
from datetime import timedelta

from django.db import Error

import database
from processing import claiming
from processing.claiming import Capacity, Claimed

logger = logging.getLogger(__name__)

# Deliveries that a worker holds before it claims no more, and the most that one claim takes. Two claims
# together, so that one is parsed while the database settles the other.
HELD = 600
CLAIM = 300
# Raw bytes of the bodies that a worker holds. A payload takes a few times as much while it is parsed and
# written.
HELD_BYTES = 32 * 1024 * 1024
# Parts of a lease: between two renewals, between two attempts of one that failed, and the time after an
# outage in which every living worker has renewed.
RENEW_EVERY = 0.3
RETRY_EVERY = 0.03
RENEWED_WITHIN = 0.4


class Leases:
    """The claims that a worker holds, by delivery id."""

    def __init__(self, length: timedelta) -> None:
        self.length = length
        self.held: dict[int, Claimed] = {}
        self._size = 0
        self._fewer = asyncio.Event()
        self._reached_since: float | None = None

    def take(self, claims: Iterable[Claimed], since: float) -> None:
        """Renew these from now on; they were claimed after `since`, by `time.monotonic()`."""
        for claimed in claims:
            claimed.since = since
            self.held[claimed.delivery.id] = claimed
            self._size += claimed.delivery.size

    def drop(self, claimed: Claimed) -> None:
        """Forget a lease that is settled, given back, or lost."""
        if self.held.get(claimed.delivery.id) is claimed:
            del self.held[claimed.delivery.id]
            self._size -= claimed.delivery.size
            self._fewer.set()

    def safe(self, claimed: Claimed) -> bool:
        """Whether no other worker can have taken it over, so that its handlers may begin."""
        return time.monotonic() < claimed.since + self.length.total_seconds()

    async def capacity(self) -> Capacity:
        """Wait until the worker may claim again; return how much."""
        while len(self.held) >= HELD or self._size >= HELD_BYTES:
            self._fewer.clear()
            await self._fewer.wait()
        return Capacity(CLAIM, HELD_BYTES - self._size, idle=not self.held)

    def reached(self, answered: bool) -> None:
        """Note whether the database answered this worker."""
        if not answered:
            self._reached_since = None
        elif self._reached_since is None:
            self._reached_since = time.monotonic()

    @property
    def may_take_over(self) -> bool:
        """Whether a lease that ended means a dead worker.

        After an outage of the database, living workers first need time to renew what they hold.
        """
        wait = self.length.total_seconds() * RENEWED_WITHIN
        return self._reached_since is not None and time.monotonic() > self._reached_since + wait

    async def give_back(self, claims: Iterable[Claimed], *, crashed: bool = False) -> int:
        """Release those of these that are still held; return how many were."""
        mine = [claimed for claimed in claims if self.held.get(claimed.delivery.id) is claimed]
        try:
            return await database.run(claiming.release, [claimed.lease for claimed in mine], crashed=crashed)
        finally:
            for claimed in mine:
                self.drop(claimed)

    async def keep(self) -> None:
        """Renew three times in a lease, until cancelled. An outage of the database is logged and retried."""
        while True:
            part = RENEW_EVERY if await self._renew() else RETRY_EVERY
            await asyncio.sleep(self.length.total_seconds() * part)

    async def _renew(self) -> bool:
        leases = {claimed.lease: claimed for claimed in self.held.values()}
        if not leases:
            return True
        since = time.monotonic()
        try:
            renewed = await database.run(claiming.renew, list(leases), self.length)
        except Error as error:
            self.reached(answered=False)
            logger.warning("leases not renewed count=%d error=%s", len(leases), error)
            return False
        for claimed in leases.values():
            if claimed.delivery.id in renewed:
                claimed.since = since
        return True
