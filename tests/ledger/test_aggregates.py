"""Aggregates: each minute is counted once, whatever crashes, and hours and days are the sums of minutes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from ledger import aggregates
from ledger.models import Aggregate, AggregatedUntil
from receiver.models import Delivery, Status, Trigger
from tests.console.kept import kept

pytestmark = pytest.mark.django_db(transaction=True)

MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)


def settled(at: datetime, after: float = 0.1, status: Status = Status.SUCCEEDED, **changes: Any) -> Delivery:
    return kept(received_at=at, finished_at=at + timedelta(seconds=after), status=status, **changes)


def to_the_end(now: datetime) -> None:
    while aggregates.advance(now):
        continue


def rows(grain: str = "minute", dimension: str = "event") -> list[tuple[Any, ...]]:
    columns = ("begin", "name", "received", "succeeded", "dead")
    found = Aggregate.objects.filter(grain=grain, dimension=dimension).order_by("begin", "name")
    return list(found.values_list(*columns))


def test_a_minute_is_counted_by_event_and_by_repository() -> None:
    settled(NOON)
    settled(NOON, status=Status.DEAD)
    settled(NOON + timedelta(seconds=50), after=20.0)
    settled(NOON, repository="octo/dog")
    kept("issues__opened", received_at=NOON)
    to_the_end(NOON + timedelta(minutes=5))
    assert rows() == [
        (NOON, "issues", 1, 0, 0),
        (NOON, "push", 4, 2, 1),
        (NOON + timedelta(minutes=1), "push", 0, 1, 0),
    ]
    assert rows(dimension="repository")[:2] == [(NOON, "octo/cat", 4, 1, 1), (NOON, "octo/dog", 1, 1, 0)]


def test_latencies_of_deliveries_are_counted_and_those_of_replays_are_not() -> None:
    for seconds in (0.0, 0.0101, 100.0):
        settled(NOON, after=seconds)
    settled(NOON, after=5_000, trigger=Trigger.REPLAY)
    to_the_end(NOON + timedelta(hours=3))
    counted = Aggregate.objects.filter(grain="day", dimension="event")
    assert list(counted) == []
    found = Aggregate.objects.filter(grain="hour", dimension="event", latencies__isnull=False)
    assert [row.latencies for row in found.order_by("begin")] == [{"0": 1, "13": 1, "66": 1}, {}]


def test_hours_and_days_are_the_sums_of_their_minutes() -> None:
    for minutes in (0, 1, 59, 60, 24 * 60):
        settled(MIDNIGHT + timedelta(minutes=minutes))
    to_the_end(MIDNIGHT + timedelta(days=2, minutes=2))
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert rows("hour") == [
        (MIDNIGHT, "push", 3, 3, 0), (MIDNIGHT + hour, "push", 1, 1, 0), (MIDNIGHT + day, "push", 1, 1, 0),
    ]  # fmt: skip
    assert rows("day") == [(MIDNIGHT, "push", 4, 4, 0), (MIDNIGHT + day, "push", 1, 1, 0)]


def test_a_minute_waits_until_nothing_can_be_added_to_it() -> None:
    settled(NOON)
    to_the_end(NOON + timedelta(seconds=119))
    assert rows() == []
    to_the_end(NOON + timedelta(seconds=120))
    assert len(rows()) == 1


def test_a_replay_counts_as_another_settlement_and_takes_none_away() -> None:
    row = settled(NOON)
    to_the_end(NOON + timedelta(minutes=3))
    Delivery.objects.filter(pk=row.pk).update(
        finished_at=NOON + timedelta(minutes=10), trigger=Trigger.REPLAY
    )
    to_the_end(NOON + timedelta(minutes=20))
    assert rows() == [(NOON, "push", 1, 1, 0), (NOON + timedelta(minutes=10), "push", 0, 1, 0)]


def test_a_crash_before_the_commit_leaves_nothing_half_done() -> None:
    settled(NOON)
    aggregates.advance(NOON + timedelta(minutes=3))
    before = AggregatedUntil.objects.get().at
    with transaction.atomic():
        assert aggregates.advance(NOON + timedelta(minutes=3))
        transaction.set_rollback(True)
    assert (rows(), AggregatedUntil.objects.get().at) == ([], before)
    to_the_end(NOON + timedelta(minutes=3))
    assert rows() == [(NOON, "push", 1, 1, 0)]


def test_a_long_history_is_counted_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregates, "MAX_DELIVERIES", 3)
    for minutes in range(10):
        for _ in range(2):
            settled(NOON + timedelta(minutes=minutes))
    to_the_end(NOON + timedelta(minutes=30))
    assert [row[2] for row in rows()] == [2] * 10


def test_a_rebuild_counts_again_what_is_stored_and_keeps_what_was_pruned() -> None:
    pruned = settled(MIDNIGHT - timedelta(days=3))
    settled(NOON)
    now = NOON + timedelta(days=1)
    to_the_end(now)
    before = {grain: rows(grain) for grain in ("minute", "hour", "day")}
    pruned.delete()
    Aggregate.objects.filter(begin__gte=NOON - timedelta(hours=12)).update(received=99)
    settled(NOON - timedelta(days=1))
    aggregates.rebuild()
    to_the_end(now)
    assert rows("day")[0] == before["day"][0]
    assert rows("day")[-1] == before["day"][-1]
    assert rows("minute")[-1] == before["minute"][-1]
