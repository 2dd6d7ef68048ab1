"""The worker's Redis client completes every command, although connections are cut."""

import asyncio
import itertools
import threading
import time

from redis import Redis

from processing import resilient_redis
from receiver import queue

# Seconds.
LASTS = 1.5
PAUSES = [0, 0.001, 0.002, 0.005, 0.01]


def cut(redis: "Redis", over: threading.Event) -> None:
    """Cut all other connections repeatedly, also new ones."""
    for pause in itertools.cycle(PAUSES):
        if over.is_set():
            return
        redis.client_kill_filter(_type="normal", skipme=True)
        time.sleep(pause)


async def test_a_command_is_answered_however_often_its_connection_is_cut(redis: "Redis") -> None:
    client = resilient_redis.connect()
    over = threading.Event()
    cutting = asyncio.create_task(asyncio.to_thread(cut, redis, over))
    answers = 0
    try:
        end = time.monotonic() + LASTS
        while time.monotonic() < end:
            assert await client.zcard(queue.NAME) == 0
            answers += 1
            # A connection is also cut while it is idle.
            await asyncio.sleep(PAUSES[answers % len(PAUSES)])
    finally:
        over.set()
        await cutting
        await client.aclose()
    assert answers > 0
