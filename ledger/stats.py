"""Statistics from the aggregates: received and settled deliveries and latencies, by minute, hour or day."""

import asyncio
import json
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import database
from database import row_sets
from ledger import aggregates, background, caching
from ledger.aggregates import LENGTHS, floor
from ledger.latencies import added, quantiles
from ledger.models import Aggregate, AggregatedUntil, Dimension, Grain

logger = logging.getLogger(__name__)

Row = tuple[Any, ...]
"""Begin, name, latencies and `COLUMNS` of an aggregate."""

COLUMNS = ("received", "succeeded", "ignored", "invalid", "dead")
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
# Points of one series: a day of minutes, two months of hours, four years of days.
MAX_POINTS = 1_500
# Series of one answer, those with the most deliveries.
MAX_SERIES = 20
FRESH = timedelta(seconds=30)
DEFAULT_LENGTHS = {Grain.MINUTE: 60, Grain.HOUR: 7 * 24, Grain.DAY: 365}  # points
# Seconds between two looks whether a minute can be aggregated.
LOOK_EVERY = 20.0
# Waits after a portion, in times of its duration. A long history, as after an upgrade, is read from the disk
# and would slow the deliveries.
WAIT_PER_PORTION = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A request for statistics. `name` is one event or repository; `by` asks for a series of each."""

    grain: Grain
    since: datetime
    until: datetime
    dimension: Dimension = Dimension.EVENT
    by: bool = False
    name: str | None = None

    @property
    def key(self) -> str:
        """The key under which the answer is cached."""
        times = f"{self.since.timestamp():.0f}:{self.until.timestamp():.0f}"
        return f"stats:{self.grain}:{self.dimension}:{int(self.by)}:{times}:{self.name!r}".encode(
            "ascii", "backslashreplace"
        ).hex()


def usual(now: datetime) -> list[Question]:
    """Return the requests of dashboards without further parameters, which the worker keeps warm."""
    found = []
    for grain, points in DEFAULT_LENGTHS.items():
        since, until = period(grain, now - points * LENGTHS[grain], now)
        found += [Question(grain, since, until), Question(grain, since, until, by=True)]
    return found


def period(grain: Grain, since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """Return the whole steps from `since` on, up to the one that holds `until`."""
    return floor(since, grain), floor(until, grain) + LENGTHS[grain]


async def answer(question: Question) -> caching.Cached:
    """Return the answer as JSON text, from the cache where it has it."""
    return await caching.get(question.key, FRESH, partial(database.run, compute, question))


async def warm(now: datetime) -> None:
    """Compute the usual answers and keep them in the cache."""
    for question in usual(now):
        await caching.refresh(question.key, partial(database.run, compute, question))


async def run() -> None:
    """Aggregate the minutes that are due and warm the cache, until cancelled."""
    await background.repeat(
        _aggregate, LOOK_EVERY, lambda error: logger.error("deliveries not aggregated error=%s", error)
    )


async def _aggregate() -> None:
    advanced, began = False, time.monotonic()
    while await database.run(aggregates.advance):
        advanced = True
        await asyncio.sleep(WAIT_PER_PORTION * (time.monotonic() - began))
        began = time.monotonic()
    if advanced:
        await warm(await database.run(row_sets.clock))


def compute(question: Question) -> str:
    """Return the answer as JSON text. Raises `django.db.Error`."""
    mark = AggregatedUntil.objects.first()
    points: dict[str | None, dict[datetime, list[Row]]] = defaultdict(lambda: defaultdict(list))
    rows = _rows(question, mark.at) if mark is not None else []
    names = _most(rows) if question.by else frozenset()
    for row in rows:
        begin, name, *_ = row
        points[name if name in names else None][floor(begin, question.grain)].append(row)
    found = {
        "step": question.grain.value,
        "since": _text(question.since),
        "until": _text(question.until),
        "complete_until": _text(mark.at) if mark else None,
        "series": [
            {"name": name, "points": [_point(at, points[name][at]) for at in sorted(points[name])]}
            for name in sorted(points, key=lambda each: (each is None, each or ""))
        ],
    }
    return json.dumps(found, separators=(",", ":"))


def _rows(question: Question, reached: datetime) -> list[Row]:
    """Return the rows of the question's grain, and finer ones for the step that is not complete."""
    found: list[Row] = []
    begin = question.since
    for grain in (Grain.DAY, Grain.HOUR, Grain.MINUTE):
        if LENGTHS[grain] > LENGTHS[question.grain]:
            continue
        end = min(floor(reached, grain), question.until)
        rows = Aggregate.objects.filter(
            grain=grain, dimension=question.dimension, begin__gte=begin, begin__lt=end
        )
        if question.name is not None:
            rows = rows.filter(name=question.name)
        found += rows.values_list("begin", "name", "latencies", *COLUMNS)
        begin = max(begin, end)
    return found


def _most(rows: Iterable[Row]) -> frozenset[str]:
    """Return the names with the most deliveries. The others are one series together, without a name."""
    received: Counter[str] = Counter()
    for _begin, name, _latencies, number, *_ in rows:
        received[name] += number
    most = sorted(received, key=lambda name: (-received[name], name))
    return frozenset(most[:MAX_SERIES])


def _point(at: datetime, rows: list[Row]) -> dict[str, Any]:
    counts = [sum(column) for column in zip(*(row[3:] for row in rows), strict=True)]
    latencies = rows[0][2] if len(rows) == 1 else added(row[2] for row in rows)
    seconds = quantiles(latencies, QUANTILES.values())
    return {
        "begin": _text(at),
        **dict(zip(COLUMNS, counts, strict=True)),
        "latency": dict(zip(QUANTILES, seconds, strict=True)) if seconds else None,
    }


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
