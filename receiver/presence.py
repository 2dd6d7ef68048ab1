"""Presence: each worker says in Redis that it is alive, under a key of its own that expires by itself.

What a worker holds is in the ledger, under its name. This tells a worker that is busy from one that is gone,
and since when it has what it holds.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import redis
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from receiver import queue

logger = logging.getLogger(__name__)

# Followed by the worker's name.
KEY = "hookkeeper:worker:"
# The names of the keys, by when each was written: nobody has to look through all that Redis holds.
NAMES = "hookkeeper:workers"
EVERY = 2.0  # seconds
EXPIRES = 10  # seconds
# Seconds that the name of a worker which was killed is kept. Longer than clocks are off.
FORGOTTEN = 86_400
# Of what it has had the longest: enough to see what hangs.
LONGEST = 20


@dataclass(frozen=True, slots=True)
class Presence:
    """A worker that is alive."""

    worker: str
    since: datetime
    at_work: int
    """Deliveries."""
    running: dict[int, float] = field(default_factory=dict)
    """Ids of those that it has had the longest, and for how many seconds, give or take `EVERY`."""


async def keep(worker: str, held: Callable[[], Iterable[int]]) -> None:
    """Say that the worker is alive until cancelled, and then that it is gone.

    `held` gives the ids of what it has at work. An outage of Redis is logged once and outlived.
    """
    since = datetime.now(UTC)
    seen: dict[int, float] = {}
    down = False
    # No `socket_timeout`: with it redis-py may lose a cancellation, see receiver/patience.py.
    async with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=queue.TIMEOUT) as client:
        try:
            while True:
                now = time.monotonic()
                seen = {pk: seen.get(pk, now) for pk in held()}
                longest = sorted(seen, key=lambda pk: (seen[pk], pk))[:LONGEST]
                running = {pk: round(now - seen[pk], 1) for pk in longest}
                try:
                    async with asyncio.timeout(queue.TIMEOUT):
                        await _say(client, Presence(worker, since, len(seen), running))
                    down = False
                except (RedisError, OSError) as error:
                    if not down:
                        logger.warning("Redis is not told that this worker is alive: %s", error)
                    down = True
                await asyncio.sleep(EVERY)
        finally:
            with contextlib.suppress(RedisError, OSError):
                async with asyncio.timeout(queue.TIMEOUT):
                    await _leave(client, worker)


async def _say(client: "Redis", presence: Presence) -> None:
    said = {
        "worker": presence.worker,
        "since": presence.since.isoformat(),
        "at_work": presence.at_work,
        "running": presence.running,
    }
    now = time.time()
    async with client.pipeline(transaction=False) as pipeline:
        pipeline.set(KEY + presence.worker, json.dumps(said), ex=EXPIRES)
        pipeline.zadd(NAMES, {presence.worker: now})
        pipeline.zremrangebyscore(NAMES, "-inf", now - FORGOTTEN)
        await pipeline.execute()


async def _leave(client: "Redis", worker: str) -> None:
    async with client.pipeline(transaction=False) as pipeline:
        pipeline.delete(KEY + worker)
        pipeline.zrem(NAMES, worker)
        await pipeline.execute()


def read() -> list[Presence]:
    """The workers that are alive, by name.

    Raises `redis.exceptions.RedisError` or `OSError` when Redis does not answer.
    """
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=queue.TIMEOUT, socket_connect_timeout=queue.TIMEOUT
    ) as client:
        names = [name.decode() for name in client.zrange(NAMES, 0, -1)]
        said = client.mget([KEY + name for name in sorted(names)]) if names else []
    found = [json.loads(text) for text in said if text is not None]
    return [
        Presence(
            worker=presence["worker"],
            since=datetime.fromisoformat(presence["since"]),
            at_work=presence["at_work"],
            running={int(pk): seconds for pk, seconds in presence["running"].items()},
        )
        for presence in found
    ]
