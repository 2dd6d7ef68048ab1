"""arq's upper bound: empty jobs, no results, no log lines, the queue polled every 5 ms."""

import logging
import os
from typing import Any, ClassVar

from arq.connections import RedisSettings


async def nothing(_context: dict[Any, Any]) -> None:
    """Do nothing."""


async def quietly(_context: dict[Any, Any]) -> None:
    """Disable arq's two log lines per job, at start-up."""
    logging.getLogger("arq").setLevel(logging.WARNING)


class WorkerSettings:
    """The settings for arq's command line."""

    functions: ClassVar = [nothing]
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
    on_startup = quietly
    poll_delay = 0.005  # seconds
    keep_result = 0
    # arq then writes the number of its finished jobs every second, which the benchmark reads.
    health_check_interval = 1
