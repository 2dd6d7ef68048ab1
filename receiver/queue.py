"""Wake-ups: arq jobs that say that deliveries of an event are due, in arq's own format.

A job carries no ids: the database says what is due, and workers look there every second without a wake-up.
Nothing waits for Redis here.
"""

import asyncio
import json
import logging
from collections.abc import Collection
from typing import Any
from uuid import uuid4

from arq.constants import default_queue_name, expires_extra_ms, job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from receiver.store import Stored

logger = logging.getLogger(__name__)

FUNCTION = "process"
NAME = default_queue_name
TIMEOUT = 2.0  # seconds
# Seconds between two pipelines: a lone delivery does not wait, and many cost one job for each event.
GATHER = 0.02


def connect() -> Redis:
    """Return a client of `REDIS_URL` that gives up in seconds; nothing is sent before its first command."""
    client: Redis = Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
    return client


def serialize(job: dict[str, Any]) -> bytes:
    """Return an arq job as JSON, never as pickle."""
    return json.dumps(job, separators=(",", ":"), default=repr).encode()


def deserialize(job: bytes) -> dict[str, Any]:
    """Return what `serialize` was given."""
    found: dict[str, Any] = json.loads(job)
    return found


async def enqueue(redis: Redis, events: Collection[str]) -> None:
    """Write the job `process(event)` for each of these events, in one pipeline.

    Raises `redis.exceptions.RedisError` or `OSError` when Redis does not take them.
    """
    async with redis.pipeline(transaction=False) as pipeline:
        for event in events:
            now, job_id = timestamp_ms(), uuid4().hex
            body = serialize_job(FUNCTION, (event,), {}, None, now, serializer=serialize)
            pipeline.psetex(job_key_prefix + job_id, expires_extra_ms, body)
            pipeline.zadd(NAME, {job_id: now})
        await pipeline.execute()


class Wakeups:
    """Wake-ups on their way to Redis: those that gather while one pipeline runs go with the next."""

    def __init__(self) -> None:
        self._redis = connect()
        self._events: set[str] = set()
        self._sender: asyncio.Task[None] | None = None
        self._closing = False

    def wake(self, stored: Stored) -> None:
        """Have a worker woken for a committed row; returns at once."""
        self._events.add(stored.event)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())

    async def ping(self) -> None:
        """Raise `redis.exceptions.RedisError` or `OSError` unless Redis answers."""
        await self._redis.ping()

    async def close(self) -> None:
        """Send what is waiting, then disconnect."""
        self._closing = True
        if self._sender is not None:
            await self._sender
        await self._redis.aclose()

    async def _send(self) -> None:
        while self._events:
            events, self._events = self._events, set()
            try:
                await enqueue(self._redis, events)
            except (RedisError, OSError) as error:
                logger.warning("wake-ups not enqueued count=%d error=%s", len(events), error)
            if not self._closing:
                await asyncio.sleep(GATHER)
