"""Redis as a wake-up: arq jobs that carry ids, written in arq's own format.

The ledger is the database. A wake-up that is lost costs a delay until the sweep, never a delivery, so
nobody waits for Redis here.
"""

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from arq.constants import default_queue_name, expires_extra_ms, job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from receiver.models import Trigger
from receiver.store import Receipt, Stored

logger = logging.getLogger(__name__)

FUNCTION = "process"
BATCH = 100
NAME = default_queue_name
# Beyond this the sweep does it: memory stays bounded while Redis is down.
MAX_WAITING = 10_000
TIMEOUT = 2.0  # seconds
# Seconds between two pipelines: who comes alone does not wait, and many are few jobs, which cost arq and the
# worker far more than their ids.
GATHER = 0.02

Due = Mapping[tuple[str, Trigger], Sequence[int]]
"""Ids of deliveries by event and by what wakes them."""


def connect() -> Redis:
    """A client of `REDIS_URL` that gives up in seconds; nothing is sent before its first command."""
    client: Redis = Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
    return client


def serialize(job: dict[str, Any]) -> bytes:
    """An arq job as JSON: ids and names only, and never pickle."""
    return json.dumps(job, separators=(",", ":"), default=repr).encode()


def deserialize(job: bytes) -> dict[str, Any]:
    """The reverse of `serialize`."""
    found: dict[str, Any] = json.loads(job)
    return found


async def enqueue(redis: Redis, due: Due) -> int:
    """Write one job for each event, trigger and `BATCH` ids, in one pipeline; gives the number of jobs.

    Raises `redis.exceptions.RedisError` or `OSError` when Redis does not take them.
    """
    jobs = [
        (event, list(ids[start : start + BATCH]), trigger)
        for (event, trigger), ids in due.items()
        for start in range(0, len(ids), BATCH)
    ]
    async with redis.pipeline(transaction=False) as pipeline:
        for job in jobs:
            now, job_id = timestamp_ms(), uuid4().hex
            body = serialize_job(FUNCTION, job, {}, None, now, serializer=serialize)
            pipeline.psetex(job_key_prefix + job_id, expires_extra_ms, body)
            pipeline.zadd(NAME, {job_id: now})
        await pipeline.execute()
    return len(jobs)


class Wakeups:
    """Wake-ups on their way to Redis: those that gather while one pipeline runs go with the next."""

    def __init__(self) -> None:
        self._redis = connect()
        self._waiting: list[tuple[str, Trigger, int]] = []
        self._sender: asyncio.Task[None] | None = None
        self._closing = False

    def wake(self, stored: Stored) -> None:
        """Have a worker woken for a row that is committed; returns at once."""
        if len(self._waiting) < MAX_WAITING:
            trigger = Trigger.REDELIVERY if stored.receipt is Receipt.REDELIVERED else Trigger.DELIVERY
            self._waiting.append((stored.event, trigger, stored.id))
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
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                await enqueue(self._redis, by_event(taken))
            except (RedisError, OSError) as error:
                logger.warning(
                    "Redis did not take %d wake-ups (%s): the sweep will find them", len(taken), error
                )
            if not self._closing:
                await asyncio.sleep(GATHER)


def by_event(rows: Iterable[tuple[str, Trigger, int]]) -> Due:
    """Group (event, trigger, id) as `enqueue` takes them."""
    due: dict[tuple[str, Trigger], list[int]] = {}
    for event, trigger, row_id in rows:
        due.setdefault((event, trigger), []).append(row_id)
    return due
