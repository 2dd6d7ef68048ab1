"""Rates: what came and what was settled in whole minutes and hours, aggregated or not."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from ledger import aggregates, rates, silence, unmatched
from ledger.models import Grain
from ledger.silence import Silent
from receiver.models import SETTLED, Delivery, Status
from tests.console.kept import kept

NOW = datetime(2026, 11, 25, 12, 30, 40, tzinfo=UTC)


def minutes(ago: float) -> datetime:
    return NOW - timedelta(minutes=ago)


def aggregated(until: datetime | None) -> None:
    """Aggregate as a worker does that ended at this time."""
    while until and aggregates.advance(until):
        continue


def keep_a_week() -> None:
    for ago in (0.1, 0.5, 1.5, 31, 34, 59, 61, 95, 60 * 24, 60 * 71, 60 * 24 * 6.9, 60 * 24 * 7.1):
        for status in (Status.SUCCEEDED, Status.DEAD):
            kept(received_at=minutes(ago + 2), finished_at=minutes(ago), status=status, event=f"star{ago}")
        kept(received_at=minutes(ago))


def counted(rows: Iterable[tuple[Any, str]], since: datetime, grain: Grain) -> Counter[rates.Step]:
    """Count these times by minute or hour."""
    return Counter((aggregates.floor(at, grain), name) for at, name in rows if at >= since)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "until", [None, *(minutes(ago) for ago in (60 * 24 * 9, 60 * 48, 75, 33, 0))], ids=str
)
def test_charts_are_the_same_however_far_the_aggregates_are_behind(until: datetime | None) -> None:
    keep_a_week()
    aggregated(until)
    received = [(at, "received") for at in Delivery.objects.values_list("received_at", flat=True)]
    settled = list(Delivery.objects.filter(SETTLED).values_list("finished_at", "status"))
    found = rates.charts(NOW)
    hour, week = datetime(2026, 11, 25, 11, 31, tzinfo=UTC), datetime(2026, 11, 18, 13, tzinfo=UTC)
    assert (found.minutes.since, found.hours.since) == (hour, week)
    assert found.received.numbers == counted(received, hour, Grain.MINUTE)
    assert found.minutes.numbers == counted(settled, hour, Grain.MINUTE)
    assert found.hours.numbers == counted(settled, week, Grain.HOUR)
    assert (found.received.uncounted, found.minutes.uncounted, found.hours.uncounted) == (None, None, None)


@pytest.mark.django_db(transaction=True)
def test_what_is_aggregated_is_not_read_from_the_deliveries() -> None:
    keep_a_week()
    aggregated(NOW)
    before = rates.charts(NOW)
    Delivery.objects.filter(received_at__lt=minutes(10)).delete()
    assert rates.charts(NOW) == before


@pytest.fixture
def three_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count three deliveries of a kind beyond the aggregates; 50,000 take seconds to store."""
    monkeypatch.setattr(rates, "MAX_COUNTED", 3)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("three_counted")
def test_a_chart_says_which_minutes_have_more_than_is_counted() -> None:
    for ago in (40, 40, 40, 40, 5, 4, 3, 2):
        kept(received_at=minutes(ago), finished_at=minutes(ago), status=Status.SUCCEEDED)
    aggregated(minutes(20))
    found = rates.charts(NOW)
    assert list(found.minutes.numbers.values()) == [4, 1, 1, 1]
    gap = (datetime(2026, 11, 25, 12, 9, tzinfo=UTC), datetime(2026, 11, 25, 12, 27, tzinfo=UTC))
    assert (found.received.uncounted, found.minutes.uncounted) == (gap, gap)
    hours = (datetime(2026, 11, 25, 12, tzinfo=UTC), datetime(2026, 11, 25, 13, tzinfo=UTC))
    assert found.hours.uncounted == hours


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("three_counted")
def test_the_half_that_is_counted_least_far_back_bounds_what_came() -> None:
    for ago in (9, 3, 2, 1):
        kept(received_at=minutes(ago))
    kept(received_at=minutes(20), finished_at=minutes(70), status=Status.SUCCEEDED)
    found = rates.charts(NOW)
    end = datetime(2026, 11, 25, 12, 28, tzinfo=UTC)
    assert found.received.uncounted == (found.received.since, end)
    assert (found.minutes.uncounted, found.hours.uncounted) == (None, None)


@pytest.mark.django_db(transaction=True)
async def test_unmatched_events_come_by_number_each_with_its_newest_delivery() -> None:
    add = sync_to_async(kept)
    for event, action, ago, status in [
        ("star", "created", 3, Status.IGNORED),
        ("star", "created", 2, Status.IGNORED),
        ("fork", "", 1, Status.IGNORED),
        ("push", "", 1, Status.SUCCEEDED),
        ("old", "", 60 * 24 * 8, Status.IGNORED),
    ]:
        await add(
            event=event, action=action, finished_at=minutes(ago), received_at=minutes(ago), status=status
        )
    found = await unmatched.unmatched(NOW)
    assert [(row.event, row.action, row.number, row.newest_at) for row in found] == [
        ("star", "created", 2, minutes(2)),
        ("fork", "", 1, minutes(1)),
    ]


@pytest.mark.django_db
def test_a_hook_that_delivered_regularly_and_stopped_fell_silent() -> None:
    def delivered(hook: int, *hours: int) -> None:
        for ago in hours:
            at = NOW - timedelta(hours=ago)
            kept(
                hook_id=hook, received_at=at, finished_at=at, status=Status.SUCCEEDED, repository=f"o/{hook}"
            )

    delivered(0, *range(50, 61))
    delivered(7, *range(50, 61))
    delivered(8, *range(60))
    delivered(9, 50, 51)
    delivered(10, *range(50, 800, 24))
    delivered(11, *range(24 * 31, 24 * 31 + 11))
    assert silence.silent(NOW) == [Silent(7, "o/7", NOW - timedelta(hours=50), timedelta(hours=1))]
