"""Isolation: a delivery that was in processing when its worker died runs in a process of its own.

When a worker dies, everything that it held is suspect and nearly all of it is innocent. In the isolating
process deliveries run one after the other, so its end is the crash of the one that had begun. After `CRASHES`
of them the delivery is dead. If the process ends before a delivery began, it counts as no crash.
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
from receiver.models import Status

logger = logging.getLogger(__name__)

CRASHES = 3
# Seconds beyond the longest time limit of a delivery's handlers, after which the process counts as blocked.
GRACE = 15.0
# Seconds until a delivery begins; a new process imports the program first.
BEGIN_WITHIN = 60.0
# Processes that may end before the delivery begins.
STARTS = 3
# Seconds for which an idle process is kept: deliveries of one ordering key come one after the other.
LINGER = 5.0


class Isolation:
    """The isolating process, if there is one, and the deliveries that wait for it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._free = asyncio.Lock()
        self._waiting = 0
        self._process: asyncio.subprocess.Process | None = None
        self._lingering: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, if the process runs."""
        return self._process.pid if self._process else None

    async def run(self, claimed: Claimed, leases: Leases) -> None:
        """Have a delivery processed and settled; where the process ends instead, count the crash.

        Raises `django.db.Error` or `LeaseLostError` when a crash cannot be written.
        """
        self._waiting += 1
        if self._lingering is not None:
            self._lingering.cancel()
        try:
            async with self._free:
                ended = await self._ask(claimed)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._lingering = asyncio.create_task(self._linger())
        if not ended:
            return
        crashes = claimed.delivery.crashes + 1
        logger.error("isolated process ended delivery=%s by=%s crashes=%d", claimed.delivery, ended, crashes)
        if crashes < CRASHES:
            await leases.give_back([claimed], crashed=True)
        else:
            why = f"ended its worker {crashes} times, at last with {ended}"
            await settling.settle(claimed, Verdict(Status.DEAD, why, crashed=True))

    async def close(self) -> None:
        """End the process, if it is idle."""
        if self._lingering is not None:
            self._lingering.cancel()
            await asyncio.wait([self._lingering])

    async def _linger(self) -> None:
        try:
            await asyncio.sleep(LINGER)
        finally:
            if not self._waiting:
                await self._stop()

    async def _ask(self, claimed: Claimed) -> str:
        """Hand a delivery over and wait for its end; return how the process ended that ran it, if it did."""
        limits = (handler.timeout for handler in self._registry.handlers.get(claimed.delivery.event, ()))
        limit = max(limits, default=0.0) + GRACE
        for _ in range(STARTS):
            answer, ended = await self._answers(claimed, BEGIN_WITHIN)
            if answer == b"began\n":
                answer, ended = await self._answers(None, limit)
                return "" if answer else ended or f"a handler that blocked it for {limit:g} seconds"
            if answer:
                return ""
            logger.warning("isolated process ended before it began delivery=%s", claimed.delivery)
        return ""

    async def _answers(self, claimed: Claimed | None, within: float) -> tuple[bytes, str]:
        """Send a delivery, if one is given, and return the next answer, or how the process ended."""
        if self._process is None:
            self._process = await self._start()
        process = self._process
        assert process.stdin is not None  # noqa: S101 - pipes, both
        assert process.stdout is not None  # noqa: S101
        try:
            async with asyncio.timeout(within):
                if claimed is not None:
                    with contextlib.suppress(ConnectionError):
                        process.stdin.write(f"{json.dumps(claimed.lease[::2])}\n".encode())
                        await process.stdin.drain()
                answer = await process.stdout.readline()
                if answer:
                    return answer, ""
                code = await process.wait()
        except TimeoutError:
            await self._stop()
            return b"", ""
        except asyncio.CancelledError:
            await asyncio.shield(self._stop())
            raise
        self._process = None
        return b"", f"signal {-code}" if code < 0 else f"exit status {code}"

    async def _start(self) -> asyncio.subprocess.Process:
        """Start the process with the modules of this worker's handlers."""
        modules = {
            handler.run.__module__ for listed in self._registry.handlers.values() for handler in listed
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "processing.isolated", *sorted(modules),
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
