"""Statistics for dashboards, cached; the answer says how old it is."""

import json
from datetime import UTC, datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from api.problems import invalid
from api.schemas import Model, Moment, Parameters, Text
from ledger import stats
from ledger.aggregates import LENGTHS
from ledger.filters import InvalidFilterError, moment
from ledger.models import Dimension, Grain
from ledger.stats import Question

router = Router(tags=["stats"])


class Asked(Parameters):
    """The parameters of statistics."""

    step: Grain = Grain.HOUR
    by: Literal["event", "repository"] | None = Field(
        None, description="a series for each of the 20 with the most deliveries, and one for the others"
    )
    event: Text | None = Field(None, description="this event alone", examples=["push"])
    repository: Text | None = Field(None, description="this repository alone", examples=["octo/cat"])
    since: Moment | None = Field(
        None, description="the step that holds this time is the first; 60 minutes, 7 days or a year before"
    )
    until: Moment | None = Field(None, description="the step that holds this time is the last; now")


class Latency(Model):
    """Seconds from receipt to settlement that half, 90% and 99% do not exceed, at most 19% too long."""

    p50: float
    p90: float
    p99: float


class Point(Model):
    """The deliveries received and settled within one step."""

    begin: datetime
    received: int
    succeeded: int
    ignored: int
    invalid: int
    dead: int
    latency: Latency | None = Field(description="null where nothing was settled")


class Series(Model):
    """Points in the order of time. Steps in which nothing happened are left out."""

    name: str | None = Field(description="the event or repository; null for all, or for the others")
    points: list[Point]


class Stats(Model):
    """Statistics."""

    step: Grain
    since: datetime
    until: datetime
    complete_until: datetime | None = Field(
        description="the time up to which deliveries are counted; null before a worker counted any"
    )
    series: list[Series]
    computed_at: datetime
    age: float = Field(description="seconds since it was computed")


@router.get("", response=Stats, summary="Get statistics")
async def get_stats(request: HttpRequest, query: Query[Asked]) -> HttpResponse:
    """Count received and settled deliveries, and their latency, for each minute, hour or day (UTC).

    A worker counts each minute a minute after its end. A settlement counts in the minute in which it
    happened, and a replay is another one. Answers are cached for 30 seconds.
    """
    now = timezone.now()
    cached = await stats.answer(_question(query, now))
    at = cached.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    age = max(0.0, (timezone.now() - cached.at).total_seconds())
    # The cached text is a JSON object. Its last brace is replaced by the fields that vary.
    text = f"{cached.value[:-1]},{json.dumps({'computed_at': at, 'age': round(age, 3)})[1:]}"
    return HttpResponse(text, content_type="application/json; charset=utf-8")


def _question(query: Asked, now: datetime) -> Question:
    """Return the question. Raises a 422 for a period that is too long, or two names at once."""
    if query.event is not None and query.repository is not None:
        raise invalid("query.event", "event and repository exclude each other")
    if query.by and (query.event is not None or query.repository is not None):
        raise invalid("query.by", "by excludes event and repository")
    grain = query.step
    length = LENGTHS[grain]
    until = _time("until", query.until, now, now)
    try:
        since = _time("since", query.since, now, until - stats.DEFAULT_LENGTHS[grain] * length)
        since, until = stats.period(grain, since, until)
    except OverflowError:  # in the year 1, or 9999
        raise invalid("query.until", "until must be a time, as 2026-01-31T12:00 or 24h") from None
    if not 0 < (until - since) / length <= stats.MAX_POINTS:
        raise invalid("query.since", f"since must be before until, by at most {stats.MAX_POINTS} steps")
    dimension = Dimension.REPOSITORY if "repository" in {query.by, _given(query)} else Dimension.EVENT
    name = query.repository if query.repository is not None else query.event
    return Question(grain, since, until, dimension, by=query.by is not None, name=name)


def _given(query: Asked) -> str | None:
    return "repository" if query.repository is not None else None


def _time(name: str, value: str | None, now: datetime, default: datetime) -> datetime:
    if value is None:
        return default
    try:
        return moment(name, value, now)
    except InvalidFilterError as error:
        raise invalid(f"query.{name}", str(error)) from None
