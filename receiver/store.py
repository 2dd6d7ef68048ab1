"""Writes arrivals to the database: one statement a batch, every row new, seen before, or reopened.

The statement is SQL that SQLite and PostgreSQL share, for Django's bulk_create cannot tell which rows of a
batch were new, and a count of redeliveries has to be raised in the same statement that finds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.utils import timezone

from receiver.arrivals import Arrival
from receiver.models import REPAIRABLE, WAKE_GRACE, Delivery

Key = tuple[UUID, int]


class Receipt(Enum):
    """What became of an arrival."""

    ACCEPTED = "accepted"
    REDELIVERED = "redelivered"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Stored:
    """The row that holds an arrival."""

    id: int
    event: str
    receipt: Receipt


def store(arrivals: Sequence[Arrival]) -> list[Stored]:
    """Commit the arrivals in one transaction; what is returned is durable, in the order given.

    Of two arrivals with one key the first makes the row. Raises `django.db.Error` and stores nothing
    when the database refuses any of them.
    """
    first: dict[Key, Arrival] = {}
    repeats: dict[Key, int] = {}
    for arrival in arrivals:
        key = (arrival.guid, arrival.hook_id)
        if key in first:
            repeats[key] = repeats.get(key, 0) + 1
        else:
            first[key] = arrival
    # Rows are locked in one order, whoever writes, so that two receivers cannot wait for each other.
    with transaction.atomic():
        rows = _upsert([first[key] for key in sorted(first)])
        reopened = {row_id for row_id, status, seen in rows.values() if seen and status in REPAIRABLE}
        if reopened:
            Delivery.objects.reopen(reopened)
        for key, count in repeats.items():
            Delivery.objects.filter(pk=rows[key][0]).update(redeliveries=models.F("redeliveries") + count)
    stored, answered = [], set()
    for arrival in arrivals:
        key = (arrival.guid, arrival.hook_id)
        row_id, _, seen = rows[key]
        receipt = Receipt.DUPLICATE
        if key not in answered and (not seen or row_id in reopened):
            receipt = Receipt.REDELIVERED if seen else Receipt.ACCEPTED
        answered.add(key)
        stored.append(Stored(row_id, arrival.event, receipt))
    return stored


def _upsert(arrivals: Sequence[Arrival]) -> dict[Key, tuple[int, str, int]]:
    """Insert what is new and count what is not; gives (id, status, redeliveries) by key."""
    now = timezone.now()
    fields = [field for field in Delivery._meta.concrete_fields if not field.primary_key]
    parameters: list[Any] = []
    for arrival in arrivals:
        row = Delivery(
            received_at=now,
            next_attempt_at=now + WAKE_GRACE,
            **{name: getattr(arrival, name) for name in Arrival.__slots__},
        )
        parameters += [
            field.get_db_prep_save(getattr(row, field.attname), connection=connection) for field in fields
        ]
    quote = connection.ops.quote_name
    table = quote(Delivery._meta.db_table)
    names = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join(["(" + ", ".join(["%s"] * len(fields)) + ")"] * len(arrivals))
    sql = (
        f"INSERT INTO {table} ({names}) VALUES {values} "  # noqa: S608 - names are the model's, values are bound
        f"ON CONFLICT (guid, hook_id) DO UPDATE SET redeliveries = {table}.redeliveries + 1 "
        "RETURNING id, guid, hook_id, status, redeliveries"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {
            (guid if isinstance(guid, UUID) else UUID(guid), hook_id): (row_id, status, redeliveries)
            for row_id, guid, hook_id, status, redeliveries in cursor.fetchall()
        }
