"""The sweep finds what nobody will be woken for, once, and outlives outages."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from processing import sweep
from processing.sweep import Found
from receiver.models import Delivery
from tests.processing.deliveries import Recorder, stored

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timedelta(hours=-1)


def test_what_is_overdue_is_found_once_with_what_brings_it_back() -> None:
    past = timezone.now() + LONG_AGO
    lost = stored(next_attempt_at=past)
    due = stored(status="retrying", next_attempt_at=past)
    left = stored(status="processing", lease_expires_at=past, next_attempt_at=None, worker="gone")
    assert sorted(sweep.find()) == sorted(
        [("push", "sweep", lost.pk), ("push", "retry", due.pk), ("push", "sweep", left.pk)]
    )
    assert sweep.find() == []


def test_what_is_not_overdue_is_left_alone() -> None:
    future = timezone.now() - LONG_AGO
    stored()
    stored(status="retrying", next_attempt_at=future)
    stored(status="processing", lease_expires_at=future, next_attempt_at=None)
    for status in ("succeeded", "ignored", "invalid", "dead"):
        stored(status=status, next_attempt_at=timezone.now() + LONG_AGO)
    assert sweep.find() == []


async def test_what_the_sweep_finds_is_claimable() -> None:
    past = timezone.now() + LONG_AGO
    make = sync_to_async(stored)
    rows = [await make(status="retrying", next_attempt_at=past), await make(next_attempt_at=past)]
    rows.append(await make(status="processing", lease_expires_at=past, next_attempt_at=None, worker="gone"))
    found = await sync_to_async(sweep.find)()
    recorder = Recorder()
    for _, trigger, pk in found:
        assert await recorder.processor().process([pk], trigger) == 1
    assert recorder.calls == ["works"] * len(rows)


def test_a_backlog_is_taken_in_portions_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "PORTION", 3)
    rows = [stored(next_attempt_at=timezone.now() + LONG_AGO + timedelta(seconds=n)) for n in range(7)]
    portions = [[pk for _, _, pk in sweep.find()] for _ in range(4)]
    assert [len(portion) for portion in portions] == [3, 3, 1, 0]
    assert [pk for portion in portions for pk in portion] == [row.pk for row in rows]


async def test_while_redis_is_away_what_was_found_is_put_back_and_woken_when_it_returns() -> None:
    row = await sync_to_async(stored)(next_attempt_at=timezone.now() + LONG_AGO)
    woken: list[Found] = []
    outages = iter([True, True, False])

    async def wake(found: Iterable[Found]) -> None:
        if next(outages):
            raise ConnectionError("Redis: away")
        woken.extend(found)

    task = asyncio.create_task(sweep.run(wake, every=0.01))
    async with asyncio.timeout(10):
        while not woken:  # noqa: ASYNC110 - the sweep writes it
            await asyncio.sleep(0.01)
    task.cancel()
    assert woken == [("push", "sweep", row.pk)]
    assert (await Delivery.objects.aget()).status == "received"
