"""A client of Redis for the worker, which outlives Redis: arq alone would end with its connection.

An outage costs a worker nothing but its wake-ups, and those the sweep makes good.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from arq.connections import ArqRedis
from django.conf import settings
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError, WatchError
from redis.exceptions import TimeoutError as RedisTimeoutError

logger = logging.getLogger(__name__)

# A Redis that answers with an error (full, loading, read-only in a failover, its disk full) is away, too.
OUTAGES: tuple[Any, ...] = (RedisConnectionError, RedisTimeoutError, ResponseError, OSError)
# Seconds for one answer, after which the connection is taken for dead. Not redis-py's `socket_timeout`: with
# that it calls `asyncio.wait_for`, which before Python 3.12 may lose the cancellation that ends the worker.
TIMEOUT = 2.0
# Seconds for what arq writes down about a job. Less than it has for its jobs when the worker stops, for a job
# that it has to cancel then would end the worker before it has given back its deliveries.
NOTES_WITHIN = 0.5
TELL_EVERY = 10.0  # seconds
PAUSE = 0.05  # seconds until a command is tried again that redis-py has given up


class WhileRunning(Retry):
    """Waits for Redis as long as the worker runs, and no longer."""

    def __init__(self) -> None:
        super().__init__(ExponentialBackoff(cap=1.0, base=0.05), -1, OUTAGES)
        self._tell_at = 0.0

    def __deepcopy__(self, _memo: dict[int, Any]) -> "WhileRunning":
        """Itself: redis-py copies what it is given for every connection, and `stop` is for all of them."""
        return self

    async def call_with_retry(
        self, do: Callable[[], Awaitable[Any]], fail: Callable[[Any], Awaitable[Any]]
    ) -> Any:
        """Call `do` until it works, and say now and then why it does not."""

        async def told(error: Exception) -> None:
            self.tell(str(error))
            await fail(error)

        return await super().call_with_retry(do, told)

    def tell(self, error: str) -> None:
        """Log an outage, now and then."""
        now = time.monotonic()
        if now > self._tell_at:
            logger.error("the worker waits for Redis: %s", error)
            self._tell_at = now + TELL_EVERY

    @property
    def stopped(self) -> bool:
        """Whether it is not to wait any longer."""
        return self._retries == 0

    def stop(self) -> None:
        """Give up at the next failure."""
        self._retries = 0


class _Pipeline(Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run the commands; where Redis does not take them in time, the answers are empty.

        What arq writes down about a job is not worth waiting for: it then takes the job for expired, or
        leaves it in the queue, where it will be found to hold nothing to do.
        """
        count, watching = len(self.command_stack), self.watching
        try:
            async with asyncio.timeout(NOTES_WITHIN):
                return await super().execute(raise_on_error)
        except OUTAGES as error:
            if watching:
                raise WatchError("the connection was lost") from error
            return [{}] * count

    async def reset(self) -> None:
        """Forget everything, and what was watched, also where Redis does not answer that."""
        try:
            async with asyncio.timeout(TIMEOUT):
                await super().reset()  # type: ignore[no-untyped-call]
        except OUTAGES:
            self.watching = False
            if self.connection is not None:
                await self.connection.disconnect(nowait=True)
            await super().reset()  # type: ignore[no-untyped-call]

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command that a transaction depends on; where the connection is lost, the answer is a no.

        Before it starts a job, arq asks under WATCH whether the job is in progress (EXISTS) and where it
        stands in the queue (ZSCORE). An error would end its main loop with it. A job that is told to run
        elsewhere is passed over, and read again with the next poll.
        """
        while True:
            try:
                async with asyncio.timeout(TIMEOUT):
                    return await super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except (WatchError, *OUTAGES):
                if args[0] != "WATCH":
                    return args[0] == "EXISTS"


class PatientRedis(ArqRedis):
    """What arq works with."""

    patience: WhileRunning

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Commands to be sent together."""
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command, again and again where no answer comes: the connection may be dead."""
        while True:
            try:
                async with asyncio.timeout(TIMEOUT):
                    return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except OUTAGES as error:
                # redis-py retries neither this time limit nor the first exchange of a new connection.
                # A refused password or command is an outage, too: whoever changes the server's side mends it.
                if self.patience.stopped:
                    raise
                self.patience.tell(str(error) or f"no answer in {TIMEOUT:g} seconds")
                await asyncio.sleep(PAUSE)

    async def delete(self, *names: Any) -> Any:
        """Delete keys. At the worker's end arq does this before all else, and Redis may be away by then."""
        try:
            async with asyncio.timeout(NOTES_WITHIN):
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
        settings.REDIS_URL,
        retry=patience,
        retry_on_error=list(OUTAGES),
        socket_connect_timeout=TIMEOUT,
    )
    client.patience = patience
    return client
