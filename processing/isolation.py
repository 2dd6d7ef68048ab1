"""Isolation: starts the process that runs what a dead worker held, and counts the crashes of each delivery.

When a worker dies, everything that it held is suspect, and at most one delivery is to blame. The isolating
process of a worker (`processing.isolated`) claims suspects one after the other: a crash is the fault of the
one that it holds. After `CRASHES` of them the delivery is dead.
"""

import asyncio
import logging
import sys
from datetime import timedelta

from django.db import Error

import database
from handlers import Registry
from processing import claiming, settling
from processing.claiming import Claimed
from processing.running import Verdict
from processing.settling import LeaseLostError
from receiver.models import Status

logger = logging.getLogger(__name__)

CRASHES = 3
# Seconds beyond the longest time limit of a delivery's handlers, after which the process counts as blocked.
GRACE = 15.0
# Exit status of a process that was blocked, or whose program is at fault.
BLOCKED = 1


class Isolation:
    """The isolating process of a worker, while there are suspects."""

    def __init__(self, registry: Registry, worker: str, lease: timedelta) -> None:
        self.pid: int | None = None
        """The id of the last process."""
        self._registry = registry
        self._worker = worker
        self._lease = lease
        self._supervisor: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the process, unless there is one. It ends by itself when no suspect is due."""
        if self._supervisor is None or self._supervisor.done():
            self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """End the process, and give back what it holds."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)

    async def _supervise(self) -> None:
        """Run one process after the other until one finds no suspect."""
        while await self._run():
            pass

    async def _run(self) -> bool:
        """Run a process to its end; return whether a delivery ended it."""
        modules = {one.run.__module__ for listed in self._registry.handlers.values() for one in listed}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "processing.isolated",
            self._worker, str(self._lease.total_seconds()), str(GRACE), *sorted(modules),
            stdin=asyncio.subprocess.PIPE,
            # A signal to the worker's group is the worker's to handle.
            start_new_session=True,
        )  # fmt: skip
        self.pid = process.pid
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            status = 0
        try:
            held = await database.run(claiming.isolated, self._worker)
            for claimed in held:
                await self._end(claimed, status)
        except (Error, LeaseLostError) as error:
            logger.warning("isolated delivery not settled error=%s", error)  # its lease ends
            return False
        if status and not held:
            logger.warning("isolated process ended without a delivery status=%d", status)
        return bool(status and held)

    @staticmethod
    async def _end(claimed: Claimed, status: int) -> None:
        """Give back what the process held when it ended; count the crash if there was one."""
        crashes = claimed.delivery.crashes + bool(status)
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        if status == BLOCKED:
            how = "a handler that blocked it"
        if status:
            logger.error(
                "isolated process ended delivery=%s by=%s crashes=%d", claimed.delivery, how, crashes
            )
        if crashes < CRASHES:
            await database.run(claiming.release, [claimed.lease], crashed=bool(status))
        else:
            why = f"ended its worker {crashes} times, at last with {how}"
            await settling.settle(claimed, Verdict(Status.DEAD, why, crashed=True))
