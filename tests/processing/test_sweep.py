"""The sweep finds what nobody will be woken for, once, and outlives outages."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from processing import sweep
from receiver.models import Delivery, Trigger
from tests.processing.deliveries import Recorder, stored

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timedelta(hours=-1)


def test_what_is_overdue_is_found_once_with_what_brings_it_back() -> None:
    past = timezone.now() + LONG_AGO
    lost = stored(next_attempt_at=past)
    due = stored(status="retrying", next_attempt_at=past)
    left = stored(status="processing", lease_expires_at=past, next_attempt_at=None, worker="gone")
    assert sorted(sweep.find()) == sorted([(lost.pk, "sweep"), (due.pk, "retry"), (left.pk, "sweep")])
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
    found = await sync_to_async(sweep.find)()
    recorder = Recorder()
    for pk, trigger in found:
        assert await recorder.processor().process([pk], trigger) == 1
    assert recorder.calls == ["works"] * len(rows)


def test_what_a_dead_worker_held_is_under_suspicion_once() -> None:
    past = timezone.now() + LONG_AGO
    left = stored(status="processing", lease_expires_at=past, next_attempt_at=None, worker="gone")
    due = stored(status="retrying", next_attempt_at=past)
    sweep.find()
    assert dict(Delivery.objects.values_list("pk", "crashes")) == {left.pk: 1, due.pk: 0}
    Delivery.objects.filter(pk=left.pk).update(status="processing", lease_expires_at=past)
    sweep.find()
    assert Delivery.objects.get(pk=left.pk).crashes == 1


def test_a_backlog_is_taken_in_portions_oldest_first() -> None:
    rows = [stored(next_attempt_at=timezone.now() + LONG_AGO + timedelta(seconds=n)) for n in range(7)]
    portions = [[pk for pk, _ in sweep.find(3)] for _ in range(4)]
    assert [len(portion) for portion in portions] == [3, 3, 1, 0]
    assert [pk for portion in portions for pk in portion] == [row.pk for row in rows]


async def test_a_backlog_is_begun_without_a_pause_and_the_sweep_goes_on_after_it() -> None:
    rows = [await sync_to_async(stored)(next_attempt_at=timezone.now() + LONG_AGO) for _ in range(250)]
    begun: list[int] = []
    all_begun = asyncio.Event()

    async def begin(ids: Sequence[int], _trigger: Trigger) -> None:
        assert len(ids) <= sweep.PORTION
        begun.extend(ids)
        if len(begun) == len(rows):
            all_begun.set()

    # A pause would be longer than the test may take.
    task = asyncio.create_task(sweep.run(begin, every=3600))
    async with asyncio.timeout(20):
        await all_begun.wait()
    task.cancel()
    assert sorted(begun) == sorted(row.pk for row in rows)
