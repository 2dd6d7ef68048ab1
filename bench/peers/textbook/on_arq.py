"""The job on arq: one per delivery, with default settings."""

import os
from typing import Any, ClassVar

from arq.connections import RedisSettings

from bench.peers.textbook import work


async def process(_context: dict[Any, Any], pk: int) -> None:
    """Process one delivery."""
    await work.process(pk)


class WorkerSettings:
    """The settings for arq's command line."""

    functions: ClassVar = [process]
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
