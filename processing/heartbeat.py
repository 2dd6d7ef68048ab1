"""Heartbeats: each worker says in Redis that it is alive and what it holds, under a key that expires.

What a worker holds is in the ledger, under its name. The heartbeat distinguishes a busy worker from a dead
one, and says how long the worker has held its deliveries.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from ledger.heartbeats import FORMAT, KEY, NAMES, Heartbeat
from processing.resilient_redis import ResilientRedis

BEAT_INTERVAL = 2.0  # seconds
EXPIRES = 10  # seconds
# Seconds for which the name of a worker that ended is kept. Longer than clocks are off.
FORGOTTEN = 86_400
# Deliveries that are named, those held longest: enough to see what hangs.
LONGEST = 20


async def keep(client: ResilientRedis, worker: str, held: Callable[[], Iterable[int]]) -> None:
    """Write the heartbeat every few seconds until cancelled, and then remove it.

    `held` returns the ids of what the worker holds. The client repeats what Redis does not answer.
    """
    since = datetime.now(UTC)
    seen: dict[int, float] = {}
    try:
        while True:
            now, clock = time.monotonic(), time.time()
            seen = {pk: seen.get(pk, now) for pk in held()}
            longest = sorted(seen, key=lambda pk: (seen[pk], pk))[:LONGEST]
            running = {pk: round(now - seen[pk], 1) for pk in longest}
            text = FORMAT.dump_json(Heartbeat(worker, since, len(seen), running))
            async with client.pipeline(transaction=False) as pipeline:
                pipeline.set(KEY + worker, text, ex=EXPIRES)
                pipeline.zadd(NAMES, {worker: clock})
                pipeline.zremrangebyscore(NAMES, "-inf", clock - FORGOTTEN)
                await pipeline.execute()
            await asyncio.sleep(BEAT_INTERVAL)
    finally:
        await client.delete(KEY + worker)
