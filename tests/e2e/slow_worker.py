"""The worker with a handler that does not end, and with short leases."""

import asyncio
import logging
from datetime import timedelta

import worker

process = worker.process(lease=timedelta(seconds=2))

from handlers import DeliveryContext, on  # noqa: E402 - after Django is set up
from schemas.push import PushEvent  # noqa: E402


@on(PushEvent)
async def never_ends(_event: PushEvent, _delivery: DeliveryContext) -> None:
    logging.getLogger(__name__).info("handler entered")
    await asyncio.Event().wait()


WorkerSettings = worker.settings_class(process)
