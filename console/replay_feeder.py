"""Many deliveries on their way back to the workers: in portions, no faster than asked, and easy to stop."""

import asyncio
import signal
from collections.abc import Callable

from django.db.models.functions import Now
from redis.asyncio import Redis
from redis.exceptions import RedisError

import database
from console.selection import PORTION, Selection
from processing import replaying
from receiver import queue
from receiver.models import WAITING, Delivery

# Due deliveries of all kinds before more are reopened: the workers' own pace, and little to take back.
MAX_BACKLOG = 2_000
BACKLOG_POLL_INTERVAL = 0.1  # seconds
# Seconds of such a backlog, after which it is reported.
REPORT_AFTER = 2.0


class Feeder:
    """Reopens a selection's deliveries and wakes the workers for them.

    A portion is one transaction, and is done whole: the selection tells how far it came, whatever ended it.
    Workers find deliveries without a wake-up, within a second.
    """

    def __init__(self, selection: Selection, rate: float, tell: Callable[[str], None]) -> None:
        """`rate` is in deliveries a second, 0 for as fast as the workers take them."""
        self.woken = 0
        self._selection = selection
        self._rate = rate
        self._tell = tell
        self._stop = asyncio.Event()
        self._told: set[str] = set()
        self._start = 0.0

    async def run(self, advance: Callable[[int], None]) -> bool:
        """Go on to the end, or to the first Ctrl-C; tells whether it was the end.

        Calls `advance` with the number that is done. Raises `django.db.Error` when the database fails.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupted)
        self._start = loop.time()
        try:
            async with queue.connect() as redis:
                while not self._stop.is_set():
                    if not await self._portion(redis):
                        return True
                    advance(self._selection.done)
            return False
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _interrupted(self) -> None:
        self._stop.set()
        # The next one ends it at once.
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    async def _portion(self, redis: "Redis") -> bool:
        """Do the next portion, if there is one and nobody stopped it meanwhile."""
        most = max(1, min(PORTION, int(self._rate))) if self._rate else PORTION
        ids = await database.run(self._selection.take, most)
        if not ids:
            return False
        if self._rate:
            due = self._start + self._selection.done / self._rate
            await self._pause(due - asyncio.get_running_loop().time())
        await self._caught_up()
        if self._stop.is_set():
            return True
        found = await database.run(replaying.reopen, ids)
        self._selection.check_off(ids)
        self.woken += len(found)
        try:
            await queue.enqueue(redis, set(found))
        except (RedisError, OSError) as error:
            self._tell_once(f"Redis took no wake-up ({error}); workers find the deliveries within a second")
        return True

    async def _caught_up(self) -> None:
        """Wait until the workers have done most of what was reopened, or somebody stops it."""
        begin = asyncio.get_running_loop().time()
        while not self._stop.is_set() and await database.run(_due) >= MAX_BACKLOG:
            if asyncio.get_running_loop().time() > begin + REPORT_AFTER:
                self._tell_once(f"{MAX_BACKLOG} deliveries or more are due: is a worker running?")
            await self._pause(BACKLOG_POLL_INTERVAL)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stop.wait()
        except TimeoutError:
            return

    def _tell_once(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self._tell(what)


def _due() -> int:
    """Return how many deliveries are due, counted up to `MAX_BACKLOG`."""
    rows = Delivery.objects.filter(WAITING, next_attempt_at__lte=Now()).order_by("next_attempt_at")
    return rows[:MAX_BACKLOG].count()
