"""The same job on saq, with default settings."""

import os
from typing import Any

from redis.asyncio import Redis
from saq.queue.redis import RedisQueue

from bench.peers.textbook import work


async def process(_context: Any, *, pk: int) -> None:
    """Process one delivery."""
    await work.process(pk)


settings = {"queue": RedisQueue(Redis.from_url(os.environ["REDIS_URL"])), "functions": [process]}
