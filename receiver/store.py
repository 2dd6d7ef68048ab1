"""Decides the outcome of a batch of arrivals: new, duplicate, redelivered or in conflict.

The writers of both databases are in `receiver/postgresql.py` and `receiver/sqlite.py`.
"""

import logging
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from django.db import Error, connection, transaction

from receiver.arrivals import Arrival, Key
from receiver.models import REPAIRABLE, Delivery, Trigger

logger = logging.getLogger(__name__)

# Milliseconds that a redelivery waits for the lock of a row or table when it makes a delivery due again.
REOPEN_LOCK_TIMEOUT = 1000


class StoreError(Exception):
    """The arrival was not stored."""


class DownError(StoreError):
    """The database is not available, probably not for the next batch either."""

    @property
    def reason(self) -> str:
        """What the database said, for the log; a sender learns only what the error says."""
        return str(self.__cause__ or "") or str(self)


class RefusedError(StoreError):
    """The database rejected the batch. It may accept some of its rows."""


class LockedError(StoreError):
    """Another transaction locks the row of this delivery."""


class Receipt(Enum):
    """The outcome of an arrival."""

    ACCEPTED = "accepted"
    REDELIVERED = "redelivered"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    """The key belongs to a delivery with another body or of another event, which was not changed."""


class Stored(NamedTuple):
    """The row of an arrival; for `CONFLICT`, the row that has its key."""

    id: int
    event: str
    receipt: Receipt


class Row(NamedTuple):
    """An existing row after a redelivery was counted. `digest` is null in a row of version 0.1."""

    id: int
    status: str
    digest: bytes | None
    event: str


class Writer(Protocol):
    """Writes batches to one kind of database. Every method raises `DownError` or `RefusedError`."""

    async def insert(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, int]:
        """Commit rows of distinct keys, sorted by key; return the ids of those that are new.

        `times` counts each arrival in this batch. Returned rows are durable; after an error, nothing was
        written.
        """

    async def redeliver(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
        """Count arrivals on the existing rows of their keys; return those rows.

        A row with another body or event is returned unchanged. A row that another transaction locks is left
        out.
        """

    async def reopen(self, ids: Sequence[int]) -> list[int]:
        """Run `reopen` where this writer may use Django's connection."""

    async def probe(self) -> None:
        """Raise `DownError` unless a delivery could be inserted now."""

    async def close(self) -> None:
        """Close the connection."""


@transaction.atomic
def reopen(ids: Sequence[int]) -> list[int]:
    """Make failed deliveries due again after a redelivery; return their ids."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {REOPEN_LOCK_TIMEOUT}")
    return Delivery.objects.filter(status__in=REPAIRABLE).reopen(ids, Trigger.REDELIVERY)


async def store(writer: Writer, arrivals: Sequence[Arrival]) -> list[Stored | StoreError]:
    """Commit a batch; return the outcome of each arrival, in order.

    Of several arrivals with one key, the first makes the row. Raises `DownError` or `RefusedError` when
    nothing is written; an error after the insert is the outcome of those alone that it concerns.
    """
    first: dict[Key, Arrival] = {}
    for arrival in arrivals:
        first.setdefault(arrival.key, arrival)
    # All receivers lock rows in the same order, so they cannot deadlock.
    firsts = [first[key] for key in sorted(first)]
    distinct = len(first) == len(arrivals)
    groups = {} if distinct else _grouped(arrivals)
    times = [1] * len(firsts) if distinct else [len(groups[_name(arrival)]) for arrival in firsts]
    new = await writer.insert(firsts, times)
    if len(new) == len(arrivals):  # the usual batch: distinct keys, none of them known
        return [Stored(new[key], arrival.event, Receipt.ACCEPTED) for key, arrival in first.items()]
    groups = groups or _grouped(arrivals)
    known = [
        group[0] for name, group in groups.items() if name[0] not in new or name != _name(first[name[0]])
    ]
    outcomes = await _redeliver(writer, known, [len(groups[_name(arrival)]) for arrival in known])
    outcomes |= {_name(first[key]): Stored(pk, first[key].event, Receipt.ACCEPTED) for key, pk in new.items()}
    return _receipts(arrivals, outcomes)


_Name = tuple[Key, bytes, str]
"""The key of an arrival, the digest of its body, and its event.

No signature covers the event. If it did not count, a body that was sent first under another event would make
GitHub's own delivery a duplicate."""

_Outcomes = dict[_Name, Stored | StoreError]


def _name(arrival: Arrival) -> _Name:
    return arrival.key, arrival.digest, arrival.event


def _grouped(arrivals: Sequence[Arrival]) -> dict[_Name, list[Arrival]]:
    groups: dict[_Name, list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(_name(arrival), []).append(arrival)
    return groups


async def _redeliver(writer: Writer, known: Sequence[Arrival], times: Sequence[int]) -> _Outcomes:
    """Return the outcomes of arrivals whose keys already have a row."""
    if not known:
        return {}
    try:
        rows = await writer.redeliver(known, times)
    except StoreError as error:
        return dict.fromkeys(map(_name, known), error)
    reopened = await _reopened(writer, known, rows)
    return {_name(arrival): _judged(arrival, rows.get(arrival.key), reopened) for arrival in known}


async def _reopened(
    writer: Writer, known: Sequence[Arrival], rows: Mapping[Key, Row]
) -> frozenset[int] | StoreError:
    repairable = [
        row.id
        for arrival in known
        if (row := rows.get(arrival.key)) and _is_of(arrival, row) and row.status in REPAIRABLE
    ]
    try:
        return frozenset(await writer.reopen(repairable)) if repairable else frozenset()
    except (Error, StoreError) as error:
        logger.warning("redeliveries not reopened count=%d error=%s", len(repairable), type(error).__name__)
        return DownError(f"not made ready again: {type(error).__name__}")


def _judged(arrival: Arrival, row: Row | None, reopened: frozenset[int] | StoreError) -> Stored | StoreError:
    if row is None:
        return LockedError("another transaction locks this delivery")
    if not _is_of(arrival, row):
        return Stored(row.id, arrival.event, Receipt.CONFLICT)
    if row.status not in REPAIRABLE:
        return Stored(row.id, arrival.event, Receipt.DUPLICATE)
    if isinstance(reopened, StoreError):
        return reopened
    receipt = Receipt.REDELIVERED if row.id in reopened else Receipt.DUPLICATE
    return Stored(row.id, arrival.event, receipt)


def _is_of(arrival: Arrival, row: Row) -> bool:
    return (row.digest, row.event) == (arrival.digest, arrival.event)


def _receipts(arrivals: Sequence[Arrival], outcomes: _Outcomes) -> list[Stored | StoreError]:
    """Return the outcome of each arrival. Only the first of equal key and body can be new."""
    answered: set[_Name] = set()
    found: list[Stored | StoreError] = []
    for arrival in arrivals:
        name = _name(arrival)
        outcome = outcomes[name]
        if name in answered and isinstance(outcome, Stored) and outcome.receipt is not Receipt.CONFLICT:
            outcome = outcome._replace(receipt=Receipt.DUPLICATE)
        answered.add(name)
        found.append(outcome)
    return found
