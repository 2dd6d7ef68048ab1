"""Wakes the workers, so that they look at once for what a page was asked to do."""

import logging
from collections.abc import Collection

from redis.exceptions import RedisError

from receiver import queue

logger = logging.getLogger(__name__)

# What a wake-up is about when it is about an operation. Workers look for both at any wake-up.
OPERATION = "operation"


async def wake_workers(events: Collection[str]) -> None:
    """Enqueue a wake-up for each event. Without Redis, workers look within a second by themselves."""
    try:
        async with queue.connect() as redis:
            await queue.enqueue(redis, events)
    except (RedisError, OSError) as error:
        logger.warning("wake-ups not enqueued count=%d error=%s", len(events), error)
