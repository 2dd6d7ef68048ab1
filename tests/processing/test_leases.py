"""The leases of one worker: an outage of the database is logged when it begins."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from processing import claiming
from processing.leases import Leases
from tests import beside
from tests.processing.deliveries import stored

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = timedelta(seconds=0.05)
MANY = 0.2  # seconds, in which such a lease is renewed a dozen times


@contextmanager
def without_deliveries() -> Iterator[None]:
    """Have each statement about deliveries fail."""
    with beside.connected() as other:
        other.execute("ALTER TABLE receiver_delivery RENAME TO away")
        try:
            yield
        finally:
            other.execute("ALTER TABLE away RENAME TO receiver_delivery")


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message.partition(" error=")[0] for message in caplog.messages]


async def test_an_outage_is_logged_once_by_a_worker_that_holds_something(
    caplog: pytest.LogCaptureFixture,
) -> None:
    held = Leases(SHORT)
    await sync_to_async(stored)()
    result = await sync_to_async(claiming.claim)("a", claiming.LEASE, 1, 0)
    with caplog.at_level(logging.WARNING), without_deliveries():
        keeping = asyncio.create_task(held.keep())
        await asyncio.sleep(MANY)
        assert caplog.messages == []
        held.take(result.claims)
        await asyncio.sleep(MANY)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert events(caplog) == ["leases not renewed count=1"]


def test_that_the_database_answers_is_logged_at_the_start_and_after_each_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    held = Leases(SHORT)
    with caplog.at_level(logging.INFO):
        for answered in (True, True, False, False, True):
            held.reached(answered)
    assert caplog.messages == ["database answers"] * 2
