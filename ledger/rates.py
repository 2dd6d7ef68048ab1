"""How many deliveries came and were settled, by time and status: bounded, and answered by an index."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.db.models.functions import TruncHour, TruncMinute

from ledger.halves import split
from receiver.models import Delivery, Status

# Rows of one chart, the newest first. Where there were more, the chart begins later, and says so.
CAP = 50_000

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WEEK = 7 * 24 * HOUR


@dataclass(frozen=True, slots=True)
class Rates:
    """Numbers by the begin of a step and by status, from `since` on, `capped` where that is not all."""

    step: timedelta
    since: datetime
    until: datetime
    numbers: Mapping[tuple[datetime, str], int]
    capped: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """What was settled: by minute for an hour, by hour for a week, and by status and event for the week."""

    minutes: Rates
    hours: Rates
    events: Mapping[tuple[str, str], int]


def settled(now: datetime) -> Settled:
    """Count what was settled in the last week, in one statement."""
    hour, week = _begin(now, MINUTE, HOUR), _begin(now, HOUR, WEEK)
    step = Case(
        When(finished_at__gte=hour, then=TruncMinute("finished_at")), default=TruncHour("finished_at")
    )
    rows: Any = Delivery.objects.filter(finished_at__gte=week).order_by("-finished_at")
    counted = _counted([rows.annotate(step=step, name=F("status")).values("step", "name", "event")])
    minutes: Counter[tuple[datetime, str]] = Counter()
    hours: Counter[tuple[datetime, str]] = Counter()
    events: Counter[tuple[str, str]] = Counter()
    for begin, name, event, number in counted:
        if begin >= hour:
            minutes[begin, name] += number
        hours[begin.replace(minute=0), name] += number
        events[name, event] += number
    capped = sum(events.values()) >= CAP
    first = min((begin for begin, *_ in counted), default=now) if capped else week
    return Settled(
        Rates(MINUTE, max(hour, first), now, minutes, capped and first > hour),
        Rates(HOUR, first.replace(minute=0), now, hours, capped),
        events,
    )


def received(now: datetime) -> Rates:
    """Count what was received, for each minute of the last hour, under the status `received`."""
    begin = _begin(now, MINUTE, HOUR)
    name = Value(Status.RECEIVED.value, output_field=CharField())
    rows: Any = Delivery.objects.filter(received_at__gte=begin).annotate(
        step=TruncMinute("received_at"), name=name, kind=Value("", output_field=CharField())
    )
    halves: list[Any] = [*split(rows)]
    halves = [half.order_by("-received_at").values("step", "name", "kind") for half in halves]
    numbers = {(at, status): number for at, status, _, number in _counted(halves)}
    capped = sum(numbers.values()) >= CAP
    since = min((at for at, _ in numbers), default=now) if capped else begin
    return Rates(MINUTE, since, now, numbers, capped)


def _begin(now: datetime, step: timedelta, length: timedelta) -> datetime:
    """Return the begin of the first step: a whole minute or hour."""
    begin = now.astimezone(UTC) - length + step
    return begin.replace(minute=0 if step >= HOUR else begin.minute, second=0, microsecond=0)


def _counted(parts: "Sequence[QuerySet[Any, Any]]") -> list[tuple[datetime, str, str, int]]:
    """Count the first `CAP` rows of each part by their three columns; the first is a time."""
    found = union(
        [part[:CAP] for part in parts], "SELECT *, COUNT(*) FROM ({rows}) AS counted GROUP BY 1, 2, 3"
    )
    return [(moment(at), name, kind, number) for at, name, kind, number in found]


def union(parts: "Sequence[QuerySet[Any, Any]]", around: str = "{rows}") -> list[tuple[Any, ...]]:
    """Return the rows of several queries of the same columns in one statement.

    Django's own `union` takes no limited queries on SQLite.
    """
    compiled = [part.query.sql_with_params() for part in parts]
    rows = " UNION ALL ".join(
        f"SELECT * FROM ({sql}) AS part{number}"  # noqa: S608 - our own
        for number, (sql, _) in enumerate(compiled)
    )
    with connection.cursor() as cursor:
        cursor.execute(around.replace("{rows}", rows), [value for _, values in compiled for value in values])
        return list(cursor.fetchall())


def moment(value: Any) -> datetime:
    """Return the time of a row that Django did not convert: SQLite has text, in UTC."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
