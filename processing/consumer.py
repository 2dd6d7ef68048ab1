"""The consumer decides when a worker claims: at a wake-up, and every second without one."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from arq.constants import job_key_prefix
from django.db import Error

import database
from processing.batch_runner import BatchRunner
from processing.resilient_redis import ResilientRedis
from receiver import queue

logger = logging.getLogger(__name__)

# Seconds between two looks at the database without a wake-up.
POLL = 1.0
# Wake-ups that are taken from Redis at once. The others wake the other workers.
WAKEUPS = 10
# Seconds of one wait in Redis; less than the client gives it for an answer.
WAIT = 1.0
# Seconds between two claims that only found deliveries which wait for others.
PAUSE = 0.02
# Seconds between two looks for what other workers left behind.
REPAIR_EVERY = 5.0


async def run(runner: BatchRunner) -> None:
    """Claim as far as there is capacity, until cancelled. During an outage of the database it tries again."""
    away, repaired_at = False, 0.0
    while True:
        await runner.leases.free.wait()
        runner.due.clear()
        wait = POLL
        try:
            if time.monotonic() > repaired_at + REPAIR_EVERY:
                if await database.run(runner.repair):
                    runner.isolation.start()
                repaired_at = time.monotonic()
            result = await runner.claim()
            away = False
            if result.more:
                wait = 0 if result.claims else PAUSE
        except Error as error:
            if not away:
                logger.error("not claimed error=%s", error)  # noqa: TRY400 - an outage
            away = True
        if wait:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await runner.due.wait()


async def listen(runner: BatchRunner, redis: ResilientRedis, on_wake_up: Callable[[], object]) -> None:
    """Take wake-ups from Redis while there is capacity, until cancelled; other workers get them otherwise.

    A job is taken whatever it holds: it only says that something is due, a delivery or an operation.
    """
    while True:
        await runner.leases.free.wait()
        first = await redis.bzpopmin(queue.NAME, WAIT)
        if first is None:
            continue
        popped = await redis.zpopmin(queue.NAME, WAKEUPS - 1)
        runner.due.set()
        on_wake_up()
        await redis.delete(
            *(job_key_prefix.encode() + name for name in [first[1], *(name for name, _ in popped)])
        )
