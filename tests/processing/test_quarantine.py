"""Quarantine: what may have ended a worker runs apart, and only the culprit is dead."""

import asyncio
import os
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

import database
from processing import quarantine, replaying, sweep
from processing.batch import Processor
from receiver.models import Delivery, HandlerRun, Trigger
from tests.processing import suspects
from tests.processing.deliveries import EVENTS, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _same_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process apart reads its settings from the environment."""
    monkeypatch.setenv("DATABASE_URL", database_url)


def processor() -> Processor:
    return Processor(EVENTS, suspects.registry, "worker of the test")


async def left_behind(*sources: str) -> list[int]:
    """What a worker held when it died, once the sweep has found it."""
    for source in sources:
        await sync_to_async(stored)(
            source=source,
            status="processing",
            claims=1,
            lease_expires_at=timezone.now() - timedelta(seconds=1),
            next_attempt_at=None,
        )
    return [pk for pk, _ in await database.run(sweep.find)]


async def until_terminal(within: float = 40) -> None:
    """Process what is due, as a worker's sweep does."""
    async with asyncio.timeout(within):
        while await Delivery.objects.filter(status__in=["received", "retrying"]).aexists():
            await processor().process(
                [pk async for pk in Delivery.objects.values_list("pk", flat=True)], Trigger.SWEEP
            )


async def test_the_innocent_succeed_apart_from_the_worker_and_each_crash_of_the_culprit_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await left_behind("good", "kills", "good")
    await until_terminal()
    rows = {row.source: row async for row in Delivery.objects.all()}
    assert (rows["kills"].status, rows["kills"].crashes, rows["kills"].attempts) == ("dead", 3, 0)
    assert rows["kills"].error == "ended its worker 3 times, at last with signal 9"
    assert (rows["good"].status, rows["good"].attempts) == ("succeeded", 1)
    assert await Delivery.objects.filter(status="succeeded").acount() == 2
    assert await HandlerRun.objects.filter(handler="suspects.obey").acount() == 2
    assert str(os.getpid()) not in caplog.text


async def test_a_process_that_exits_is_told_from_one_that_is_killed() -> None:
    await left_behind("exits")
    await until_terminal()
    assert (await Delivery.objects.aget()).error == "ended its worker 3 times, at last with exit status 3"


async def test_what_blocks_its_process_is_a_crash_and_what_hangs_is_timed_out_as_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quarantine, "GRACE", 4.0)
    await Delivery.objects.filter(pk__in=await left_behind("blocks")).aupdate(crashes=2)
    await left_behind("hangs")
    await processor().process(
        [pk async for pk in Delivery.objects.values_list("pk", flat=True)], Trigger.SWEEP
    )
    rows = {row.source: row async for row in Delivery.objects.all()}
    assert rows["blocks"].status == "dead"
    assert rows["blocks"].error.endswith("a handler that blocked it for 5 seconds")
    assert (rows["hangs"].status, rows["hangs"].crashes) == ("retrying", 1)


async def test_a_database_that_is_away_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3")
    await processor().process(await left_behind("good"), Trigger.SWEEP)
    row = await Delivery.objects.aget()
    assert (row.status, row.crashes, row.attempts) == ("processing", 1, 0)


async def test_a_worker_that_stops_ends_the_process_and_gives_the_suspect_back_unharmed() -> None:
    [pk] = await left_behind("blocks")
    task = asyncio.create_task(processor().process([pk], Trigger.SWEEP))
    await asyncio.sleep(1)  # the process may or may not be up: both must do
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await Delivery.objects.aget()
    assert (row.status, row.crashes, row.attempts) == ("received", 1, 0)


async def test_a_replay_frees_from_suspicion() -> None:
    await left_behind("kills")
    await until_terminal()
    await database.run(replaying.reopen, [(await Delivery.objects.aget()).pk])
    row = await Delivery.objects.aget()
    assert (row.status, row.crashes) == ("received", 0)
