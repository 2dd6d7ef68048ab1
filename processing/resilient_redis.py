"""The worker's one Redis client: it repeats a command until Redis answers, so that no outage ends the worker.

arq's main loop ends with the first error of its client. The consumer and the heartbeat use the same client,
and so need no rules for outages of their own. Deliveries need no Redis: the consumer claims every second
without it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from arq.connections import ArqRedis
from django.conf import settings
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from configuration import redis_pools

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

# An error that Redis answers (full, loading, read-only, a wrong password) is an outage, too: an operator can
# end it while the worker runs.
OUTAGES = (RedisError, OSError)
LAST_WITHIN = 0.5  # seconds for a command of a worker that stops
PAUSE = 0.2  # seconds between two attempts


class ResilientRedis(ArqRedis):
    """A client of `REDIS_URL`; nothing is sent before its first command."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command, again and again until Redis answers it."""
        command = super().execute_command
        return await _repeat(lambda: command(*args, **options))  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Return commands to be sent together, which are repeated alike."""
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)

    async def delete(self, *names: Any) -> Any:
        """Delete keys, or fail quickly with a warning: arq does this first when the worker stops."""
        try:
            async with asyncio.timeout(LAST_WITHIN):
                return await super().delete(*names)
        except OUTAGES as error:
            logger.warning("Redis keys not deleted error=%r", error)


class _Pipeline(Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run the commands, again and again until Redis answers them."""
        commands, run = list(self.command_stack), super().execute

        def attempt() -> Awaitable[list[Any]]:
            self.command_stack = list(commands)
            return run(raise_on_error)

        return await _repeat(attempt)


async def _repeat(attempt: Callable[[], Awaitable[Answer]]) -> Answer:
    """Await `attempt()` until Redis answers."""
    failed = False
    while True:
        try:
            async with asyncio.timeout(redis_pools.ANSWER_WITHIN):
                answer = await attempt()
        except OUTAGES as error:
            failed = True
            logger.error("Redis does not answer error=%r", error)  # noqa: TRY400 - an outage
            await asyncio.sleep(PAUSE)
        else:
            if failed:
                logger.info("Redis answers again")
            return answer


def connect() -> ResilientRedis:
    """Return a client of `REDIS_URL`."""
    # `_repeat` has the timeout. With redis-py's own, before Python 3.12, `asyncio.wait_for` may lose the
    # cancellation that ends the worker.
    pool = redis_pools.asynchronous(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), socket_timeout=None)
    return cast(ResilientRedis, ResilientRedis.from_pool(pool))
