"""What a worker has at work in the background: batches that were begun, until the worker stops."""

import asyncio
import logging
from collections.abc import Collection, Sequence

from django.db import Error

from processing.batch import Processor
from processing.claiming import Claimed
from receiver.models import Trigger

logger = logging.getLogger(__name__)


class Crew:
    """Begins batches as there is room for them, and sees them to their end."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self._batches: set[asyncio.Task[None]] = set()

    async def begin(self, ids: Collection[int], trigger: Trigger, *, beyond: int = 0) -> None:
        """Claim what is free of `ids` and have it run; returns when it has begun.

        Waits while too much is at work, `beyond` which its caller may go. Raises `django.db.Error` when the
        database cannot be asked for the claim.
        """
        left = list(ids)
        while left and not self._processor.stopping:
            await self._processor.leases.room(beyond)
            portion = await self._processor.claim(left)
            left = portion.left
            if portion.claims:
                batch = asyncio.create_task(self._run(portion.claims, trigger))
                self._batches.add(batch)
                batch.add_done_callback(self._batches.discard)

    async def end(self, grace: float) -> None:
        """Claim no more; wait up to `grace` seconds for what is at work, then give the rest back."""
        self._processor.stopping = True
        if self._batches:
            _, late = await asyncio.wait(self._batches, timeout=grace)
            for batch in late:
                batch.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._processor.close()

    async def _run(self, claims: Sequence[Claimed], trigger: Trigger) -> None:
        try:
            await self._processor.run(claims, trigger)
        except Error as error:
            logger.error("what waits for its turn is left to the sweep: %s", error)  # noqa: TRY400 - it will come
