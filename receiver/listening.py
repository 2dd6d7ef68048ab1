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

# Deliveries that are begun together, for a claim costs much more than a delivery of it: three full jobs, or
# more that are small. How full they are is seen only when they are taken, and then no other worker has them.
# Of larger lots the worker reads all while the database has nothing to do, and then waits for it.
TOGETHER = 3 * queue.BATCH
FEWEST, MOST = 3, 25
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
    away, most = "", FEWEST
    # No `socket_timeout`: with it redis-py may lose a cancellation, see receiver/patience.py.
    redis = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=queue.TIMEOUT)
    try:
        while True:
            await room()
            try:
                wakeups = await taking.take(redis, most, WAIT)
                most = _most(wakeups)
                await _begin(redis, wakeups, begin)
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


def _most(wakeups: Sequence[Wakeup]) -> int:
    """How many jobs to take next, if they are like these."""
    ids = sum(len(wakeup.ids) for wakeup in wakeups)
    return max(FEWEST, min(MOST, TOGETHER * len(wakeups) // ids)) if ids else FEWEST


async def _begin(redis: Redis, wakeups: Sequence[Wakeup], begin: Begin) -> None:
    """Begin them, those of one trigger together."""
    left = list(wakeups)
    try:
        for trigger in dict.fromkeys(wakeup.trigger for wakeup in wakeups):
            ids = [pk for wakeup in wakeups if wakeup.trigger is trigger for pk in wakeup.ids]
            for start in range(0, len(ids), TOGETHER):
                await begin(ids[start : start + TOGETHER], trigger)
            left = [wakeup for wakeup in left if wakeup.trigger is not trigger]
    except asyncio.CancelledError:
        # Of what was begun already, another claim finds nothing.
        await taking.put_back(redis, left)
        raise
