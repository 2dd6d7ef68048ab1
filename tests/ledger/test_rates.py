"""Rates: what came and what was settled, in whole minutes and hours, and no further than the cap."""

from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async

from ledger import rates, silence, unmatched
from ledger.silence import Silent
from receiver.models import Status
from tests.console.kept import kept

NOW = datetime(2026, 11, 25, 12, 30, 40, tzinfo=UTC)


def minutes(ago: float) -> datetime:
    return NOW - timedelta(minutes=ago)


@pytest.mark.django_db
def test_settled_deliveries_are_counted_by_minute_and_status() -> None:
    for ago, status in [
        (0.1, Status.SUCCEEDED),
        (0.5, Status.SUCCEEDED),
        (0.5, Status.DEAD),
        (59, Status.DEAD),
    ]:
        kept(finished_at=minutes(ago), status=status)
    kept(finished_at=minutes(61), status=Status.DEAD)
    kept()
    kept(finished_at=minutes(61), status=Status.IGNORED, event="star")
    found = rates.settled(NOW)
    assert (found.minutes.since, found.minutes.capped) == (datetime(2026, 11, 25, 11, 31, tzinfo=UTC), False)
    assert found.hours.since == datetime(2026, 11, 18, 13, tzinfo=UTC)
    assert found.hours.numbers == {
        (datetime(2026, 11, 25, 12, tzinfo=UTC), "succeeded"): 2,
        (datetime(2026, 11, 25, 12, tzinfo=UTC), "dead"): 1,
        (datetime(2026, 11, 25, 11, tzinfo=UTC), "dead"): 2,
        (datetime(2026, 11, 25, 11, tzinfo=UTC), "ignored"): 1,
    }
    assert found.events == {("succeeded", "push"): 2, ("dead", "push"): 3, ("ignored", "star"): 1}
    assert found.minutes.numbers == {
        (datetime(2026, 11, 25, 12, 30, tzinfo=UTC), "succeeded"): 2,
        (datetime(2026, 11, 25, 12, 30, tzinfo=UTC), "dead"): 1,
        (datetime(2026, 11, 25, 11, 31, tzinfo=UTC), "dead"): 1,
    }


@pytest.mark.django_db
def test_received_deliveries_are_counted_by_minute_whatever_became_of_them() -> None:
    kept(received_at=minutes(1), status=Status.DEAD, finished_at=minutes(0))
    kept(received_at=minutes(1))
    kept(received_at=minutes(40))
    kept(received_at=minutes(70))
    assert rates.received(NOW).numbers == {
        (datetime(2026, 11, 25, 12, 29, tzinfo=UTC), "received"): 2,
        (datetime(2026, 11, 25, 11, 50, tzinfo=UTC), "received"): 1,
    }


@pytest.mark.django_db
def test_beyond_the_cap_the_chart_begins_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "CAP", 2)
    for ago in (1, 2, 30):
        kept(finished_at=minutes(ago), status=Status.SUCCEEDED)
    found = rates.settled(NOW).minutes
    assert (sum(found.numbers.values()), found.capped) == (2, True)
    assert found.since == datetime(2026, 11, 25, 12, 28, tzinfo=UTC)


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
