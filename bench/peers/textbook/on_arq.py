"""The job on arq: one for each delivery, every setting left as it is."""

import os
from typing import Any, ClassVar

from arq.connections import RedisSettings

from bench.peers.textbook import work


async def process(_context: dict[Any, Any], pk: int) -> None:
    """Process one delivery."""
    await work.process(pk)


class WorkerSettings:
    """What arq's command line reads."""

    functions: ClassVar = [process]
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
