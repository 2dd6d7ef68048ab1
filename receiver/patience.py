"""A client of Redis for the worker, which outlives Redis: arq alone would end with its connection.

An outage costs a worker nothing but its wake-ups, and those the sweep makes good.
"""

import logging
from typing import Any

from arq.connections import ArqRedis
from django.conf import settings
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, OutOfMemoryError, RedisError, WatchError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

logger = logging.getLogger(__name__)

OUTAGES: tuple[Any, ...] = (
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    OutOfMemoryError,
    OSError,
)


class WhileRunning(Retry):
    """Waits for Redis as long as the worker runs, and no longer."""

    def __init__(self) -> None:
        super().__init__(ExponentialBackoff(cap=1.0, base=0.05), -1, OUTAGES)

    def __deepcopy__(self, _memo: dict[int, Any]) -> "WhileRunning":
        """Itself: redis-py copies what it is given for every connection, and `stop` is for all of them."""
        return self

    def stop(self) -> None:
        """Give up at the next failure."""
        self._retries = 0


class _Pipeline(Pipeline):
    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command that a transaction depends on; where the connection is lost, the answer is a no.

        Before it starts a job, arq asks under WATCH whether the job is in progress (EXISTS) and where it
        stands in the queue (ZSCORE). An error would end its main loop with it. A job that is told to run
        elsewhere is passed over, and read again with the next poll.
        """
        try:
            return await super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except WatchError:
            return args[0] == "EXISTS"


class PatientRedis(ArqRedis):
    """What arq works with."""

    patience: WhileRunning

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Commands to be sent together."""
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)

    async def delete(self, *names: Any) -> Any:
        """Delete keys. At the worker's end arq does this before all else, and Redis may be away by then."""
        try:
            return await super().delete(*names)
        except (RedisError, OSError) as error:
            logger.warning("Redis did not delete %s: %s", names, error)

    def stop(self) -> None:
        """Wait for Redis no longer."""
        self.patience.stop()


def connect() -> PatientRedis:
    """A client of `REDIS_URL`; nothing is sent before its first command."""
    patience = WhileRunning()
    client: PatientRedis = PatientRedis.from_url(
        settings.REDIS_URL, retry=patience, retry_on_error=list(OUTAGES)
    )
    client.patience = patience
    return client
