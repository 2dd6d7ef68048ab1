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


class Isolation:
    """The isolating process, if there is one, and the deliveries that wait for it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._free = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id, if the process was started."""
        return self._process.pid if self._process else None

    async def run(self, claimed: Claimed, leases: Leases) -> None:
        """Have a delivery processed and settled; where the process ends instead, count the crash.

        Raises `django.db.Error` or `LeaseLostError` when a crash cannot be written.
        """
        async with self._free:
            ended = await self._ask(claimed)
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
        """End the process. The caller has cancelled every `run`."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _ask(self, claimed: Claimed) -> str:
        """Hand a delivery over and wait for its end; return how the process ended that ran it, if it did."""
        limits = (handler.timeout for handler in self._registry.handlers.get(claimed.delivery.event, ()))
        limit = max(limits, default=0.0) + GRACE
        for _ in range(STARTS):
            process = self._process
            if process is None or process.returncode is not None:
                process = self._process = await self._start()
            answer, ended = await self._answers(process, BEGIN_WITHIN, claimed)
            if answer == b"began\n":
                answer, ended = await self._answers(process, limit)
                return "" if answer else ended or f"a handler that blocked it for {limit:g} seconds"
            if answer:
                return ""
            logger.warning("isolated process ended before it began delivery=%s", claimed.delivery)
        return ""

    async def _answers(
        self, process: asyncio.subprocess.Process, within: float, claimed: Claimed | None = None
    ) -> tuple[bytes, str]:
        """Send a delivery, if one is given, and return the next answer, or how the process ended."""
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
            await self.close()
            return b"", ""
        except asyncio.CancelledError:
            await asyncio.shield(self.close())
            raise
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
