"""Deliveries that may have ended a worker run in a process of their own, one after the other.

When a worker dies, everything that it held is under suspicion, and nearly all of it is innocent. Here the
end of the process is the fault of the one delivery that it ran, and of nobody else: after `CRASHES` of them
that delivery is dead. The process is started when it is needed and ended when it is not needed for a while.
"""

import asyncio
import contextlib
import json
import logging
import sys

from handlers import Registry
from processing import settling
from processing.claiming import Claimed
from processing.leases import Leases
from processing.settling import Verdict
from receiver.models import Status, Trigger

logger = logging.getLogger(__name__)

CRASHES = 3
# Seconds beyond the longest time limit of a delivery's handlers, after which the process is taken for hung.
GRACE = 15.0
# Seconds. Deliveries that wait for a turn come one after the other, and a process takes long to start.
LINGER = 5.0


class Quarantine:
    """The process, if there is one, and who waits for it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._free = asyncio.Lock()
        self._waiting = 0
        self._process: asyncio.subprocess.Process | None = None
        self._lingering: asyncio.Task[None] | None = None

    async def run(self, claimed: Claimed, trigger: Trigger, leases: Leases) -> None:
        """Have a delivery processed and settled there; count its crash when the process ends instead.

        Raises `django.db.Error` or `LeaseLostError` when a crash cannot be written down.
        """
        self._waiting += 1
        if self._lingering is not None:
            self._lingering.cancel()
        try:
            async with self._free:
                ended = await self._ask(claimed, trigger)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._lingering = asyncio.create_task(self._linger())
        if ended is None:
            return
        crashes = claimed.delivery.crashes + 1
        logger.error("%s ended its process (%s), %d of %d times", claimed.delivery, ended, crashes, CRASHES)
        if crashes < CRASHES:
            await leases.give_back([claimed], crashed=True)
        else:
            why = f"ended its worker {crashes} times, at last with {ended}"
            await settling.settle(claimed, Verdict(Status.DEAD, why, crashed=True))

    async def close(self) -> None:
        """End the process, if it is only lingering."""
        if self._lingering is not None:
            self._lingering.cancel()
            await asyncio.wait([self._lingering])

    async def _linger(self) -> None:
        try:
            await asyncio.sleep(LINGER)
        finally:
            if not self._waiting:
                await self._stop()

    async def _ask(self, claimed: Claimed, trigger: Trigger) -> str | None:
        """Hand it over and wait; tells how the process ended, if it did."""
        if self._process is None:
            self._process = await self._start()
        process = self._process
        assert process.stdin is not None  # noqa: S101 - pipes, both
        assert process.stdout is not None  # noqa: S101
        handlers = self._registry.handlers.get(claimed.delivery.event, ())
        limit = max((handler.timeout for handler in handlers), default=0.0)
        try:
            pk, claims, _ = claimed.lease
            process.stdin.write(json.dumps([pk, claims, trigger]).encode() + b"\n")
            async with asyncio.timeout(limit + GRACE):
                if await process.stdout.readline():
                    return None
        except TimeoutError:
            await self._stop()
            return f"a handler that blocked it for {limit + GRACE:g} seconds"
        except asyncio.CancelledError:
            await asyncio.shield(self._stop())
            raise
        code = await process.wait()
        self._process = None
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    async def _start(self) -> asyncio.subprocess.Process:
        """The process, with the modules in which this worker's handlers are."""
        modules = {
            handler.run.__module__ for listed in self._registry.handlers.values() for handler in listed
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "processing.apart", *sorted(modules),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            # A signal to the worker's group is the worker's to handle.
            start_new_session=True,
        )  # fmt: skip

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
