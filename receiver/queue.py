"""Wake-ups: arq jobs in arq's own format. Each says that deliveries of one event are due.

A job carries no ids. Workers claim due deliveries from the database, at a wake-up and once a second without
one, so no request waits for Redis. One job of each event waits at most: see docs/decisions/0104.
"""

import asyncio
import json
import logging
from collections.abc import Collection
from typing import Any

from arq.constants import default_queue_name, expires_extra_ms, job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from configuration import redis_pools
from receiver.store import Stored

logger = logging.getLogger(__name__)

FUNCTION = "process"
NAME = default_queue_name
JOB_KEY = job_key_prefix  # followed by the id of a job
# Followed by the event, the id of a job. Other programs may have jobs in the same queue.
JOB_ID = "wake-up:"
# Takes the place of an event where an operation is due. At any wake-up, workers look for both.
OPERATION = "operation"
# Seconds between two pipelines. The first is sent at once; a burst then costs one job per event and interval.
PIPELINE_INTERVAL = 0.02


def connect() -> Redis:
    """Return a client of `REDIS_URL`. It connects at its first command."""
    return Redis.from_pool(redis_pools.asynchronous(settings.REDIS_URL))


def serialize(job: dict[str, Any]) -> bytes:
    """Return an arq job as JSON, never as pickle."""
    return json.dumps(job, separators=(",", ":"), default=repr).encode()


async def enqueue(redis: Redis, events: Collection[str]) -> None:
    """Write the job `process(event)` for each of these events, in place of one that waits, in one pipeline.

    Raises `redis.exceptions.RedisError` or `OSError` when Redis does not accept them.
    """
    async with redis.pipeline(transaction=False) as pipeline:
        for event in events:
            now, job_id = timestamp_ms(), JOB_ID + event
            body = serialize_job(FUNCTION, (event,), {}, None, now, serializer=serialize)
            pipeline.psetex(JOB_KEY + job_id, expires_extra_ms, body)
            pipeline.zadd(NAME, {job_id: now})
        await pipeline.execute()


async def wake_workers(events: Collection[str]) -> None:
    """Enqueue wake-ups over a connection of their own. Without Redis, workers look within a second anyway."""
    try:
        async with connect() as redis:
            await enqueue(redis, events)
    except (RedisError, OSError) as error:
        logger.warning("wake-ups not enqueued count=%d error=%s", len(events), error)


class Wakeups:
    """Sends wake-ups to Redis. Events that arrive while a pipeline runs are sent by the next one."""

    def __init__(self) -> None:
        self._redis = connect()
        self._events: set[str] = set()
        self._sender: asyncio.Task[None] | None = None
        self._closing = False
        # Whether the last pipeline failed: only the first failure of an outage is logged.
        self._away = False

    def wake(self, stored: Stored) -> None:
        """Enqueue a wake-up for a committed row, without waiting for Redis."""
        self._events.add(stored.event)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())

    async def ping(self) -> None:
        """Raise `redis.exceptions.RedisError` or `OSError` unless Redis answers."""
        await self._redis.ping()

    async def close(self) -> None:
        """Send the pending wake-ups, then disconnect."""
        self._closing = True
        if self._sender is not None:
            await self._sender
        await self._redis.aclose()

    async def _send(self) -> None:
        while self._events:
            events, self._events = self._events, set()
            try:
                await enqueue(self._redis, events)
                self._away = False
            except (RedisError, OSError) as error:
                if not self._away:
                    logger.warning("wake-ups not enqueued count=%d error=%s", len(events), error)
                self._away = True
            if not self._closing:
                await asyncio.sleep(PIPELINE_INTERVAL)
