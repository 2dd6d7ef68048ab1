"""Wake-ups out of Redis: arq's jobs, several at once, without arq.

arq runs each job by itself, with half a dozen round trips; here they cost two together. Who waits is woken by
Redis. What arq may be doing with the same job does no harm: each delivery is claimed in the database.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from arq.constants import job_key_prefix
from arq.jobs import DeserializationError, deserialize_job_raw
from redis.asyncio import Redis
from redis.exceptions import RedisError

from receiver import queue
from receiver.models import Trigger

logger = logging.getLogger(__name__)

# One more than the largest id that a database can hold.
TOO_LARGE = 2**63


@dataclass(frozen=True, slots=True)
class Wakeup:
    """What one job asks for."""

    event: str
    ids: list[int]
    trigger: Trigger


async def take(redis: Redis, most: int, wait: float) -> list[Wakeup]:
    """Take up to `most` jobs out of the queue, oldest first; waits up to `wait` seconds where there is none.

    Nobody else gets them, and their bodies are deleted. What is no wake-up is dropped with a warning, so the
    list may be empty. A cancelled call puts back what it had; what was on its way just then is lost, and left
    to the sweep. Raises `redis.exceptions.RedisError` or `OSError` when Redis does not answer, or not within
    two seconds of when it should have.
    """
    found = await _whole(redis, _pop(redis, [], most))
    if not found:
        # redis-py closes a connection whose answer was not awaited, so that nobody reads it as his own.
        async with asyncio.timeout(wait + queue.TIMEOUT):
            first = await redis.bzpopmin(queue.NAME, wait)
        if first is not None:
            # They are enqueued in groups, and who waits is woken by the first of a group.
            found = await _whole(redis, _pop(redis, [first[1]], most))
    return found


async def put_back(redis: Redis, wakeups: Sequence[Wakeup]) -> None:
    """Enqueue again what was taken and will not be begun; what Redis does not take is left to the sweep."""
    rows = [(wakeup.event, wakeup.trigger, pk) for wakeup in wakeups for pk in wakeup.ids]
    if not rows:
        return
    try:
        async with asyncio.timeout(queue.TIMEOUT):
            await queue.enqueue(redis, queue.by_event(rows))
    except (RedisError, OSError) as error:
        logger.warning("Redis did not take %d deliveries back, left to the sweep: %r", len(rows), error)


async def _whole(redis: Redis, popping: Coroutine[Any, Any, list[Wakeup]]) -> list[Wakeup]:
    """Let it end, also where its caller is cancelled: what it popped is nowhere else."""
    task = asyncio.create_task(popping)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await put_back(redis, await task)
        except (RedisError, OSError) as error:
            logger.warning("what was being taken from Redis is left to the sweep: %r", error)
        raise


async def _pop(redis: Redis, popped: list[bytes], most: int) -> list[Wakeup]:
    """Add to what is popped, up to `most`, and read it."""
    async with asyncio.timeout(queue.TIMEOUT):
        names = popped + [name for name, _ in await redis.zpopmin(queue.NAME, most - len(popped))]
        if not names:
            return []
        keys = [job_key_prefix.encode() + name for name in names]
        async with redis.pipeline(transaction=False) as pipeline:
            pipeline.mget(keys)
            pipeline.delete(*keys)
            bodies, _ = await pipeline.execute()
    wakeups = [_read(name, body) for name, body in zip(names, bodies, strict=True)]
    return [wakeup for wakeup in wakeups if wakeup is not None]


def _read(name: bytes, body: bytes | None) -> Wakeup | None:
    if body is None:
        logger.warning("job %r has no body: arq ran it, or it has expired", name)
        return None
    try:
        function, args, kwargs, *_ = deserialize_job_raw(body, deserializer=queue.deserialize)
    except DeserializationError:
        logger.warning("job %r cannot be read: %.200r", name, body)
        return None
    match args:
        case [str(event), [*ids], trigger] if (
            function == queue.FUNCTION
            and not kwargs
            and all(type(pk) is int and 0 < pk < TOO_LARGE for pk in ids)
            and trigger in Trigger.values
        ):
            return Wakeup(event, ids, Trigger(trigger))
    logger.warning("job %r is no wake-up: %.200r", name, body)
    return None
