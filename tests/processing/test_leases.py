"""The leases of one worker: an outage of the database is logged when it begins."""

import asyncio
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from processing import claiming, leases
from processing.leases import Leases
from tests.processing.deliveries import stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.once
async def test_an_outage_is_logged_once_by_a_worker_that_holds_something(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts, often = 0, asyncio.Event()
    loop = asyncio.get_running_loop()

    def renew(*_: Any) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 5:
            loop.call_soon_threadsafe(often.set)
        raise OperationalError("the server does not answer")

    monkeypatch.setattr(claiming, "renew", renew)
    held = Leases(timedelta(seconds=0.05))
    await sync_to_async(stored)()
    keeping = asyncio.create_task(held.keep())
    with caplog.at_level(logging.WARNING):
        result = await sync_to_async(claiming.claim)("a", claiming.LEASE, 1, 0)
        assert attempts == 0
        held.take(result.claims, 0)
        async with asyncio.timeout(30):
            await often.wait()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert [record.getMessage() for record in caplog.records] == [
        "leases not renewed count=1 error=the server does not answer"
    ]


@pytest.mark.once
def test_an_outage_is_logged_once_for_a_delivery_that_runs_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts, often = 0, threading.Event()

    def renew(*_: Any) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 5:
            often.set()
        raise OperationalError("the server does not answer")

    stored()
    [claimed] = claiming.claim("a", claiming.LEASE, 1, 0).claims
    monkeypatch.setattr(claiming, "renew", renew)
    with caplog.at_level(logging.WARNING), leases.renewed(claimed, timedelta(seconds=0.05)):
        assert often.wait(30)
    assert [record.getMessage() for record in caplog.records] == [
        f"lease not renewed delivery={claimed.delivery} error=the server does not answer"
    ]
