"""Heartbeats: each worker writes to Redis that it is alive, under a key of its own that expires by itself.

What a worker holds is in the ledger, under its name. The heartbeat tells a busy worker from a dead one, and
says how long it has held what it holds.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import redis
from django.conf import settings

from processing.resilient_redis import LAST_WITHIN, OUTAGES, ResilientRedis
from receiver import queue

# Followed by the worker's name.
KEY = "hookkeeper:worker:"
# The names of the keys, by when each was written: nobody has to look through all that Redis holds.
NAMES = "hookkeeper:workers"
BEAT_INTERVAL = 2.0  # seconds
EXPIRES = 10  # seconds
# Seconds for which the name of a killed worker is kept. Longer than clocks are off.
FORGOTTEN = 86_400
# Deliveries that are named, those held longest: enough to see what hangs.
LONGEST = 20


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a living worker wrote last."""

    worker: str
    since: datetime
    at_work: int
    """Deliveries."""
    running: dict[int, float] = field(default_factory=dict)
    """Ids of those that it has had the longest, and for how many seconds, give or take `BEAT_INTERVAL`."""


async def keep(client: ResilientRedis, worker: str, held: Callable[[], Iterable[int]]) -> None:
    """Write the heartbeat until cancelled, and then remove it.

    `held` returns the ids of what the worker holds. The client repeats what Redis does not answer.
    """
    since = datetime.now(UTC)
    seen: dict[int, float] = {}
    try:
        while True:
            now = time.monotonic()
            seen = {pk: seen.get(pk, now) for pk in held()}
            longest = sorted(seen, key=lambda pk: (seen[pk], pk))[:LONGEST]
            running = {pk: round(now - seen[pk], 1) for pk in longest}
            await _write(client, Heartbeat(worker, since, len(seen), running))
            await asyncio.sleep(BEAT_INTERVAL)
    finally:
        await client.delete(KEY + worker)
        with contextlib.suppress(*OUTAGES):
            async with asyncio.timeout(LAST_WITHIN):
                await client.zrem(NAMES, worker)


async def _write(client: ResilientRedis, heartbeat: Heartbeat) -> None:
    content = {
        "worker": heartbeat.worker,
        "since": heartbeat.since.isoformat(),
        "at_work": heartbeat.at_work,
        "running": heartbeat.running,
    }
    now = time.time()
    async with client.pipeline(transaction=False) as pipeline:
        pipeline.set(KEY + heartbeat.worker, json.dumps(content), ex=EXPIRES)
        pipeline.zadd(NAMES, {heartbeat.worker: now})
        pipeline.zremrangebyscore(NAMES, "-inf", now - FORGOTTEN)
        await pipeline.execute()


def read() -> list[Heartbeat]:
    """Return the living workers, by name.

    Raises `redis.exceptions.RedisError` or `OSError` when Redis does not answer.
    """
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=queue.REDIS_TIMEOUT, socket_connect_timeout=queue.REDIS_TIMEOUT
    ) as client:
        names = [name.decode() for name in client.zrange(NAMES, 0, -1)]
        said = client.mget([KEY + name for name in sorted(names)]) if names else []
    found = [json.loads(text) for text in said if text is not None]
    return [
        Heartbeat(
            worker=heartbeat["worker"],
            since=datetime.fromisoformat(heartbeat["since"]),
            at_work=heartbeat["at_work"],
            running={int(pk): seconds for pk, seconds in heartbeat["running"].items()},
        )
        for heartbeat in found
    ]
