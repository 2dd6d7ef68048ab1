"""The event loop of a worker: a handler that blocks it is named in the log."""

import asyncio
import logging
import time

import pytest
from asgiref.sync import sync_to_async

from handlers import DeliveryContext, Registry
from processing import blocking
from processing.batch_runner import BatchRunner
from schemas.push import PushEvent
from tests.processing.deliveries import EVENTS, drain, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


async def test_a_handler_that_blocks_the_event_loop_is_logged_once_with_its_place_and_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(blocking, "LOOK_EVERY", 0.02)
    registry = Registry()

    @registry.on(PushEvent)
    async def blocks(_event: PushEvent, _delivery: DeliveryContext) -> None:
        time.sleep(2.5)  # noqa: ASYNC251 - what it must not do

    await sync_to_async(stored)()
    watching = asyncio.create_task(blocking.watch(60))
    with caplog.at_level(logging.WARNING, "processing.blocking"):
        await drain(BatchRunner(EVENTS, registry, "worker of the test"))
        await asyncio.sleep(5 * blocking.LOOK_EVERY)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    # Whatever else a busy machine delays is in no handler.
    [line] = [record for record in caplog.records if "test_blocking.py" in record.getMessage()]
    event, seconds, place = line.getMessage().rsplit(" ", 2)
    assert event == "event loop blocked"
    assert float(seconds.removeprefix("seconds=")) > 2
    assert place == f"at=tests/processing/test_blocking.py:{blocks.__code__.co_firstlineno + 2}"
