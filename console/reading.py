"""What `manage.py queue` asks the database and Redis: each question bounded, and answered by an index.

A ledger may hold millions of rows, waiting or settled, so nothing is counted further than `COUNTED`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models.functions import Substr
from redis.exceptions import RedisError

from database import row_sets
from processing import heartbeat
from processing.heartbeat import Heartbeat
from receiver.models import WAITING, Delivery, Status

# Rows at the most, of each kind.
COUNTED = 100_000
HELD = 5_000
RETRIES = 10
REASONS = 1_000

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ERROR = 300  # characters

Counts = dict[tuple[str, str], int]
"""Deliveries by status and event."""


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery that a worker has under its lease."""

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
    """Of the first `COUNTED` that are due."""
    waiting_in_all: int
    """An estimate where there are more."""
    oldest: datetime | None
    """When the oldest of what waits was received."""
    settled: Counts
    """Of the last hour's newest `COUNTED`."""
    settled_since: datetime
    settled_last_minute: int
    held: Sequence[Held]
    retries: Sequence[Due]
    dead: int
    """Up to `COUNTED`."""
    errors: Sequence[tuple[str, str]]
    """Event and error of the newest `REASONS` dead ones."""
    alive: Sequence[Heartbeat]
    trouble: str
    """Why it is not known which workers are alive."""


def read() -> Reading:
    """Ask; raises `django.db.Error` when the database does not answer. Redis may be away."""
    now = row_sets.clock()
    first = waiting().aggregate(count=models.Count("*"), oldest=models.Min("received_at"))
    ended = settled(now - HOUR).aggregate(count=models.Count("*"), since=models.Min("finished_at"))
    alive, trouble = _alive()
    return Reading(
        now=now,
        waiting=_counts(waiting()),
        waiting_in_all=first["count"] if first["count"] < COUNTED else _estimate(),
        oldest=first["oldest"],
        settled=_counts(settled(now - HOUR)),
        settled_since=now - HOUR if ended["count"] < COUNTED else ended["since"],
        settled_last_minute=Delivery.objects.filter(finished_at__gte=now - MINUTE).count(),
        held=[Held(*row) for row in held()],
        retries=[Due(*row) for row in retries()],
        dead=dead()[:COUNTED].count(),
        errors=list(errors()),
        alive=alive,
        trouble=trouble,
    )


def waiting() -> models.QuerySet[Delivery]:
    """The first of those that no worker has."""
    return Delivery.objects.filter(WAITING).order_by("next_attempt_at")[:COUNTED]


def settled(since: datetime) -> models.QuerySet[Delivery]:
    """The newest of those that ended."""
    return Delivery.objects.filter(finished_at__gte=since).order_by("-finished_at")[:COUNTED]


def held() -> "models.QuerySet[Delivery, tuple[Any, ...]]":
    """What the workers have; the fields of `Held`."""
    rows = Delivery.objects.filter(status=Status.PROCESSING).order_by("lease_expires_at")
    return rows.values_list("pk", "worker", "event", "action", "repository", "lease_expires_at")[:HELD]


def retries() -> "models.QuerySet[Delivery, tuple[Any, ...]]":
    """The next retries; the fields of `Due`."""
    rows = Delivery.objects.filter(status=Status.RETRYING).order_by("next_attempt_at", "pk")
    return rows.values_list(
        "next_attempt_at", "attempts", "event", "action", "repository", Substr("error", 1, ERROR)
    )[:RETRIES]


def dead() -> models.QuerySet[Delivery]:
    """The dead ones, the newest first."""
    return Delivery.objects.filter(status=Status.DEAD).order_by("-pk")


def errors() -> "models.QuerySet[Delivery, tuple[Any, ...]]":
    """Event and error of the newest dead ones."""
    return dead().values_list("event", Substr("error", 1, ERROR))[:REASONS]


def _counts(rows: models.QuerySet[Delivery]) -> Counts:
    sql, parameters = rows.values("status", "event").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT status, event, COUNT(*) FROM ({sql}) AS counted GROUP BY status, event",  # noqa: S608
            parameters,
        )
        return {(status, event): count for status, event, count in cursor.fetchall()}


def _estimate() -> int:
    """How many wait. SQLite counts a million in its index in no time; PostgreSQL may have to visit each."""
    rows = Delivery.objects.filter(WAITING)
    if connection.vendor != "postgresql":
        return rows.count()
    [found] = json.loads(rows.explain(format="json"))
    return max(COUNTED, int(found["Plan"]["Plan Rows"]))


def _alive() -> tuple[list[Heartbeat], str]:
    try:
        return heartbeat.read(), ""
    except (RedisError, OSError) as error:
        return [], f"Redis does not answer: {error}"
