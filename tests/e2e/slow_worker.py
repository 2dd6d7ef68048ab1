"""The worker with a handler that does not end by itself, and with leases short enough for a test."""

import asyncio
import dataclasses
import logging
from datetime import timedelta

import worker
from handlers import DeliveryContext, on
from schemas.push import PushEvent

worker.processor = dataclasses.replace(worker.processor, lease=timedelta(seconds=2))


@on(PushEvent)
async def never_ends(_event: PushEvent, _delivery: DeliveryContext) -> None:
    logging.getLogger(__name__).info("handler entered")
    await asyncio.Event().wait()


# arq takes a class or a dict, and of a class only what stands in it itself.
WorkerSettings = {**vars(worker.WorkerSettings), "job_completion_wait": 1}
