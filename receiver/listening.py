"""The listener: takes wake-ups out of Redis as there is room, and has them begun together.

It waits in Redis and not in a queue of its own: what one worker has no room for, another can have.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from django.conf import settings
from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError

from receiver import queue, taking
from receiver.models import Trigger
from receiver.taking import Wakeup

logger = logging.getLogger(__name__)

# Jobs that are taken at once.
MOST = 5
# Seconds of one wait for the first of them. Two more, and a connection that died without a word is noticed.
WAIT = 2.0
AGAIN = 1.0  # seconds until Redis, or the database, is tried again

Begin = Callable[[Sequence[int], Trigger], Awaitable[None]]
Room = Callable[[], Awaitable[None]]


async def run(begin: Begin, room: Room) -> None:
    """Listen until cancelled, and then put back what was taken and not begun, or leave it to the sweep.

    Nothing is taken before `room()` returns. An outage of Redis or of the database is logged once and
    outlived; what had been taken when the database failed is left to the sweep.
    """
    me = asyncio.current_task()
    away = ""
    # No `socket_timeout`: with it redis-py may lose a cancellation, see receiver/patience.py.
    redis = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=queue.TIMEOUT)
    try:
        while True:
            await room()
            try:
                await _begin(redis, await taking.take(redis, MOST, WAIT), begin)
                away = ""
            except (Error, RedisError, OSError) as error:
                if me is not None and me.cancelling():
                    # The database failed while `begin` was giving back what it had claimed.
                    raise asyncio.CancelledError from error
                which = "the database" if isinstance(error, Error) else "Redis"
                if which != away:
                    logger.error("the listener waits for %s: %r", which, error)  # noqa: TRY400
                away = which
                # Meanwhile the wake-ups are in Redis, where they are found sooner than by the sweep.
                await asyncio.sleep(AGAIN)
    finally:
        with contextlib.suppress(RedisError, OSError):
            await redis.aclose()


async def _begin(redis: Redis, wakeups: Sequence[Wakeup], begin: Begin) -> None:
    """Begin them, all of one trigger together."""
    left = list(wakeups)
    try:
        for trigger in dict.fromkeys(wakeup.trigger for wakeup in wakeups):
            await begin([pk for one in wakeups if one.trigger is trigger for pk in one.ids], trigger)
            left = [wakeup for wakeup in left if wakeup.trigger is not trigger]
    except asyncio.CancelledError:
        # Of what was begun already, another claim finds nothing.
        await taking.put_back(redis, left)
        raise
