"""The replay feeder: makes many deliveries due again, in portions, at a limited rate, until it is stopped."""

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

# Due deliveries up to which more are reopened. It follows the pace of the workers, and bounds the queue.
MAX_BACKLOG = 2_000
BACKLOG_POLL_INTERVAL = 0.1  # seconds
# Seconds of a full backlog after which it is reported.
REPORT_AFTER = 2.0


class Feeder:
    """Reopens the deliveries of a selection and enqueues wake-ups for them.

    Each portion is one transaction, so the selection knows what was done after any interruption. Workers find
    deliveries without a wake-up within a second.
    """

    def __init__(self, selection: Selection, rate: float, report: Callable[[str], None]) -> None:
        """`rate` is in deliveries per second; 0 is the pace of the workers."""
        self.woken = 0
        self._selection = selection
        self._rate = rate
        self._report = report
        self._stop = asyncio.Event()
        self._reported: set[str] = set()
        self._start = 0.0

    async def run(self, advance: Callable[[int], None]) -> bool:
        """Run to the end or to the first Ctrl-C; return whether it reached the end.

        Calls `advance` with the number of finished deliveries. Raises `django.db.Error` when the database
        fails.
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
        # The next Ctrl-C ends the process at once.
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    async def _portion(self, redis: "Redis") -> bool:
        """Reopen the next portion, unless stopped. Return whether there was one."""
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
            self._report_once(f"wake-up not enqueued: {error}; workers find the deliveries within a second")
        return True

    async def _caught_up(self) -> None:
        """Wait until the backlog is below its maximum, or until stopped."""
        begin = asyncio.get_running_loop().time()
        while not self._stop.is_set() and await database.run(_due) >= MAX_BACKLOG:
            if asyncio.get_running_loop().time() > begin + REPORT_AFTER:
                self._report_once(f"{MAX_BACKLOG} deliveries or more are due: is a worker running?")
            await self._pause(BACKLOG_POLL_INTERVAL)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stop.wait()
        except TimeoutError:
            return

    def _report_once(self, message: str) -> None:
        if message not in self._reported:
            self._reported.add(message)
            self._report(message)


def _due() -> int:
    """Return the number of due deliveries, up to `MAX_BACKLOG`."""
    rows = Delivery.objects.filter(WAITING, next_attempt_at__lte=Now()).order_by("next_attempt_at")
    return rows[:MAX_BACKLOG].count()
