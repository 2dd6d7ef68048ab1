"""What a batch of arrivals becomes: rows that are new, seen before, or processed again.

Pure but for `reopen`; how a batch is written is in `receiver/postgresql.py` and `receiver/sqlite.py`.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from django.db import transaction

from receiver.arrivals import Arrival
from receiver.models import REPAIRABLE, Delivery

Key = tuple[UUID, int]


class DownError(Exception):
    """The database cannot be written to: not this batch, and most likely not the next."""


class RefusedError(Exception):
    """The database does not take these rows; it may take some of them."""


class Receipt(Enum):
    """What became of an arrival."""

    ACCEPTED = "accepted"
    REDELIVERED = "redelivered"
    DUPLICATE = "duplicate"


class Stored(NamedTuple):
    """The row that holds an arrival."""

    id: int
    event: str
    receipt: Receipt


class Row(NamedTuple):
    """What the database says of a row that was written: `seen` is 0 for a new one."""

    id: int
    status: str
    seen: int


class Writer(Protocol):
    """Writes batches to one kind of database."""

    async def write(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
        """Commit rows of distinct keys, sorted by key; each arrived so many `times` in this batch.

        A row that is there already has its `redeliveries` raised by as many. What is returned is durable.
        Raises `DownError` or `RefusedError`, and has then written nothing.
        """

    async def reopen(self, ids: Sequence[int]) -> list[int]:
        """Run `reopen` where this writer's connection lives."""

    async def close(self) -> None:
        """Give the connection back."""


@transaction.atomic
def reopen(ids: Sequence[int]) -> list[int]:
    """Make rows that a redelivery is meant to repair ready again; gives the ids of those that were."""
    return Delivery.objects.filter(status__in=REPAIRABLE).reopen(ids)


async def store(writer: Writer, arrivals: Sequence[Arrival]) -> list[Stored]:
    """Commit a batch; gives what became of each arrival, in the order given.

    Of several arrivals with one key the first makes the row. Raises what the writer raises.
    """
    first: dict[Key, Arrival] = {}
    times: dict[Key, int] = {}
    for arrival in arrivals:
        key = (arrival.guid, arrival.hook_id)
        first.setdefault(key, arrival)
        times[key] = times.get(key, 0) + 1
    # Rows are locked in one order, whoever writes, so that two receivers cannot wait for each other.
    keys = sorted(first) if len(first) > 1 else list(first)
    rows = await writer.write([first[key] for key in keys], [times[key] for key in keys])
    repairable = [row.id for key, row in rows.items() if row.seen >= times[key] and row.status in REPAIRABLE]
    reopened = frozenset(await writer.reopen(repairable)) if repairable else frozenset()
    return _receipts(arrivals, rows, times, reopened)


def _receipts(
    arrivals: Sequence[Arrival], rows: Mapping[Key, Row], times: Mapping[Key, int], reopened: frozenset[int]
) -> list[Stored]:
    """What each arrival is told: of those with one key, only the first can be more than a duplicate."""
    stored, answered = [], set()
    for arrival in arrivals:
        key = (arrival.guid, arrival.hook_id)
        row = rows[key]
        receipt = Receipt.DUPLICATE
        if key not in answered:
            answered.add(key)
            if row.seen < times[key]:
                receipt = Receipt.ACCEPTED
            elif row.id in reopened:
                receipt = Receipt.REDELIVERED
        stored.append(Stored(row.id, arrival.event, receipt))
    return stored
