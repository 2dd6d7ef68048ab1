"""Counts accepted deliveries, and has the counts written while there are any."""

import asyncio
from collections.abc import Callable, Sequence

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from receiver.store import Receipt
from telemetry import counts, writing
from telemetry.counts import Cell
from telemetry.events import KNOWN, label


class Meter:
    """The counts of one event loop."""

    def __init__(self) -> None:
        self._counts = counts.counts
        accepted = Receipt.ACCEPTED.value
        self._accepted = {event: self._counts.cells(counts.RECEIVED, event, accepted) for event in KNOWN}
        self._ingest = self._counts.cells(counts.INGEST.name)
        self._writing: asyncio.Task[None] | None = None

    def stored(self, event: str, receipt: Receipt, since: float | None) -> float:
        """Count a delivery that is answered now; return how many seconds its request took.

        `since` is the loop's time at the start of the request; without it, the time is 0 and not counted.
        """
        if receipt is Receipt.ACCEPTED and event in self._accepted:
            self._accepted[event][0] += 1
        else:
            self._counts.add(counts.RECEIVED, label(event), receipt.value)
        seconds = 0.0
        if since is not None:
            seconds = asyncio.get_running_loop().time() - since
            counts.observe(self._ingest, counts.INGEST.bounds, seconds)
        if self._writing is None:
            self._writing = asyncio.create_task(writing.keep(self._counts, _run))
        return seconds

    async def close(self) -> None:
        """Write what was counted."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait({self._writing})


async def _run(write: Callable[[Sequence[Cell]], None], cells: Sequence[Cell]) -> None:
    await sync_to_async(_in_thread)(write, cells)


def _in_thread(write: Callable[[Sequence[Cell]], None], cells: Sequence[Cell]) -> None:
    close_old_connections()
    try:
        write(cells)
    finally:
        close_old_connections()
