"""How many deliveries came and were settled, by time and status: bounded, and answered by an index."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import TruncHour, TruncMinute

from receiver.models import Delivery, Status

# Rows of one chart, the newest first. Where there were more, the chart begins later, and says so.
CAP = 100_000

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rates:
    """Numbers by the begin of a step and by status, from `since` on, `capped` where that is not all."""

    step: timedelta
    since: datetime
    until: datetime
    numbers: Mapping[tuple[datetime, str], int]
    capped: bool


def settled(now: datetime, step: timedelta, length: timedelta) -> Rates:
    """Count what was settled, for each step of the time before `now`."""
    rows = Delivery.objects.filter(finished_at__gte=_begin(now, step, length)).order_by("-finished_at")
    return _rates(rows.annotate(name=F("status")), "finished_at", now, step, length)


def received(now: datetime, step: timedelta, length: timedelta) -> Rates:
    """Count what was received, for each step of the time before `now`, under the status `received`."""
    rows = Delivery.objects.filter(received_at__gte=_begin(now, step, length)).order_by("-received_at")
    name = Value(Status.RECEIVED.value, output_field=CharField())
    return _rates(rows.annotate(name=name), "received_at", now, step, length)


def _begin(now: datetime, step: timedelta, length: timedelta) -> datetime:
    """Return the begin of the first step: a whole minute or hour."""
    begin = now.astimezone(UTC) - length + step
    return begin.replace(minute=0 if step >= HOUR else begin.minute, second=0, microsecond=0)


def _rates(rows: "QuerySet[Any]", column: str, now: datetime, step: timedelta, length: timedelta) -> Rates:
    truncated = TruncHour(column) if step >= HOUR else TruncMinute(column)
    chosen = rows.annotate(step=truncated).values("step", "name")[:CAP]
    sql, parameters = chosen.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT step, name, COUNT(*) FROM ({sql}) AS chosen GROUP BY step, name",  # noqa: S608 - our own
            parameters,
        )
        numbers = {(_moment(begin), name): number for begin, name, number in cursor.fetchall()}
    capped = sum(numbers.values()) >= CAP
    since = min((begin for begin, _ in numbers), default=now) if capped else _begin(now, step, length)
    return Rates(step, since, now, numbers, capped)


def _moment(value: Any) -> datetime:
    """Return the time of a row that Django did not convert: SQLite has text, in UTC."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
