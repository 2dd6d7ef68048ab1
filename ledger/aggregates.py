"""Writes the aggregates: deliveries received and settled by minute, hour and day, which charts read.

A worker aggregates each minute once, a minute after its end. Its rows and the time that is reached are
written in one transaction, so a crash repeats the minute or leaves it done. Nothing is counted where
deliveries are processed.

Aggregates are history: a settlement counts in the minute in which it happened, and a replay's settlement
counts again. A delivery that is replayed within two minutes of its settlement counts once. Aggregates stay
when their deliveries are pruned.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Count, Min
from django.db.models.functions import TruncDay, TruncHour, TruncMinute

from database import row_sets
from ledger.halves import split
from ledger.latencies import RANGES_PER_DOUBLING, SHORTEST
from ledger.models import Aggregate, AggregatedUntil, Dimension, Grain
from receiver.models import TERMINAL, Delivery, Trigger

# A delivery is committed within nine seconds of its receipt, and a settlement within twenty of its time.
GRACE = timedelta(minutes=1)
# Limits of one transaction. A long history takes several.
MAX_DELIVERIES = 20_000
LONGEST_PORTION = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LENGTHS = {Grain.MINUTE: MINUTE, Grain.HOUR: timedelta(hours=1), Grain.DAY: timedelta(days=1)}
KEPT_FOR = {Grain.MINUTE: timedelta(days=8), Grain.HOUR: timedelta(days=100)}
_STATUSES = tuple(sorted(TERMINAL))


@dataclass(slots=True)
class Sums:
    """The counts of one name in one minute."""

    counts: Counter[str] = field(default_factory=Counter)
    """By `received`, or the status of settlement."""
    latencies: Counter[str] = field(default_factory=Counter)


Key = tuple[datetime, str, str]
"""Begin, dimension and name."""


def advance(now: datetime | None = None) -> bool:
    """Aggregate the next portion; return whether there was one. Raises `django.db.Error`."""
    now = now or row_sets.clock()
    with transaction.atomic():
        mark = AggregatedUntil.objects.select_for_update(skip_locked=True).first()
        if mark is None:
            return _begin(now)
        limit = floor(now - GRACE, Grain.MINUTE)
        begin, end = _portion(mark.at, limit)
        if end <= mark.at:
            return False
        _write(Grain.MINUTE, begin, end, _counted(begin, end))
        for coarse, fine in ((Grain.HOUR, Grain.MINUTE), (Grain.DAY, Grain.HOUR)):
            first, last = floor(mark.at, coarse), floor(end, coarse)
            if first < last:
                _roll_up(coarse, fine, first, last)
        for grain, length in KEPT_FOR.items():
            if floor(mark.at, Grain.HOUR) < floor(end, Grain.HOUR):
                Aggregate.objects.filter(grain=grain, begin__lt=end - length).delete()
        mark.at = end
        mark.save()
    return True


@transaction.atomic
def rebuild() -> None:
    """Forget the aggregates of the deliveries that are stored, so that `advance` counts them again.

    A delivery then counts at its last settlement. Aggregates from before the oldest delivery stay.
    """
    mark = AggregatedUntil.objects.select_for_update().first()
    oldest = Delivery.objects.filter(only_key=False).aggregate(at=Min("received_at"))["at"]
    if mark is None or oldest is None:
        return
    begin = floor(oldest, Grain.DAY)
    if Aggregate.objects.filter(begin__lt=begin).exists():
        begin += timedelta(days=1)  # a part of its first day was pruned
    Aggregate.objects.filter(begin__gte=begin).delete()
    mark.at = min(mark.at, begin)
    mark.save()


def floor(at: datetime, grain: Grain) -> datetime:
    """Return the begin of the minute, hour or day."""
    whole = at.astimezone(UTC).replace(second=0, microsecond=0)
    if grain != Grain.MINUTE:
        whole = whole.replace(minute=0)
    return whole.replace(hour=0) if grain == Grain.DAY else whole


def _begin(now: datetime) -> bool:
    """Start with the oldest delivery; return whether this process may go on."""
    if AggregatedUntil.objects.exists():
        return False  # another worker holds the row
    oldest = _at("received_at", EARLIEST) or now
    AggregatedUntil.objects.get_or_create(pk=1, defaults={"at": floor(min(oldest, now), Grain.DAY)})
    return True


def _portion(reached: datetime, limit: datetime) -> tuple[datetime, datetime]:
    """Return the next minutes that have something to count, a bounded number of deliveries."""
    first = min(
        (at for at in (_at("received_at", reached), _at("finished_at", reached)) if at is not None),
        default=limit,
    )
    begin = min(max(floor(first, Grain.MINUTE), reached), limit)
    if begin >= limit:
        return limit, limit
    most = _at("received_at", begin, MAX_DELIVERIES)
    end = min(limit, begin + LONGEST_PORTION, floor(most, Grain.MINUTE) if most else limit)
    return begin, max(end, begin + MINUTE)


def _at(column: str, since: datetime, place: int = 0) -> datetime | None:
    """Return the time of the delivery at `place`, from 0, of the open or of the settled ones since then."""
    found = [
        half.order_by(column).values_list(column, flat=True)[place : place + 1].first()
        for half in split(Delivery.objects.filter(**{f"{column}__gte": since}))
    ]
    return min((at for at in found if at is not None), default=None)


class _Range(models.Func):
    """The number of the range of a latency, as `latencies.range_of` computes it."""

    output_field = models.IntegerField()
    arg_joiner = " - "
    _SCALE = f"CAST(FLOOR({RANGES_PER_DOUBLING} / LN(2.0) * LN({{seconds}} / {SHORTEST})) AS INTEGER)"

    def as_postgresql(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        """Return the SQL for two timestamps."""
        seconds = f"GREATEST(EXTRACT(EPOCH FROM %(expressions)s), {SHORTEST})"
        return self.as_sql(compiler, connection, template=self._SCALE.format(seconds=seconds))

    def as_sqlite(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        """Return the SQL for two days, of which SQLite has 0.1 ms."""
        seconds = f"MAX(86400.0 * (%(expressions)s), {SHORTEST})"
        return self.as_sql(compiler, connection, template=self._SCALE.format(seconds=seconds))


class _Day(models.Func):
    """A time that can be subtracted: a timestamp on PostgreSQL, a day with its fraction on SQLite."""

    output_field = models.FloatField()

    def as_postgresql(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        """Return the column."""
        return self.as_sql(compiler, connection, template="%(expressions)s")

    def as_sqlite(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        """Return the day of the column."""
        return self.as_sql(compiler, connection, template="JULIANDAY(%(expressions)s)")


def _counted(begin: datetime, end: datetime) -> dict[Key, Sums]:
    """Return the received and settled deliveries of each minute."""
    found: dict[Key, Sums] = defaultdict(Sums)
    opened, settled = (
        half.annotate(minute=TruncMinute("received_at"))
        .values_list("minute", "event", "repository")
        .annotate(Count("pk"))
        for half in split(Delivery.objects.filter(received_at__gte=begin, received_at__lt=end))
    )
    # One statement, so that a delivery that is settled meanwhile counts once.
    for minute, event, repository, count in opened.union(settled, all=True):
        for sums in _both(found, minute, event, repository):
            sums.counts["received"] += count
    ended = Delivery.objects.filter(finished_at__gte=begin, finished_at__lt=end)
    for minute, event, repository, status, trigger, place, count in (
        ended.annotate(
            minute=TruncMinute("finished_at"), place=_Range(_Day("finished_at"), _Day("received_at"))
        )
        .values_list("minute", "event", "repository", "status", "trigger", "place")
        .annotate(Count("pk"))
    ):
        for sums in _both(found, minute, event, repository):
            sums.counts[status] += count
            # A replay comes long after the receipt, and says nothing about the latency of deliveries.
            if trigger == Trigger.DELIVERY:
                sums.latencies[str(place)] += count
    return found


def _both(found: dict[Key, Sums], minute: datetime, event: str, repository: str) -> Sequence[Sums]:
    return found[minute, Dimension.EVENT, event], found[minute, Dimension.REPOSITORY, repository]


def _write(grain: Grain, begin: datetime, end: datetime, sums: dict[Key, Sums]) -> None:
    Aggregate.objects.filter(grain=grain, begin__gte=begin, begin__lt=end).delete()
    Aggregate.objects.bulk_create(
        [
            Aggregate(
                grain=grain,
                dimension=dimension,
                begin=at,
                name=name,
                latencies=dict(each.latencies),
                **{column: each.counts[column] for column in ("received", *_STATUSES)},
            )
            for (at, dimension, name), each in sorted(sums.items(), key=lambda item: item[0])
        ],
        batch_size=500,
    )


def _roll_up(grain: Grain, fine: Grain, begin: datetime, end: datetime) -> None:
    """Write the hours or days of [begin, end) from the minutes or hours in them."""
    truncated = TruncHour("begin") if grain == Grain.HOUR else TruncDay("begin")
    rows = Aggregate.objects.filter(grain=fine, begin__gte=begin, begin__lt=end).annotate(whole=truncated)
    columns = ("received", *_STATUSES)
    found: dict[Key, Sums] = defaultdict(Sums)
    for at, dimension, name, latencies, *counts in rows.values_list(
        "whole", "dimension", "name", "latencies", *columns
    ):
        sums = found[at, dimension, name]
        sums.counts.update(dict(zip(columns, counts, strict=True)))
        sums.latencies.update(latencies)
    _write(grain, begin, end, found)
