"""Inline replay: a thread renews a short lease while a debugger stops the main thread."""

import asyncio
import time
from bdb import BdbQuit
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from handlers import DeliveryContext, Registry
from processing import replaying
from processing.batch_runner import BatchRunner
from processing.claiming import LEASE
from receiver.models import Delivery
from schemas.push import PushEvent
from tests import beside
from tests.processing.deliveries import EVENTS, Recorder, stored

pytestmark = pytest.mark.django_db(transaction=True)

make = sync_to_async(stored)


async def replay(runner: BatchRunner, *rows: Delivery) -> list[str]:
    found = replaying.inline(runner, [row.pk for row in rows], "somebody")
    return [verdict.status.value async for verdict, _ in found]


async def test_a_handler_stopped_in_a_debugger_keeps_its_lease() -> None:
    registry = Registry()
    ends: set[datetime | None] = set()

    def wait_for_renewals() -> None:
        deadline = time.monotonic() + 60
        while len(ends) < 3:
            assert time.monotonic() < deadline, "the lease is not renewed"
            ends.add(Delivery.objects.get().lease_expires_at)
            time.sleep(0.05)
        connection.close()

    @registry.on(PushEvent)
    async def stops(_event: PushEvent, _delivery: DeliveryContext) -> None:
        # Block this thread, as a debugger does.
        with ThreadPoolExecutor() as another:
            another.submit(wait_for_renewals).result()

    runner = BatchRunner(EVENTS, registry, "inline", lease=timedelta(seconds=0.3))
    assert await replay(runner, await make(status="dead")) == ["succeeded"]
    assert len(ends) == 3


@pytest.mark.parametrize("left", [KeyboardInterrupt, BdbQuit])
async def test_leaving_a_handler_by_ctrl_c_or_from_a_debugger_gives_the_delivery_back(
    left: type[BaseException],
) -> None:
    with pytest.raises(KeyboardInterrupt):
        await replay(Recorder(leaves=left()).runner("inline"), await make(status="dead"))
    row = await Delivery.objects.aget()
    assert (row.status, row.attempts) == ("received", 0)


async def test_a_replay_that_is_killed_blocks_its_delivery_for_no_longer_than_a_lease() -> None:
    registry = Registry()
    ends = []

    @registry.on(PushEvent)
    async def looks(_event: PushEvent, delivery: DeliveryContext) -> None:
        row = await Delivery.objects.aget(guid=delivery.guid)
        ends.append(row.lease_expires_at)

    await replay(BatchRunner(EVENTS, registry, "inline"), await make(status="dead"))
    [end] = ends
    assert end is not None
    assert end < timezone.now() + LEASE


async def test_what_a_worker_holds_and_its_siblings_and_ordering_key_are_left_alone() -> None:
    guid = uuid4()
    held: dict[str, Any] = {"status": "processing", "worker": "b", "lease_expires_at": timezone.now() + LEASE}
    at_work = await make(
        guid=guid, hook_id=1, repository_id=1, ordering_key="1", next_attempt_at=None, **held
    )
    sibling = await make(guid=guid, hook_id=2, status="dead")
    behind = await make(repository_id=1, status="dead")
    registry = Registry()

    @registry.on(PushEvent, serialize="repository")
    async def ordered(_event: PushEvent, _delivery: DeliveryContext) -> None: ...

    assert await replay(BatchRunner(EVENTS, registry, "inline"), at_work, sibling, behind) == []
    assert (await Delivery.objects.aget(pk=at_work.pk)).status == "processing"
    assert await Delivery.objects.filter(status="received").acount() == 2


async def test_a_delivery_whose_body_cannot_be_read_is_dead() -> None:
    row = await make(status="dead")

    def corrupt() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE receiver_delivery SET body = %s", [b"no frame"])

    await sync_to_async(corrupt)()
    assert await replay(Recorder().runner("inline"), row) == ["dead"]
    assert await Delivery.objects.filter(pk=row.pk, status="dead").aexists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite stores longer texts")
async def test_the_verdict_is_the_one_that_the_database_accepts() -> None:
    recorder = Recorder()
    object.__setattr__(recorder.registry.handlers["push"][0], "name", "n" * 256)
    assert await replay(recorder.runner("inline"), await make(status="dead")) == ["retrying"]


async def test_a_replay_that_is_interrupted_during_its_claim_gives_it_back() -> None:
    row = await make(status="dead")
    with beside.locked("receiver_delivery"):
        replayed = asyncio.create_task(replay(Recorder().runner("inline"), row))
        await asyncio.wait({replayed}, timeout=0.1)  # the claim waits for the lock
        replayed.cancel()
        await asyncio.sleep(0)  # the cancellation arrives
    await asyncio.gather(replayed, return_exceptions=True)
    assert (await Delivery.objects.aget()).status == "received"
