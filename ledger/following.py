"""Reads deliveries in the order of their ids, so that a reader who follows arrivals misses none."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import QuerySet

from ledger.horizon import Horizon
from receiver.models import Delivery

# Seconds to wait for writers. Their transactions take milliseconds; intake's are cut after a few seconds.
LONGEST_WAIT = 2.0
POLL_INTERVAL = 0.01  # seconds


@dataclass(frozen=True, slots=True)
class Followed:
    """Some deliveries, oldest first, and whether there are more."""

    rows: Sequence[Any]
    more: bool


async def after(rows: "QuerySet[Delivery, Any]", pk: int, size: int) -> Followed:
    """Return the first deliveries after the id `pk`. No smaller id appears later.

    It waits for the transactions that may still commit one. If they do not end in time, it returns nothing,
    and the reader asks again.
    """
    reached = await _horizon()
    chosen = rows.filter(pk__gt=pk, pk__lte=reached).order_by("pk")
    found = [row async for row in chosen[: size + 1]] if reached > pk else []
    return Followed(found[:size], more=len(found) > size)


async def _horizon() -> int:
    """Return the horizon of this moment or later, and 0 if writers delay it for too long."""
    horizon = Horizon()
    deadline = asyncio.get_running_loop().time() + LONGEST_WAIT
    while not (reached := await sync_to_async(horizon.look)()) and horizon.blocked:
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(POLL_INTERVAL)
    return reached
