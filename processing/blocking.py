"""Says what blocks a worker's event loop, and ends the process when that lasts too long.

A handler that blocks it delays all deliveries, leases and claims of the process.
"""

import asyncio
import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from types import FrameType

from django.conf import settings

from processing import running

logger = logging.getLogger(__name__)

# Seconds between two looks at the event loop, and those of delay that are worth a line.
LOOK_EVERY = 0.5
LOGGED_FROM = 1.0


async def watch(longest: float) -> None:
    """Log each time that the event loop is blocked; after `longest` seconds end, with the stacks on stderr.

    An outage of the database blocks only threads. A stopped process (SIGSTOP) goes on afterwards: neither its
    threads nor its CPU ran. CPU time counts where a call lets no thread run, as a regular expression.
    """
    looked, used, place, ticks = time.monotonic(), time.process_time(), "", 0
    ended, main = threading.Event(), threading.get_ident()

    def look() -> None:
        nonlocal place, ticks
        while not ended.wait(LOOK_EVERY):
            ticks += 1
            if not place and time.monotonic() > looked + LOOK_EVERY + LOGGED_FROM:
                place = _place(sys._current_frames()[main])
            if ticks * LOOK_EVERY >= longest:
                logger.critical("event loop blocked; shutting down seconds=%.1f at=%s", longest, place)
                faulthandler.dump_traceback()
                os._exit(1)

    threading.Thread(target=look, name="blocking", daemon=True).start()
    faulthandler.register(signal.SIGPROF, chain=True)
    try:
        while True:
            signal.setitimer(signal.ITIMER_PROF, longest)
            await asyncio.sleep(LOOK_EVERY)
            delay = time.monotonic() - looked - LOOK_EVERY
            if delay >= LOGGED_FROM:
                ran = max(ticks * LOOK_EVERY, time.process_time() - used) > delay / 2
                at = place or "unknown" if ran else "(process stopped)"
                logger.warning("event loop blocked seconds=%.1f at=%s", delay, at)
            looked, used, place, ticks = time.monotonic(), time.process_time(), "", 0
    finally:
        ended.set()
        signal.setitimer(signal.ITIMER_PROF, 0)


def _place(frame: FrameType) -> str:
    """Return file and line of the handler that runs in this frame; outside of one, those of the frame."""
    innermost = frame
    while frame.f_back is not None and frame.f_back.f_code is not running._run.__code__:
        frame = frame.f_back
    found = frame if frame.f_back is not None else innermost
    return f"{found.f_code.co_filename.removeprefix(f'{settings.BASE_DIR}/')}:{found.f_lineno}"
