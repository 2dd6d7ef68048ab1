"""Counts received and settled deliveries by time and status, for charts; each query is bounded.

The counts up to the last aggregated minute come from the aggregates: a few hundred rows, however many
deliveries there were. The rest, usually the last two minutes, is counted among the newest deliveries.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Case, CharField, F, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Least, TruncHour, TruncMinute

from ledger.aggregates import floor
from ledger.halves import split
from ledger.models import Aggregate, AggregatedUntil, Dimension, Grain
from receiver.models import Delivery, Status

# Deliveries of one kind that are counted beyond the aggregates, the newest.
MAX_COUNTED = 50_000

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WEEK = 7 * 24 * HOUR
GRAINS = {MINUTE: Grain.MINUTE, HOUR: Grain.HOUR}
COLUMNS = ("received", Status.SUCCEEDED.value, Status.IGNORED.value, Status.INVALID.value, Status.DEAD.value)
# Stands for the sums in the row of the time up to which everything is aggregated.
IS_MARK = -1

Step = tuple[datetime, str]
"""Begin and status."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Numbers by step from `since` to `until`; within `uncounted`, begin and end, more than these."""

    step: timedelta
    since: datetime
    until: datetime
    numbers: Mapping[Step, int]
    uncounted: tuple[datetime, datetime] | None = None

    @property
    def total(self) -> int:
        """The sum of all numbers."""
        return sum(self.numbers.values())


@dataclass(frozen=True, slots=True)
class Charts:
    """Received and settled deliveries by minute for an hour, and settled ones by hour for a week."""

    received: Rates
    minutes: Rates
    hours: Rates


def charts(now: datetime) -> Charts:
    """Count received and settled deliveries. Raises `django.db.Error`."""
    hour, week = _begin(now, MINUTE, HOUR), _begin(now, HOUR, WEEK)
    mark, came, settled = _aggregated(hour, week)
    reached = {"came": max(mark, hour), "settled": max(mark, week)}
    missing: dict[str, datetime] = {}
    for kind, found in _newest(reached["came"], reached["settled"], hour).items():
        # Open and settled deliveries are counted apart, and each count goes back as far as it can.
        name = "settled" if kind == "settled" else "came"
        (settled if kind == "settled" else came).update(found)
        if sum(found.values()) >= MAX_COUNTED:
            missing[name] = max(missing.get(name, week), min(begin for begin, _ in found))

    def rates(step: timedelta, since: datetime, name: str, numbers: Counter[Step]) -> Rates:
        grain = GRAINS[step]
        steps: Counter[Step] = Counter()
        for (begin, status), number in numbers.items():
            if begin >= since:
                steps[floor(begin, grain), status] += number
        if name not in missing or missing[name] < since:
            return Rates(step, since, now, steps)
        # The oldest step that was counted is not complete either.
        end = min(floor(missing[name], grain) + step, floor(now, grain) + step)
        return Rates(step, since, now, steps, (max(floor(reached[name], grain), since), end))

    return Charts(
        rates(MINUTE, hour, "came", came),
        rates(MINUTE, hour, "settled", settled),
        rates(HOUR, week, "settled", settled),
    )


def _aggregated(hour: datetime, week: datetime) -> tuple[datetime, Counter[Step], Counter[Step]]:
    """Return the aggregated time, the received counts since `hour`, and the settled ones since `week`.

    Settled in whole hours, but in minutes since `hour` and in the hour that is not complete. One statement,
    because a worker may go on meanwhile.
    """
    came: Counter[Step] = Counter()
    settled: Counter[Step] = Counter()
    mark = week
    reached = AggregatedUntil.objects.values("at")[:1]
    rows = Aggregate.objects.filter(dimension=Dimension.EVENT, begin__gte=week)
    minutes = Least(TruncHour(Subquery(reached)), Value(floor(hour, Grain.HOUR)))
    parts: list[Any] = [
        rows.filter(grain=Grain.MINUTE, begin__gte=minutes).values("begin"),
        rows.filter(grain=Grain.HOUR, begin__lt=minutes).values("begin"),
    ]
    sums = {f"sum_{column}": Sum(column) for column in COLUMNS}
    no_sums = {name: Value(IS_MARK, output_field=BigIntegerField()) for name in sums}
    parts = [part.annotate(**sums) for part in parts]
    parts.append(AggregatedUntil.objects.annotate(**no_sums).values("at", *no_sums))
    for at, received, *counts in union(parts):
        begin = stored_time(at)
        if received == IS_MARK:
            mark = max(begin, week)
            continue
        if begin >= hour and received:
            came[begin, Status.RECEIVED] += int(received)
        settled.update({(begin, status): int(n) for status, n in zip(COLUMNS[1:], counts, strict=True) if n})
    return mark, came, settled


def _newest(came: datetime, settled: datetime, hour: datetime) -> dict[str, Counter[Step]]:
    """Count the newest deliveries that came or were settled since these times, with one statement."""
    text = CharField()
    step = Case(
        When(finished_at__gte=hour, then=TruncMinute("finished_at")), default=TruncHour("finished_at")
    )
    rows: Any = Delivery.objects.filter(finished_at__gte=settled).order_by("-finished_at")
    parts = [rows.annotate(step=step, name=F("status"), kind=Value("settled", output_field=text))]
    name = Value(Status.RECEIVED.value, output_field=text)
    for kind, half in zip(
        ("open", "closed"), split(Delivery.objects.filter(received_at__gte=came)), strict=True
    ):
        named: Any = half.order_by("-received_at")
        parts.append(
            named.annotate(step=TruncMinute("received_at"), name=name, kind=Value(kind, output_field=text))
        )
    found: dict[str, Counter[Step]] = defaultdict(Counter)
    counted = "SELECT *, COUNT(*) FROM ({rows}) AS counted GROUP BY 1, 2, 3"
    for at, status, kind, number in union(
        [part.values("step", "name", "kind")[:MAX_COUNTED] for part in parts], counted
    ):
        found[kind][stored_time(at), status] += number
    return found


def _begin(now: datetime, step: timedelta, length: timedelta) -> datetime:
    """Return the begin of the first step: a whole minute or hour."""
    return floor(now - length + step, GRAINS[step])


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


def stored_time(value: datetime | str) -> datetime:
    """Return the time of a row that Django did not convert: SQLite has text, in UTC."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
