"""arq at its best: jobs that do nothing, no results kept, no lines logged, the queue polled every 5 ms."""

import logging
import os
from typing import Any, ClassVar

from arq.connections import RedisSettings


async def nothing(_context: dict[Any, Any]) -> None:
    """Do nothing."""


async def quietly(_context: dict[Any, Any]) -> None:
    """Leave out arq's two lines a job, on startup."""
    logging.getLogger("arq").setLevel(logging.WARNING)


class WorkerSettings:
    """What arq's command line reads."""

    functions: ClassVar = [nothing]
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
    on_startup = quietly
    poll_delay = 0.005  # seconds
    keep_result = 0
    # arq then writes down every second how many jobs it has done, which is how they are counted here.
    health_check_interval = 1
