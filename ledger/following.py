"""Deliveries in the order of their ids, for readers who follow what arrives and must miss none.

PostgreSQL gives ids in the order in which inserts begin, and they commit in any order. So a row with a
smaller id can become visible after one with a greater id. A reader that remembers the greatest would miss it.
Before it reads up to an id, `after` therefore waits for the transactions that may still commit a smaller one:
those that hold the lock of a writer on the table. SQLite has one writer at a time, and needs no wait.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import QuerySet

from receiver.models import Delivery

# Seconds to wait for writers. Their transactions take milliseconds; intake's are cut after a few seconds.
LONGEST_WAIT = 2.0
POLL_INTERVAL = 0.01  # seconds

# A writer takes its lock on the table before it takes an id:
# https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
_WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND relation = %s::regclass
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """Some deliveries, oldest first, and whether there are more."""

    rows: Sequence[Any]
    more: bool


async def after(rows: "QuerySet[Delivery, Any]", pk: int, size: int) -> Followed:
    """Return the first deliveries after the id `pk`. No smaller id appears later.

    If writers do not end in time, it returns only what is certain not to change, which may be nothing.
    """
    newest = await Delivery.objects.order_by("-pk").values_list("pk", flat=True).afirst() or 0
    if newest <= pk or not await _written():
        return Followed((), more=False)
    chosen = rows.filter(pk__gt=pk, pk__lte=newest).order_by("pk")
    found = [row async for row in chosen[: size + 1]]
    return Followed(found[:size], more=len(found) > size)


async def _written() -> bool:
    """Wait for the end of the transactions that write deliveries now; return whether they ended in time."""
    if connection.vendor != "postgresql":
        return True
    before = await sync_to_async(_writers)()
    deadline = asyncio.get_running_loop().time() + LONGEST_WAIT
    while before:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(POLL_INTERVAL)
        before &= await sync_to_async(_writers)()
    return True


def _writers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS, [Delivery._meta.db_table])
        return {name for (name,) in cursor.fetchall()}
