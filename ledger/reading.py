"""Reads the state of the queue from the database and Redis. Each query is bounded and uses an index.

A ledger may have millions of rows, waiting or settled, so counts end at `CAP`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models.functions import Substr

from database import row_sets
from ledger import heartbeats
from ledger.counting import CAP
from ledger.heartbeats import Heartbeat
from receiver.models import UNSUCCESSFUL, WAITING, Delivery, Status

# Maximum numbers of rows that are read.
MAX_HELD = 5_000
MAX_RETRIES = 10
MAX_ERRORS = 1_000

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ERROR_LENGTH = 300  # characters

Counts = dict[tuple[str, str], int]
"""Deliveries by status and event."""


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """A delivery under a lease."""

    id: int
    worker: str
    event: str
    action: str
    repository: str
    lease_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that failed and waits for its next attempt."""

    at: datetime
    attempts: int
    event: str
    action: str
    repository: str
    error: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The queue at one moment, `now`, of the database's clock."""

    now: datetime
    waiting: Counts
    """Counts of the first ones, up to the cap, in the order in which they become due."""
    waiting_total: int
    """An estimate if there are more."""
    oldest: datetime | None
    """Time of receipt of the oldest one that waits."""
    settled: Counts
    """Counts of the newest ones, up to the cap, of the last hour."""
    settled_since: datetime
    settled_last_minute: int
    held: Sequence[HeldDelivery]
    retries: Sequence[Due]
    dead: int
    """Up to the cap."""
    errors: Sequence[tuple[str, str]]
    """Event and error of the newest `MAX_ERRORS` dead deliveries."""
    alive: Sequence[Heartbeat]
    redis_error: str
    """The reason why the live workers are unknown; empty if Redis answers."""


def read(cap: int = CAP) -> Reading:
    """Read the queue, with counts up to `cap`. Redis may be unavailable.

    Raises `django.db.Error` if the database does not answer.
    """
    now = row_sets.clock()
    first = waiting(cap).aggregate(count=models.Count("*"), oldest=models.Min("received_at"))
    ended = settled(now - HOUR, cap).aggregate(count=models.Count("*"), since=models.Min("finished_at"))
    alive, redis_error = heartbeats.read_or_error()
    return Reading(
        now=now,
        waiting=_counts(waiting(cap)),
        waiting_total=first["count"] if first["count"] < cap else _estimate(cap),
        oldest=first["oldest"],
        settled=_counts(settled(now - HOUR, cap)),
        settled_since=now - HOUR if ended["count"] < cap else ended["since"],
        settled_last_minute=Delivery.objects.filter(finished_at__gte=now - MINUTE).count(),
        held=[HeldDelivery(*row) for row in held()],
        retries=[Due(*row) for row in retries()],
        dead=dead()[:cap].count(),
        errors=list(errors()),
        alive=alive,
        redis_error=redis_error,
    )


def waiting(cap: int = CAP) -> models.QuerySet[Delivery]:
    """Return the first deliveries that wait for a worker."""
    return Delivery.objects.filter(WAITING).order_by("next_attempt_at")[:cap]


def settled(since: datetime, cap: int = CAP) -> models.QuerySet[Delivery]:
    """Return the newest settled deliveries."""
    return Delivery.objects.filter(finished_at__gte=since).order_by("-finished_at")[:cap]


def held() -> "models.QuerySet[Delivery, tuple[Any, ...]]":
    """Return the deliveries under leases, as the fields of `HeldDelivery`."""
    rows = Delivery.objects.filter(status=Status.PROCESSING).order_by("lease_expires_at")
    return rows.values_list("pk", "worker", "event", "action", "repository", "lease_expires_at")[:MAX_HELD]


def retries() -> "models.QuerySet[Delivery, tuple[Any, ...]]":
    """Return the next retries, as the fields of `Due`."""
    rows = Delivery.objects.filter(status=Status.RETRYING).order_by("next_attempt_at", "pk")
    return rows.values_list(
        "next_attempt_at", "attempts", "event", "action", "repository", Substr("error", 1, ERROR_LENGTH)
    )[:MAX_RETRIES]


def dead() -> models.QuerySet[Delivery]:
    """Return the dead deliveries, the newest first."""
    return Delivery.objects.filter(UNSUCCESSFUL, status=Status.DEAD).order_by("-received_at", "-pk")


def errors() -> "models.QuerySet[Delivery, tuple[Any, ...]]":
    """Return event and error of the newest dead deliveries."""
    return dead().values_list("event", Substr("error", 1, ERROR_LENGTH))[:MAX_ERRORS]


def _counts(rows: models.QuerySet[Delivery]) -> Counts:
    sql, parameters = rows.values("status", "event").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT status, event, COUNT(*) FROM ({sql}) AS counted GROUP BY status, event",  # noqa: S608
            parameters,
        )
        return {(status, event): count for status, event, count in cursor.fetchall()}


def _estimate(cap: int) -> int:
    """Return how many wait: exact on SQLite, which counts an index fast; an estimate on PostgreSQL."""
    rows = Delivery.objects.filter(WAITING)
    if connection.vendor != "postgresql":
        return rows.count()
    [found] = json.loads(rows.explain(format="json"))
    return max(cap, int(found["Plan"]["Plan Rows"]))
