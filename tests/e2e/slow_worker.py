"""The worker with a handler that does not end by itself, and with leases short enough for a test."""

import asyncio
import logging
from datetime import timedelta

import worker
from handlers import DeliveryContext, on
from schemas.push import PushEvent

worker.processor.leases.length = timedelta(seconds=2)


@on(PushEvent)
async def never_ends(_event: PushEvent, _delivery: DeliveryContext) -> None:
    logging.getLogger(__name__).info("handler entered")
    await asyncio.Event().wait()


WorkerSettings = worker.WorkerSettings
