"""Isolation: runs what a dead worker held in a process of its own, so that a crash has one culprit.

When a worker dies, everything that it held is suspect, and at most one delivery is to blame. The isolating
process (`processing.isolated`) claims suspects one after the other: a crash is the fault of the one that it
holds. Change here how that process is started, and what its end means.
"""

import asyncio
import logging
import sys
from collections.abc import Iterable
from datetime import timedelta

from django.db import Error

import database
from processing import claiming

logger = logging.getLogger(__name__)

# Seconds beyond the longest time limit of a delivery's handlers, after which the process counts as blocked.
GRACE = 15.0
BLOCKED = 1  # exit status of a process that was blocked, or whose program is at fault


async def run(worker: str, lease: timedelta, modules: Iterable[str]) -> None:
    """Run one process after the other until no suspect is due; `modules` have the handlers.

    When this is cancelled, the process is killed, and its worker still holds what it ran.
    """
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "processing.isolated",
            worker, str(lease.total_seconds()), str(GRACE), *modules,
            stdin=asyncio.subprocess.PIPE,
            # A signal to the worker's group is the worker's to handle.
            start_new_session=True,
        )  # fmt: skip
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        try:
            held = await database.run(claiming.release, worker, suspects=True, crash=_crash(status))
        except Error as error:
            logger.warning("isolated delivery not given back error=%s", error)  # its lease ends
            return
        if status:
            by = _crash(status) if held else f"status {status}"  # no handler ran
            logger.error("isolated process ended by=%s deliveries=%s", by, ",".join(held))
        if not (status and held):
            return


def _crash(status: int) -> str:
    """Return how the process crashed; nothing where it ended by itself."""
    if status == BLOCKED:
        return "a handler that blocked it"
    if status < 0:
        return f"signal {-status}"
    return f"exit status {status}" if status else ""
