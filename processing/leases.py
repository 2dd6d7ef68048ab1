"""What this worker holds: renewed until it is settled or given back, and no more than there is room for."""

import asyncio
import logging
import time
from collections.abc import Iterable
from datetime import timedelta

from django.db import Error

import database
from processing import claiming
from processing.claiming import Claimed, Lease

logger = logging.getLogger(__name__)

# Deliveries that a worker has at work before it claims more, and bytes of their bodies. That is more than one
# claim, so that one lot is parsed while the database writes what came of the one before.
MOST = 600
MOST_BYTES = 64 * 1024 * 1024


class Leases:
    """The leases of one worker."""

    def __init__(self, length: timedelta) -> None:
        self.length = length
        self._held: dict[Lease, Claimed] = {}
        self._bytes = 0
        self._fewer = asyncio.Event()

    @property
    def held(self) -> list[Claimed]:
        """What is at work."""
        return list(self._held.values())

    def take(self, claims: Iterable[Claimed]) -> None:
        """From now on these are renewed."""
        for claimed in claims:
            self._held[claimed.lease] = claimed
            self._bytes += len(claimed.delivery.body)

    def drop(self, claims: Iterable[Claimed]) -> None:
        """These are settled, or lost."""
        for claimed in claims:
            if self._held.pop(claimed.lease, None) is not None:
                self._bytes -= len(claimed.delivery.body)
        self._fewer.set()

    def sure(self, claimed: Claimed) -> bool:
        """Whether nobody else can have taken it over meanwhile; else it is not to be begun any more."""
        return time.monotonic() < claimed.since + self.length.total_seconds()

    async def room(self, beyond: int = 0) -> None:
        """Wait until more may be claimed; `beyond` deliveries are a reserve for who may go further."""
        while len(self._held) >= MOST + beyond or self._bytes >= MOST_BYTES:
            self._fewer.clear()
            await self._fewer.wait()

    async def give_back(self, claims: Iterable[Claimed], *, crashed: bool = False) -> int:
        """Release what is still held of these; gives their number."""
        mine = [claimed for claimed in claims if claimed.lease in self._held]
        self.drop(mine)
        return await database.run(claiming.release, [claimed.lease for claimed in mine], crashed=crashed)

    async def keep(self) -> None:
        """Renew three times in a lease, until cancelled.

        An outage of the database is outlived: what ends meanwhile is lost, and cannot be settled.
        """
        while True:
            await asyncio.sleep(self.length.total_seconds() / 3)
            leases = list(self._held)
            if not leases:
                continue
            since = time.monotonic()
            try:
                for lease in await database.run(claiming.renew, leases, self.length):
                    if lease in self._held:
                        self._held[lease].since = since
            except Error as error:
                logger.error("%d leases not renewed: %s", len(leases), error)  # noqa: TRY400
